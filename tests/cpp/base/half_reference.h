#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace mattecore::testing {

/// A 16-bit float format by its definition: sign, exponent, fraction, and numbers as ldexp of them. Slow and plain.
class SmallFloat {
 public:
  SmallFloat(int exponent_bits, int fraction_bits) : fraction_bits_(fraction_bits) {
    bias_ = (1 << (exponent_bits - 1)) - 1;
    infinity_ = ((1 << exponent_bits) - 1) << fraction_bits;
    for (int bits = 0; bits <= infinity_; ++bits) magnitudes_.push_back(finite(bits));
  }

  int infinity_bits() const { return infinity_; }

  /// What the pattern stands for.
  double value(int bits) const {
    const double sign = bits & 0x8000 ? -1 : 1;
    const int magnitude = bits & 0x7fff;
    if (magnitude > infinity_) return std::numeric_limits<double>::quiet_NaN();
    if (magnitude == infinity_) return sign * std::numeric_limits<double>::infinity();
    return sign * magnitudes_[static_cast<size_t>(magnitude)];
  }

  /// The number of the format nearest to v, of two equally near ones the even one; beyond half a step past the largest,
  /// infinity.
  double nearest(double v) const {
    if (std::isnan(v)) return v;
    const double magnitude = std::abs(v);
    // The last entry is what would come after the largest number: nearer to it means infinite.
    const auto above = std::lower_bound(magnitudes_.begin(), magnitudes_.end(), magnitude);
    size_t chosen = static_cast<size_t>(above - magnitudes_.begin());
    if (above == magnitudes_.end()) {
      chosen = magnitudes_.size() - 1;
    } else if (*above != magnitude) {
      const double to_above = *above - magnitude, to_below = magnitude - *(above - 1);
      if (to_below < to_above || (to_below == to_above && chosen % 2 == 1)) --chosen;
    }
    const bool infinite = chosen + 1 == magnitudes_.size();
    return std::copysign(infinite ? std::numeric_limits<double>::infinity() : magnitudes_[chosen], v);
  }

 private:
  double finite(int bits) const {
    const int exponent = bits >> fraction_bits_;
    const int fraction = bits & ((1 << fraction_bits_) - 1);
    if (exponent == 0) return std::ldexp(fraction, 1 - bias_ - fraction_bits_);
    return std::ldexp((1 << fraction_bits_) + fraction, exponent - bias_ - fraction_bits_);
  }

  int fraction_bits_;
  int bias_;
  int infinity_;
  std::vector<double> magnitudes_;  ///< by pattern, that of infinity as if it were one more number
};

inline const SmallFloat& half_format() {
  static const SmallFloat format(5, 10);
  return format;
}
inline const SmallFloat& bfloat16_format() {
  static const SmallFloat format(8, 7);
  return format;
}

}  // namespace mattecore::testing
