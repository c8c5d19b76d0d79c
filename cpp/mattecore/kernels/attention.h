#pragma once

#include <algorithm>
#include <cstdint>

#include "mattecore/base/half.h"
#include "mattecore/base/host_device.h"
#include "mattecore/base/round_up.h"

// What an attention over a map of tokens works on, and the GPU's two; the processor's are in network/operators/cpu.
namespace mattecore::kernels {

/// A map [B,H,W,3C] of queries, keys and values, its last axis (3, heads, size) packed, beside the vector [3C] that
/// stands for every token beyond the map. Strides count elements.
template <class T>
struct TokenMaps {
  const T* data;
  int64_t batch, height, width, batch_stride, row_stride, column_stride;
  int64_t heads, size;
  const T* padding;

  /// Part 0 is the query, 1 the key and 2 the value.
  MATTECORE_HOST_DEVICE const T* token(int64_t b, int64_t y, int64_t x, int64_t part, int64_t head) const {
    const T* all = y < height && x < width ? data + b * batch_stride + y * row_stride + x * column_stride : padding;
    return all + (part * heads + head) * size;
  }
};

/// A rectangle of a map's tokens that attend to one another; rows and columns beyond the map are padding.
struct Window {
  int64_t top, left, rows, columns;

  MATTECORE_HOST_DEVICE int64_t tokens() const { return rows * columns; }
};

/// An axis, padded to a multiple of `window`, cut into windows that are shifted by `shift`. A shifted window that wraps
/// round the border would be masked into parts that do not see one another: they are windows of their own here, so that
/// neither rolling nor masks are needed.
struct WindowAxis {
  int64_t length, window, shift = 0;

  MATTECORE_HOST_DEVICE int64_t padded() const { return round_up(length, window); }

  /// Where window i begins, which is also where the one before ends.
  MATTECORE_HOST_DEVICE int64_t edge(int64_t i) const {
    if (i == 0) return 0;
    const int64_t at = (shift == 0 ? window : shift) + (i - 1) * window;
    return at < padded() ? at : padded();
  }

  /// How many windows hold any token.
  MATTECORE_HOST_DEVICE int64_t count() const {
    const int64_t first = shift == 0 ? window : shift;
    return length <= first ? 1 : 1 + pieces(length - first, window);
  }
};

/// The windows of a map that hold any token of it, row by row.
struct Windows {
  WindowAxis rows, columns;

  MATTECORE_HOST_DEVICE int64_t count() const { return rows.count() * columns.count(); }

  MATTECORE_HOST_DEVICE Window operator[](int64_t i) const {
    const int64_t down = i / columns.count(), across = i % columns.count();
    const int64_t top = rows.edge(down), left = columns.edge(across);
    return {top, left, rows.edge(down + 1) - top, columns.edge(across + 1) - left};
  }

  /// The tokens of the largest.
  int64_t most_tokens() const {
    int64_t most = 0;
    for (int64_t i = 0; i < count(); ++i) most = std::max(most, (*this)[i].tokens());
    return most;
  }
};

namespace cuda {

/// The attentions of network/operators on views of device memory, out [B,H,W,C] packed; queued on `stream` (a
/// cudaStream_t), not waited for. T: float, Half or BFloat16; heads have at most kLargestHead channels. In a build
/// without CUDA they throw std::runtime_error that says how to get them.
inline constexpr int64_t kLargestHead = 64;

/// Windows of one size; table_h [2 * rows - 1,size] and table_w [2 * columns - 1,size] for it, packed.
template <class T>
void attention_decomposed_relpos(const TokenMaps<T>& maps, const Windows& windows, const T* table_h, const T* table_w,
                                 T* out, void* stream);

/// bias [heads,window,window,window,window], packed, for windows that are squares or parts of them.
template <class T>
void window_attention(const TokenMaps<T>& maps, const Windows& windows, const T* bias, T* out, void* stream);

}  // namespace cuda
}  // namespace mattecore::kernels
