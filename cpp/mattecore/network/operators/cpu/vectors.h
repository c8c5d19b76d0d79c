#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "mattecore/base/half.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/cpu/lanes.h"

// Floats in the compiler's own vectors, and the conversions that the operators' tiles are made with.
namespace mattecore::network {

inline constexpr int64_t kLanes = kernels::kNativeLanes;

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Shorts __attribute__((vector_size(2 * kLanes)));

inline Floats load(const float* from) {
  Floats v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline Floats load(const BFloat16* from) {
  Shorts bits;
  std::memcpy(&bits, from, sizeof bits);
  return std::bit_cast<Floats>(__builtin_convertvector(bits, Ints) << 16);
}
inline Floats load(const Half* from) {
  Floats v;
  for (int64_t i = 0; i < kLanes; ++i) v[i] = to_float(from[i]);
  return v;
}

inline void store(float* to, Floats v) { std::memcpy(to, &v, sizeof v); }
inline void store(BFloat16* to, Floats v) {
#if defined(__AVX512BF16__)
  const __m256bh bits = _mm512_cvtneps_pbh(v);
  std::memcpy(to, &bits, sizeof bits);
#else
  const Ints bits = std::bit_cast<Ints>(v);
  const Ints rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Shorts narrow = __builtin_convertvector(v == v ? rounded : rounded | 0x40, Shorts);
  std::memcpy(to, &narrow, sizeof narrow);
#endif
}
inline void store(Half* to, Floats v) {
  for (int64_t i = 0; i < kLanes; ++i) to[i] = narrowed<Half>(v[i]);
}

/// Converts n numbers.
template <class Out, class In>
void convert(const In* from, int64_t n, Out* to) {
  if constexpr (std::is_same_v<Out, In>) {
    std::memcpy(to, from, n * sizeof(In));
  } else {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
    for (; i < n; ++i) to[i] = narrowed<Out>(to_float(from[i]));
  }
}

/// to[i] = scale * from[i] for n numbers.
template <class Out>
void scaled(const float* from, float scale, int64_t n, Out* to) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i) * scale);
  for (; i < n; ++i) to[i] = narrowed<Out>(from[i] * scale);
}

/// Puts n numbers of 16 bits beside n others: a0 b0 a1 b1 ...
template <class T>
void interleave(const T* a, const T* b, int64_t n, T* to) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Shorts even, odd;
    std::memcpy(&even, a + i, sizeof even);
    std::memcpy(&odd, b + i, sizeof odd);
    const Ints pairs = __builtin_convertvector(even, Ints) | __builtin_convertvector(odd, Ints) << 16;
    std::memcpy(to + 2 * i, &pairs, sizeof pairs);
  }
  for (; i < n; ++i) to[2 * i] = a[i], to[2 * i + 1] = b[i];
}

/// A transposed copy of sixteen rows of sixteen 32-bit words, a float or two 16-bit numbers each.
typedef uint32_t Words __attribute__((vector_size(64)));
struct Transposed {
  Words row[16];

  /// Puts row i beside row i + 8, word by word, four times: every word's row and column have then changed places.
  explicit Transposed(const void* words) {
    std::memcpy(row, words, sizeof row);
    for (int round = 0; round < 4; ++round) {
      Words next[16];
      for (int i = 0; i < 8; ++i) {
        const Words a = row[i], b = row[i + 8];
        next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      }
      for (int i = 0; i < 16; ++i) row[i] = next[i];
    }
  }
};

inline float sum(Floats v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps(v);
#else
  float total = 0;
  for (int64_t i = 0; i < kLanes; ++i) total += v[i];
  return total;
#endif
}

/// 2^f for f in 0..1, kRough to a relative 1e-4, a fortieth of BFloat16's step, else to 1e-7. Polynomials that are
/// least wrong for their degree.
template <bool kRough>
inline Floats exp2_of_fraction(Floats f) {
  if constexpr (kRough) return ((f * 0.0780245221f + 0.226067163f) * f + 0.695833534f) * f + 0.99992522f;
  return ((((f * 0.00187757667f + 0.00898934021f) * f + 0.0558263178f) * f + 0.240153617f) * f + 0.693153073f) * f +
         0.999999925f;
}

/// 2^x, kRough where it is rounded to 16 bits afterwards. What is below 2^-126 becomes next to nothing, what is above
/// 2^127 infinite or close to it; NaN stays NaN.
template <bool kRough>
inline Floats exp2(Floats x) {
#if defined(__AVX512DQ__)
  const Floats fraction = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm512_scalef_ps(exp2_of_fraction<kRough>(fraction), x);
#else
  x = x < -126.0f ? Floats{} - 126.0f : x;
  x = x > 127.5f ? Floats{} + 127.5f : x;
  const Floats shifted = (x - 0.5f) + 0x1.8p23f;  // its low bits are x rounded down, or one less for whole numbers
  const Floats power = exp2_of_fraction<kRough>(x - (shifted - 0x1.8p23f));
  return std::bit_cast<Floats>(std::bit_cast<Ints>(power) + (std::bit_cast<Ints>(shifted) << 23));
#endif
}

}  // namespace mattecore::network
