#include "mattecore/kernels/resample_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace mattecore::kernels {
namespace {

constexpr Filter kSmooth[] = {Filter::bilinear, Filter::hamming, Filter::bicubic, Filter::lanczos};

double support(Filter filter) {
  switch (filter) {
    case Filter::box:
      return 0.5;
    case Filter::bicubic:
      return 2.0;
    case Filter::lanczos:
      return 3.0;
    default:
      return 1.0;
  }
}

/// The filters as the literature writes them, in long double; Hamming's two constants are floats in Pillow.
long double kernel(Filter filter, long double x) {
  const long double pi = std::numbers::pi_v<long double>, a = std::abs(x);
  auto sinc = [&](long double t) { return t == 0 ? 1.0L : std::sin(pi * t) / (pi * t); };
  if (a >= static_cast<long double>(support(filter))) return 0;
  switch (filter) {
    case Filter::bilinear:
      return 1 - a;
    case Filter::hamming:
      return sinc(a) * (0.54f + 0.46f * std::cos(pi * a));
    case Filter::bicubic:
      return a < 1 ? 1.5L * a * a * a - 2.5L * a * a + 1 : -0.5L * a * a * a + 2.5L * a * a - 4 * a + 2;
    case Filter::lanczos:
      return sinc(a) * sinc(a / 3);
    default:
      return 1;
  }
}

/// 2^22 times the weight of source pixel s for pixel i.
long double exact_weight(Filter filter, int64_t in, int64_t out, int64_t i, int64_t s) {
  const long double scale = static_cast<long double>(in) / static_cast<long double>(out);
  const long double widening = std::max(scale, 1.0L), center = (static_cast<long double>(i) + 0.5L) * scale;
  auto at = [&](int64_t pixel) { return kernel(filter, (static_cast<long double>(pixel) + 0.5L - center) / widening); };
  long double sum = 0;
  for (int64_t pixel = 0; pixel < in; ++pixel) sum += at(pixel);
  return at(s) / sum * (1 << kWeightBits);
}

void for_some_sizes(auto run) {
  for (int64_t in : {1, 2, 3, 5, 8, 16, 31, 64, 100})
    for (int64_t out : {1, 2, 3, 4, 7, 16, 33, 90, 257}) run(in, out);
}

TEST(ResampleWeights, AreTheFiltersRoundedToFixedPoint) {
  for (Filter filter : kSmooth)
    for_some_sizes([&](int64_t in, int64_t out) {
      const ResampleWeights w = resample_weights(in, out, filter, 0, out);
      ASSERT_EQ(static_cast<int64_t>(w.firsts.size()), out);
      for (int64_t i = 0; i < out; ++i) {
        for (int64_t s = 0; s < in; ++s) {
          const int64_t t = s - w.first(i);
          const int32_t got = t >= 0 && t < w.count(i) ? w.weight(i, t) : 0;
          ASSERT_NEAR(static_cast<double>(exact_weight(filter, in, out, i, s)), got, 0.501)
              << "filter " << static_cast<int>(filter) << ", " << in << " to " << out << ", pixel " << i << " from "
              << s;
        }
      }
    });
}

TEST(ResampleWeights, OfBoxShareThePixelsUnderneath) {
  const ResampleWeights halves = resample_weights(8, 4, Filter::box, 0, 4);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(halves.first(i), 2 * i);
    EXPECT_EQ(halves.weight(i, 0), 1 << 21);
    EXPECT_EQ(halves.weight(i, 1), 1 << 21);
  }
  const ResampleWeights doubled = resample_weights(4, 8, Filter::box, 0, 8);
  for (int64_t i = 0; i < 8; ++i) {
    int64_t total = 0;
    for (int64_t t = 0; t < doubled.count(i); ++t) total += doubled.weight(i, t) * (doubled.first(i) + t);
    EXPECT_EQ(total, (i / 2) << kWeightBits);
  }
}

TEST(ResampleWeights, StayInsideAndAddUpToOne) {
  for (Filter filter : {Filter::box, Filter::bilinear, Filter::hamming, Filter::bicubic, Filter::lanczos})
    for_some_sizes([&](int64_t in, int64_t out) {
      const ResampleWeights w = resample_weights(in, out, filter, 0, out);
      for (int64_t i = 0; i < out; ++i) {
        const int64_t count = w.count(i);
        ASSERT_GE(w.first(i), 0);
        ASSERT_GE(count, 1);
        ASSERT_LE(count, w.taps);
        ASSERT_LE(w.end(i), in);
        int64_t sum = 0;
        for (int64_t t = 0; t < w.taps; ++t) {
          sum += w.weight(i, t);
          ASSERT_TRUE(t < count || w.weight(i, t) == 0) << "past the count";
        }
        ASSERT_NEAR(static_cast<double>(sum), 1 << kWeightBits, 0.5 * static_cast<double>(count))
            << in << " to " << out;
      }
    });
}

TEST(ResampleWeights, LeaveAnAxisOfTheSameLengthAlone) {
  for (Filter filter : {Filter::box, Filter::bilinear, Filter::hamming, Filter::bicubic, Filter::lanczos}) {
    const ResampleWeights w = resample_weights(9, 9, filter, 0, 9);
    for (int64_t i = 0; i < 9; ++i)
      for (int64_t t = 0; t < w.count(i); ++t) EXPECT_EQ(w.weight(i, t), w.first(i) + t == i ? 1 << kWeightBits : 0);
  }
}

TEST(ResampleWeights, AreNotMadeForNearest) {
  EXPECT_THROW(resample_weights(3, 5, Filter::nearest, 0, 5), std::invalid_argument);
}

TEST(FilterFromName, KnowsPillowsNamesInSmallLetters) {
  EXPECT_EQ(filter_from_name("nearest"), Filter::nearest);
  EXPECT_EQ(filter_from_name("box"), Filter::box);
  EXPECT_EQ(filter_from_name("bilinear"), Filter::bilinear);
  EXPECT_EQ(filter_from_name("hamming"), Filter::hamming);
  EXPECT_EQ(filter_from_name("bicubic"), Filter::bicubic);
  EXPECT_EQ(filter_from_name("lanczos"), Filter::lanczos);
  for (const char* name : {"", "Bilinear", "lanczo", "lanczos3", "area"}) {
    try {
      filter_from_name(name);
      ADD_FAILURE() << name << " was taken for a filter";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("'" + std::string(name) + "'"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("hamming"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace mattecore::kernels
