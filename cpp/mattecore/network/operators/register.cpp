// What TorchScript knows of us: torch.ops.mattecore. An operator finds its own way by the device of its tensors.
#include <torch/library.h>

#include "mattecore/network/operators/attention_decomposed_relpos.h"
#include "mattecore/network/operators/deform_conv2d.h"
#include "mattecore/network/operators/window_attention.h"

TORCH_LIBRARY(mattecore, m) {
  namespace network = mattecore::network;
  m.def(
      "attention_decomposed_relpos(Tensor qkv, Tensor table_h, Tensor table_w, Tensor padding, int heads, int window) "
      "-> Tensor",
      &network::attention_decomposed_relpos);
  m.def("deform_conv2d(Tensor x, Tensor offset, Tensor mask, Tensor weight, int padding) -> Tensor",
        &network::deform_conv2d);
  m.def("window_attention(Tensor qkv, Tensor padding, Tensor bias, int window, int shift) -> Tensor",
        &network::window_attention);
}
