#include "mattecore/solver/band.h"

#include <algorithm>

#include "mattecore/base/error.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"

namespace mattecore::solver {
namespace {

/// Marks the blocks of row y that hold a pixel at most one away from an unknown one.
void mark_blocks(ImageView<const Label> labels, int64_t y, uint8_t* marks) {
  for (int64_t v = std::max<int64_t>(0, y - 1); v <= std::min(labels.height - 1, y + 1); ++v) {
    for (int64_t x = 0; x < labels.width; ++x) {
      if (labels(v, x) != Label::unknown) continue;
      marks[std::max<int64_t>(0, x - 1) / Band::kBlock] = 1;
      marks[std::min(labels.width - 1, x + 1) / Band::kBlock] = 1;
    }
  }
}

}  // namespace

Band::Band(ImageView<const Label> labels)
    : height_(labels.height),
      width_(labels.width),
      columns_(pieces(labels.width, kBlock)),
      places_(static_cast<size_t>((labels.height + 2 * kMargin) * columns_)) {
  Image<uint8_t> marks(height_, columns_);
  parallel_for(height_, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      uint8_t* row = marks.view().row(y);
      std::fill_n(row, columns_, uint8_t{0});
      mark_blocks(labels, y, row);
      // A gap of one block would need zeros for both its neighbours in the same place.
      for (int64_t c = 1; c + 1 < columns_; ++c) row[c] |= row[c - 1] & row[c + 1] & 1;
    }
  });

  constexpr int32_t kNowhere = kBlock;  // the middle one of three blocks of zeros
  std::fill(places_.begin(), places_.end(), kNowhere);
  int64_t next = 3 * kBlock;
  for (int64_t y = 0; y < height_; ++y) {
    const uint8_t* row = marks.view().row(y);
    int32_t* places = places_.data() + (y + kMargin) * columns_;
    for (int64_t c = 0; c < columns_; ++c) {
      const bool before = c > 0 && row[c - 1];
      const bool after = c + 1 < columns_ && row[c + 1];
      if (!row[c] && !before && !after) continue;
      if (row[c] && c == 0) next += kBlock;
      places[c] = static_cast<int32_t>(next);
      if (row[c]) blocks_.push_back({static_cast<int32_t>(y), static_cast<int32_t>(c * kBlock), places[c]});
      next += kBlock;
      if (row[c] && c + 1 == columns_) next += kBlock;
    }
    if (next > INT32_MAX / 2)
      throw_invalid("a picture of ", height_, " x ", width_, " has more unknown pixels than fit");
  }
  size_ = next + kBlock;
}

template <class T>
Buffer<T> zeros(int64_t size, const Pulse& pulse) {
  Buffer<T> vector(static_cast<size_t>(size));
  parallel_slabs(size, 1 << 20, 1 << 16, pulse,
                 [&](int64_t begin, int64_t end) { std::fill(vector.begin() + begin, vector.begin() + end, T{}); });
  return vector;
}

template Buffer<float> zeros(int64_t, const Pulse&);
template Buffer<double> zeros(int64_t, const Pulse&);

}  // namespace mattecore::solver
