#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>

#include "base/half_reference.h"
#include "mattecore/base/half.h"

namespace mattecore::testing {

/// 255 * v, rounded once to the precision of T: from a product that is exact in the wider type.
inline double product(float v) { return static_cast<float>(static_cast<double>(v) * 255.0); }
inline double product(double v) {
  static_assert(std::numeric_limits<long double>::digits >= 53 + 8, "255 * v must be exact");
  return static_cast<double>(static_cast<long double>(v) * 255.0L);
}
inline double product(Half v) { return half_format().nearest(half_format().value(v.bits) * 255.0); }
inline double product(BFloat16 v) { return bfloat16_format().nearest(bfloat16_format().value(v.bits) * 255.0); }

/// tensor2pil of one value.
template <class T>
int reference_u8(T v) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    return v;
  } else {
    const double p = product(v);
    if (std::isnan(p) || p <= 0) return 0;
    return p >= 255 ? 255 : static_cast<int>(std::floor(p));
  }
}

/// The float nearest to v / 255: of some close ones the one whose product with 255, exact in double, is nearest to v.
inline float reference_from_u8(int v) {
  static const auto table = [] {
    std::array<float, 256> nearest;
    for (int i = 0; i < 256; ++i) {
      float& best = nearest[static_cast<size_t>(i)] = static_cast<float>(i * 0.003921568);
      const auto error = [&](float r) { return std::abs(static_cast<double>(r) * 255.0 - i); };
      for (float next; error(next = std::nextafterf(best, 2)) < error(best);) best = next;
    }
    return nearest;
  }();
  return table[static_cast<size_t>(v)];
}

/// A value as pictures hold them and as they should not: mostly 0..1, some steps k/255 and their neighbours, some
/// below, above, infinite, NaN.
template <class T>
T random_value(std::mt19937& random) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    return static_cast<uint8_t>(random() >> 24);
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    return T{static_cast<uint16_t>(random() >> 16)};
  } else {
    const T unit = static_cast<T>(random()) / static_cast<T>(4294967295.0);
    const T step = static_cast<T>(random() % 256) / T{255};
    switch (random() % 16) {
      case 0:
        return step;
      case 1:
        return std::nextafter(step, T{-1});
      case 2:
        return std::nextafter(step, T{2});
      case 3:
        return -unit;
      case 4:
        return 1 + 3 * unit;
      case 5:
        return unit * std::numeric_limits<T>::max();
      case 6:
        return unit * std::numeric_limits<T>::min();
      case 7: {
        const T odd[] = {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                         -std::numeric_limits<T>::infinity(), T{-0.0}};
        return odd[random() % 4];
      }
      default:
        return unit;
    }
  }
}

}  // namespace mattecore::testing
