#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "mattecore/kernels/attention.h"

// A map of tokens cut into windows.
namespace mattecore::network {

/// A map of tokens as loops walk it; both tensors' last axes are packed, and of type T.
template <class T>
kernels::TokenMaps<T> token_maps(const at::Tensor& qkv, const at::Tensor& padding, int64_t heads) {
  return {static_cast<const T*>(qkv.const_data_ptr()),
          qkv.size(0),
          qkv.size(1),
          qkv.size(2),
          qkv.stride(0),
          qkv.stride(1),
          qkv.stride(2),
          heads,
          qkv.size(3) / (3 * heads),
          static_cast<const T*>(padding.const_data_ptr())};
}

/// The windows of a map [B,H,W,C], or for window 0 the whole map as one.
kernels::Windows windows_of(const at::Tensor& map, int64_t window, int64_t shift);

/// What attention over qkv [B,H,W,3C] gives, uninitialised: [B,H,W,C] on its device.
at::Tensor empty_attended(const at::Tensor& qkv);

/// A stretch of an axis in which all windows have one length.
struct Band {
  int64_t begin, end, window;
};

/// An axis's windows, those of one length together.
std::vector<Band> bands(const kernels::WindowAxis& axis);

/// [B,H,W,C] with the vector padding [C] below and to the right, up to multiples of window; itself where that is none.
at::Tensor padded_to_windows(const at::Tensor& x, const at::Tensor& padding, int64_t window);

/// [B,H,W,C] -> [B * H/rows * W/columns, rows * columns, C].
at::Tensor cut_windows(const at::Tensor& x, int64_t rows, int64_t columns);

/// Undoes cut_windows, into x.
void join_windows(const at::Tensor& windows, int64_t rows, int64_t columns, const at::Tensor& x);

}  // namespace mattecore::network
