#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace mattecore::kernels {

/// Appends bits to bytes, the first one lowest, as deflate has them. Room for what is about to be written is asked for
/// first (reserve), so that put and flush need not look; finish gives what was not used back.
class BitWriter {
 public:
  explicit BitWriter(std::vector<uint8_t>& out) : out_(out), size_(out.size()) {}

  /// Makes room for so many bits more.
  void reserve(uint64_t bits) {
    const size_t wanted = size_ + static_cast<size_t>(bits / 8) + 2 * sizeof(waiting_);
    if (wanted > out_.size()) out_.resize(std::max(wanted, out_.size() + out_.size() / 2));
  }

  /// Adds the lowest `count` bits of `bits`, whose others are 0. At most 56 bits between two calls of flush.
  void put(uint64_t bits, int count) {
    waiting_ |= bits << count_;
    count_ += count;
  }

  void flush() {
    static_assert(std::endian::native == std::endian::little, "whole words are stored as the format has their bytes");
    std::memcpy(out_.data() + size_, &waiting_, sizeof(waiting_));
    size_ += static_cast<size_t>(count_ >> 3);
    waiting_ >>= count_ & ~7;
    count_ &= 7;
  }

  /// Goes on at the next whole byte.
  void align() {
    count_ = (count_ + 7) & ~7;
    flush();
  }

  /// Adds whole bytes after align().
  void put_bytes(std::span<const uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), out_.data() + size_);
    size_ += bytes.size();
  }

  void finish() {
    align();
    out_.resize(size_);
  }

 private:
  std::vector<uint8_t>& out_;
  size_t size_;
  uint64_t waiting_ = 0;
  int count_ = 0;
};

}  // namespace mattecore::kernels
