#include "mattecore/kernels/morphology.h"

#include <algorithm>
#include <limits>

#include "mattecore/base/error.h"
#include "mattecore/kernels/cpu/van_herk.h"

namespace mattecore::kernels {
namespace {

template <class T>
struct Largest {
  static constexpr T kNothing = std::numeric_limits<T>::lowest();
  static T of(T a, T b) { return a > b ? a : b; }
};

template <class T>
struct Smallest {
  static constexpr T kNothing = std::numeric_limits<T>::max();
  static T of(T a, T b) { return a < b ? a : b; }
};

/// A function of its own, so that no store of bytes can be taken for a change of the loop's bounds.
template <class Join, class T>
void join_pairs(const T* a, const T* b, int64_t count, T* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = Join::of(a[i], b[i]);
}

/// Joins x - left .. x + right of every row, in place: windows of 1, 2, 4 .. pixels, each from two of the one before,
/// and the last from two that overlap. Down a column van Herk's three joins are fewer; along a row they could only be
/// done a pixel at a time, these 64 bytes at a time.
template <class Join, class T>
void join_along_rows(int64_t left, int64_t right, ImageView<T> picture) {
  const int64_t width = picture.width;
  left = std::min(left, width - 1);
  right = std::min(right, width - 1);
  const int64_t window = left + right + 1;
  if (window == 1) return;

  const int64_t padded = left + width + right;
  parallel_for(picture.height, std::max<int64_t>(1, 32768 / width), [&](int64_t begin, int64_t end) {
    Buffer<T> row(static_cast<size_t>(padded)), next_row(static_cast<size_t>(padded));
    for (int64_t y = begin; y < end; ++y) {
      // joined[i] joins the span entries from i on.
      T *joined = row.data(), *next = next_row.data();
      std::fill_n(joined, left, Join::kNothing);
      if (picture.pixel_stride == 1)
        std::copy_n(picture.row(y), width, joined + left);
      else
        for (int64_t x = 0; x < width; ++x) joined[left + x] = picture(y, x);
      std::fill_n(joined + left + width, right, Join::kNothing);
      int64_t span = 1;
      for (; 2 * span <= window; span *= 2, std::swap(joined, next))
        join_pairs<Join>(joined, joined + span, padded - 2 * span + 1, next);
      join_pairs<Join>(joined, joined + window - span, width, next);
      if (picture.pixel_stride == 1)
        std::copy_n(next, width, picture.row(y));
      else
        for (int64_t x = 0; x < width; ++x) picture(y, x) = next[x];
    }
  });
}

template <class Join, class T>
void join_box(const char* name, ImageView<const T> in, BoxReach reach, ImageView<T> out) {
  if (in.channels != 1 || out.channels != 1 || !out.same_size(in))
    throw_invalid(name, ": the output is ", out.height, " x ", out.width, " x ", out.channels, ", and the input's ",
                  in.height, " x ", in.width, " x 1 is wanted");
  if (std::min({reach.up, reach.down, reach.left, reach.right}) < 0)
    throw_invalid(name, ": the box reaches ", reach.up, ", ", reach.down, ", ", reach.left, ", ", reach.right,
                  " pixels up, down, left and right, at least 0 are wanted");
  if (in.height == 0 || in.width == 0) return;
  join_along_columns<Join>(in, reach.up, reach.down, out);
  join_along_rows<Join>(reach.left, reach.right, out);
}

}  // namespace

template <class T>
void erode(ImageView<const T> in, BoxReach reach, ImageView<T> out) {
  join_box<Smallest<T>>("erode", in, reach, out);
}

template <class T>
void dilate(ImageView<const T> in, BoxReach reach, ImageView<T> out) {
  join_box<Largest<T>>("dilate", in, reach, out);
}

template void erode(ImageView<const uint8_t>, BoxReach, ImageView<uint8_t>);
template void erode(ImageView<const float>, BoxReach, ImageView<float>);
template void dilate(ImageView<const uint8_t>, BoxReach, ImageView<uint8_t>);
template void dilate(ImageView<const float>, BoxReach, ImageView<float>);

}  // namespace mattecore::kernels
