// Our kernels beside OpenCV's, which the original nodes call.
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "mattecore/base/image.h"
#include "mattecore/kernels/gaussian_blur.h"
#include "mattecore/kernels/interpolate.h"
#include "mattecore/kernels/morphology.h"

namespace mattecore::kernels {
namespace {

struct Size {
  int height, width;
};
constexpr Size kSizes[] = {{1, 1}, {1, 7}, {9, 1}, {2, 3}, {31, 64}, {65, 47}, {120, 150}};

cv::Mat noise(Size size, int type, double scale) {
  static cv::RNG random(20);
  cv::Mat mat(size.height, size.width, type);
  random.fill(mat, cv::RNG::UNIFORM, 0.0, scale);
  return mat;
}

template <class T>
ImageView<T> view(cv::Mat& mat) {
  return {mat.ptr<T>(), mat.rows, mat.cols, mat.channels()};
}

double largest_difference(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF); }

TEST(OpenCVParity, InterpolatesAsResizeWithInterLinearDoes) {
  for (const Size from : kSizes)
    for (const Size to : kSizes) {
      cv::Mat in = noise(from, CV_32FC3, 1.0), ours(to.height, to.width, CV_32FC3), theirs;
      interpolate<float>(view<float>(in), false, view<float>(ours));
      cv::resize(in, theirs, {to.width, to.height});
      // Both compute positions in float, in another order: a unit in the last place of 150 is 1.5e-5, on either axis.
      EXPECT_LE(largest_difference(ours, theirs), 3.1e-5)
          << from.height << " x " << from.width << " to " << to.height << " x " << to.width;
    }
}

TEST(OpenCVParity, ErodesAndDilatesAsFiveIterationsOfABoxDo) {
  for (const Size size : kSizes)
    for (int box : {1, 2, 3, 6, 7, 20, 64}) {
      cv::Mat in = noise(size, CV_8UC1, 256.0), ours(size.height, size.width, CV_8UC1), theirs;
      const cv::Mat element = cv::Mat::ones(box, box, CV_8UC1);
      const BoxReach reach = BoxReach::repeated_box(box, 5);
      erode<uint8_t>(view<uint8_t>(in), reach, view<uint8_t>(ours));
      cv::erode(in, theirs, element, {-1, -1}, 5);
      EXPECT_EQ(largest_difference(ours, theirs), 0) << size.height << " x " << size.width << ", box " << box;
      dilate<uint8_t>(view<uint8_t>(in), reach, view<uint8_t>(ours));
      cv::dilate(in, theirs, element, {-1, -1}, 5);
      EXPECT_EQ(largest_difference(ours, theirs), 0) << size.height << " x " << size.width << ", box " << box;
    }
}

TEST(OpenCVParity, BlursAsGaussianBlurDoes) {
  for (const Size size : kSizes)
    for (int side : {1, 3, 5, 7, 9, 11, 41}) {
      cv::Mat in = noise(size, CV_64FC1, 1.0), ours(size.height, size.width, CV_64FC1), theirs;
      gaussian_blur<double>(view<double>(in), side, view<double>(ours));
      cv::GaussianBlur(in, theirs, {side, side}, 0);
      // Both in double; the sums run in different orders.
      EXPECT_LE(largest_difference(ours, theirs), 1e-12) << size.height << " x " << size.width << ", side " << side;
    }
}

}  // namespace
}  // namespace mattecore::kernels
