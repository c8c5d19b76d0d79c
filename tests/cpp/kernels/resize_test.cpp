#include "mattecore/kernels/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "kernels/picture.h"
#include "mattecore/kernels/resample_weights.h"

namespace mattecore::kernels {
namespace {

using testing::kLayouts;
using testing::Layout;
using testing::Picture;
using testing::random_bytes;
using testing::with_thread_counts;

constexpr Filter kFilters[] = {Filter::nearest, Filter::box,     Filter::bilinear,
                               Filter::hamming, Filter::bicubic, Filter::lanczos};

/// Pillow's rule, pixel by pixel: for each output pixel of an axis a list of source pixels and 22-bit weights; sums in
/// 64 bits. The weights are computed in double in Pillow's order of operations, because which pixels lie under a box,
/// and the last bit of a weight, depend on it.
namespace reference {

double filter_value(Filter filter, double x) {
  if (filter == Filter::box) return -0.5 < x && x <= 0.5;
  x = std::fabs(x);
  auto sinc = [](double t) { return t == 0.0 ? 1.0 : std::sin(t * std::numbers::pi) / (t * std::numbers::pi); };
  switch (filter) {
    case Filter::bilinear:
      return x < 1.0 ? 1.0 - x : 0.0;
    case Filter::hamming: {
      if (x == 0.0) return 1.0;
      if (x >= 1.0) return 0.0;
      x *= std::numbers::pi;
      return std::sin(x) / x * (0.54f + 0.46f * std::cos(x));
    }
    case Filter::bicubic:
      if (x < 1.0) return ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1;
      return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0.0;
    default:
      return x <= 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
  }
}

struct Tap {
  int64_t source;
  int64_t weight;
};
using Axis = std::vector<std::vector<Tap>>;

Axis axis(int64_t in, int64_t out, Filter filter) {
  const double radius[] = {0, 0.5, 1.0, 1.0, 2.0, 3.0};
  const double scale = static_cast<double>(in) / static_cast<double>(out), filter_scale = scale < 1.0 ? 1.0 : scale;
  const double reach = radius[static_cast<int>(filter)] * filter_scale, inverse = 1.0 / filter_scale;
  Axis taps;
  for (int64_t i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto from = static_cast<int64_t>(std::trunc(center - reach + 0.5));
    const auto to = static_cast<int64_t>(std::trunc(center + reach + 0.5));
    std::vector<std::pair<int64_t, double>> exact;
    double total = 0;
    for (int64_t s = std::max<int64_t>(from, 0); s < std::min(to, in); ++s) {
      exact.emplace_back(s, filter_value(filter, (static_cast<double>(s) - center + 0.5) * inverse));
      total += exact.back().second;
    }
    taps.emplace_back();
    for (auto [s, weight] : exact) {
      if (total != 0) weight /= total;
      taps.back().push_back({s, static_cast<int64_t>(std::trunc(weight * 4194304.0 + (weight < 0 ? -0.5 : 0.5)))});
    }
  }
  return taps;
}

uint8_t mixed(const std::vector<Tap>& taps, auto value_at) {
  int64_t sum = 1 << 21;
  for (const Tap& tap : taps) sum += tap.weight * value_at(tap.source);
  // Floor, not division: sums may be negative.
  return static_cast<uint8_t>(std::clamp<int64_t>(sum >> 22, 0, 255));
}

Picture<uint8_t> stretched_columns(const Picture<uint8_t>& in, int64_t width, Filter filter) {
  const Axis taps = axis(in.view().width, width, filter);
  Picture<uint8_t> out(in.view().height, width, in.view().channels);
  out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    out(y, x, c) = mixed(taps[static_cast<size_t>(x)], [&](int64_t s) { return in(y, s, c); });
  });
  return out;
}

Picture<uint8_t> stretched_rows(const Picture<uint8_t>& in, int64_t height, Filter filter) {
  const Axis taps = axis(in.view().height, height, filter);
  Picture<uint8_t> out(height, in.view().width, in.view().channels);
  out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    out(y, x, c) = mixed(taps[static_cast<size_t>(y)], [&](int64_t s) { return in(s, x, c); });
  });
  return out;
}

Picture<uint8_t> nearest(const Picture<uint8_t>& in, int64_t height, int64_t width) {
  auto sources = [](int64_t from, int64_t to) {
    const double step = static_cast<double>(from) / static_cast<double>(to);
    std::vector<int64_t> at;
    for (double p = step * 0.5; std::ssize(at) < to; p += step) at.push_back(static_cast<int64_t>(p));
    return at;
  };
  const auto rows = sources(in.view().height, height), columns = sources(in.view().width, width);
  Picture<uint8_t> out(height, width, in.view().channels);
  out.for_each_place([&](int64_t y, int64_t x, int64_t c) {
    out(y, x, c) = in(rows[static_cast<size_t>(y)], columns[static_cast<size_t>(x)], c);
  });
  return out;
}

Picture<uint8_t> resized(const Picture<uint8_t>& original, int64_t height, int64_t width, Filter filter) {
  const auto size = original.view();
  if (size.height == height && size.width == width) return original.in(Layout::packed);
  if (filter == Filter::nearest) return nearest(original, height, width);
  Picture<uint8_t> picture = original.in(Layout::packed);
  const bool alpha = size.channels == 4;
  if (alpha)
    picture.for_each_place([&](int64_t y, int64_t x, int64_t c) {
      if (c < 3) picture(y, x, c) = static_cast<uint8_t>((2 * picture(y, x, c) * original(y, x, 3) + 255) / 510);
    });
  const bool lower = height < size.height;
  const bool rows_first = size.height > 100 * size.width && lower && size.width != width;
  if (rows_first) picture = stretched_rows(picture, height, filter);
  if (size.width != width) picture = stretched_columns(picture, width, filter);
  if (!rows_first && size.height != height) picture = stretched_rows(picture, height, filter);
  if (alpha)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const int a = picture(y, x, 3);
        for (int64_t c = 0; c < 3 && a > 0; ++c)
          picture(y, x, c) = static_cast<uint8_t>(std::min(255, picture(y, x, c) * 255 / a));
      }
  return picture;
}

}  // namespace reference

void expect_pillow(const Picture<uint8_t>& in, int64_t height, int64_t width, Filter filter,
                   Layout layout = Layout::packed) {
  Picture<uint8_t> out(height, width, in.view().channels, layout);
  resize(in.view(), filter, out.view());
  EXPECT_TRUE(out.same_values(reference::resized(in, height, width, filter)))
      << in.view().width << " x " << in.view().height << " x " << in.view().channels << " to " << width << " x "
      << height << " with filter " << static_cast<int>(filter) << ", " << layout;
  EXPECT_FALSE(out.written_outside());
}

class ResizeTest : public ::testing::TestWithParam<Filter> {};

TEST_P(ResizeTest, EqualsPillowsRuleAtEveryWidth) {
  std::mt19937 random(40);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t height = 1; height <= 5; ++height)
      for (int64_t channels : {1, 3, 4}) {
        const Picture<uint8_t> in = random_bytes(random, height, width, channels);
        expect_pillow(in, 1 + random() % 9, 1 + random() % 70, GetParam());
        expect_pillow(in, height, 1 + random() % 70, GetParam());
        expect_pillow(in, 1 + random() % 9, width, GetParam());
        if (HasFailure()) return;
      }
}

TEST_P(ResizeTest, EqualsPillowsRuleToEveryWidth) {
  std::mt19937 random(41);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t channels : {1, 3, 4}) {
      expect_pillow(random_bytes(random, 3, 23, channels), 5, width, GetParam());
      expect_pillow(random_bytes(random, 6, 64, channels), 4, width, GetParam());
      if (HasFailure()) return;
    }
}

/// A weight's last bit rarely shows in a pixel, so here are the weights themselves.
TEST_P(ResizeTest, TakesPillowsWeightsToTheLastBit) {
  if (GetParam() == Filter::nearest) return;
  for (int64_t in = 1; in <= 400; in += 7)
    for (int64_t out = 1; out <= 200; out += 3) {
      const ResampleWeights weights = resample_weights(in, out, GetParam(), 0, out);
      const reference::Axis wanted = reference::axis(in, out, GetParam());
      for (int64_t i = 0; i < out; ++i) {
        const auto& taps = wanted[static_cast<size_t>(i)];
        ASSERT_EQ(weights.count(i), std::ssize(taps)) << in << " to " << out << ", pixel " << i;
        for (int64_t t = 0; t < std::ssize(taps); ++t) {
          const reference::Tap& tap = taps[static_cast<size_t>(t)];
          ASSERT_EQ(weights.first(i) + t, tap.source) << in << " to " << out << ", pixel " << i;
          ASSERT_EQ(weights.weight(i, t), tap.weight)
              << in << " to " << out << ", pixel " << i << " from " << tap.source;
        }
      }
    }
}

TEST_P(ResizeTest, KeepsAPictureOfTheSameSize) {
  std::mt19937 random(42);
  for (int64_t channels : {1, 3, 4}) {
    const Picture<uint8_t> in = random_bytes(random, 5, 33, channels);
    Picture<uint8_t> out(5, 33, channels);
    resize(in.view(), GetParam(), out.view());
    EXPECT_TRUE(out.same_values(in)) << "RGBA too: nothing is premultiplied when nothing is resized";
  }
}

TEST_P(ResizeTest, GivesTheSameBytesFromAnyLayoutToAnyLayout) {
  std::mt19937 random(43);
  for (int64_t channels : {1, 3, 4}) {
    const Picture<uint8_t> in = random_bytes(random, 17, 37, channels);
    for (Layout from : kLayouts)
      for (Layout to : kLayouts) {
        expect_pillow(in.in(from), 9, 53, GetParam(), to);
        expect_pillow(in.in(from), 25, 20, GetParam(), to);
      }
  }
}

TEST_P(ResizeTest, GivesTheSameBytesForAnyNumberOfThreads) {
  std::mt19937 random(44);
  for (int64_t channels : {1, 3, 4})
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{310, 290}, {70, 90}}) {
      const Picture<uint8_t> in = random_bytes(random, height, width, channels);
      const Picture<uint8_t> wanted = reference::resized(in, 190, 170, GetParam());
      with_thread_counts([&](int threads) {
        Picture<uint8_t> out(190, 170, channels);
        resize(in.view(), GetParam(), out.view());
        EXPECT_TRUE(out.same_values(wanted)) << threads << " threads, " << channels << " channels";
      });
    }
}

/// Neighbouring output pixels lie up to 300 pixels apart: beyond one, two and any number of vector loads.
TEST_P(ResizeTest, ShrinksByAnyFactor) {
  std::mt19937 random(45);
  for (int64_t factor : {2, 3, 4, 5, 6, 7, 8, 9, 12, 20, 33, 64, 100, 300})
    for (int64_t channels : {1, 3, 4}) {
      const int64_t width = 1 + random() % 40;
      expect_pillow(random_bytes(random, 3, width * factor + random() % factor, channels), 2, width, GetParam());
      expect_pillow(random_bytes(random, width * factor + random() % factor, 5, channels), width, 4, GetParam());
    }
}

TEST_P(ResizeTest, EnlargesByAnyFactor) {
  std::mt19937 random(46);
  for (int64_t factor : {2, 5, 17, 64, 333})
    for (int64_t channels : {1, 3, 4}) {
      expect_pillow(random_bytes(random, 2, 3, channels), 3, 3 * factor + 1, GetParam());
      expect_pillow(random_bytes(random, 3, 2, channels), 3 * factor + 1, 3, GetParam());
    }
}

/// The one exception to columns first: over 100 times as high as wide, and getting lower.
TEST_P(ResizeTest, KeepsPillowsOrderForTallPictures) {
  std::mt19937 random(47);
  for (int64_t channels : {1, 3, 4})
    for (int64_t width : {1, 2, 3, 5})
      for (int64_t extra : {-1, 0, 1, 40}) {
        const Picture<uint8_t> in = random_bytes(random, 100 * width + extra, width, channels);
        for (int64_t out_width : {1, 2, 7, 20, 41})
          for (int64_t out_height : {1, 13, 90}) expect_pillow(in, out_height, out_width, GetParam());
        expect_pillow(in, 100 * width + extra + 3, 7, GetParam());
      }
}

/// Many rows mixed into few: their sums are put together ring by ring.
TEST_P(ResizeTest, WorksRingByRingWhereManyRowsBecomeFew) {
  std::mt19937 random(48);
  expect_pillow(random_bytes(random, 200000, 1, 1), 3, 1, GetParam());   // one column
  expect_pillow(random_bytes(random, 200000, 1, 3), 2, 37, GetParam());  // tall, so rows first
  expect_pillow(random_bytes(random, 120001, 20, 1), 2, 33, GetParam());
  expect_pillow(random_bytes(random, 3000, 960, 4), 1, 960, GetParam());  // without a horizontal pass
}

/// Sides beyond 16384 pixels are made in several tiles.
TEST_P(ResizeTest, WorksInTilesWhereASideIsLong) {
  std::mt19937 random(49);
  expect_pillow(random_bytes(random, 2, 20001, 3), 3, 33003, GetParam());
  expect_pillow(random_bytes(random, 20001, 2, 4), 16390, 3, GetParam());
  expect_pillow(random_bytes(random, 3, 40000, 1), 2, 16385, GetParam());
}

std::string filter_name(const ::testing::TestParamInfo<Filter>& tested) {
  constexpr const char* kNames[] = {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"};
  return kNames[static_cast<int>(tested.param)];
}
INSTANTIATE_TEST_SUITE_P(Filters, ResizeTest, ::testing::ValuesIn(kFilters), filter_name);

TEST(Resize, RoundsPremultipliedColoursAsPillowDoes) {
  // Every pair of a colour and an alpha, once through the premultiplication and back, by a resize that moves nothing:
  // each pixel is doubled downwards.
  Picture<uint8_t> in(256, 256, 4);
  in.for_each_place(
      [&](int64_t y, int64_t x, int64_t c) { in(y, x, c) = static_cast<uint8_t>(c == 3 ? y : (x + c) % 256); });
  Picture<uint8_t> out(256, 512, 4);
  resize(in.view(), Filter::box, out.view());
  EXPECT_TRUE(out.same_values(reference::resized(in, 256, 512, Filter::box)));
  EXPECT_EQ(out(128, 2 * 200, 0), 199);  // 200 * 128 / 255 = 100.4, rounded; 100 * 255 / 128 = 199.2, cut
}

TEST(Resize, ClipsWhereAFilterOvershoots) {
  Picture<uint8_t> edge(1, 8);
  edge.for_each_place([&](int64_t, int64_t x, int64_t) { edge(0, x) = x < 4 ? 0 : 255; });
  for (Filter filter : {Filter::bicubic, Filter::lanczos}) {
    Picture<uint8_t> out(1, 61);
    resize(edge.view(), filter, out.view());
    EXPECT_EQ(out(0, 0), 0);
    EXPECT_EQ(out(0, 60), 255);
    expect_pillow(edge, 1, 61, filter);
    expect_pillow(edge, 40, 61, filter);
  }
}

}  // namespace
}  // namespace mattecore::kernels
