#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace mattecore {

/// The two 16-bit float formats as they lie in memory, so that kernels read a tensor's own bytes without torch.
/// Conversion to float is exact; `rounded_to` gives what a float becomes when it is stored in the format (nearest,
/// ties to even), as a float.
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

inline float to_float(float v) { return v; }
inline double to_float(double v) { return v; }

inline float to_float(BFloat16 v) { return std::bit_cast<float>(static_cast<uint32_t>(v.bits) << 16); }

/// Shifts exponent and fraction into a float's place and corrects the exponent's bias by a multiplication, which
/// normalises subnormals on the way; infinity and NaN get the full exponent back.
inline float to_float(Half v) {
  const uint32_t magnitude = static_cast<uint32_t>(v.bits & 0x7fffu) << 13;
  const uint32_t sign = static_cast<uint32_t>(v.bits & 0x8000u) << 16;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  const uint32_t special = magnitude >= (0x7c00u << 13) ? 0x7f800000u : 0u;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | special | sign);
}

template <class Format, class Float>
Float rounded_to(Float v) {
  return v;
}

template <>
inline float rounded_to<BFloat16, float>(float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
  return v == v ? std::bit_cast<float>(rounded) : v;
}

/// Adding and subtracting a number 2^13 times larger leaves the 11 bits that Half keeps; below Half's smallest normal
/// number its spacing is 2^-24, which the floor on that number keeps. Values of 65520 and more become infinite.
template <>
inline float rounded_to<Half, float>(float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const float magnitude = std::bit_cast<float>(bits & 0x7fffffffu);
  uint32_t exponent = bits & 0x7f800000u;
  exponent = exponent < 0x38800000u ? 0x38800000u : exponent;
  const float anchor = std::bit_cast<float>(exponent + (13u << 23));
  const float kept = magnitude >= 65520.0f ? magnitude * 0x1p120f : (magnitude + anchor) - anchor;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude == magnitude ? kept : magnitude) |
                              (bits & 0x80000000u));
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

}  // namespace mattecore
