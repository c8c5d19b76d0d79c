#include "mattecore/kernels/rgba.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/eight_bit_reference.h"
#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::random_bytes;
using testing::random_value;
using testing::reference_from_u8;
using testing::reference_u8;
using testing::with_thread_counts;

template <class T>
void expect_assembled(const Picture<T>& image, const Picture<uint8_t>& mask, const Picture<float>& out) {
  int64_t wrong = 0;
  const bool grey = image.view().channels == 1;
  out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    const int wanted = c == 3 ? mask(y, x) : reference_u8(image(y, x, grey ? 0 : c));
    wrong += out(y, x, c) != reference_from_u8(wanted);
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_FALSE(out.written_outside());
}

template <class T>
class AssembleRgbaTest : public ::testing::Test {};
using Types = ::testing::Types<float, double, Half, BFloat16, uint8_t>;
TYPED_TEST_SUITE(AssembleRgbaTest, Types);

TYPED_TEST(AssembleRgbaTest, EqualsTheReferenceAtEverySizeAndLayout) {
  using T = TypeParam;
  std::mt19937 random(5);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height = 1; height <= 5; ++height)
      for (int64_t channels : {1, 3, 4}) {
        const auto original = Picture<T>(height, width, channels).fill([&] { return random_value<T>(random); });
        const Picture<uint8_t> mask = random_bytes(random, height, width, 1, Layout::padded_rows);
        for (Layout layout : kLayouts) {
          const Picture<T> image = original.in(layout);
          Picture<float> out(height, width, 4, height % 2 ? Layout::packed : Layout::padded_rows);
          assemble_rgba<T>(image.view(), mask.view(), out.view());
          SCOPED_TRACE(::testing::Message() << width << " x " << height << " x " << channels << ", " << layout);
          expect_assembled(image, mask, out);
        }
        if (::testing::Test::HasFailure()) return;
      }
}

TYPED_TEST(AssembleRgbaTest, GivesTheSameBytesForAnyNumberOfThreads) {
  using T = TypeParam;
  std::mt19937 random(6);
  const auto image = Picture<T>(211, 203, 3).fill([&] { return random_value<T>(random); });
  const Picture<uint8_t> mask = random_bytes(random, 211, 203);
  with_thread_counts([&](int threads) {
    Picture<float> out(211, 203, 4);
    assemble_rgba<T>(image.view(), mask.view(), out.view());
    SCOPED_TRACE(threads);
    expect_assembled(image, mask, out);
  });
}

/// round(v * m / 255); 255 is odd, so no tie can be.
int pasted(int v, int m) { return (2 * v * m + 255) / 510; }

TEST(PasteOnTransparent, RoundsEveryProductOfAColourAndAMask) {
  Picture<uint8_t> image(256, 256), mask(256, 256);
  image.for_each_place([&](int64_t y, int64_t x, int64_t) {
    image(y, x) = static_cast<uint8_t>(x);
    mask(y, x) = static_cast<uint8_t>(y);
  });
  Picture<uint8_t> out(256, 256, 4);
  paste_on_transparent(image.view(), mask.view(), out.view());
  out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    ASSERT_EQ(out(y, x, c), c == 3 ? y : pasted(static_cast<int>(x), static_cast<int>(y))) << x << " through " << y;
  });
}

/// The kernels from bytes to bytes: a picture of 1, 3 or 4 channels, a mask, and what comes out at (y, x, c).
struct BytesKernel {
  const char* name;
  int64_t out_channels;
  void (*run)(const Picture<uint8_t>& image, const Picture<uint8_t>& mask, Picture<uint8_t>& out);
  int (*wanted)(const uint8_t pixel[4], uint8_t mask, int64_t c);  ///< of the pixel made RGB
};

const BytesKernel kBytesKernels[] = {
    {"paste_on_transparent", 4,
     [](const Picture<uint8_t>& image, const Picture<uint8_t>& mask, Picture<uint8_t>& out) {
       paste_on_transparent(image.view(), mask.view(), out.view());
     },
     [](const uint8_t pixel[4], uint8_t mask, int64_t c) { return c == 3 ? int{mask} : pasted(pixel[c], mask); }},
    {"to_rgb", 3,
     [](const Picture<uint8_t>& image, const Picture<uint8_t>&, Picture<uint8_t>& out) {
       to_rgb(image.view(), out.view());
     },
     [](const uint8_t pixel[4], uint8_t, int64_t c) { return int{pixel[c]}; }},
    {"luma", 1,
     [](const Picture<uint8_t>& image, const Picture<uint8_t>&, Picture<uint8_t>& out) {
       luma(image.view(), out.view());
     },
     [](const uint8_t pixel[4], uint8_t, int64_t) {
       return static_cast<int>(
           std::floor((19595.0 * pixel[0] + 38470.0 * pixel[1] + 7471.0 * pixel[2]) / 65536.0 + 0.5));
     }},
};

class BytesKernelTest : public ::testing::TestWithParam<BytesKernel> {
 protected:
  static void check(const Picture<uint8_t>& image, const Picture<uint8_t>& mask, Picture<uint8_t>&& out) {
    GetParam().run(image, mask, out);
    const bool grey = image.view().channels == 1;
    int64_t wrong = 0;
    out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
      const uint8_t pixel[4] = {image(y, x, 0), image(y, x, grey ? 0 : 1), image(y, x, grey ? 0 : 2), 0};
      wrong += out(y, x, c) != GetParam().wanted(pixel, mask(y, x), c);
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_FALSE(out.written_outside());
  }
};

TEST_P(BytesKernelTest, EqualsTheReferenceAtEverySizeAndLayout) {
  std::mt19937 random(7);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height = 1; height <= 5; ++height)
      for (int64_t channels : {1, 3, 4})
        for (Layout layout : kLayouts) {
          const Layout other = kLayouts[static_cast<size_t>(width + height) % std::size(kLayouts)];
          SCOPED_TRACE(::testing::Message()
                       << width << " x " << height << " x " << channels << ", " << layout << ", " << other);
          check(random_bytes(random, height, width, channels, layout), random_bytes(random, height, width, 1, other),
                Picture<uint8_t>(height, width, GetParam().out_channels, other));
          if (HasFailure()) return;
        }
}

TEST_P(BytesKernelTest, GivesTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(8);
  const Picture<uint8_t> image = random_bytes(random, 401, 307, 3), mask = random_bytes(random, 401, 307);
  with_thread_counts([&](int threads) {
    SCOPED_TRACE(threads);
    check(image, mask, Picture<uint8_t>(401, 307, GetParam().out_channels));
  });
}

INSTANTIATE_TEST_SUITE_P(Kernels, BytesKernelTest, ::testing::ValuesIn(kBytesKernels),
                         [](const auto& case_info) { return std::string(case_info.param.name); });

TEST(Luma, LeavesGreyAloneAndRoundsLikePillow) {
  std::mt19937 random(9);
  Picture<uint8_t> grey(16, 16, 3), out(16, 16);
  grey.for_each_place([&](int64_t y, int64_t x, int64_t c) { grey(y, x, c) = static_cast<uint8_t>(16 * y + x); });
  luma(grey.view(), out.view());
  out.for_each_place([&](int64_t y, int64_t x, int64_t) { ASSERT_EQ(out(y, x), 16 * y + x); });
  // Pillow's own answers.
  const struct {
    uint8_t rgb[3];
    int wanted;
  } cases[] = {{{255, 0, 0}, 76}, {{0, 255, 0}, 150}, {{0, 0, 255}, 29}, {{1, 2, 3}, 2}, {{254, 255, 255}, 255}};
  for (const auto& [rgb, wanted] : cases) {
    Picture<uint8_t> one(1, 1, 3), one_out(1, 1);
    for (int64_t c = 0; c < 3; ++c) one(0, 0, c) = rgb[c];
    luma(one.view(), one_out.view());
    EXPECT_EQ(one_out(0, 0), wanted);
  }
}

TEST(ImageToMask, TakesTheFirstChannel) {
  std::mt19937 random(10);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t channels : {1, 3, 4})
      for (Layout layout : kLayouts) {
        const Picture<uint8_t> image = random_bytes(random, 3, width, channels, layout);
        Picture<float> mask(3, width, 1, layout);
        image_to_mask(image.view(), mask.view());
        mask.for_each_place(
            [&](int64_t y, int64_t x, int64_t) { ASSERT_EQ(mask(y, x), reference_from_u8(image(y, x))); });
        ASSERT_FALSE(mask.written_outside());
      }
}

TEST(MaskToImage, GivesAnOpaqueGreyPicture) {
  std::mt19937 random(11);
  for (int64_t width = 1; width <= 70; ++width)
    for (Layout layout : kLayouts) {
      const auto mask = Picture<float>(3, width, 1, layout).fill([&] { return random_value<float>(random); });
      Picture<uint8_t> out(3, width, 4, layout);
      mask_to_image(mask.view(), out.view());
      out.for_each_place(
          [&](int64_t y, int64_t x, int64_t c) { ASSERT_EQ(out(y, x, c), c == 3 ? 255 : reference_u8(mask(y, x))); });
      ASSERT_FALSE(out.written_outside());
    }
}

TEST(MaskConversions, GiveTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(12);
  const Picture<uint8_t> image = random_bytes(random, 500, 333, 3);
  with_thread_counts([&](int threads) {
    Picture<float> mask(500, 333);
    image_to_mask(image.view(), mask.view());
    Picture<uint8_t> back(500, 333, 4);
    mask_to_image(mask.view(), back.view());
    int64_t wrong = 0;
    back.for_each_place(
        [&](int64_t y, int64_t x, int64_t c) { wrong += back(y, x, c) != (c == 3 ? 255 : image(y, x)); });
    EXPECT_EQ(wrong, 0) << threads << " threads";
  });
}

}  // namespace
}  // namespace mattecore::kernels
