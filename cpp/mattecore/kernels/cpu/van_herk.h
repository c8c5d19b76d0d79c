#pragma once

#include <algorithm>
#include <cstdint>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"

namespace mattecore::kernels {

/// Joins the rows y - up .. y + down of every column with Join::of, an associative operation of which a value may be
/// part twice; rows outside of the picture do not count. `out` shares no memory with `in`. M. van Herk, "A fast
/// algorithm for local minimum and maximum filters", 1992; J. Gil, M. Werman, "Computing 2-D min, median, and max
/// filters", 1993: three joins a value, whatever the reach. Join::kNothing changes nothing when it is joined.
///
/// Rows are cut into blocks as long as the window, so that every window is the end of one block and the beginning of
/// the next:
///
///       rows ->  |............====|=====...........|................|
///                             ^ y - up
///                                     ^ y + down
///                 last[y - up]----^ ^---first
///
/// last[i] joins row i to the end of its block, `first` the next block's beginning up to row y + down. A strip of
/// columns wide enough for some vector registers goes down the picture together.
template <class Join, class T>
void join_along_columns(ImageView<const T> in, int64_t up, int64_t down, ImageView<T> out) {
  constexpr int64_t kCacheLine = 64 / sizeof(T), kStrip = 4 * kCacheLine;
  const int64_t height = in.height;
  up = std::min(up, height - 1);
  down = std::min(down, height - 1);
  const int64_t window = up + down + 1;

  const int64_t lines = pieces(in.width, kCacheLine);
  const int64_t grain = std::max<int64_t>(1, 32768 / (height * kCacheLine));
  parallel_for(lines, grain, [&](int64_t first_line, int64_t end_line) {
    Buffer<T> last(static_cast<size_t>(kStrip * std::min(window, height)));
    T first[kStrip];
    const int64_t columns_end = std::min(end_line * kCacheLine, in.width);
    for (int64_t begin = first_line * kCacheLine; begin < columns_end; begin += kStrip) {
      const int64_t width = std::min(kStrip, columns_end - begin);
      // Pointers of their own: a store of bytes may change anything that is reached through memory.
      auto join_row = [in, begin, width](int64_t y, T* joined) {
        const T* row = in.row(y) + begin * in.pixel_stride;
        if (const int64_t stride = in.pixel_stride; stride == 1)
          for (int64_t x = 0; x < width; ++x) joined[x] = Join::of(joined[x], row[x]);
        else
          for (int64_t x = 0; x < width; ++x) joined[x] = Join::of(joined[x], row[x * stride]);
      };

      // The windows of rows y_begin .. y_begin + window - 1 begin in one block.
      for (int64_t y_begin = 0; y_begin < height; y_begin += window) {
        const int64_t block_begin = std::max<int64_t>(0, y_begin - up);
        const int64_t block_end = std::min(y_begin - up + window, height);
        std::fill_n(first, width, Join::kNothing);
        for (int64_t y = block_end - 1; y >= block_begin; --y) {
          join_row(y, first);
          std::copy_n(first, width, last.data() + (y - block_begin) * kStrip);
        }
        std::fill_n(first, width, Join::kNothing);
        for (int64_t y = y_begin; y < std::min(y_begin + window, height); ++y) {
          if (y > y_begin && y + down < height) join_row(y + down, first);
          const T* block_rest = last.data() + (std::max(block_begin, y - up) - block_begin) * kStrip;
          T* row = out.row(y) + begin * out.pixel_stride;
          if (const int64_t stride = out.pixel_stride; stride == 1)
            for (int64_t x = 0; x < width; ++x) row[x] = Join::of(block_rest[x], first[x]);
          else
            for (int64_t x = 0; x < width; ++x) row[x * stride] = Join::of(block_rest[x], first[x]);
        }
      }
    }
  });
}

}  // namespace mattecore::kernels
