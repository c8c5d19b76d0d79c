#include "mattecore/network/operators/register.h"

#include <torch/library.h>

#include "mattecore/network/operators/conv2d.h"
#include "mattecore/network/operators/linear.h"
#include "mattecore/network/operators/resample.h"

namespace mattecore::network {

void register_operators() {}

// The schemas are written out: they say that the operators change and alias nothing, so that graphs may drop and fold them.
TORCH_LIBRARY(mattecore, m) {
  m.def("pack_conv2d(Tensor weights, int stride, int dilation, ScalarType dtype) -> Tensor", &pack_conv2d);
  m.def(
      "conv2d(Tensor x, Tensor? skip, Tensor packed, Tensor bias, int[] kernel, int stride, int padding, int dilation, "
      "int activation, Tensor? residual, bool wants_float) -> Tensor",
      &conv2d);
  m.def("pack_linear(Tensor weights, ScalarType dtype) -> Tensor", &pack_linear);
  m.def(
      "linear(Tensor x, Tensor? norm_weight, Tensor? norm_bias, float eps, Tensor packed, Tensor bias, int activation, "
      "Tensor? residual) -> Tensor",
      &linear);
  m.def("stretch(Tensor x, Tensor like, bool align_corners) -> Tensor", &stretch);
  m.def("half(Tensor x) -> Tensor", &half);
}

}  // namespace mattecore::network
