#include "mattecore/network/operators/window.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mattecore::network {
namespace {

int64_t whole(int64_t length, int64_t window) { return (length + window - 1) / window * window; }

}  // namespace

std::vector<Band> bands(int64_t length, int64_t window, int64_t shift) {
  const int64_t end = whole(length, window), wrapped = window - shift;
  if (shift == 0) return {{0, end, window}};
  std::vector<Band> result{{0, shift, shift}};
  if (end > window) result.push_back({shift, end - wrapped, window});
  result.push_back({end - wrapped, end, wrapped});
  return result;
}

std::vector<Window> windows_of(int64_t height, int64_t width, int64_t window, int64_t shift) {
  std::vector<Window> windows;
  for (const Band& rows : bands(height, window, shift))
    for (int64_t top = rows.begin; top < std::min(rows.end, height); top += rows.window)
      for (const Band& columns : bands(width, window, shift))
        for (int64_t left = columns.begin; left < std::min(columns.end, width); left += columns.window)
          windows.push_back({top, left, rows.window, columns.window});
  return windows;
}

at::Tensor padded_to_windows(const at::Tensor& x, const at::Tensor& padding, int64_t window) {
  const int64_t height = whole(x.size(1), window), width = whole(x.size(2), window);
  if (height == x.size(1) && width == x.size(2)) return x;
  const at::Tensor padded = padding.expand({x.size(0), height, width, x.size(3)}).clone(at::MemoryFormat::Contiguous);
  padded.narrow(1, 0, x.size(1)).narrow(2, 0, x.size(2)).copy_(x);
  return padded;
}

at::Tensor cut_windows(const at::Tensor& x, int64_t rows, int64_t columns) {
  return x.reshape({x.size(0), x.size(1) / rows, rows, x.size(2) / columns, columns, x.size(3)})
      .transpose(2, 3)
      .reshape({-1, rows * columns, x.size(3)});
}

void join_windows(const at::Tensor& windows, int64_t rows, int64_t columns, const at::Tensor& x) {
  x.copy_(windows.reshape({x.size(0), x.size(1) / rows, x.size(2) / columns, rows, columns, x.size(3)})
              .transpose(2, 3)
              .reshape(x.sizes()));
}

}  // namespace mattecore::network
