#include "mattecore/kernels/resize.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/kernels/cpu/dot4.h"
#include "mattecore/kernels/cpu/planes.h"
#include "mattecore/kernels/resample_weights.h"
#include "mattecore/kernels/rows.h"

// How a strip of columns flows. Every thread takes a run of output rows; an input row is split into planes and
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

/// Widest ring a thread may hold. Shrinking a tall picture to a few rows mixes thousands of rows into one; narrower
/// strips of columns then keep the ring within this.
constexpr int64_t kRingBytes = 4 << 20;

/// Vector loads may run past the last pixel of a plane by so many bytes.
constexpr int64_t kSlack = 192;

int64_t rounded_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

std::array<int32_t, 4> four_weights(const ResampleWeights& w, int64_t pixel, int64_t tap) {
  std::array<int32_t, 4> four{};
  for (int64_t t = tap; t < std::min(tap + 4, w.taps); ++t) four[static_cast<size_t>(t - tap)] = w.weight(pixel, t);
  return four;
}

/// The horizontal pass: kLanes neighbouring output pixels at a time, four taps at a time.
class Squeeze {
 public:
  Squeeze(const ResampleWeights& w, int64_t in_width) {
    const int64_t width = static_cast<int64_t>(w.first.size());
    const int32_t last_pixel = static_cast<int32_t>(in_width - 1);
    for (int64_t x = 0; x < width; x += kLanes) {
      auto pixel = [&](int64_t lane) { return std::min(x + lane, width - 1); };
      int32_t taps = 0;
      for (int64_t lane = 0; lane < kLanes; ++lane) taps = std::max(taps, w.count[static_cast<size_t>(pixel(lane))]);
      for (int32_t tap = 0; tap < taps; tap += 4) {
        std::array<int32_t, kLanes> at;
        const size_t begin = weights_.size();
        weights_.resize(begin + kLanes * kWordsPerQuad);
        for (int64_t lane = 0; lane < kLanes; ++lane) {
          // Past a pixel's own taps the weights are 0, and any readable place will do.
          at[static_cast<size_t>(lane)] = std::min(w.first[static_cast<size_t>(pixel(lane))] + tap, last_pixel);
          const auto packed = dot4::pack_weights(four_weights(w, pixel(lane), tap));
          for (size_t word = 0; word < packed.size(); ++word)
            weights_[begin + word * kLanes + static_cast<size_t>(lane)] = packed[word];
        }
        offsets_.push_back(dot4::make_offsets(at));
      }
      block_end_.push_back(static_cast<int64_t>(offsets_.size()));
    }
  }

  /// Output columns begin..end (begin a multiple of kLanes) of every plane; `in` is the plane of whole rows less its
  /// first `skipped` pixels.
  template <int kPlanes>
  void run(const uint8_t* in, int64_t in_stride, int64_t skipped, int64_t begin, int64_t end, uint8_t* out,
           int64_t out_stride) const {
    in -= skipped;
    for (int64_t x = begin; x < end; x += kLanes) {
      const size_t block = static_cast<size_t>(x / kLanes);
      dot4::Sum sums[kPlanes];
      for (int64_t q = block ? block_end_[block - 1] : 0; q < block_end_[block]; ++q) {
        const dot4::Weights weights = dot4::load_weights(&weights_[static_cast<size_t>(q * kLanes * kWordsPerQuad)]);
        for (int64_t p = 0; p < kPlanes; ++p)
          dot4::add(sums[p], dot4::gather(in + p * in_stride, offsets_[static_cast<size_t>(q)]), weights);
      }
      for (int64_t p = 0; p < kPlanes; ++p) dot4::store(out + p * out_stride + x - begin, sums[p]);
    }
  }

 private:
  std::vector<dot4::Offsets> offsets_;  ///< one for each four taps of a block
  std::vector<int32_t> weights_;
  std::vector<int64_t> block_end_;  ///< where the block's offsets end
};

/// The vertical pass: one output row from the rows of the ring that it needs.
class Mix {
 public:
  explicit Mix(const ResampleWeights& w) : weights_(w), quads_((w.taps + 3) / 4) {
    const int64_t height = static_cast<int64_t>(w.first.size());
    words_.reserve(static_cast<size_t>(height * quads_ * kWordsPerQuad));
    for (int64_t y = 0; y < height; ++y)
      for (int64_t quad = 0; quad < quads_; ++quad)
        for (int32_t word : dot4::pack_weights(four_weights(w, y, 4 * quad))) words_.push_back(word);
  }

  /// `row_at(y)` is where row y lies in the ring, `bytes` long and readable to the next multiple of 4 * kLanes.
  template <class RowAt>
  void run(int64_t y, RowAt row_at, int64_t bytes, uint8_t* out) const {
    const int64_t first = weights_.first[static_cast<size_t>(y)];
    const int64_t count = weights_.end(y) - first;
    const int32_t* words = &words_[static_cast<size_t>(y * quads_ * kWordsPerQuad)];
    for (int64_t x = 0; x < bytes; x += 4 * kLanes) {
      dot4::Sum sums[4];
      for (int64_t t = 0; t < count; t += 4) {
        const uint8_t* rows[4];
        for (int64_t i = 0; i < 4; ++i) rows[i] = row_at(first + std::min(t + i, count - 1));
        const dot4::Weights weights = dot4::same_weights(words + t / 4 * kWordsPerQuad);
        dot4::Quad quads[4];
        dot4::columns(rows, x, quads);
        for (int q = 0; q < 4; ++q) dot4::add(sums[q], quads[q], weights);
      }
      dot4::store_columns(out + x, sums);
    }
  }

 private:
  const ResampleWeights& weights_;
  int64_t quads_;
  std::vector<int32_t> words_;
};

/// Columns begin..end of the output, and the input columns they are made of.
struct Strip {
  int64_t begin, end, in_begin, in_end;

  Strip(const ResampleWeights& columns, int64_t from, int64_t to)
      : begin(from), end(to), in_begin(columns.first[static_cast<size_t>(from)]), in_end(columns.end(to - 1)) {}
};

template <int kPlanes>
void resample(ImageView<const uint8_t> in, Filter filter, ImageView<uint8_t> out) {
  const bool horizontal = in.width != out.width;
  const bool vertical = in.height != out.height;
  // Pillow's one exception to horizontal first: pictures over 100 times as high as wide, when they get lower.
  const bool squeeze_last = horizontal && in.height > 100 * in.width && out.height < in.height;
  const bool squeeze_first = horizontal && !squeeze_last;
  // Along an axis that stays as it is every pixel is its own; the weights then only say so.
  const ResampleWeights columns = resample_weights(in.width, out.width, horizontal ? filter : Filter::box);
  const ResampleWeights rows = resample_weights(in.height, out.height, vertical ? filter : Filter::box);
  const Squeeze squeeze(columns, in.width);
  const Mix mix(rows);

  const int64_t ring_rows = *std::max_element(rows.count.begin(), rows.count.end());
  const int64_t strip_width = std::max<int64_t>(kLanes, kRingBytes / (ring_rows * kPlanes) / kLanes * kLanes);

  for (int64_t begin = 0; begin < out.width; begin += strip_width) {
    const Strip strip(columns, begin, std::min(out.width, begin + strip_width));
    const int64_t in_stride = strip.in_end - strip.in_begin + kSlack;
    const int64_t out_stride = rounded_up(strip.end - strip.begin, kLanes);
    const int64_t ring_stride = squeeze_first ? out_stride : in_stride;
    const int64_t ring_row_bytes = rounded_up(kPlanes * ring_stride, 4 * kLanes);

    const int64_t grain = std::max<int64_t>(1, 65536 / (ring_stride * kPlanes * (1 + ring_rows / 4)));
    parallel_for(out.height, grain, [&](int64_t y_begin, int64_t y_end) {
      Buffer<uint8_t> split(static_cast<size_t>(kPlanes * in_stride + kSlack));
      Buffer<uint8_t> ring(static_cast<size_t>(ring_rows * ring_row_bytes + kSlack));
      Buffer<uint8_t> mixed(static_cast<size_t>(ring_row_bytes + kSlack));
      Buffer<uint8_t> squeezed(static_cast<size_t>(kPlanes * out_stride));
      auto ring_row = [&](int64_t y) { return ring.data() + y % ring_rows * ring_row_bytes; };
      auto squeeze_row = [&](const uint8_t* from, uint8_t* to) {
        squeeze.run<kPlanes>(from, in_stride, strip.in_begin, strip.begin, strip.end, to, out_stride);
      };

      int64_t ready = rows.first[static_cast<size_t>(y_begin)];
      for (int64_t y = y_begin; y < y_end; ++y) {
        for (; ready < rows.end(y); ++ready) {
          uint8_t* target = squeeze_first ? split.data() : ring_row(ready);
          split_row<kPlanes>(in, ready, strip.in_begin, strip.in_end, target, in_stride);
          if (squeeze_first) squeeze_row(target, ring_row(ready));
        }
        const uint8_t* result = ring_row(rows.end(y) - 1);
        if (vertical) {
          mix.run(y, ring_row, kPlanes * ring_stride, mixed.data());
          result = mixed.data();
        }
        if (squeeze_last) {
          squeeze_row(result, squeezed.data());
          result = squeezed.data();
        }
        join_row<kPlanes>(result, horizontal ? out_stride : in_stride, out, y, strip.begin, strip.end);
      }
    });
  }
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
