#include "mattecore/kernels/segments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"

namespace mattecore::kernels {
namespace {

using Cells = std::vector<std::vector<bool>>;

/// The pixels that flooding reaches from (y, x) through those where `passes`.
template <class Passes>
Cells flooded(int64_t height, int64_t width, int64_t y, int64_t x, bool corners_connect, Passes passes) {
  Cells reached(static_cast<size_t>(height), std::vector<bool>(static_cast<size_t>(width)));
  std::vector<std::pair<int64_t, int64_t>> waiting;
  auto reach = [&](int64_t v, int64_t u) {
    if (v < 0 || u < 0 || v >= height || u >= width || !passes(v, u)) return;
    auto cell = reached[static_cast<size_t>(v)][static_cast<size_t>(u)];
    if (cell) return;
    cell = true;
    waiting.push_back({v, u});
  };
  reach(y, x);
  while (!waiting.empty()) {
    const auto [v, u] = waiting.back();
    waiting.pop_back();
    for (int64_t dy = -1; dy <= 1; ++dy)
      for (int64_t dx = -1; dx <= 1; ++dx)
        if (dy == 0 || dx == 0 || corners_connect) reach(v + dy, u + dx);
  }
  return reached;
}

/// Each part of the mask by flooding, its filled shape by flooding the frame around the picture against it. Those that
/// another one's shape holds are dropped.
std::vector<Cells> shapes(ImageView<const float> mask) {
  const int64_t height = mask.height, width = mask.width;
  std::vector<Cells> found;
  Cells done(static_cast<size_t>(height), std::vector<bool>(static_cast<size_t>(width)));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      if (mask(y, x) == 0 || done[static_cast<size_t>(y)][static_cast<size_t>(x)]) continue;
      const Cells part = flooded(height, width, y, x, true, [&](int64_t v, int64_t u) { return mask(v, u) != 0; });
      const Cells outside = flooded(height + 2, width + 2, 0, 0, false, [&](int64_t v, int64_t u) {
        const bool frame = v == 0 || u == 0 || v > height || u > width;
        return frame || !part[static_cast<size_t>(v - 1)][static_cast<size_t>(u - 1)];
      });
      Cells shape = part;
      for (size_t v = 0; v < shape.size(); ++v)
        for (size_t u = 0; u < shape[v].size(); ++u) {
          shape[v][u] = !outside[v + 1][u + 1];
          done[v][u] = done[v][u] || shape[v][u];  // what it holds is none of its own
        }
      found.push_back(shape);
    }
  std::reverse(found.begin(), found.end());
  return found;
}

Box box_of(const Cells& shape) {
  Box box{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max(), 0, 0};
  for (size_t y = 0; y < shape.size(); ++y)
    for (size_t x = 0; x < shape[y].size(); ++x) {
      if (!shape[y][x]) continue;
      const auto row = static_cast<int64_t>(y), column = static_cast<int64_t>(x);
      box = {std::min(box.left, column), std::min(box.top, row), std::max(box.right, column + 1),
             std::max(box.bottom, row + 1)};
    }
  return box;
}

Image<float> random_mask(int64_t height, int64_t width, uint32_t seed) {
  Image<float> mask(height, width);
  std::mt19937 random(seed);
  const uint32_t density = 1 + random() % 9;
  for (int64_t i = 0; i < height * width; ++i)
    mask.view().data[i] = random() % 10 < density ? 0.01f + static_cast<float>(random() % 100) / 101 : 0;
  return mask;
}

Image<float> drawn(ImageView<const float> mask, const Segment& segment, SegmentFill fill) {
  Image<float> out(segment.crop.height(), segment.crop.width());
  draw_segment(mask, segment, fill, out.view());
  return out;
}

void expect_matches(ImageView<const float> mask) {
  const std::vector<Cells> wanted = shapes(mask);
  const std::vector<Segment> found = find_segments(mask, 2.0, 0);
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const Box box = box_of(wanted[i]), crop = crop_region(box, 2.0, mask.height, mask.width);
    ASSERT_EQ(found[i].box, box);
    ASSERT_EQ(found[i].crop, crop);
    const Image<float> contour = drawn(mask, found[i], SegmentFill::kContour),
                       soft = drawn(mask, found[i], SegmentFill::kSoft),
                       whole = drawn(mask, found[i], SegmentFill::kBox);
    for (int64_t y = crop.top; y < crop.bottom; ++y)
      for (int64_t x = crop.left; x < crop.right; ++x) {
        const float inside = wanted[i][static_cast<size_t>(y)][static_cast<size_t>(x)] ? 1 : 0;
        ASSERT_EQ(contour(y - crop.top, x - crop.left), inside);
        ASSERT_EQ(soft(y - crop.top, x - crop.left), inside * mask(y, x));
        ASSERT_EQ(whole(y - crop.top, x - crop.left),
                  y >= box.top && y < box.bottom && x >= box.left && x < box.right ? 1 : 0);
      }
  }
}

TEST(Segments, MatchFloodingAtEverySize) {
  for (int64_t height = 1; height <= 7; ++height)
    for (int64_t width = 1; width <= 20; ++width)
      for (uint32_t seed = 0; seed < 4; ++seed) {
        SCOPED_TRACE(testing::Message() << height << " x " << width << ", seed " << seed);
        expect_matches(random_mask(height, width, seed + static_cast<uint32_t>(width * 50 + height * 1000)).view());
      }
}

TEST(Segments, MatchFloodingOnLargerNoise) {
  for (uint32_t seed = 0; seed < 6; ++seed) expect_matches(random_mask(31, 67, seed).view());
}

TEST(Segments, WhatLiesInAHoleBelongsToTheRing) {
  const std::vector<std::string> rows = {".......", ".#####.", ".#...#.", ".#.#.##", ".#...#.", ".#####.", "#......"};
  Image<float> mask(7, 7);
  for (int64_t y = 0; y < 7; ++y)
    for (int64_t x = 0; x < 7; ++x) mask(y, x) = rows[static_cast<size_t>(y)][static_cast<size_t>(x)] == '#' ? 0.5f : 0;
  const std::vector<Segment> found = find_segments(mask.view(), 1.0, 1);
  ASSERT_EQ(found.size(), 1u);  // the pixel at the lower left hangs on a corner
  EXPECT_EQ(found[0].box, (Box{0, 1, 7, 7}));
  const Image<float> soft = drawn(mask.view(), found[0], SegmentFill::kSoft);
  EXPECT_EQ(soft(2, 3), 0.5f);  // the island
  EXPECT_EQ(soft(1, 2), 0.0f);  // the hole around it
  EXPECT_EQ(drawn(mask.view(), found[0], SegmentFill::kContour)(1, 2), 1.0f);
}

TEST(Segments, CropRegionsKeepTheirSideWhereThereIsRoom) {
  for (int64_t left = 0; left <= 90; ++left) {
    const Box crop = crop_region({left, 40, left + 10, 50}, 3.0, 100, 100);
    EXPECT_EQ(crop.width(), 30) << left;
    EXPECT_GE(crop.left, 0);
    EXPECT_LE(crop.right, 100);
    EXPECT_EQ(crop.top, 30);
    EXPECT_EQ(crop.bottom, 60);
  }
  EXPECT_EQ(crop_region({0, 0, 100, 100}, 10.0, 100, 100), (Box{0, 0, 100, 100}));
  EXPECT_EQ(crop_region({10, 10, 13, 13}, 1.5, 30, 40), (Box{9, 9, 13, 13}));
}

TEST(Segments, AreTheSameForAnyNumberOfThreads) {
  const Image<float> mask = random_mask(400, 300, 3);
  std::vector<std::vector<float>> results;
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const std::vector<Segment> found = find_segments(mask.view(), 1.5, 0);
    ASSERT_FALSE(found.empty());
    const Image<float> soft = drawn(mask.view(), found.front(), SegmentFill::kSoft);
    results.emplace_back(soft.view().data, soft.view().data + soft.view().height * soft.view().width);
    results.back().push_back(static_cast<float>(found.size()));
  }
  set_num_threads(0);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Segments, RefuseNaNAndForeignSegments) {
  Image<float> mask(4, 5);
  std::fill_n(mask.view().data, 20, 1.0f);
  Segment segment = find_segments(mask.view(), 1.0, 0).front();
  Image<float> out(4, 5), other(3, 5);
  EXPECT_NO_THROW(draw_segment(mask.view(), segment, SegmentFill::kContour, out.view()));
  EXPECT_THROW(draw_segment(mask.view(), segment, SegmentFill::kContour, other.view()), std::invalid_argument);
  segment.box.right = 6;
  EXPECT_THROW(draw_segment(mask.view(), segment, SegmentFill::kContour, out.view()), std::invalid_argument);
  EXPECT_THROW(find_segments(mask.view(), 0.9, 0), std::invalid_argument);
  mask(2, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(find_segments(mask.view(), 1.0, 0), std::invalid_argument);
}

}  // namespace
}  // namespace mattecore::kernels
