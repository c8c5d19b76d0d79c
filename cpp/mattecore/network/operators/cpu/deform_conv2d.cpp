#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/cpu/vectors.h"

namespace mattecore::network::cpu {
namespace {

// Samples of a tile, which stay in a core's second cache until they are multiplied.
constexpr int64_t kTileBytes = 1 << 20;

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
  void sample(float y, float x, float scale, In* out) const {
    if (!(y > -1 && y < static_cast<float>(height) && x > -1 && x < static_cast<float>(width))) {
      std::fill_n(out, channels, In{});
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
      out[i] = narrowed<In>(to_float(a[i]) * share_a + to_float(b[i]) * share_b + to_float(c[i]) * share_c +
                            to_float(d[i]) * share_d);
  }
};

/// Samples the windows of pixels first to first + count as rows [taps * channels], depth values apart.
template <class T>
void sample_rows(const Picture<T>& picture, const Reader& offsets, const Reader& masks, int64_t b, int64_t first,
                 int64_t count, int64_t width, const Kernel& kernel, int64_t depth, T* rows) {
  const int64_t taps = kernel.height * kernel.width;
  thread_local std::vector<float> shifts, scales;
  shifts.resize(2 * taps);
  scales.resize(taps);
  for (int64_t i = 0; i < count; ++i, rows += depth) {
    const int64_t y = (first + i) / width, x = (first + i) % width;
    offsets.read(b, 0, 2 * taps, y, x, shifts.data());
    masks.read(b, 0, taps, y, x, scales.data());
    for (int64_t tap = 0; tap < taps; ++tap)
      picture.sample(static_cast<float>(y + tap / kernel.width - kernel.padding) + shifts[2 * tap],
                     static_cast<float>(x + tap % kernel.width - kernel.padding) + shifts[2 * tap + 1], scales[tap],
                     rows + tap * picture.channels);
  }
}

template <class T>
void convolve_samples(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& packed,
                      const at::Tensor& bias, const Kernel& kernel, Activation activation, at::Tensor& out) {
  using Element = std::conditional_t<sizeof(T) == 2, at::BFloat16, float>;  // the same bits, as torch calls them
  const at::Tensor pixels = x.stride(1) == 1 ? x : x.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t channels = x.size(1), outputs = bias.size(0);
  const int64_t width = offset.size(3), size = offset.size(2) * width;
  const int64_t depth = packed.size(2) * (packed.scalar_type() == at::kFloat ? 1 : 2);
  const int64_t tile = std::clamp<int64_t>(kTileBytes / (depth * static_cast<int64_t>(sizeof(T))) / 64 * 64, 64, 1024);
  const int64_t tiles = pieces(size, tile);
  const Reader offsets(offset), masks(mask);
  Buffer<T> zeros(channels);
  std::fill_n(zeros.data(), channels, T{});
  const int64_t taps[] = {0};

  parallel_for(x.size(0) * tiles, 1, [&](int64_t begin, int64_t end) {
    thread_local Buffer<T> samples;
    const auto needed = static_cast<size_t>((tile + kRowsAtOnce) * depth);
    if (samples.size() < needed) samples = Buffer<T>(needed);
    std::fill_n(samples.data(), needed, T{});  // between a row's end and depth there are zeros
    for (int64_t t = begin; t < end; ++t) {
      const int64_t b = t / tiles, first = t % tiles * tile, count = std::min(tile, size - first);
      const Picture<T> picture{static_cast<const T*>(pixels.const_data_ptr()) + b * pixels.stride(0),
                               channels,
                               x.size(2),
                               x.size(3),
                               pixels.stride(2),
                               pixels.stride(3),
                               zeros.data()};
      sample_rows(picture, offsets, masks, b, first, count, width, kernel, depth, samples.data());
      auto* to = static_cast<Element*>(out.mutable_data_ptr()) + (b * size + first) * outputs;
      network::multiply<Element>({reinterpret_cast<const Element*>(samples.data()), depth, taps, count}, packed, bias,
                                 activation, {to, nullptr, nullptr, count, count});
    }
    release_units();
  });
}

}  // namespace

void deform_conv2d(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& packed,
                   const at::Tensor& bias, const Kernel& kernel, Activation activation, at::Tensor& out) {
  if (x.scalar_type() == at::kFloat)
    convolve_samples<float>(x, offset, mask, packed, bias, kernel, activation, out);
  else
    convolve_samples<BFloat16>(x, offset, mask, packed, bias, kernel, activation, out);
}

}  // namespace mattecore::network::cpu
