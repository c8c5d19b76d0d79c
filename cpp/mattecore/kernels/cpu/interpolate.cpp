#include "mattecore/kernels/interpolate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mattecore/base/image.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// The two source pixels of every pixel along one axis, and their weights.
struct Axis {
  struct Pair {
    int64_t first, second;
    float first_weight, second_weight;
  };
  Buffer<Pair> pairs;

  /// Positions are computed in float and fused, as torch does: the weights are to be its weights to the last bit.
  Axis(int64_t in, int64_t out, bool align_corners) : pairs(static_cast<size_t>(out)) {
    const float scale = align_corners ? (out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0.0f)
                                      : static_cast<float>(in) / static_cast<float>(out);
    for (int64_t i = 0; i < out; ++i) {
      const float at = align_corners ? scale * static_cast<float>(i)
                                     : std::max(0.0f, std::fma(scale, static_cast<float>(i) + 0.5f, -0.5f));
      const int64_t first = std::min(static_cast<int64_t>(at), in - 1);
      const float second_weight = std::clamp(at - static_cast<float>(first), 0.0f, 1.0f);
      pairs[static_cast<size_t>(i)] = {first, std::min(first + 1, in - 1), 1.0f - second_weight, second_weight};
    }
  }
};

/// The weighted mean of two values, rounded as torch's compiled code rounds it.
inline float mean(float first, float second, const Axis::Pair& p) {
  return std::fma(first, p.first_weight, second * p.second_weight);
}

/// A row between two, all of them runs of values: a loop the compiler turns into vectors.
inline void mix_rows(const float* upper, const float* lower, int64_t count, Axis::Pair p, float* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = mean(upper[i], lower[i], p);
}

}  // namespace

template <class T>
void interpolate(ImageView<const T> in, bool align_corners, ImageView<float> out) {
  const Axis rows(in.height, out.height, align_corners);
  const Axis columns(in.width, out.width, align_corners);
  const int64_t channels = out.channels;
  const bool packed = out.has_packed_rows();

  parallel_for(out.height, std::max<int64_t>(1, 16384 / (out.width * channels)), [&](int64_t begin, int64_t end) {
    // Source rows stretched to the new width; enlarging meets each of them several times.
    Buffer<float> stretched[2] = {Buffer<float>(static_cast<size_t>(out.width * channels)),
                                  Buffer<float>(static_cast<size_t>(out.width * channels))};
    int64_t held[2] = {-1, -1};
    auto stretch = [&](int64_t source_row) -> const float* {
      const size_t slot = static_cast<size_t>(source_row & 1);
      if (held[slot] != source_row) {
        float* target = stretched[slot].data();
        for (int64_t x = 0; x < out.width; ++x) {
          const Axis::Pair& p = columns.pairs[static_cast<size_t>(x)];
          for (int64_t c = 0; c < channels; ++c)
            target[x * channels + c] = mean(static_cast<float>(in(source_row, p.first, c)),
                                            static_cast<float>(in(source_row, p.second, c)), p);
        }
        held[slot] = source_row;
      }
      return stretched[slot].data();
    };
    for (int64_t y = begin; y < end; ++y) {
      const Axis::Pair& p = rows.pairs[static_cast<size_t>(y)];
      const float* upper = stretch(p.first);
      const float* lower = stretch(p.second);
      if (packed) {
        mix_rows(upper, lower, out.width * channels, p, out.row(y));
        continue;
      }
      for (int64_t x = 0; x < out.width; ++x)
        for (int64_t c = 0; c < channels; ++c) out(y, x, c) = mean(upper[x * channels + c], lower[x * channels + c], p);
    }
  });
}

template void interpolate(ImageView<const float>, bool, ImageView<float>);
template void interpolate(ImageView<const uint8_t>, bool, ImageView<float>);

}  // namespace mattecore::kernels
