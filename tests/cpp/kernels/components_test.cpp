#include "mattecore/kernels/components.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"

namespace mattecore::kernels {
namespace {

Image<uint8_t> random_mask(int64_t height, int64_t width, uint32_t seed) {
  Image<uint8_t> mask(height, width);
  std::mt19937 random(seed);
  const uint32_t density = 1 + random() % 9;
  for (int64_t i = 0; i < height * width; ++i) mask.view().data[i] = random() % 10 < density ? 1 + random() % 255 : 0;
  return mask;
}

/// Numbers the components by flooding from each pixel not yet numbered, in raster order; -1 where `inside` is not so.
std::vector<int> flooded(ImageView<const uint8_t> mask, bool inside, bool corners_connect) {
  std::vector<int> numbers(static_cast<size_t>(mask.height * mask.width), -1);
  int next = 0;
  auto number = [&](int64_t y, int64_t x) -> int& { return numbers[static_cast<size_t>(y * mask.width + x)]; };
  for (int64_t y = 0; y < mask.height; ++y)
    for (int64_t x = 0; x < mask.width; ++x) {
      if ((mask(y, x) > 0) != inside || number(y, x) >= 0) continue;
      std::vector<std::pair<int64_t, int64_t>> waiting{{y, x}};
      number(y, x) = next;
      while (!waiting.empty()) {
        const auto [v, u] = waiting.back();
        waiting.pop_back();
        for (int64_t dy = -1; dy <= 1; ++dy)
          for (int64_t dx = -1; dx <= 1; ++dx) {
            const int64_t b = v + dy, a = u + dx;
            if ((dy != 0 && dx != 0 && !corners_connect) || b < 0 || a < 0 || b >= mask.height || a >= mask.width)
              continue;
            if ((mask(b, a) > 0) != inside || number(b, a) >= 0) continue;
            number(b, a) = next;
            waiting.push_back({b, a});
          }
      }
      ++next;
    }
  return numbers;
}

void expect_matches(const Components& found, const std::vector<int>& wanted, int64_t height, int64_t width) {
  std::vector<int> numbers(wanted.size(), -1);
  for (const Run& run : found.runs)
    for (int64_t x = run.begin; x < run.end; ++x) numbers[static_cast<size_t>(run.row * width + x)] = run.component;
  ASSERT_EQ(numbers, wanted);
  for (size_t c = 0; c < found.components.size(); ++c) {
    const Component& component = found.components[c];
    Component all{0, static_cast<int32_t>(height), 0, static_cast<int32_t>(width), 0, component.first_run};
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] != static_cast<int>(c)) continue;
      const auto y = static_cast<int32_t>(static_cast<int64_t>(i) / width),
                 x = static_cast<int32_t>(static_cast<int64_t>(i) % width);
      if (all.area++ == 0) {
        const Run& first = found.runs[static_cast<size_t>(component.first_run)];
        EXPECT_EQ(std::pair(first.row, first.begin), std::pair(y, x));
      }
      all.top = std::min(all.top, y), all.bottom = std::max(all.bottom, y + 1);
      all.left = std::min(all.left, x), all.right = std::max(all.right, x + 1);
    }
    EXPECT_EQ(component.area, all.area);
    EXPECT_EQ(std::pair(component.top, component.bottom), std::pair(all.top, all.bottom));
    EXPECT_EQ(std::pair(component.left, component.right), std::pair(all.left, all.right));
  }
}

TEST(Components, MatchesFloodingAtEverySize) {
  for (int64_t height = 1; height <= 5; ++height)
    for (int64_t width = 1; width <= 140; ++width) {
      SCOPED_TRACE(testing::Message() << height << " x " << width);
      const Image<uint8_t> mask = random_mask(height, width, static_cast<uint32_t>(width * 10 + height));
      expect_matches(connected_components<uint8_t>(mask.view(), 0), flooded(mask.view(), true, true), height, width);
      expect_matches(background_components<uint8_t>(mask.view(), 0), flooded(mask.view(), false, false), height, width);
    }
}

TEST(Components, MatchesFloodingOnLargerNoise) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    const Image<uint8_t> mask = random_mask(97, 203, seed);
    expect_matches(connected_components<uint8_t>(mask.view(), 0), flooded(mask.view(), true, true), 97, 203);
    expect_matches(background_components<uint8_t>(mask.view(), 0), flooded(mask.view(), false, false), 97, 203);
  }
}

TEST(Components, JoinsASpiral) {
  // The row of gaps below the top opens the spiral's one winding lane to the left.
  const char* rows[] = {"#######", "      #", "##### #", "#   # #", "# ### #", "#     #", "#######"};
  Image<float> mask(7, 7);
  for (int64_t y = 0; y < 7; ++y)
    for (int64_t x = 0; x < 7; ++x) mask(y, x) = rows[y][x] == '#' ? 0.5f : 0.1f;
  EXPECT_EQ(connected_components(ImageView<const float>(mask.view()), 0.2f).components.size(), 1u);
  EXPECT_EQ(background_components(ImageView<const float>(mask.view()), 0.2f).components.size(), 1u);
  EXPECT_TRUE(connected_components(ImageView<const float>(mask.view()), 0.5f).components.empty());
  mask(1, 0) = 1;
  mask(4, 1) = 1;  // parts the lane in two, no longer open
  EXPECT_EQ(background_components(ImageView<const float>(mask.view()), 0.2f).components.size(), 2u);
}

TEST(Components, RefusesNaN) {
  Image<float> mask(2, 2);
  std::fill_n(mask.view().data, 4, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(connected_components(ImageView<const float>(mask.view()), 0.0f), std::invalid_argument);
}

}  // namespace
}  // namespace mattecore::kernels
