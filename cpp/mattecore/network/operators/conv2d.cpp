#include "mattecore/network/operators/conv2d.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/network/arena.h"
#include "mattecore/network/operators/maps.h"
#include "mattecore/network/operators/product.h"
#include "mattecore/network/operators/resample.h"
#include "mattecore/network/steps.h"

namespace mattecore::network {
namespace {

// Of a band, so that it stays in the second cache beside the weights of a block.
constexpr int64_t kBandBytes = 1 << 20;

struct Shape {
  int64_t batch, channels, height, width;  // of what is convolved
  int64_t kernel_height, kernel_width;
  int64_t stride, padding, dilation;
  int64_t out_height, out_width, outputs;
};

/// Whether rows can be read from a band as they lie there; else each is gathered by itself.
bool rows_lie_in_band(int64_t stride, int64_t channels) { return stride == 1 && channels % 2 == 0; }

/// The map that is convolved, row by row: x, or x stretched beside skip.
template <class T>
class Source {
 public:
  Source(const at::Tensor& x, const at::Tensor* skip)
      : x_(x.const_data_ptr<T>()),
        x_map_(x.numel() / x.size(0)),
        x_channels_(x.size(1)),
        skip_(skip == nullptr ? nullptr : skip->const_data_ptr<T>()),
        channels_(x.size(1) + (skip == nullptr ? 0 : skip->size(1))),
        height_(skip == nullptr ? x.size(2) : skip->size(2)),
        width_(skip == nullptr ? x.size(3) : skip->size(3)) {
    if (skip != nullptr) stretched_.emplace(x.size(2), x.size(3), x_channels_, height_, width_, false);
  }

  void row(int64_t image, int64_t y, T* to) {
    if (skip_ == nullptr) {
      std::memcpy(to, x_ + image * x_map_ + y * width_ * channels_, width_ * channels_ * sizeof(T));
      return;
    }
    stretched_->row(x_ + image * x_map_, y, to, channels_);
    const int64_t skip_channels = channels_ - x_channels_;
    const T* skip = skip_ + (image * height_ + y) * width_ * skip_channels;
    for (int64_t column = 0; column < width_; ++column)
      std::memcpy(to + column * channels_ + x_channels_, skip + column * skip_channels, skip_channels * sizeof(T));
  }

 private:
  const T* x_;
  int64_t x_map_, x_channels_;
  const T* skip_;
  int64_t channels_, height_, width_;
  std::optional<Stretched<T>> stretched_;
};

/// A thread's own memory, kept from one convolution to the next; zeros at first, so that nothing in it is ever NaN by
/// chance. Aligned, since a row that lies across cache lines is loaded in two halves.
template <class T>
T* scratch(int64_t values) {
  thread_local Buffer<T> memory;
  if (static_cast<int64_t>(memory.size()) < values) {
    memory = Buffer<T>(values);
    std::fill_n(memory.data(), values, T{});
  }
  return memory.data();
}

template <class T>
Results<T> results_from(const at::Tensor& out, const std::optional<at::Tensor>& residual, int64_t at, int64_t pitch,
                        int64_t width) {
  Results<T> results{nullptr, nullptr, nullptr, pitch, width};
  if (out.scalar_type() == c10::CppTypeToScalarType<T>::value)
    results.out = static_cast<T*>(out.mutable_data_ptr()) + at;
  else
    results.out_float = static_cast<float*>(out.mutable_data_ptr()) + at;
  if (residual.has_value()) results.residual = residual->const_data_ptr<T>() + at;
  return results;
}

/// Computes rows begin to end of an image from bands in which they lie.
template <class T>
void convolve_bands(const Shape& s, Source<T>& source, int64_t image, int64_t begin, int64_t end,
                    const at::Tensor& packed, const at::Tensor& bias, Activation activation,
                    const std::optional<at::Tensor>& residual, const at::Tensor& out) {
  const int64_t pitch = s.width + 2 * s.padding, line = pitch * s.channels;
  const int64_t halo = (s.kernel_height - 1) * s.dilation;
  const int64_t rows =
      std::clamp<int64_t>(kBandBytes / (line * static_cast<int64_t>(sizeof(T))) - halo, 1, end - begin);
  std::vector<int64_t> taps;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky)
    for (int64_t kx = 0; kx < (s.dilation == 1 ? 1 : s.kernel_width); ++kx)
      taps.push_back(ky * s.dilation * line + kx * s.dilation * s.channels);

  T* band = scratch<T>((rows + halo) * line + (kRowsAtOnce + s.kernel_width) * s.channels);
  for (int64_t top = begin; top < end; top += rows) {
    const int64_t count = std::min(rows, end - top);
    const int64_t kept = top == begin ? 0 : halo;
    if (kept > 0) std::memmove(band, band + rows * line, kept * line * sizeof(T));
    for (int64_t r = kept; r < count + halo; ++r) {
      T* to = band + r * line;
      const int64_t y = top - s.padding + r;
      if (y < 0 || y >= s.height) {
        std::fill_n(to, line, T{});
        continue;
      }
      std::fill_n(to, s.padding * s.channels, T{});
      source.row(image, y, to + s.padding * s.channels);
      std::fill_n(to + (s.padding + s.width) * s.channels, s.padding * s.channels, T{});
    }
    const int64_t at = (image * s.out_height + top) * s.out_width * s.outputs;
    multiply<T>({band, s.channels, taps, (count - 1) * pitch + s.out_width}, packed, bias, activation,
                results_from<T>(out, residual, at, pitch, s.out_width));
  }
}

/// The same, each pixel's window gathered into a row of its own: for strides, and for pictures of few channels.
template <class T>
void convolve_gathered(const Shape& s, Source<T>& source, int64_t image, int64_t begin, int64_t end,
                       const at::Tensor& packed, const at::Tensor& bias, Activation activation,
                       const std::optional<at::Tensor>& residual, const at::Tensor& out) {
  const int64_t pitch = s.width + 2 * s.padding, line = pitch * s.channels;
  const int64_t reach = (s.kernel_height - 1) * s.dilation + 1;
  const int64_t depth = packed.size(2) * (packed.scalar_type() == at::kFloat ? 1 : 2);  // that of the packed rows
  const int64_t together = s.dilation == 1 ? s.kernel_width : 1;                        // pixels that lie side by side
  const int64_t taps[] = {0};
  T* band = scratch<T>(reach * line + (s.out_width + kRowsAtOnce) * depth);
  T* gathered = band + reach * line;
  for (int64_t y = begin; y < end; ++y) {
    for (int64_t r = 0; r < s.kernel_height; ++r) {
      T* to = band + r * line;
      const int64_t from = y * s.stride - s.padding + r * s.dilation;
      std::fill_n(to, line, T{});
      if (from >= 0 && from < s.height) source.row(image, from, to + s.padding * s.channels);
    }
    for (int64_t x = 0; x < s.out_width; ++x) {
      T* to = gathered + x * depth;
      for (int64_t r = 0; r < s.kernel_height; ++r)
        for (int64_t c = 0; c < s.kernel_width; c += together, to += together * s.channels)
          std::copy_n(band + r * line + (x * s.stride + c * s.dilation) * s.channels, together * s.channels, to);
      std::fill(to, gathered + (x + 1) * depth, T{});
    }
    const int64_t at = (image * s.out_height + y) * s.out_width * s.outputs;
    multiply<T>({gathered, depth, taps, s.out_width}, packed, bias, activation,
                results_from<T>(out, residual, at, s.out_width, s.out_width));
  }
}

template <class T>
void convolve(const Shape& s, const at::Tensor& x, const at::Tensor* skip, const at::Tensor& packed,
              const at::Tensor& bias, Activation activation, const std::optional<at::Tensor>& residual,
              const at::Tensor& out) {
  at::parallel_for(0, s.batch * s.out_height, 1, [&](int64_t begin, int64_t end) {
    Source<T> source(x, skip);
    for (int64_t row = begin; row < end;) {
      const int64_t image = row / s.out_height, first = row % s.out_height;
      const int64_t last = std::min(s.out_height, first + end - row);
      const auto part = rows_lie_in_band(s.stride, s.channels) ? &convolve_bands<T> : &convolve_gathered<T>;
      part(s, source, image, first, last, packed, bias, activation, residual, out);
      row += last - first;
    }
    release_units();
  });
}

}  // namespace

at::Tensor pack_conv2d(const at::Tensor& weights, int64_t stride, int64_t dilation, Arithmetic arithmetic) {
  const int64_t outputs = weights.size(0), inputs = weights.size(1), height = weights.size(2), width = weights.size(3);
  const int64_t taps = !rows_lie_in_band(stride, inputs) ? 1 : dilation == 1 ? height : height * width;
  return pack(weights.permute({0, 2, 3, 1}).reshape({outputs, taps, height * width * inputs / taps}), arithmetic);
}

at::Tensor conv2d(const at::Tensor& x, const std::optional<at::Tensor>& skip, const at::Tensor& packed,
                  const at::Tensor& bias, at::IntArrayRef kernel, int64_t stride, int64_t padding, int64_t dilation,
                  int64_t activation, const std::optional<at::Tensor>& residual, bool wants_float) {
  step();
  const auto channels_last = [](const at::Tensor& t) { return contiguous(t, at::MemoryFormat::ChannelsLast); };
  const at::Tensor from = channels_last(x);
  const at::Tensor beside = skip.has_value() ? channels_last(*skip) : at::Tensor();
  const at::Tensor& size = skip.has_value() ? beside : from;
  const auto length = [&](int64_t in, int64_t k) { return (in + 2 * padding - (k - 1) * dilation - 1) / stride + 1; };
  const Shape s{.batch = from.size(0),
                .channels = from.size(1) + (skip.has_value() ? beside.size(1) : 0),
                .height = size.size(2),
                .width = size.size(3),
                .kernel_height = kernel[0],
                .kernel_width = kernel[1],
                .stride = stride,
                .padding = padding,
                .dilation = dilation,
                .out_height = length(size.size(2), kernel[0]),
                .out_width = length(size.size(3), kernel[1]),
                .outputs = bias.size(0)};
  const int64_t sizes[] = {s.batch, s.outputs, s.out_height, s.out_width};
  at::Tensor out = empty(sizes, wants_float ? at::kFloat : x.scalar_type(), at::MemoryFormat::ChannelsLast);
  // A residual of another size is spread over the result, or the result over it.
  const bool fits = residual.has_value() && residual->sizes() == at::IntArrayRef(sizes);
  const std::optional<at::Tensor> added = fits ? std::optional(channels_last(*residual)) : std::nullopt;
  const at::Tensor* skipped = skip.has_value() ? &beside : nullptr;
  if (x.scalar_type() == at::kFloat)
    convolve<float>(s, from, skipped, packed, bias, static_cast<Activation>(activation), added, out);
  else
    convolve<at::BFloat16>(s, from, skipped, packed, bias, static_cast<Activation>(activation), added, out);
  return residual.has_value() && !fits ? network::add(out, *residual) : out;
}

}  // namespace mattecore::network
