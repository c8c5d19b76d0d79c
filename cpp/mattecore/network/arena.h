#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <mutex>

namespace mattecore::network {

/// Memory that a network's maps come from and return to, so that only its first run pays for fresh pages: at a
/// thousand products a nanosecond, a page that the system first has to find and clear costs more than what is computed
/// into it. It holds as much as one run ever had in use at once, plus what of the free blocks fitted no later map.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  /// The arena that `empty` uses in this thread while the scope lasts; scopes nest.
  class Scope {
   public:
    explicit Scope(std::shared_ptr<Arena> arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::shared_ptr<Arena> before_;
  };

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  /// Gives the blocks that no map uses back to the system.
  void release();

  /// Bytes held, in use or free.
  size_t bytes() const;

 private:
  friend at::Tensor empty(at::IntArrayRef, at::ScalarType, c10::MemoryFormat);

  at::DataPtr allocate(size_t bytes);
  void recycle(void* block, size_t bytes);

  mutable std::mutex mutex_;
  std::multimap<size_t, void*> free_;  // by size
  size_t bytes_ = 0;
};

/// An uninitialised tensor on the CPU, from the arena of this thread's scope, else from torch.
at::Tensor empty(at::IntArrayRef sizes, at::ScalarType dtype, c10::MemoryFormat format = c10::MemoryFormat::Contiguous);

/// The tensor itself where it lies in memory like this, else its copy in such memory.
at::Tensor contiguous(const at::Tensor& t, c10::MemoryFormat format = c10::MemoryFormat::Contiguous);

}  // namespace mattecore::network
