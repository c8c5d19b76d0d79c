#include "mattecore/network/arena.h"

#include <ATen/EmptyTensor.h>
#include <ATen/Functions.h>

#include "mattecore/base/pages.h"
#include "mattecore/base/round_up.h"

namespace mattecore::network {
namespace {

// A block serves a map of at least this share of its size: smaller ones would keep large blocks from later large maps.
constexpr size_t kLeastShare = 2;

thread_local std::shared_ptr<Arena> current;

struct Block {
  std::shared_ptr<Arena> arena;
  void* data;
  size_t bytes;
};

}  // namespace

Arena::Scope::Scope(std::shared_ptr<Arena> arena) : before_(std::exchange(current, std::move(arena))) {}
Arena::Scope::~Scope() { current = std::move(before_); }

Arena::~Arena() { release(); }

void Arena::release() {
  const std::lock_guard lock(mutex_);
  for (const auto& [bytes, data] : free_) {
    free_block(data, bytes);
    bytes_ -= bytes;
  }
  free_.clear();
}

size_t Arena::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

at::DataPtr Arena::allocate(size_t bytes) {
  bytes = round_up(std::max<size_t>(bytes, 1), kCacheLine);
  void* data = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = free_.lower_bound(bytes);
    if (found != free_.end() && found->first <= kLeastShare * bytes) {
      data = found->second;
      bytes = found->first;
      free_.erase(found);
    }
  }
  if (data == nullptr) {
    data = allocate_block(bytes);
    const std::lock_guard lock(mutex_);
    bytes_ += bytes;
  }
  const auto give_back = [](void* context) {
    const std::unique_ptr<Block> block(static_cast<Block*>(context));
    block->arena->recycle(block->data, block->bytes);
  };
  return {data, new Block{shared_from_this(), data, bytes}, give_back, at::kCPU};
}

void Arena::recycle(void* block, size_t bytes) {
  const std::lock_guard lock(mutex_);
  free_.emplace(bytes, block);
}

at::Tensor empty(at::IntArrayRef sizes, at::ScalarType dtype, c10::MemoryFormat format) {
  if (current == nullptr) return at::empty(sizes, at::TensorOptions(dtype).memory_format(format));
  const size_t bytes = c10::multiply_integers(sizes) * c10::elementSize(dtype);
  c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, current->allocate(bytes), nullptr, false);
  auto tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU),
                                                         c10::scalarTypeToTypeMeta(dtype));
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  if (format != c10::MemoryFormat::Contiguous) tensor.unsafeGetTensorImpl()->empty_tensor_restride(format);
  return tensor;
}

at::Tensor contiguous(const at::Tensor& t, c10::MemoryFormat format) {
  return t.is_contiguous(format) ? t : empty(t.sizes(), t.scalar_type(), format).copy_(t);
}

}  // namespace mattecore::network
