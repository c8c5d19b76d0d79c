#include "mattecore/kernels/eight_bit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/eight_bit_reference.h"
#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::random_value;
using testing::reference_from_u8;
using testing::reference_u8;
using testing::with_thread_counts;

template <class T>
Picture<T> random_picture(std::mt19937& random, int64_t height, int64_t width, int64_t channels) {
  return Picture<T>(height, width, channels).fill([&] { return random_value<T>(random); });
}

template <class T>
void expect_reference(const Picture<T>& in, const Picture<uint8_t>& out, const char* where) {
  int64_t wrong = 0;
  in.for_each_place([&](int64_t y, int64_t x, int64_t c) { wrong += out(y, x, c) != reference_u8(in(y, x, c)); });
  EXPECT_EQ(wrong, 0) << where;
  EXPECT_FALSE(out.written_outside()) << where;
}

template <class T>
class ToU8Test : public ::testing::Test {};
using Types = ::testing::Types<float, double, Half, BFloat16>;
TYPED_TEST_SUITE(ToU8Test, Types);

TYPED_TEST(ToU8Test, EqualsTheReferenceAtEverySizeAndLayout) {
  using T = TypeParam;
  std::mt19937 random(2);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height = 1; height <= 5; ++height)
      for (int64_t channels : {1, 3, 4}) {
        const Picture<T> original = random_picture<T>(random, height, width, channels);
        for (Layout from : kLayouts)
          for (Layout to : {Layout::packed, kLayouts[static_cast<size_t>(width) % std::size(kLayouts)]}) {
            const Picture<T> in = original.in(from);
            Picture<uint8_t> out(height, width, channels, to);
            to_u8<T>(in.view(), out.view());
            SCOPED_TRACE(::testing::Message()
                         << width << " x " << height << " x " << channels << ", " << from << " to " << to);
            expect_reference(in, out, "");
          }
        if (::testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(ToU8Test, GivesTheSameBytesForAnyNumberOfThreads) {
  using T = TypeParam;
  std::mt19937 random(3);
  const Picture<T> in = random_picture<T>(random, 257, 301, 3);
  with_thread_counts([&](int threads) {
    Picture<uint8_t> out(257, 301, 3, Layout::sliced);
    to_u8<T>(in.view(), out.view());
    expect_reference(in, out, threads == 1 ? "one thread" : "several threads");
  });
}

template <class T>
class SixteenBitToU8Test : public ::testing::Test {};
using SixteenBitTypes = ::testing::Types<Half, BFloat16>;
TYPED_TEST_SUITE(SixteenBitToU8Test, SixteenBitTypes);

TYPED_TEST(SixteenBitToU8Test, EqualsTheReferenceForEveryPattern) {
  using T = TypeParam;
  uint16_t next = 0;
  const Picture<T> in = Picture<T>(256, 256).fill([&] { return T{next++}; });
  Picture<uint8_t> out(256, 256);
  to_u8<T>(in.view(), out.view());
  in.for_each_place([&](int64_t y, int64_t x, int64_t) {
    ASSERT_EQ(out(y, x), reference_u8(in(y, x))) << "pattern " << std::hex << in(y, x).bits;
  });
}

TEST(ToU8, CutsTowardsZeroAndClips) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const struct {
    float value;
    int wanted;
  } cases[] = {{0.5f, 127},     {0.999f, 254}, {1.0f, 255}, {std::nextafterf(1.0f, 0), 254},
               {1.001f, 255},   {-0.001f, 0},  {-0.0f, 0},  {kInfinity, 255},
               {-kInfinity, 0}, {NAN, 0},      {-NAN, 0},   {1e-45f, 0},
               {3.4e38f, 255},  {-3.4e38f, 0}};
  // In a full vector and alone: the tail of a row takes other instructions.
  for (int64_t width : {1, 64}) {
    for (const auto& [value, wanted] : cases) {
      const float v = value;
      const Picture<float> in = Picture<float>(1, width).fill([&] { return v; });
      Picture<uint8_t> out(1, width);
      to_u8<float>(in.view(), out.view());
      for (int64_t x = 0; x < width; ++x) EXPECT_EQ(out(0, x), wanted) << value << " at " << x << " of " << width;
    }
  }
}

TEST(FromU8, GivesTheNearestFloatAndToU8GivesItBack) {
  for (int64_t width = 1; width <= 70; ++width)
    for (Layout from : kLayouts)
      for (Layout to : {Layout::packed, Layout::sliced}) {
        int next = static_cast<int>(width);
        Picture<uint8_t> in = Picture<uint8_t>(5, width, 3, from).fill([&] { return static_cast<uint8_t>(next++); });
        Picture<float> out(5, width, 3, to);
        from_u8(in.view(), out.view());
        Picture<uint8_t> back(5, width, 3);
        to_u8<float>(out.view(), back.view());
        EXPECT_TRUE(back.same_values(in)) << width;
        EXPECT_FALSE(out.written_outside()) << width;
        in.for_each_place([&](int64_t y, int64_t x, int64_t c) {
          ASSERT_EQ(out(y, x, c), reference_from_u8(in(y, x, c))) << int{in(y, x, c)};
        });
      }
}

TEST(FromU8, GivesTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(4);
  const Picture<uint8_t> in = testing::random_bytes(random, 301, 199, 4);
  with_thread_counts([&](int threads) {
    Picture<float> out(301, 199, 4);
    from_u8(in.view(), out.view());
    int64_t wrong = 0;
    in.for_each_place([&](int64_t y, int64_t x, int64_t c) { wrong += out(y, x, c) != in(y, x, c) / 255.0f; });
    EXPECT_EQ(wrong, 0) << threads << " threads";
  });
}

TEST(ValueToU8, LeavesEightBitsAlone) {
  for (int v = 0; v < 256; ++v) EXPECT_EQ(value_to_u8(static_cast<uint8_t>(v)), v);
}

}  // namespace
}  // namespace mattecore::kernels
