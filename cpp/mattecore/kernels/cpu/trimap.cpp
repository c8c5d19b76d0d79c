#include "mattecore/kernels/trimap.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/cpu/bit_rows.h"
#include "mattecore/kernels/cpu/van_herk.h"
#include "mattecore/kernels/morphology.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

// A mask that is only asked whether a value is foreground is one bit per pixel (bit_rows.h): growing by a box takes a
// few operations per 64 pixels, all of them together less time than reading the mask.

struct Union {
  static constexpr uint64_t kNothing = 0;
  static uint64_t of(uint64_t a, uint64_t b) { return a | b; }
};

/// bits[w] gets the bits from 64 * w + shift on, united with what it has if `unite`. Ascending, so that it works in
/// place; two words beyond the last must be there.
template <bool unite>
void from_bit(const uint64_t* bits, int64_t shift, int64_t words, uint64_t* out) {
  const uint64_t* source = bits + shift / kWordBits;
  const int64_t low = shift % kWordBits;
  for (int64_t w = 0; w < words; ++w) {
    // Shifting by 64 is undefined: in two steps where low is 0.
    const uint64_t shifted = source[w] >> low | source[w + 1] << 1 << (kWordBits - 1 - low);
    out[w] = unite ? out[w] | shifted : shifted;
  }
}

/// A row of `width` bits grown by `left` and `right`: windows of 1, 2, 4 .. bits, the last from two that overlap.
class RowGrower {
 public:
  RowGrower(int64_t width, int64_t left, int64_t right)
      : left_(std::min(left, width - 1)),
        window_(left_ + std::min(right, width - 1) + 1),
        words_(words_for(width)),
        padded_words_(words_for(width + window_)),
        bits_(static_cast<size_t>(padded_words_ + words_ + window_ / kWordBits + 3)) {}

  /// Bit `left` of grown[i] lies over bit i of row: window i of the padded row is the one around pixel i.
  void grow(const uint64_t* row, uint64_t* grown) {
    std::fill(bits_.begin(), bits_.end(), 0);
    uint64_t* bits = bits_.data();
    const int64_t skip = left_ / kWordBits, low = left_ % kWordBits;
    for (int64_t w = 0; w < words_; ++w) {
      bits[skip + w] |= row[w] << low;
      bits[skip + w + 1] |= row[w] >> 1 >> (kWordBits - 1 - low);
    }
    int64_t span = 1;
    for (; 2 * span <= window_; span *= 2) from_bit<true>(bits, span, padded_words_, bits);
    std::copy_n(bits, words_, grown);
    from_bit<true>(bits, window_ - span, words_, grown);
  }

 private:
  int64_t left_, window_, words_, padded_words_;
  Buffer<uint64_t> bits_;
};

constexpr std::array<uint64_t, 256> kBytesOfBits = [] {
  std::array<uint64_t, 256> table{};
  for (uint64_t bits = 0; bits < 256; ++bits)
    for (uint64_t i = 0; i < 8; ++i)
      if (bits >> i & 1) table[bits] |= uint64_t{0xff} << (8 * i);
  return table;
}();

/// 64 bytes of 0, 127 (maybe foreground) or 255 (maybe foreground and surely not background).
void to_levels(uint64_t maybe_foreground, uint64_t maybe_background, uint8_t* levels) {
  const uint64_t surely_foreground = maybe_foreground & ~maybe_background;
  for (int64_t i = 0; i < kWordBits; i += 8) {
    const uint64_t eight = (kBytesOfBits[maybe_foreground >> i & 0xff] & 0x7f7f7f7f7f7f7f7fu) |
                           kBytesOfBits[surely_foreground >> i & 0xff];
    __builtin_memcpy(levels + i, &eight, sizeof eight);
  }
}

/// Grows what may be foreground (not surely background) by foreground_reach and what is not surely foreground by
/// background_reach, and gives write(y, x, count, levels) for up to 64 pixels from x on, as to_levels makes them.
template <class T, class IsForeground, class MaybeForeground, class Write>
void for_each_level(const char* name, ImageView<const T> mask, IsForeground&& is_foreground,
                    MaybeForeground&& maybe_foreground, BoxReach foreground_reach, BoxReach background_reach,
                    Write&& write) {
  const int64_t height = mask.height, width = mask.width, words = words_for(width);
  const uint64_t tail = ~uint64_t{0} >> (words * kWordBits - width);
  const int64_t grain = std::max<int64_t>(1, 32768 / width);
  Image<uint64_t> foreground(height, words), background(height, words);
  std::atomic<bool> any_nan = false;
  parallel_for(height, grain, [&](int64_t begin, int64_t end) {
    RowGrower grow_foreground(width, foreground_reach.left, foreground_reach.right);
    RowGrower grow_background(width, background_reach.left, background_reach.right);
    Buffer<uint64_t> row(static_cast<size_t>(words));
    for (int64_t y = begin; y < end; ++y) {
      if (has_nan(mask, y)) any_nan = true;
      set_bits(mask, y, maybe_foreground, row.data());
      grow_foreground.grow(row.data(), foreground.view().row(y));
      if constexpr (!std::is_same_v<IsForeground, MaybeForeground>) set_bits(mask, y, is_foreground, row.data());
      for (uint64_t& word : row) word = ~word;
      row[static_cast<size_t>(words - 1)] &= tail;
      grow_background.grow(row.data(), background.view().row(y));
    }
  });
  if (any_nan) throw_invalid(name, ": the mask holds NaN, numbers are wanted");

  Image<uint64_t> grown_foreground(height, words), grown_background(height, words);
  join_along_columns<Union>(ImageView<const uint64_t>(foreground.view()), foreground_reach.up, foreground_reach.down,
                            grown_foreground.view());
  join_along_columns<Union>(ImageView<const uint64_t>(background.view()), background_reach.up, background_reach.down,
                            grown_background.view());

  parallel_for(height, grain, [&](int64_t begin, int64_t end) {
    uint8_t levels[kWordBits];
    for (int64_t y = begin; y < end; ++y)
      for (int64_t w = 0; w < words; ++w) {
        to_levels(grown_foreground(y, w), grown_background(y, w), levels);
        write(y, w * kWordBits, std::min(kWordBits, width - w * kWordBits), levels);
      }
  });
}

template <class T, class Out>
void check_sizes(const char* name, ImageView<const T> mask, ImageView<Out> trimap) {
  if (mask.channels != 1) throw_invalid(name, ": the mask has ", mask.channels, " channels, 1 is wanted");
  if (!trimap.same_size(mask) || trimap.channels != 1)
    throw_invalid(name, ": the trimap is ", trimap.height, " x ", trimap.width, " x ", trimap.channels,
                  ", and the mask's ", mask.height, " x ", mask.width, " x 1 is wanted");
}

}  // namespace

template <class T>
void trimap_from_mask(ImageView<const T> mask, int64_t erode_size, int64_t dilate_size, ImageView<uint8_t> trimap) {
  check_sizes("trimap_from_mask", mask, trimap);
  if (erode_size < 1 || dilate_size < 1)
    throw_invalid("trimap_from_mask: erode and dilate are ", erode_size, " and ", dilate_size,
                  ", at least 1 is wanted");
  if (mask.height == 0 || mask.width == 0) return;
  constexpr T kForeground = std::is_same_v<T, uint8_t> ? 255 : 1;
  constexpr int64_t kIterations = 5;
  const auto is_foreground = [](T v) { return v >= kForeground; };
  for_each_level("trimap_from_mask", mask, is_foreground, is_foreground,
                 BoxReach::repeated_box(dilate_size, kIterations), BoxReach::repeated_box(erode_size, kIterations),
                 [&](int64_t y, int64_t x, int64_t count, const uint8_t* levels) {
                   if (trimap.pixel_stride == 1)
                     std::copy_n(levels, count, trimap.row(y) + x);
                   else
                     for (int64_t i = 0; i < count; ++i) trimap(y, x + i) = levels[i];
                 });
}

template <class T>
void fix_trimap(ImageView<const T> mask, double black_point, double white_point, ImageView<float> trimap) {
  check_sizes("fix_trimap", mask, trimap);
  if (!(black_point <= white_point))
    throw_invalid("fix_trimap: the black point is ", black_point, ", at most the white point ", white_point,
                  " is wanted");
  const T black = static_cast<T>(black_point), white = static_cast<T>(white_point);
  std::atomic<bool> any_nan = false;
  for_each_row(mask.height, mask.width, [&](int64_t y) {
    if (has_nan(mask, y)) any_nan = true;
    for (int64_t x = 0; x < mask.width; ++x)
      trimap(y, x) = mask(y, x) > white ? 1.0f : mask(y, x) < black ? 0.0f : 0.5f;
  });
  if (any_nan) throw_invalid("fix_trimap: the mask holds NaN, numbers are wanted");
}

void trimap_from_alpha(ImageView<const float> alpha, double foreground_threshold, double background_threshold,
                       int64_t grow_px, ImageView<float> trimap) {
  check_sizes("trimap_from_alpha", alpha, trimap);
  if (!(background_threshold < foreground_threshold))
    throw_invalid("trimap_from_alpha: the background threshold is ", background_threshold,
                  ", less than the foreground threshold ", foreground_threshold, " is wanted");
  if (grow_px < 0) throw_invalid("trimap_from_alpha: grow_px is ", grow_px, ", at least 0 is wanted");
  if (alpha.height == 0 || alpha.width == 0) return;
  const float foreground = static_cast<float>(foreground_threshold),
              background = static_cast<float>(background_threshold);
  for_each_level(
      "trimap_from_alpha", alpha, [=](float v) { return v >= foreground; }, [=](float v) { return v > background; },
      BoxReach::around(grow_px), BoxReach::around(grow_px),
      [&](int64_t y, int64_t x, int64_t count, const uint8_t* levels) {
        for (int64_t i = 0; i < count; ++i) trimap(y, x + i) = levels[i] == 255 ? 1.0f : levels[i] == 0 ? 0.0f : 0.5f;
      });
}

template void trimap_from_mask(ImageView<const float>, int64_t, int64_t, ImageView<uint8_t>);
template void trimap_from_mask(ImageView<const uint8_t>, int64_t, int64_t, ImageView<uint8_t>);
template void fix_trimap(ImageView<const float>, double, double, ImageView<float>);
template void fix_trimap(ImageView<const double>, double, double, ImageView<float>);

}  // namespace mattecore::kernels
