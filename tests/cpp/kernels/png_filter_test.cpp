#include "mattecore/kernels/png_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "kernels/picture.h"

namespace mattecore::kernels {
namespace {

using testing::Layout;
using testing::Picture;
using testing::random_bytes;

/// The prediction of the byte at (y, x, c), as the standard's clause 9.2 words it.
int predicted(const Picture<uint8_t>& picture, int filter, int64_t y, int64_t x, int64_t c) {
  const int a = x > 0 ? picture(y, x - 1, c) : 0;
  const int b = y > 0 ? picture(y - 1, x, c) : 0;
  const int corner = x > 0 && y > 0 ? picture(y - 1, x - 1, c) : 0;
  const int p = a + b - corner, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - corner);
  const int nearest = pa <= pb && pa <= pc ? a : pb <= pc ? b : corner;
  const int predictions[] = {0, a, b, static_cast<int>(std::floor((a + b) / 2.0)), nearest};
  return predictions[filter];
}

std::vector<uint8_t> wanted_row(const Picture<uint8_t>& picture, int filter, int64_t y) {
  std::vector<uint8_t> row;
  for (int64_t x = 0; x < picture.view().width; ++x)
    for (int64_t c = 0; c < picture.view().channels; ++c)
      row.push_back(static_cast<uint8_t>(picture(y, x, c) - predicted(picture, filter, y, x, c)));
  return row;
}

int64_t magnitudes(const std::vector<uint8_t>& row) {
  int64_t sum = 0;
  for (const uint8_t byte : row) sum += std::abs(int{static_cast<int8_t>(byte)});
  return sum;
}

TEST(PngFilterRow, FollowsTheStandardAtEverySize) {
  std::mt19937 random(1);
  for (int64_t width = 1; width <= 70; ++width)
    for (int64_t channels : {1, 3, 4}) {
      const auto picture = random_bytes(random, 3, width, channels);
      const std::vector<uint8_t> outside(static_cast<size_t>(width * channels));
      for (int64_t y = 0; y < 3; ++y)
        for (int filter = 0; filter < 5; ++filter) {
          std::vector<uint8_t> out(outside.size());
          png_filter_row(static_cast<PngFilter>(filter), picture.view().row(y),
                         y > 0 ? picture.view().row(y - 1) : outside.data(), width * channels, channels, out.data());
          ASSERT_EQ(out, wanted_row(picture, filter, y)) << "filter " << filter << ", row " << y << ", " << width;
        }
    }
}

TEST(PngFilterRow, PredictsEveryTripleOfNeighboursAsPaethDoes) {
  // Two rows of two pixels of one channel are one triple; 64 values a neighbour, the ends among them.
  for (int a = 0; a < 256; a += 4 + (a == 252))
    for (int b = 3; b < 256; b += 4)
      for (int corner = 1; corner < 256; corner += 4) {
        Picture<uint8_t> picture(2, 2);
        picture(0, 0) = static_cast<uint8_t>(corner), picture(0, 1) = static_cast<uint8_t>(b);
        picture(1, 0) = static_cast<uint8_t>(a), picture(1, 1) = 77;
        uint8_t out[2];
        png_filter_row(PngFilter::paeth, picture.view().row(1), picture.view().row(0), 2, 1, out);
        ASSERT_EQ(out[1], wanted_row(picture, 4, 1)[1]) << a << " " << b << " " << corner;
      }
}

TEST(PngFilter, TakesTheFilterOfTheSmallestSumForEveryRow) {
  std::mt19937 random(2);
  for (int64_t width : {1, 2, 3, 5, 17, 64, 85, 86, 300, 700})
    for (int64_t channels : {1, 3, 4})
      for (Layout layout : {Layout::packed, Layout::padded_rows}) {
        // Noise, a slope along x, along y, along both, and all equal: every filter is the best somewhere.
        int64_t place = 0;
        const auto picture = Picture<uint8_t>(11, width, channels, layout).fill([&] {
          const int64_t y = place / (width * channels), x = place++ / channels % width;
          const int64_t slopes[] = {static_cast<int64_t>(random() >> 24), 3 * x, 40, 3 * x + 5 * y,
                                    (x / 2 * 37 + y * 11) % 256};
          return static_cast<uint8_t>(slopes[y % 5] + static_cast<int64_t>(random() % 3));
        });
        const int64_t row_bytes = 1 + width * channels;
        std::vector<uint8_t> out(static_cast<size_t>(11 * row_bytes), 0xa5);
        png_filter(picture.view(), 0, 4, out.data());
        png_filter(picture.view(), 4, 11, out.data() + 4 * row_bytes);
        for (int64_t y = 0; y < 11; ++y) {
          const std::vector<uint8_t> row(out.begin() + y * row_bytes + 1, out.begin() + (y + 1) * row_bytes);
          const int filter = out[static_cast<size_t>(y * row_bytes)];
          ASSERT_LT(filter, 5);
          ASSERT_EQ(row, wanted_row(picture, filter, y)) << "filter " << filter << ", row " << y << ", " << width;
          for (int other = 0; other < 5; ++other) {
            const int64_t more = magnitudes(wanted_row(picture, other, y)) - magnitudes(row);
            ASSERT_GE(more, other < filter ? 1 : 0) << other << " against " << filter << ", row " << y;
          }
        }
      }
}

}  // namespace
}  // namespace mattecore::kernels
