#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "mattecore/base/image_view.h"
#include "mattecore/base/pages.h"

namespace mattecore {

/// `count` uninitialised values that begin on a cache line, so that vector loads of a row never straddle two.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>, "values are neither constructed nor destroyed");

 public:
  Buffer() = default;
  explicit Buffer(size_t count)
      : data_(static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{kAlignment}))), size_(count) {
    advise_huge_pages(data_.get(), count * sizeof(T));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  static constexpr size_t kAlignment = 64;
  struct Free {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

/// A picture that owns its pixels, packed and uninitialised. Moves, does not copy.
template <class T>
class Image {
 public:
  Image() = default;
  Image(int64_t height, int64_t width, int64_t channels = 1)
      : pixels_(static_cast<size_t>(height * width * channels)), view_(pixels_.data(), height, width, channels) {}

  ImageView<T> view() { return view_; }
  ImageView<const T> view() const { return view_; }
  T& operator()(int64_t y, int64_t x, int64_t c = 0) { return view_(y, x, c); }
  const T& operator()(int64_t y, int64_t x, int64_t c = 0) const { return view_(y, x, c); }

 private:
  Buffer<T> pixels_;
  ImageView<T> view_;
};

}  // namespace mattecore
