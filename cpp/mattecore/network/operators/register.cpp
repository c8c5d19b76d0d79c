#include "mattecore/network/operators/register.h"

#include <torch/library.h>

#include "mattecore/network/operators/conv2d.h"
#include "mattecore/network/operators/linear.h"
#include "mattecore/network/operators/resample.h"

namespace mattecore::network {

void register_operators() {}

TORCH_LIBRARY(mattecore, m) {
  m.def("pack_conv2d", &pack_conv2d);
  m.def("conv2d", &conv2d);
  m.def("pack_linear", &pack_linear);
  m.def("linear", &linear);
  m.def("stretch", &stretch);
  m.def("half", &half);
}

}  // namespace mattecore::network
