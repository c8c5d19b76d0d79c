#include "mattecore/kernels/gaussian_blur.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/reflected_axis.h"

namespace mattecore::kernels {
namespace {

Image<double> random_mask(int64_t height, int64_t width) {
  Image<double> mask(height, width);
  std::mt19937 random(7);
  for (int64_t i = 0; i < height * width; ++i) mask.view().data[i] = static_cast<double>(random() % 256) / 255;
  return mask;
}

std::vector<double> whole_kernel(int64_t size) {
  if (size == 9) return {.015625, .05078125, .1171875, .19921875, .234375, .19921875, .1171875, .05078125, .015625};
  if (size == 7) return {.03125, .109375, .21875, .28125, .21875, .109375, .03125};
  if (size == 5) return {.0625, .25, .375, .25, .0625};
  if (size == 3) return {.25, .5, .25};
  std::vector<double> kernel;
  const double middle = static_cast<double>(size - 1) / 2, sigma = 0.3 * (middle - 1) + 0.8;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    kernel.push_back(std::exp(-std::pow((static_cast<double>(i) - middle) / sigma, 2) / 2));
    sum += kernel.back();
  }
  for (double& k : kernel) k /= sum;
  return kernel;
}

TEST(GaussianBlur, MatchesTheDefinition) {
  for (const int64_t size : {1, 3, 5, 7, 9, 11, 41})
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {1, 9}, {6, 1}, {5, 3}, {23, 31}}) {
      const Image<double> mask = random_mask(height, width);
      Image<double> blurred(height, width);
      gaussian_blur<double>(mask.view(), size, blurred.view());
      const std::vector<double> kernel = whole_kernel(size);
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
          double sum = 0;
          for (int64_t v = 0; v < size; ++v)
            for (int64_t u = 0; u < size; ++u)
              sum += kernel[static_cast<size_t>(v)] * kernel[static_cast<size_t>(u)] *
                     mask(reflect_101(y + v - size / 2, height), reflect_101(x + u - size / 2, width));
          EXPECT_NEAR(blurred(y, x), sum, 1e-12) << size << ": " << y << ", " << x;
        }
    }
}

TEST(Blur, WeighsByAnyKernelInDoubles) {
  const std::vector<double> half{0.7, 0.25, -0.1, 0.05};
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {1, 9}, {2, 3}, {23, 31}}) {
    const Image<double> exact = random_mask(height, width);
    Image<float> mask(height, width), blurred(height, width);
    for (int64_t i = 0; i < height * width; ++i) mask.view().data[i] = static_cast<float>(exact.view().data[i]);
    blur<float, double>(mask.view(), half, blurred.view());
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        double sum = 0;
        for (int64_t v = -3; v <= 3; ++v)
          for (int64_t u = -3; u <= 3; ++u)
            sum += half[static_cast<size_t>(std::abs(v))] * half[static_cast<size_t>(std::abs(u))] *
                   mask(reflect_101(y + v, height), reflect_101(x + u, width));
        // Only the last step, to float, rounds; where the doubles' own rounding lies on an edge, to the next one.
        EXPECT_FLOAT_EQ(blurred(y, x), static_cast<float>(sum)) << y << ", " << x;
      }
  }
}

TEST(GaussianBlur, SameBytesForAnyNumberOfThreads) {
  const Image<double> mask = random_mask(100, 60);
  Image<double> one(100, 60), other(100, 60);
  set_num_threads(1);
  gaussian_blur<double>(mask.view(), 11, one.view());
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    gaussian_blur<double>(mask.view(), 11, other.view());
    for (int64_t i = 0; i < 6000; ++i) ASSERT_EQ(one.view().data[i], other.view().data[i]);
  }
  set_num_threads(0);
}

TEST(GaussianBlur, SizesOfTheDetailRange) {
  EXPECT_EQ(detail_blur_size(1), 7);
  EXPECT_EQ(detail_blur_size(2), 11);
  EXPECT_EQ(detail_blur_size(3), 17);
  EXPECT_EQ(detail_blur_size(8), 41);
}

TEST(GaussianBlur, SaysWhatIsWrong) {
  const Image<double> mask = random_mask(4, 4);
  Image<double> out(4, 4), smaller(4, 3);
  EXPECT_THROW(gaussian_blur<double>(mask.view(), 4, out.view()), std::invalid_argument);
  EXPECT_THROW(gaussian_blur<double>(mask.view(), 3, smaller.view()), std::invalid_argument);
}

TEST(Reflect101, MirrorsWithoutRepeating) {
  const int64_t expected[] = {1, 2, 1, 0, 1, 2, 1, 0, 1, 2};
  for (int64_t i = -3; i < 7; ++i) EXPECT_EQ(reflect_101(i, 3), expected[i + 3]);
  for (int64_t i = -5; i < 5; ++i) EXPECT_EQ(reflect_101(i, 1), 0);
}

}  // namespace
}  // namespace mattecore::kernels
