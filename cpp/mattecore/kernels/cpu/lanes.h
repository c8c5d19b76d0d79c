#pragma once

#include <algorithm>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace mattecore::kernels {

/// The compiler's own vectors (GCC, Clang): what the processor lacks, they do in several steps.
using Quad = float __attribute__((vector_size(16)));

#if defined(__AVX512F__)
inline constexpr int kNativeLanes = 16;
#elif defined(__AVX__)
inline constexpr int kNativeLanes = 8;
#else
inline constexpr int kNativeLanes = 4;
#endif

/// N floats that are added as one, in as few registers as they fit in. (One vector type of N would do, but GCC moves
/// vectors wider than the processor's through memory.)
template <int N>
struct Lanes {
  static constexpr int kWidth = std::min(N, kNativeLanes);
  static constexpr int kParts = N / kWidth;
  typedef float Part __attribute__((vector_size(kWidth * sizeof(float))));

  Part part[kParts];

  Lanes& operator+=(const Lanes& other) {
    for (int i = 0; i < kParts; ++i) part[i] += other.part[i];
    return *this;
  }
  Lanes& operator-=(const Lanes& other) {
    for (int i = 0; i < kParts; ++i) part[i] -= other.part[i];
    return *this;
  }
  friend Lanes operator+(Lanes left, const Lanes& right) { return left += right; }
  friend Lanes operator-(Lanes left, const Lanes& right) { return left -= right; }
  friend Lanes operator*(Lanes left, float factor) {
    for (int i = 0; i < kParts; ++i) left.part[i] *= factor;
    return left;
  }
};

/// Repeats lane `kLane` in all four.
template <int kLane>
Quad repeat(Quad v) {
  return __builtin_shufflevector(v, v, kLane, kLane, kLane, kLane);
}

/// (v, v, v, v) times (1 1 1 1, v0 v0 v0 v0, v1 v1 v1 v1, v2 v2 v2 v2).
inline Lanes<16> outer_product(Quad v) {
#if defined(__AVX512F__)
  const __m512 all = _mm512_maskz_broadcast_f32x4(0xffff, v);
  const __m512i which = _mm512_set_epi32(2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  return {{all * _mm512_mask_permutevar_ps(_mm512_set1_ps(1.0f), 0xfff0, all, which)}};
#elif defined(__AVX__)
  const Quad one{1, 1, 1, 1};
  const auto all = __builtin_shufflevector(v, v, 0, 1, 2, 3, 0, 1, 2, 3);
  return {{all * __builtin_shufflevector(one, v, 0, 0, 0, 0, 4, 4, 4, 4),
           all * __builtin_shufflevector(v, v, 1, 1, 1, 1, 2, 2, 2, 2)}};
#else
  return {{v, v * repeat<0>(v), v * repeat<1>(v), v * repeat<2>(v)}};
#endif
}

/// Turns four quads into the four rows of their transpose.
inline void transpose(Quad& a, Quad& b, Quad& c, Quad& d) {
  const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

}  // namespace mattecore::kernels
