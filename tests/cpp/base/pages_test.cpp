#include "mattecore/base/pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mattecore {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

TEST(Pages, BlocksOfAnySizeAreWholeAndApart) {
  const std::vector<size_t> sizes = {
      1, 64, kHugePage - 1, kHugePage, kHugePage, kHugePage + 1, 3 * kHugePage, 5 * kHugePage - 1};
  std::vector<unsigned char*> blocks;
  for (const size_t bytes : sizes) {
    blocks.push_back(static_cast<unsigned char*>(allocate_block(bytes)));
    const size_t border = bytes < kHugePage ? 64 : kHugePage;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks.back()) % border, 0u) << bytes;
    std::memset(blocks.back(), static_cast<int>(blocks.size()), bytes);
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(blocks[i][0], i + 1);
    EXPECT_EQ(blocks[i][sizes[i] - 1], i + 1);
    free_block(blocks[i], sizes[i]);
  }
}

#if defined(__linux__)
TEST(Pages, AFreedBlockIsTheSystemsAgain) {
  // The system says which pages of a mapping are in memory, and refuses to where nothing is mapped.
  const auto is_mapped = [](void* page) {
    unsigned char in_memory = 0;
    return mincore(page, 1, &in_memory) == 0;
  };
  for (const size_t bytes : {kHugePage, 32 * kHugePage}) {
    auto* block = static_cast<unsigned char*>(allocate_block(bytes));
    void* const last = block + bytes - (size_t{64} << 10);
    EXPECT_TRUE(is_mapped(block) && is_mapped(last));
    free_block(block, bytes);
    EXPECT_FALSE(is_mapped(block) || is_mapped(last));
  }
}
#endif

}  // namespace
}  // namespace mattecore
