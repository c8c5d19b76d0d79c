#include "mattecore/network/operators/window.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "mattecore/network/arena.h"
#include "mattecore/tensor/images.h"

namespace mattecore::network {

kernels::Windows windows_of(const at::Tensor& map, int64_t window, int64_t shift) {
  const auto axis = [&](int64_t length) { return kernels::WindowAxis{length, window == 0 ? length : window, shift}; };
  return {axis(map.size(1)), axis(map.size(2))};
}

at::Tensor empty_attended(const at::Tensor& qkv) {
  const std::array<int64_t, 4> sizes{qkv.size(0), qkv.size(1), qkv.size(2), qkv.size(3) / 3};
  return qkv.is_cpu() ? empty(sizes, qkv.scalar_type()) : tensor::empty(sizes, qkv.scalar_type(), qkv.device());
}

std::vector<Band> bands(const kernels::WindowAxis& axis) {
  std::vector<Band> result;
  for (int64_t i = 0; i < axis.count(); ++i) {
    const int64_t begin = axis.edge(i), end = axis.edge(i + 1);
    if (!result.empty() && result.back().window == end - begin)
      result.back().end = end;
    else
      result.push_back({begin, end, end - begin});
  }
  return result;
}

at::Tensor padded_to_windows(const at::Tensor& x, const at::Tensor& padding, int64_t window) {
  const kernels::Windows windows = windows_of(x, window, 0);
  const int64_t height = windows.rows.padded(), width = windows.columns.padded();
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
