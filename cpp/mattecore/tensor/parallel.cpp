#include "mattecore/tensor/parallel.h"

#include <ATen/Parallel.h>

#include "mattecore/base/parallel.h"

// at::parallel_for is a template over the caller's own OpenMP: without -fopenmp it would quietly run on one thread.
#if !defined(_OPENMP)
#error "this file must be compiled with OpenMP"
#endif

namespace mattecore::tensor {

void use_torch_threads() {
  set_parallel_backend({[](int64_t count, int64_t grain, RangeBody body) {
                          at::parallel_for(0, count, grain, [&](int64_t begin, int64_t end) { body(begin, end); });
                        },
                        [] { return at::in_parallel_region() ? 1 : at::get_num_threads(); }});
}

}  // namespace mattecore::tensor
