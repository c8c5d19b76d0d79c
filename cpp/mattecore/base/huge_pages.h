#pragma once

#include <cstddef>

namespace mattecore {

/// Asks the system for large pages behind a block that is about to be filled; small blocks are left alone. Touching
/// 36 MB for the first time in pages of 4 KiB takes as long as resizing a picture into them. Advice: a refusal changes
/// nothing.
void advise_huge_pages(void* begin, size_t bytes);

}  // namespace mattecore
