#include <algorithm>
#include <cmath>

#include "mattecore/base/parallel.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/cpu/products.h"
#include "mattecore/network/operators/cpu/tile_type.h"
#include "mattecore/network/operators/cpu/vectors.h"

namespace mattecore::network::cpu {
namespace {

// Samples, weights and sums of a step, 128 KiB + 256 KiB + 128 KiB for 256 outputs, stay in a core's L2 cache.
constexpr int64_t kPixels = 128;
constexpr int64_t kSamples = 512;

/// The weights [O,C,kh,kw] as right factors [taps a step * C, O], one a step, a tap's channels side by side.
template <class Tile>
struct Weights {
  int64_t outputs, channels, kernel_width, taps, taps_a_step, rows, stride;
  Buffer<Tile> factors;

  template <class In>
  Weights(const at::Tensor& weight, In)
      : outputs(weight.size(0)),
        channels(weight.size(1)),
        kernel_width(weight.size(3)),
        taps(weight.size(2) * weight.size(3)),
        taps_a_step(std::clamp<int64_t>(kSamples / channels, 1, taps)),
        rows(round_up(taps_a_step * channels, kInterleaved<Tile>)),
        stride(round_up(outputs, kColumns)),
        factors(steps() * rows * stride) {
    const In* from = static_cast<const In*>(weight.const_data_ptr());
    if (stride > outputs || rows > taps_a_step * channels || steps() * taps_a_step > taps)
      std::fill_n(static_cast<Tile*>(factors), steps() * rows * stride, Tile{});
    // A piece of kColumns outputs and a few channels is read and written in whole memory lines.
    constexpr int64_t kPiece = kInterleaved<Tile>;
    parallel_for((channels + kPiece - 1) / kPiece, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece)
        for (int64_t first = 0; first < outputs; first += kColumns)
          for (int64_t tap = 0; tap < taps; ++tap)
            for (int64_t o = first; o < std::min(outputs, first + kColumns); ++o)
              for (int64_t c = piece * kPiece; c < std::min(channels, (piece + 1) * kPiece); ++c)
                factors[tap / taps_a_step * rows * stride + place<Tile>(tap % taps_a_step * channels + c, o, stride)] =
                    as_tile<Tile>(from[o * weight.stride(0) + c * weight.stride(1) +
                                       tap / kernel_width * weight.stride(2) + tap % kernel_width * weight.stride(3)]);
    });
  }

  int64_t steps() const { return (taps + taps_a_step - 1) / taps_a_step; }
};

/// A [B,C,H,W] tensor's elements as floats.
class Reader {
 public:
  explicit Reader(const at::Tensor& t)
      : data_(t.const_data_ptr()),
        type_(t.scalar_type()),
        batch_(t.stride(0)),
        channel_(t.stride(1)),
        row_(t.stride(2)),
        column_(t.stride(3)) {}

  /// Element (y, x) of `count` channels from the first one on.
  void read(int64_t b, int64_t first, int64_t count, int64_t y, int64_t x, float* out) const {
    const int64_t at = b * batch_ + first * channel_ + y * row_ + x * column_;
    if (type_ == at::kBFloat16) {
      copy(static_cast<const BFloat16*>(data_) + at, count, out);
    } else if (type_ == at::kHalf) {
      copy(static_cast<const Half*>(data_) + at, count, out);
    } else {
      copy(static_cast<const float*>(data_) + at, count, out);
    }
  }

 private:
  template <class T>
  void copy(const T* from, int64_t count, float* out) const {
    for (int64_t i = 0; i < count; ++i) out[i] = to_float(from[i * channel_]);
  }

  const void* data_;
  c10::ScalarType type_;
  int64_t batch_, channel_, row_, column_;
};

/// The pixels of one picture, channels packed.
template <class In>
struct Picture {
  const In* data;
  int64_t channels, height, width, row_stride, column_stride;
  const In* zeros;  // stands for every pixel outside

  const In* pixel(int64_t y, int64_t x) const {
    return y >= 0 && y < height && x >= 0 && x < width ? data + y * row_stride + x * column_stride : zeros;
  }

  /// out = scale times the picture at (y, x), bilinear. NaN is outside like every position beyond the border.
  template <class Tile>
  void sample(float y, float x, float scale, Tile* out) const {
    if (!(y > -1 && y < static_cast<float>(height) && x > -1 && x < static_cast<float>(width))) {
      std::fill_n(out, channels, Tile{});
      return;
    }
    const float floor_y = std::floor(y), floor_x = std::floor(x);
    const float down = y - floor_y, right = x - floor_x;
    const auto top = static_cast<int64_t>(floor_y), left = static_cast<int64_t>(floor_x);
    const In *a = pixel(top, left), *b = pixel(top, left + 1), *c = pixel(top + 1, left), *d = pixel(top + 1, left + 1);
    const float share_a = (1 - down) * (1 - right) * scale, share_b = (1 - down) * right * scale;
    const float share_c = down * (1 - right) * scale, share_d = down * right * scale;
    int64_t i = 0;
    for (; i + kLanes <= channels; i += kLanes)
      store(out + i, load(a + i) * share_a + load(b + i) * share_b + load(c + i) * share_c + load(d + i) * share_d);
    for (; i < channels; ++i)
      out[i] = narrowed<Tile>(to_float(a[i]) * share_a + to_float(b[i]) * share_b + to_float(c[i]) * share_c +
                              to_float(d[i]) * share_d);
  }
};

}  // namespace

void deform_conv2d(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& weight,
                   int64_t padding, at::Tensor& out) {
  const at::Tensor pixels = x.stride(1) == 1 ? x : x.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t width = offset.size(3), size = offset.size(2) * width, tiles = (size + kPixels - 1) / kPixels;
  const Reader offsets(offset), masks(mask);
  with_tile_type(x.scalar_type(), [&]<class In, class Tile>(In, Tile) {
    const Weights<Tile> weights(weight, In{});
    const Buffer<In> zeros(weights.channels);
    std::fill_n(static_cast<In*>(zeros), weights.channels, In{});

    parallel_for(x.size(0) * tiles, 1, [&](int64_t begin, int64_t end) {
      Buffer<Tile> samples(kPixels * weights.rows);
      Buffer<float> sums(kPixels * weights.stride), shifts(2 * weights.taps_a_step), scales(weights.taps_a_step);
      std::fill_n(static_cast<Tile*>(samples), kPixels * weights.rows, Tile{});
      for (int64_t tile = begin; tile < end; ++tile) {
        const int64_t b = tile / tiles, first = tile % tiles * kPixels, count = std::min(kPixels, size - first);
        const Picture<In> picture{static_cast<const In*>(pixels.const_data_ptr()) + b * pixels.stride(0),
                                  x.size(1),
                                  x.size(2),
                                  x.size(3),
                                  pixels.stride(2),
                                  pixels.stride(3),
                                  zeros};
        for (int64_t step = 0; step < weights.steps(); ++step) {
          const int64_t first_tap = step * weights.taps_a_step;
          const int64_t taps = std::min(weights.taps_a_step, weights.taps - first_tap);
          for (int64_t i = 0; i < count; ++i) {
            const int64_t row = (first + i) / width, column = (first + i) % width;
            offsets.read(b, 2 * first_tap, 2 * taps, row, column, shifts);
            masks.read(b, first_tap, taps, row, column, scales);
            for (int64_t t = 0; t < taps; ++t) {
              const int64_t tap = first_tap + t;
              const auto tap_row = static_cast<float>(row + tap / weights.kernel_width - padding);
              const auto tap_column = static_cast<float>(column + tap % weights.kernel_width - padding);
              picture.sample(tap_row + shifts[2 * t], tap_column + shifts[2 * t + 1], scales[t],
                             samples + i * weights.rows + t * weights.channels);
            }
          }
          multiply<Tile>(count, weights.stride, round_up(taps * weights.channels, kInterleaved<Tile>), samples,
                         weights.rows, weights.factors + step * weights.rows * weights.stride, weights.stride, sums,
                         weights.stride, step > 0);
        }
        In* to = static_cast<In*>(out.mutable_data_ptr()) + (b * size + first) * weights.outputs;
        for (int64_t i = 0; i < count; ++i)
          for (int64_t o = 0; o < weights.outputs; ++o)
            to[i * weights.outputs + o] = narrowed<In>(sums[i * weights.stride + o]);
      }
      release_products();
    });
  });
}

}  // namespace mattecore::network::cpu
