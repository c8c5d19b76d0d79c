#pragma once

#include <cstdint>

namespace mattecore::kernels {

/// Which of 0..size-1 lies at i, any number, where rows or columns go on mirrored beyond both ends and the end is not
/// repeated: ... 2 1 | 0 1 2 .. n-1 | n-2 n-3 ... (OpenCV's REFLECT_101).
constexpr int64_t reflect_101(int64_t i, int64_t size) {
  if (size == 1) return 0;
  const int64_t period = 2 * size - 2;
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : period - i;
}

}  // namespace mattecore::kernels
