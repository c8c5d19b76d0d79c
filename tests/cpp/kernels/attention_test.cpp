#include "mattecore/kernels/attention.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace mattecore::kernels {
namespace {

/// Where a token of the padded axis is after the paper's rolling, and which of the mask's three regions that is.
std::pair<int64_t, int> rolled(const WindowAxis& axis, int64_t at) {
  const int64_t length = axis.padded(), place = (at + length - axis.shift) % length;
  const int region = axis.shift == 0 || place < length - axis.window ? 0 : place < length - axis.shift ? 1 : 2;
  return {place / axis.window, region};
}

TEST(WindowAxis, TokensShareAWindowWhereTheRolledMaskLetsThemSeeOneAnother) {
  for (int64_t length = 1; length <= 25; ++length) {
    for (int64_t window = 1; window <= 8; ++window) {
      for (int64_t shift = 0; shift < window; ++shift) {
        const WindowAxis axis{length, window, shift};
        ASSERT_EQ(axis.edge(0), 0);
        ASSERT_GE(axis.edge(axis.count()), length) << "a token is in no window";
        ASSERT_LE(axis.edge(axis.count()), axis.padded());
        for (int64_t i = 0; i < axis.count(); ++i) {
          ASSERT_LT(axis.edge(i), std::min(axis.edge(i + 1), length)) << "window " << i << " holds no token";
          for (int64_t at = axis.edge(i); at < axis.edge(i + 1); ++at)
            ASSERT_EQ(rolled(axis, at), rolled(axis, axis.edge(i))) << length << ' ' << window << ' ' << shift;
          if (axis.edge(i + 1) < axis.padded()) {
            ASSERT_NE(rolled(axis, axis.edge(i + 1)), rolled(axis, axis.edge(i)));
          }
        }
      }
    }
  }
}

TEST(Windows, CoverEveryTokenOfTheMapOnce) {
  const Windows windows{{17, 7, 3}, {10, 4, 0}};
  int seen[17][10] = {};
  for (int64_t i = 0; i < windows.count(); ++i) {
    const Window window = windows[i];
    EXPECT_LE(window.tokens(), windows.most_tokens());
    for (int64_t y = window.top; y < std::min<int64_t>(17, window.top + window.rows); ++y)
      for (int64_t x = window.left; x < std::min<int64_t>(10, window.left + window.columns); ++x) ++seen[y][x];
  }
  for (const auto& row : seen)
    for (const int times : row) EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace mattecore::kernels
