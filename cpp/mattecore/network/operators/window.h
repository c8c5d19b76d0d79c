#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

// A map of tokens cut into windows.
namespace mattecore::network {

/// A rectangle of a map's tokens that attend to one another; rows and columns beyond the map are padding.
struct Window {
  int64_t top, left, rows, columns;

  int64_t tokens() const { return rows * columns; }
};

/// A stretch of an axis that is cut into windows of one length.
struct Band {
  int64_t begin, end, window;
};

/// Cuts an axis, padded to a multiple of `window`, into windows shifted by `shift`. A shifted window that wraps round
/// the border would be masked into parts that do not see one another: they are windows of their own here, so that
/// neither rolling nor masks are needed.
std::vector<Band> bands(int64_t length, int64_t window, int64_t shift);

/// The windows of both axes that hold any token of the map.
std::vector<Window> windows_of(int64_t height, int64_t width, int64_t window, int64_t shift);

/// [B,H,W,C] with the vector padding [C] below and to the right, up to multiples of window; itself where that is none.
at::Tensor padded_to_windows(const at::Tensor& x, const at::Tensor& padding, int64_t window);

/// [B,H,W,C] -> [B * H/rows * W/columns, rows * columns, C].
at::Tensor cut_windows(const at::Tensor& x, int64_t rows, int64_t columns);

/// Undoes cut_windows, into x.
void join_windows(const at::Tensor& windows, int64_t rows, int64_t columns, const at::Tensor& x);

}  // namespace mattecore::network
