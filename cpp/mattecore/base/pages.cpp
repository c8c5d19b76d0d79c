#include "mattecore/base/pages.h"

#include <cstdint>
#include <new>

#include "mattecore/base/round_up.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mattecore {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr std::align_val_t kAligned{kCacheLine};

}  // namespace

void advise_huge_pages([[maybe_unused]] void* begin, [[maybe_unused]] size_t bytes) {
#if defined(MADV_HUGEPAGE)
  if (bytes < 2 * kHugePage) return;
  const auto address = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t first = round_up(address, kHugePage), last = (address + bytes) / kHugePage * kHugePage;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

#if defined(__linux__)

namespace {

/// Whole pages, also where a page is 64 KiB.
constexpr size_t whole_pages(size_t bytes) { return round_up(bytes, 64 << 10); }

}  // namespace

// Large blocks do not come from malloc: glibc's border between heap and system moves up to 32 MiB as blocks are freed,
// and a block below it lies in the heap between others. What is free there stays resident, more or less of it as
// addresses and threads happen to fall.
void* allocate_block(size_t bytes) {
  if (bytes < kHugePage) return ::operator new(bytes, kAligned);
  const size_t wanted = whole_pages(bytes);
  void* const mapped = mmap(nullptr, wanted + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(mapped);
  const size_t before = round_up(address, kHugePage) - address;
  char* const block = static_cast<char*>(mapped) + before;
  if (before > 0) munmap(mapped, before);
  if (before < kHugePage) munmap(block + wanted, kHugePage - before);
  advise_huge_pages(block, bytes);
  return block;
}

void free_block(void* block, size_t bytes) {
  if (bytes < kHugePage)
    ::operator delete(block, kAligned);
  else
    munmap(block, whole_pages(bytes));
}

#else

void* allocate_block(size_t bytes) { return ::operator new(bytes, kAligned); }
void free_block(void* block, size_t) { ::operator delete(block, kAligned); }

#endif

}  // namespace mattecore
