#include "mattecore/network/operators/register.h"

#include <torch/library.h>

#include "mattecore/network/operators/attention_decomposed_relpos.h"
#include "mattecore/network/operators/colours.h"
#include "mattecore/network/operators/conv2d.h"
#include "mattecore/network/operators/deform_conv2d.h"
#include "mattecore/network/operators/linear.h"
#include "mattecore/network/operators/maps.h"
#include "mattecore/network/operators/resample.h"
#include "mattecore/network/operators/window_attention.h"

namespace mattecore::network {

void register_operators() {}

// What TorchScript knows of us: torch.ops.mattecore. An operator finds its own way by the device of its tensors. The
// schemas are written out: they say that nothing is changed or aliased, so that graphs may drop and fold them.
TORCH_LIBRARY(mattecore, m) {
  m.def(
      "attention_decomposed_relpos(Tensor qkv, Tensor table_h, Tensor table_w, Tensor padding, int heads, int window) "
      "-> Tensor",
      &attention_decomposed_relpos);
  m.def("deform_conv2d(Tensor x, Tensor offset, Tensor mask, Tensor weight, int padding) -> Tensor", &deform_conv2d);
  m.def("pack_deform_conv2d(Tensor weight, int arithmetic) -> Tensor",
        [](const at::Tensor& weight, int64_t arithmetic) {
          return pack_deform_conv2d(weight, static_cast<Arithmetic>(arithmetic));
        });
  m.def(
      "deform_conv2d_packed(Tensor x, Tensor offset, Tensor mask, Tensor packed, Tensor bias, int[] kernel, int "
      "padding, "
      "int activation) -> Tensor",
      &deform_conv2d_packed);
  m.def("window_attention(Tensor qkv, Tensor padding, Tensor bias, int window, int shift) -> Tensor",
        &window_attention);
  m.def("pack_conv2d(Tensor weights, int stride, int dilation, int arithmetic) -> Tensor",
        [](const at::Tensor& weights, int64_t stride, int64_t dilation, int64_t arithmetic) {
          return pack_conv2d(weights, stride, dilation, static_cast<Arithmetic>(arithmetic));
        });
  m.def(
      "conv2d(Tensor x, Tensor? skip, Tensor packed, Tensor bias, int[] kernel, int stride, int padding, int dilation, "
      "int activation, Tensor? residual, bool wants_float) -> Tensor",
      &conv2d);
  m.def("pack_linear(Tensor weights, int arithmetic) -> Tensor", [](const at::Tensor& weights, int64_t arithmetic) {
    return pack_linear(weights, static_cast<Arithmetic>(arithmetic));
  });
  m.def(
      "linear(Tensor x, Tensor? norm_weight, Tensor? norm_bias, float eps, Tensor packed, Tensor bias, int activation, "
      "Tensor? residual) -> Tensor",
      &linear);
  m.def("stretch(Tensor x, Tensor like, bool align_corners) -> Tensor", &stretch);
  m.def("join_doubled(Tensor detail, Tensor x, int first) -> Tensor", &join_doubled);
  m.def("half(Tensor x) -> Tensor", &half);
  m.def("mean(Tensor x) -> Tensor", &mean);
  m.def("by_colours(Tensor logits, Tensor picture, Tensor weight) -> Tensor", &by_colours);
  m.def("cast(Tensor x, ScalarType dtype) -> Tensor", &cast);
  m.def("join(Tensor[] maps) -> Tensor", &join);
  m.def("reshape(Tensor(a) x, int[] sizes) -> Tensor(a)", &reshape);
  m.def("add(Tensor a, Tensor b) -> Tensor", &add);
  m.def("mul(Tensor a, Tensor b) -> Tensor", &mul);
  m.def("relu(Tensor x) -> Tensor", &relu);
  m.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float eps) -> Tensor", &layer_norm);
  // Marks for lower, which puts casts there: between them maps are float32 where the network computes in bf16.
  m.def("fine(Tensor(a) x) -> Tensor(a)", [](const at::Tensor& x) { return x; });
  m.def("coarse(Tensor(a) x) -> Tensor(a)", [](const at::Tensor& x) { return x; });
}

}  // namespace mattecore::network
