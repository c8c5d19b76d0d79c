#pragma once

#include <cstdint>
#include <vector>

#include "mattecore/kernels/resize.h"

namespace mattecore::kernels {

/// Fixed point of the weights: 32 bits less 8 for the pixel and 2 for filters that overshoot.
inline constexpr int kWeightBits = 22;

/// For pixels begin, begin + 1, ... of one axis after resizing: which pixels of the axis before contribute, and how
/// much. Pixel i is (half + sum over t < count(i) of weight(i, t) * in[first(i) + t]) >> kWeightBits, clipped to 8
/// bits.
struct ResampleWeights {
  int64_t begin = 0;
  int64_t taps = 0;  ///< most contributions any pixel has
  std::vector<int32_t> firsts;
  std::vector<int32_t> counts;
  std::vector<int32_t> weights;  ///< taps a pixel, those past its count 0

  int64_t first(int64_t i) const { return firsts[static_cast<size_t>(i - begin)]; }
  int64_t count(int64_t i) const { return counts[static_cast<size_t>(i - begin)]; }
  int64_t end(int64_t i) const { return first(i) + count(i); }
  int32_t weight(int64_t i, int64_t t) const { return weights[static_cast<size_t>((i - begin) * taps + t)]; }
};

/// The weights of pixels begin..end for stretching `in` pixels over `out`; any filter but nearest.
ResampleWeights resample_weights(int64_t in, int64_t out, Filter filter, int64_t begin, int64_t end);

}  // namespace mattecore::kernels
