#include "mattecore/kernels/resize.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/cpu/dot4.h"
#include "mattecore/kernels/cpu/planes.h"
#include "mattecore/kernels/resample_weights.h"
#include "mattecore/kernels/rows.h"

// How a tile of the output comes about. Every thread takes a run of its rows; an input row is split into planes and
// squeezed once, waits in a ring as long as an output row needs it, and the squeezed rows are mixed and joined:
//
//   input row          planes, input width      ring of planes, output width      planes           output row
//   RGBRGBRGB  split   RRRR...                  row 7  RRR GGG BBB       mix                join
//              ----->  GGGG...      squeeze ->  row 8  RRR GGG BBB  (vertical ->  RRR    ------>   RGBRGB
//                      BBBB...    (horizontal   row 9  RRR GGG BBB      taps)     GGG BBB
//                                    taps)
namespace mattecore::kernels {
namespace {

using dot4::kLanes;
using dot4::kWordsPerQuad;

/// Rows and columns of a tile: what the weights' memory is for. Every picture of usual size is one tile.
constexpr int64_t kTile = 16384;

/// What the rings of all threads may hold together. Only shrinking a picture of many thousand rows to a few needs more
/// rows at once; their sums are then put together ring by ring.
constexpr int64_t kRingBytes = 16 << 20;

/// Vector loads may run past the last pixel of a plane by so many bytes.
constexpr int64_t kSlack = 192;

std::array<int32_t, 4> four_weights(const ResampleWeights& w, int64_t pixel, int64_t tap) {
  std::array<int32_t, 4> four{};
  for (int64_t t = tap; t < std::min(tap + 4, w.taps); ++t) four[static_cast<size_t>(t - tap)] = w.weight(pixel, t);
  return four;
}

/// The horizontal pass: kLanes neighbouring output pixels at a time, four taps at a time.
class Squeeze {
 public:
  /// For the output columns begin..end that `w` has the weights of.
  Squeeze(const ResampleWeights& w, int64_t begin, int64_t end, int64_t in_width) : width_(end - begin) {
    for (int64_t x = begin; x < end; x += kLanes) {
      auto pixel = [&](int64_t lane) { return std::min(x + lane, end - 1); };
      int64_t taps = 0;
      for (int64_t lane = 0; lane < kLanes; ++lane) taps = std::max(taps, w.count(pixel(lane)));
      for (int64_t tap = 0; tap < taps; tap += 4) {
        std::array<int32_t, kLanes> at;
        const size_t words = weights_.size();
        weights_.resize(words + kLanes * kWordsPerQuad);
        for (int64_t lane = 0; lane < kLanes; ++lane) {
          // Past a pixel's own taps the weights are 0, and any readable place will do.
          at[static_cast<size_t>(lane)] =
              static_cast<int32_t>(std::min(w.first(pixel(lane)) + tap, in_width - 1) - w.first(begin));
          const auto packed = dot4::pack_weights(four_weights(w, pixel(lane), tap));
          for (size_t word = 0; word < packed.size(); ++word)
            weights_[words + word * kLanes + static_cast<size_t>(lane)] = packed[word];
        }
        offsets_.push_back(dot4::make_offsets(at));
      }
      block_end_.push_back(static_cast<int64_t>(offsets_.size()));
    }
  }

  /// `in` holds planes that begin with the first input column that is needed.
  template <int kPlanes>
  void run(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride) const {
    int64_t quad = 0;
    for (int64_t x = 0; x < width_; x += kLanes) {
      dot4::Sum sums[kPlanes];
      for (const int64_t end = block_end_[static_cast<size_t>(x / kLanes)]; quad < end; ++quad) {
        const dot4::Weights weights = dot4::load_weights(&weights_[static_cast<size_t>(quad * kLanes * kWordsPerQuad)]);
        for (int64_t p = 0; p < kPlanes; ++p)
          dot4::add(sums[p], dot4::gather(in + p * in_stride, offsets_[static_cast<size_t>(quad)]), weights);
      }
      for (int64_t p = 0; p < kPlanes; ++p) dot4::store(out + p * out_stride + x, sums[p]);
    }
  }

 private:
  int64_t width_;
  std::vector<dot4::Offsets> offsets_;  ///< one for each four taps of a block
  std::vector<int32_t> weights_;
  std::vector<int64_t> block_end_;  ///< where the block's offsets end
};

/// The vertical pass: the sums of one output row over rows of the ring, 4 * kLanes columns at a time.
class Mix {
 public:
  Mix(const ResampleWeights& w, int64_t begin, int64_t end) : weights_(w), quads_((w.taps + 3) / 4) {
    words_.reserve(static_cast<size_t>((end - begin) * quads_ * kWordsPerQuad));
    for (int64_t y = begin; y < end; ++y)
      for (int64_t quad = 0; quad < quads_; ++quad)
        for (int32_t word : dot4::pack_weights(four_weights(w, y, 4 * quad))) words_.push_back(word);
  }

  /// Adds taps begin..end of output row y, `begin` a multiple of 4. row_at(i) is where input row i lies, readable for
  /// 4 * kLanes bytes from column x on.
  template <class RowAt>
  void add(int64_t y, int64_t begin, int64_t end, RowAt row_at, int64_t x, dot4::Sum sums[4]) const {
    const int32_t* words = &words_[static_cast<size_t>((y - weights_.begin) * quads_ * kWordsPerQuad)];
    for (int64_t t = begin; t < end; t += 4) {
      const uint8_t* rows[4];
      for (int64_t i = 0; i < 4; ++i) rows[i] = row_at(weights_.first(y) + std::min(t + i, end - 1));
      const dot4::Weights weights = dot4::same_weights(words + t / 4 * kWordsPerQuad);
      dot4::Quad quads[4];
      dot4::columns(rows, x, quads);
      for (int q = 0; q < 4; ++q) dot4::add(sums[q], quads[q], weights);
    }
  }

 private:
  const ResampleWeights& weights_;
  int64_t quads_;
  std::vector<int32_t> words_;
};

/// Rows and columns of the output that are made together.
struct Tile {
  int64_t row_begin, row_end, column_begin, column_end;
};

template <int kPlanes>
void resample_tile(ImageView<const uint8_t> in, Filter filter, const Tile& tile, ImageView<uint8_t> out) {
  const bool horizontal = in.width != out.width;
  const bool vertical = in.height != out.height;
  // Pillow's one exception to horizontal first: pictures over 100 times as high as wide, when they get lower.
  const bool squeeze_last = horizontal && in.height > 100 * in.width && out.height < in.height;
  const bool squeeze_first = horizontal && !squeeze_last;
  // Along an axis that stays as it is every pixel is its own; the weights then only say so.
  const ResampleWeights columns =
      resample_weights(in.width, out.width, horizontal ? filter : Filter::box, tile.column_begin, tile.column_end);
  const ResampleWeights rows =
      resample_weights(in.height, out.height, vertical ? filter : Filter::box, tile.row_begin, tile.row_end);
  const Squeeze squeeze(columns, tile.column_begin, tile.column_end, in.width);
  const Mix mix(rows, tile.row_begin, tile.row_end);

  const int64_t in_begin = columns.first(tile.column_begin), in_end = columns.end(tile.column_end - 1);
  const int64_t in_stride = in_end - in_begin + kSlack;
  const int64_t out_stride = round_up(tile.column_end - tile.column_begin, kLanes);
  const int64_t ring_stride = squeeze_first ? out_stride : in_stride;
  const int64_t ring_row_bytes = round_up(kPlanes * ring_stride, 4 * kLanes);
  const int64_t most_rows = *std::max_element(rows.counts.begin(), rows.counts.end());
  const int64_t ring_rows =
      std::min(most_rows, std::max<int64_t>(4, kRingBytes / num_threads() / ring_row_bytes / 4 * 4));

  const int64_t grain = std::max<int64_t>(1, 65536 / (ring_stride * kPlanes * (1 + most_rows / 4)));
  parallel_for(tile.row_end - tile.row_begin, grain, [&](int64_t y_begin, int64_t y_end) {
    Buffer<uint8_t> split(static_cast<size_t>(kPlanes * in_stride + kSlack));
    Buffer<uint8_t> ring(static_cast<size_t>(ring_rows * ring_row_bytes + kSlack));
    Buffer<uint8_t> mixed(static_cast<size_t>(ring_row_bytes + kSlack));
    Buffer<uint8_t> squeezed(static_cast<size_t>(kPlanes * out_stride));
    Buffer<dot4::Sum> kept(ring_rows < most_rows ? static_cast<size_t>(ring_row_bytes / kLanes) : 0);
    auto ring_row = [&](int64_t y) { return ring.data() + y % ring_rows * ring_row_bytes; };
    auto load_row = [&](int64_t y) {
      uint8_t* target = squeeze_first ? split.data() : ring_row(y);
      split_row<kPlanes>(in, y, in_begin, in_end, target, in_stride);
      if (squeeze_first) squeeze.run<kPlanes>(target, in_stride, ring_row(y), out_stride);
    };

    int64_t ready = 0;
    for (int64_t y = tile.row_begin + y_begin; y < tile.row_begin + y_end; ++y) {
      const int64_t first = rows.first(y), count = rows.count(y);
      const uint8_t* result = mixed.data();
      if (count <= ring_rows) {
        for (ready = std::max(ready, first); ready < first + count; ++ready) load_row(ready);
        if (vertical) {
          for (int64_t x = 0; x < kPlanes * ring_stride; x += 4 * kLanes) {
            dot4::Sum sums[4];
            mix.add(y, 0, count, ring_row, x, sums);
            dot4::store_columns(mixed.data() + x, sums);
          }
        } else {
          result = ring_row(y);
        }
      } else {
        std::fill(kept.begin(), kept.end(), dot4::Sum());
        for (int64_t t = 0; t < count; t += ring_rows) {
          const int64_t end = std::min(count, t + ring_rows);
          for (int64_t i = t; i < end; ++i) load_row(first + i);
          for (int64_t x = 0; x < kPlanes * ring_stride; x += 4 * kLanes)
            mix.add(y, t, end, ring_row, x, &kept[static_cast<size_t>(x / kLanes)]);
        }
        for (int64_t x = 0; x < kPlanes * ring_stride; x += 4 * kLanes)
          dot4::store_columns(mixed.data() + x, &kept[static_cast<size_t>(x / kLanes)]);
        ready = 0;  // the ring no longer holds the row's first taps, which the next row may share
      }
      if (squeeze_last) {
        squeeze.run<kPlanes>(result, in_stride, squeezed.data(), out_stride);
        result = squeezed.data();
      }
      join_row<kPlanes>(result, horizontal ? out_stride : in_stride, out, y, tile.column_begin, tile.column_end);
    }
  });
}

template <int kPlanes>
void resample(ImageView<const uint8_t> in, Filter filter, ImageView<uint8_t> out) {
  for (int64_t y = 0; y < out.height; y += kTile)
    for (int64_t x = 0; x < out.width; x += kTile)
      resample_tile<kPlanes>(in, filter, {y, std::min(out.height, y + kTile), x, std::min(out.width, x + kTile)}, out);
}

/// Pillow walks the source position by adding the scale again and again; so the sums' rounding is kept here.
std::vector<int64_t> nearest_positions(int64_t in, int64_t out) {
  std::vector<int64_t> positions(static_cast<size_t>(out));
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  double at = scale * 0.5;
  for (int64_t& position : positions) {
    position = std::min(static_cast<int64_t>(at), in - 1);
    at += scale;
  }
  return positions;
}

void nearest(ImageView<const uint8_t> in, ImageView<uint8_t> out) {
  const std::vector<int64_t> columns = nearest_positions(in.width, out.width);
  const std::vector<int64_t> rows = nearest_positions(in.height, out.height);
  for_each_row(out.height, out.width * out.channels, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x)
      for (int64_t c = 0; c < out.channels; ++c)
        out(y, x, c) = in(rows[static_cast<size_t>(y)], columns[static_cast<size_t>(x)], c);
  });
}

}  // namespace

void resize(ImageView<const uint8_t> in, Filter filter, ImageView<uint8_t> out) {
  if (filter == Filter::nearest || in.same_size(out)) return nearest(in, out);
  switch (in.channels) {
    case 1:
      return resample<1>(in, filter, out);
    case 3:
      return resample<3>(in, filter, out);
    default:
      return resample<4>(in, filter, out);
  }
}

}  // namespace mattecore::kernels
