#include "mattecore/base/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <type_traits>
#include <vector>

#include "half_reference.h"

namespace mattecore {
namespace {

using testing::bfloat16_format;
using testing::half_format;
using testing::SmallFloat;

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

template <class Format>
class HalfTest : public ::testing::Test {
 protected:
  static const SmallFloat& format() {
    if constexpr (std::is_same_v<Format, Half>) return half_format();
    return bfloat16_format();
  }

  /// All numbers of the format, the middles between neighbours, and the floats next to those middles.
  static std::vector<float> delicate_values() {
    std::vector<float> values;
    for (int bits = 0; bits < format().infinity_bits(); ++bits) {
      const double here = format().value(bits);
      const double next =
          bits + 1 < format().infinity_bits() ? format().value(bits + 1) : 2 * here - format().value(bits - 1);
      const float middle = static_cast<float>((here + next) / 2);
      for (float v :
           {static_cast<float>(here), std::nextafterf(middle, 0), middle, std::nextafterf(middle, INFINITY)}) {
        values.push_back(v);
        values.push_back(-v);
      }
    }
    return values;
  }
};

using Formats = ::testing::Types<Half, BFloat16>;
TYPED_TEST_SUITE(HalfTest, Formats);

TYPED_TEST(HalfTest, EveryPatternBecomesTheFloatItStandsFor) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float got = to_float(TypeParam{static_cast<uint16_t>(bits)});
    ASSERT_TRUE(same(got, this->format().value(bits))) << std::hex << bits << " became " << got;
  }
}

TYPED_TEST(HalfTest, RoundsToTheNearestNumberAndTiesToEven) {
  for (float v : this->delicate_values())
    ASSERT_TRUE(same(rounded_to<TypeParam>(v), this->format().nearest(v))) << std::hexfloat << v;
}

TYPED_TEST(HalfTest, RoundsAnyFloat) {
  std::mt19937 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const float v = std::bit_cast<float>(static_cast<uint32_t>(random()));
    ASSERT_TRUE(same(rounded_to<TypeParam>(v), this->format().nearest(v))) << std::hexfloat << v;
  }
}

TYPED_TEST(HalfTest, IsNarrowedToThePatternOfWhatItIsRoundedTo) {
  std::vector<float> values = this->delicate_values();
  std::mt19937 random(2);
  for (int i = 0; i < 1'000'000; ++i) values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  for (float v : values)
    ASSERT_TRUE(same(to_float(narrowed<TypeParam>(v)), rounded_to<TypeParam>(v))) << std::hexfloat << v;
}

TEST(Half, OverflowsFromHalfAStepPastItsLargestNumber) {
  EXPECT_EQ(rounded_to<Half>(std::nextafterf(65520.0f, 0)), 65504.0f);
  EXPECT_EQ(rounded_to<Half>(65520.0f), INFINITY);
  EXPECT_EQ(rounded_to<Half>(-65520.0f), -INFINITY);
  EXPECT_EQ(rounded_to<Half>(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(rounded_to<Half>(NAN)));
}

TEST(Half, FloatsAndDoublesStayWhatTheyAre) {
  EXPECT_EQ(rounded_to<float>(0.1f), 0.1f);
  EXPECT_EQ(rounded_to<double>(0.1), 0.1);
  EXPECT_EQ(to_float(0.1f), 0.1f);
  EXPECT_EQ(to_float(0.1), 0.1);
}

}  // namespace
}  // namespace mattecore
