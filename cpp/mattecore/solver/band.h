#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/image_view.h"
#include "mattecore/solver/slabs.h"

namespace mattecore::solver {

/// What a trimap says of a pixel.
enum class Label : uint8_t { background, foreground, unknown };

/// Where the unknown pixels of a picture, and those beside them, lie in vectors. Rows are cut into blocks of eight
/// pixels; a block is stored if one of its pixels is at most one away from an unknown pixel. Stored blocks of a row
/// follow one another in memory, and every run of them has a block of zeros on either side:
///
///     row y    . . . . # # # . . . # # . .          #: stored
///     vector   [0 0 0]  0 # # # 0  0 # # 0  0 ...   0: zeros, one block each
///
/// so that the neighbours up to eight to the left and right of a stored block can be loaded without a test. All
/// places that stand for no unknown pixel hold zero in every vector, for ever.
class Band {
 public:
  static constexpr int64_t kBlock = 8;
  /// How many rows beyond the picture may be asked for.
  static constexpr int64_t kMargin = 4;

  struct Block {
    int32_t y, x;  ///< the first pixel
    int32_t at;    ///< its place in a vector
  };

  explicit Band(ImageView<const Label> labels);

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  /// Length of a vector.
  int64_t size() const { return size_; }
  /// From left to right, from top to bottom.
  std::span<const Block> blocks() const { return blocks_; }

  /// The place of pixel (y, x), -kMargin <= y < height + kMargin, 0 <= x < width rounded up to whole blocks; somewhere
  /// among zeros if it is not stored. Places of the eight pixels of one block, and of as many on either side of
  /// them, follow each other.
  int32_t place(int64_t y, int64_t x) const {
    return places_[static_cast<size_t>((y + kMargin) * columns_ + x / kBlock)] + static_cast<int32_t>(x % kBlock);
  }

 private:
  int64_t height_, width_, columns_;
  int64_t size_ = 0;
  std::vector<Block> blocks_;
  Buffer<int32_t> places_;
};

/// A vector of zeros. The first touch of memory takes its time, so the pulse beats.
template <class T>
Buffer<T> zeros(int64_t size, const Pulse& pulse);

}  // namespace mattecore::solver
