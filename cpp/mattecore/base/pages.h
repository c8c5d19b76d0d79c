#pragma once

#include <cstddef>

namespace mattecore {

inline constexpr size_t kCacheLine = 64;

/// Asks the system for large pages behind a block that is about to be filled; small blocks are left alone. Touching
/// 36 MB for the first time in pages of 4 KiB takes as long as resizing a picture into them. Advice: a refusal changes
/// nothing.
void advise_huge_pages(void* begin, size_t bytes);

/// A block of memory that begins on a cache line. One of megabytes is the system's own: it begins where a huge page
/// can, and goes back whole when it is freed.
void* allocate_block(size_t bytes);
void free_block(void* block, size_t bytes);

}  // namespace mattecore
