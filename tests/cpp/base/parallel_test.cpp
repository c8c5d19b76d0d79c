#include "mattecore/base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace mattecore {
namespace {

TEST(Parallel, VisitsEveryIndexOnceForAnyNumberOfThreads) {
  for (int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    for (int64_t count : {0, 1, 2, 5, 64, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
      parallel_for(count, 3, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      });
      EXPECT_TRUE(std::ranges::all_of(visits, [](const auto& n) { return n == 1; })) << count << " on " << threads;
    }
  }
  set_num_threads(0);
}

TEST(Parallel, GivesNoRangeLessThanTheGrainToAnotherThread) {
  set_num_threads(4);
  std::atomic<int> ranges = 0;
  parallel_for(9, 10, [&](int64_t, int64_t) { ++ranges; });
  EXPECT_EQ(ranges, 1);
  set_num_threads(0);
}

TEST(Parallel, RunsNestedCallsOnTheCallingThread) {
  set_num_threads(2);
  parallel_for(2, 1, [&](int64_t, int64_t) { EXPECT_EQ(num_threads(), 1); });
  set_num_threads(0);
}

TEST(Parallel, ThrowsWhatTheBodyThrew) {
  set_num_threads(3);
  EXPECT_THROW(parallel_for(30, 1,
                            [](int64_t begin, int64_t) {
                              if (begin > 0) throw std::out_of_range("from another thread");
                            }),
               std::out_of_range);
  set_num_threads(0);
}

}  // namespace
}  // namespace mattecore
