#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "mattecore/base/half.h"
#include "mattecore/kernels/cpu/lanes.h"

// Floats in the compiler's own vectors, and the conversions and buffers that the operators' tiles are made with.
namespace mattecore::network {

inline constexpr int64_t kLanes = kernels::kNativeLanes;

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Shorts __attribute__((vector_size(2 * kLanes)));

inline constexpr int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

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

/// The number in its 16 bits, which hold it exactly after rounded_to.
template <class T>
T narrowed(float v) {
  if constexpr (std::is_same_v<T, float>) {
    return v;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    const float rounded = rounded_to<BFloat16>(v);
    return {static_cast<uint16_t>(v == v ? std::bit_cast<uint32_t>(rounded) >> 16 : 0x7fc0u)};
  } else {
    // rounded_to leaves a number that Half has; below its normal numbers it counts in steps of 2^-24.
    const uint32_t bits = std::bit_cast<uint32_t>(rounded_to<Half>(v));
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (v != v) return {static_cast<uint16_t>(0x7e00u)};
    if (magnitude >= 0x47800000u) return {static_cast<uint16_t>(sign | 0x7c00u)};
    if (magnitude < 0x38800000u)
      return {static_cast<uint16_t>(sign | static_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p24f))};
    return {static_cast<uint16_t>(sign | ((magnitude - 0x38000000u) >> 13))};
  }
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

inline float sum(Floats v) {
  float total = 0;
  for (int64_t i = 0; i < kLanes; ++i) total += v[i];
  return total;
}

/// 2^x, a polynomial over [-1/2, 1/2] with its exponent shifted into place. Relative error below 1e-4, a fortieth of
/// BFloat16's step, where the result is rounded to 16 bits anyway, and below 2e-7 where it is not. What is below 2^-126
/// becomes next to nothing, what is above 2^127 infinite or close to it; NaN stays NaN.
template <bool kRough>
inline Floats exp2(Floats x) {
  x = x < -126.0f ? Floats{} - 126.0f : x;
  x = x > 128.0f ? Floats{} + 128.0f : x;
  const Floats shifted = x + 0x1.8p23f;  // its low bits are x rounded to an integer
  const Floats f = x - (shifted - 0x1.8p23f);
  Floats p;
  if constexpr (kRough) {
    p = ((f * 0.055171669f + 0.24261113f) * f + 0.69326099f) * f + 0.99992808f;
  } else {
    p = ((((f * 1.3276472e-3f + 9.6755415e-3f) * f + 5.5507133e-2f) * f + 0.2402212f) * f + 0.69314697f) * f + 1.0f;
  }
  return std::bit_cast<Floats>(std::bit_cast<Ints>(p) + (std::bit_cast<Ints>(shifted) << 23));
}

/// Uninitialised memory for a tile, aligned for vectors.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count) : data_(static_cast<T*>(::operator new(count * sizeof(T), kAlignment))) {}
  operator T*() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<T[], Free> data_;
};

}  // namespace mattecore::network
