#pragma once

#include <algorithm>
#include <cstdint>

#include "mattecore/base/image_view.h"
#include "mattecore/base/round_up.h"

namespace mattecore::kernels {

// Yes or no for every pixel of a row, 64 of them in a word, the leftmost in the lowest bit.

inline constexpr int64_t kWordBits = 64;
inline int64_t words_for(int64_t bits) { return pieces(bits, kWordBits); }

/// Eight bytes of 0 or 1 into eight bits.
inline uint64_t gather_bits(const uint8_t* bytes) {
  uint64_t eight;
  __builtin_memcpy(&eight, bytes, sizeof eight);
  return (eight * 0x0102040810204080u) >> 56;
}

/// Bit x of words is set where test(mask(y, x)); bits beyond the row are 0.
template <class T, class Test>
void set_bits(ImageView<const T> mask, int64_t y, Test&& test, uint64_t* words) {
  for (int64_t x = 0; x < mask.width; x += kWordBits) {
    const int64_t count = std::min(kWordBits, mask.width - x);
    uint8_t bytes[kWordBits] = {};
    if (count == kWordBits && mask.pixel_stride == 1)
      for (int64_t i = 0; i < kWordBits; ++i) bytes[i] = test(mask.row(y)[x + i]);
    else
      for (int64_t i = 0; i < count; ++i) bytes[i] = test(mask(y, x + i));
    uint64_t word = 0;
    for (int64_t i = 0; i < kWordBits; i += 8) word |= gather_bits(bytes + i) << i;
    words[x / kWordBits] = word;
  }
}

/// Whether row y holds NaN.
template <class T>
bool has_nan(ImageView<const T> mask, int64_t y) {
  int nan = 0;
  if (mask.pixel_stride == 1)
    for (int64_t x = 0; x < mask.width; ++x) nan |= mask.row(y)[x] != mask.row(y)[x];
  else
    for (int64_t x = 0; x < mask.width; ++x) nan |= mask(y, x) != mask(y, x);
  return nan != 0;
}

}  // namespace mattecore::kernels
