#pragma once

#include <algorithm>
#include <cstdint>

#include "mattecore/base/parallel.h"

namespace mattecore::kernels {

/// Runs body(y) for every row, in parallel once there is work for more than one thread: handing a range to another
/// thread costs some 5 us, in which a core touches about 32K values.
template <class Body>
void for_each_row(int64_t height, int64_t values_per_row, Body&& body) {
  const int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, values_per_row));
  parallel_for(height, grain, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) body(y);
  });
}

}  // namespace mattecore::kernels
