#include "mattecore/solver/closed_form.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"

namespace mattecore::solver {
namespace {

using Paint = std::function<double(int64_t y, int64_t x, int64_t c)>;

Image<double> picture(int64_t height, int64_t width, const Paint& paint, int64_t channels = 3) {
  Image<double> image(height, width, channels);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) image(y, x, c) = paint(y, x, c);
  return image;
}

double noise(int64_t y, int64_t x, int64_t c) {
  return static_cast<double>(std::mt19937(static_cast<uint32_t>((y * 977 + x) * 3 + c))() % 256) / 255;
}
double waves(int64_t y, int64_t x, int64_t c) {
  return 0.5 +
         0.4 * std::sin(0.3 * static_cast<double>(x) + static_cast<double>(c)) * std::cos(0.2 * static_cast<double>(y));
}
double grey_waves(int64_t y, int64_t x, int64_t) { return waves(y, x, 0); }
double patches(int64_t y, int64_t x, int64_t c) { return (y / 5 + x / 7) % 2 ? 0.2 : 0.3 * static_cast<double>(c + 1); }
double constant(int64_t, int64_t, int64_t) { return 0.5; }

/// Foreground in the middle, background at the edge, the rest unknown.
Image<float> ring(int64_t height, int64_t width, double inner = 0.2, double outer = 0.9) {
  Image<float> trimap(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const double v = 2 * static_cast<double>(y) / static_cast<double>(height - 1) - 1;
      const double u = 2 * static_cast<double>(x) / static_cast<double>(width - 1) - 1;
      const double r = std::max(std::abs(v), std::abs(u));
      trimap(y, x) = r < inner ? 1.0f : r > outer ? 0.0f : 0.5f;
    }
  return trimap;
}

/// Unknown everywhere but on one stroke of each side.
Image<float> strokes(int64_t height, int64_t width) {
  Image<float> trimap(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      trimap(y, x) = y == height / 2 && x < 4 ? 1.0f : y == 1 && x > width - 4 ? 0.0f : 0.5f;
  return trimap;
}

Image<float> solve(ImageView<const double> image, ImageView<const float> trimap, const ClosedFormOptions& options = {},
                   const Progress& progress = {}) {
  Image<float> alpha(trimap.height, trimap.width);
  std::fill_n(alpha.view().data, trimap.height * trimap.width, -1.0f);
  closed_form(image, trimap, options, progress, alpha.view());
  return alpha;
}

/// The definition, with Eigen's factorisations: every window, every known pixel.
Image<float> dense_solution(ImageView<const double> image, ImageView<const float> trimap) {
  const int64_t height = trimap.height, width = trimap.width, count = height * width;
  Eigen::MatrixXd laplacian = Eigen::MatrixXd::Zero(count, count);
  for (int64_t y = 1; y + 1 < height; ++y)
    for (int64_t x = 1; x + 1 < width; ++x) {
      Eigen::Matrix<double, 9, 3> colours;
      int64_t pixels[9];
      for (int64_t i = 0; i < 9; ++i) {
        pixels[i] = (y + i / 3 - 1) * width + x + i % 3 - 1;
        for (int64_t c = 0; c < 3; ++c)
          colours(i, c) = image(y + i / 3 - 1, x + i % 3 - 1, image.channels == 3 ? c : 0);
      }
      colours.rowwise() -= colours.colwise().mean().eval();
      const Eigen::Matrix3d summed = colours.transpose() * colours + 1e-6 * Eigen::Matrix3d::Identity();
      const Eigen::Matrix<double, 9, 9> energy = Eigen::Matrix<double, 9, 9>::Identity() -
                                                 Eigen::Matrix<double, 9, 9>::Constant(1.0 / 9) -
                                                 colours * summed.llt().solve(colours.transpose());
      for (int64_t i = 0; i < 9; ++i)
        for (int64_t j = 0; j < 9; ++j) laplacian(pixels[i], pixels[j]) += energy(i, j);
    }
  Image<float> alpha(height, width);
  std::vector<int64_t> unknown;
  for (int64_t i = 0; i < count; ++i) {
    alpha.view().data[i] = trimap.data[i];
    if (trimap.data[i] == 0.5f) unknown.push_back(i);
  }
  const auto n = static_cast<int64_t>(unknown.size());
  Eigen::MatrixXd a(n, n);
  Eigen::VectorXd b = Eigen::VectorXd::Zero(n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j)
      a(i, j) = laplacian(unknown[static_cast<size_t>(i)], unknown[static_cast<size_t>(j)]);
    for (int64_t j = 0; j < count; ++j)
      if (trimap.data[j] == 1.0f) b(i) -= laplacian(unknown[static_cast<size_t>(i)], j);
  }
  const Eigen::VectorXd x = a.ldlt().solve(b);
  for (int64_t i = 0; i < n; ++i)
    alpha.view().data[unknown[static_cast<size_t>(i)]] = static_cast<float>(std::clamp(x(i), 0.0, 1.0));
  return alpha;
}

float largest_difference(ImageView<const float> a, ImageView<const float> b) {
  float largest = 0;
  for (int64_t y = 0; y < a.height; ++y)
    for (int64_t x = 0; x < a.width; ++x) largest = std::max(largest, std::abs(a(y, x) - b(y, x)));
  return largest;
}

TEST(ClosedForm, MatchesADenseSolver) {
  const struct {
    const char* name;
    Paint paint;
  } paints[] = {{"noise", noise}, {"waves", waves}, {"grey", grey_waves}, {"patches", patches}, {"constant", constant}};
  for (const auto& [name, paint] : paints)
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{3, 3}, {3, 40}, {17, 4}, {23, 29}, {32, 32}}) {
      const Image<double> image = picture(height, width, paint);
      for (const bool broad : {false, true}) {
        const Image<float> trimap = broad ? strokes(height, width) : ring(height, width, 0.5, 0.8);
        const float* values = trimap.view().data;
        if (std::count(values, values + height * width, 1.0f) == 0 ||
            std::count(values, values + height * width, 0.0f) == 0)
          continue;
        // The reference itself keeps half of its digits where a picture is grey.
        EXPECT_LT(largest_difference(solve(image.view(), trimap.view()).view(),
                                     dense_solution(image.view(), trimap.view()).view()),
                  2e-4f)
            << name << ' ' << height << " x " << width << (broad ? " strokes" : " ring");
      }
    }
}

TEST(ClosedForm, KnownPixelsAreExact) {
  const Image<double> image = picture(40, 50, noise);
  Image<float> trimap = ring(40, 50);
  trimap(20, 25) = 0.93f;
  trimap(0, 0) = 0.07f;
  const Image<float> alpha = solve(image.view(), trimap.view());
  for (int64_t y = 0; y < 40; ++y)
    for (int64_t x = 0; x < 50; ++x) {
      if (trimap(y, x) != 0.5f) {
        EXPECT_EQ(alpha(y, x), trimap(y, x) > 0.5f ? 1.0f : 0.0f);
      }
      EXPECT_GE(alpha(y, x), 0.0f);
      EXPECT_LE(alpha(y, x), 1.0f);
    }
}

TEST(ClosedForm, IterationsHardlyGrowWithThePicture) {
  for (const Paint& paint : {Paint(noise), Paint(waves), Paint(constant)}) {
    size_t iterations[2];
    for (const int64_t scale : {1, 4}) {
      std::vector<double> residuals;
      ClosedFormOptions options;
      options.residuals = &residuals;
      solve(picture(64 * scale, 64 * scale, paint).view(), ring(64 * scale, 64 * scale).view(), options);
      EXPECT_LT(residuals.back(), options.tolerance);
      iterations[scale / 4] = residuals.size();
    }
    EXPECT_LE(iterations[1], 2 * iterations[0] + 2);
    EXPECT_LE(iterations[1], 60u);
  }
}

TEST(ClosedForm, SameBytesForAnyNumberOfThreads) {
  const Image<double> image = picture(150, 230, waves);
  const Image<float> trimap = ring(150, 230);
  set_num_threads(1);
  const Image<float> expected = solve(image.view(), trimap.view());
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    EXPECT_EQ(largest_difference(solve(image.view(), trimap.view()).view(), expected.view()), 0.0f) << threads;
  }
  set_num_threads(0);
}

TEST(ClosedForm, GreyOfOneChannelIsGreyOfThree) {
  const Image<float> trimap = ring(40, 30);
  EXPECT_EQ(largest_difference(solve(picture(40, 30, grey_waves, 1).view(), trimap.view()).view(),
                               solve(picture(40, 30, grey_waves).view(), trimap.view()).view()),
            0.0f);
}

TEST(ClosedForm, ReadsAnyStrides) {
  const int64_t height = 20, width = 30;
  const Image<double> image = picture(height, width, noise);
  const Image<double> turned = picture(width, height, [](int64_t y, int64_t x, int64_t c) { return noise(x, y, c); });
  const Image<float> trimap = ring(height, width);
  const ImageView<const double> view(turned.view().data, height, width, 3, 3, height * 3, 1);
  EXPECT_EQ(largest_difference(solve(view, trimap.view()).view(), solve(image.view(), trimap.view()).view()), 0.0f);
}

TEST(ClosedForm, WithoutUnknownPixelsReturnsTheTrimap) {
  const Image<double> image = picture(2, 3, noise);
  for (const float value : {0.0f, 1.0f}) {
    Image<float> trimap(2, 3);
    std::fill_n(trimap.view().data, 6, value);
    EXPECT_EQ(largest_difference(solve(image.view(), trimap.view()).view(), trimap.view()), 0.0f);
  }
}

TEST(ClosedForm, WithoutWindowsUnknownPixelsStayInTheMiddle) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 9}, {9, 1}, {2, 9}}) {
    Image<float> trimap(height, width);
    std::fill_n(trimap.view().data, height * width, 0.5f);
    trimap.view().data[0] = 1;
    trimap.view().data[1] = 0;
    EXPECT_EQ(largest_difference(solve(picture(height, width, noise).view(), trimap.view()).view(), trimap.view()),
              0.0f);
  }
}

TEST(ClosedForm, WithoutForegroundInReachIsBackground) {
  // A wall of known background, five wide, between the foreground and the unknown pixels.
  Image<float> trimap(12, 20);
  for (int64_t y = 0; y < 12; ++y)
    for (int64_t x = 0; x < 20; ++x) trimap(y, x) = x < 4 ? 1.0f : x < 9 ? 0.0f : 0.5f;
  const Image<float> alpha = solve(picture(12, 20, noise).view(), trimap.view());
  for (int64_t x = 9; x < 20; ++x) EXPECT_EQ(alpha(5, x), 0.0f);
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ClosedForm, SaysWhatIsWrong) {
  Image<double> image = picture(5, 6, noise);
  Image<float> trimap(5, 6);
  std::fill_n(trimap.view().data, 30, 0.5f);
  trimap(0, 0) = 1;
  EXPECT_NE(refusal([&] { solve(image.view(), trimap.view()); }).find("no known background"), std::string::npos);
  trimap(0, 0) = 0;
  EXPECT_NE(refusal([&] { solve(image.view(), trimap.view()); }).find("no known foreground"), std::string::npos);
  trimap(0, 1) = 1;
  image(2, 3, 1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(refusal([&] { solve(image.view(), trimap.view()); }).find("row 2, column 3"), std::string::npos);
  trimap(4, 5) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(refusal([&] { solve(image.view(), trimap.view()); }).find("trimap"), std::string::npos);
  EXPECT_NE(refusal([&] { solve(picture(5, 7, noise).view(), trimap.view()); }).find("5 x 7"), std::string::npos);
  EXPECT_NE(refusal([&] { solve(picture(5, 6, noise, 4).view(), trimap.view()); }).find('4'), std::string::npos);
}

TEST(ClosedForm, NotConvergingThrows) {
  ClosedFormOptions options;
  options.max_iterations = 1;
  EXPECT_THROW(solve(picture(50, 50, waves).view(), ring(50, 50).view(), options), std::runtime_error);
}

TEST(ClosedForm, ReportsOftenCancelsAndWritesNothing) {
  const Image<double> image = picture(700, 700, waves);
  const Image<float> trimap = ring(700, 700);
  Image<float> alpha(700, 700);
  std::fill_n(alpha.view().data, 700 * 700, -1.0f);
  double fraction = 0;
  int reports = 0;
  const Progress watch([&](double now) {
    EXPECT_GE(now, fraction);
    fraction = now;
    ++reports;
    return now < 0.5;
  });
  EXPECT_THROW(closed_form<double>(image.view(), trimap.view(), {}, watch, alpha.view()), Cancelled);
  EXPECT_EQ(*std::max_element(alpha.view().data, alpha.view().data + 700 * 700), -1.0f);
  EXPECT_GE(reports, 20);  // some of them while the grids are built, before the first iteration
}

}  // namespace
}  // namespace mattecore::solver
