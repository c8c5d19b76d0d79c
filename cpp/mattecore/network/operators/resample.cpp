#include "mattecore/network/operators/resample.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "mattecore/base/error.h"
#include "mattecore/network/arena.h"
#include "mattecore/network/operators/elements.h"
#include "mattecore/network/steps.h"

namespace mattecore::network {

template <class T>
Stretched<T>::Stretched(int64_t height, int64_t width, int64_t channels, int64_t to_height, int64_t to_width,
                        bool align_corners)
    : width_(width),
      channels_(channels),
      rows_(places(height, to_height, align_corners)),
      columns_(places(width, to_width, align_corners)),
      mixed_(width * channels) {}

template <class T>
auto Stretched<T>::places(int64_t from, int64_t to, bool align_corners) -> std::vector<Place> {
  const float scale = !align_corners ? static_cast<float>(from) / static_cast<float>(to)
                      : to > 1       ? static_cast<float>(from - 1) / static_cast<float>(to - 1)
                                     : 0.0f;
  std::vector<Place> result(to);
  for (int64_t i = 0; i < to; ++i) {
    const float at =
        align_corners ? scale * static_cast<float>(i) : std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
    const int64_t first = std::min(static_cast<int64_t>(at), from - 1);
    result[i] = {first, std::min(first + 1, from - 1), at - static_cast<float>(first)};
  }
  return result;
}

template <class T>
void Stretched<T>::row(const T* map, int64_t y, T* to, int64_t stride) {
  const Place place = rows_[y];
  const T* above = map + place.first * width_ * channels_;
  const T* below = map + place.second * width_ * channels_;
  float* mixed = mixed_.data();
  for (int64_t i = 0; i < width_ * channels_; ++i)
    mixed[i] = load(above[i]) * (1.0f - place.share) + load(below[i]) * place.share;
  for (const Place& column : columns_) {
    const float* left = mixed + column.first * channels_;
    const float* right = mixed + column.second * channels_;
    for (int64_t c = 0; c < channels_; ++c) store(left[c] * (1.0f - column.share) + right[c] * column.share, to[c]);
    to += stride;
  }
}

template class Stretched<float>;
template class Stretched<at::BFloat16>;

namespace {

/// Whether the loops here take a tensor; torch's take the others.
bool is_own(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

template <class T>
void stretch_rows(const at::Tensor& x, at::Tensor& result, bool align_corners) {
  const int64_t channels = x.size(1), height = result.size(2), width = result.size(3);
  const T* from = x.const_data_ptr<T>();
  T* to = result.mutable_data_ptr<T>();
  at::parallel_for(0, x.size(0) * height, 1, [&](int64_t begin, int64_t end) {
    Stretched<T> stretched(x.size(2), x.size(3), channels, height, width, align_corners);
    for (int64_t row = begin; row < end; ++row) {
      const T* map = from + row / height * x.size(2) * x.size(3) * channels;
      stretched.row(map, row % height, to + row * width * channels, channels);
    }
  });
}

template <class T>
void half_rows(const at::Tensor& x, at::Tensor& result) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const int64_t rows = result.size(2), columns = result.size(3);
  const T* from = x.const_data_ptr<T>();
  T* to = result.mutable_data_ptr<T>();
  at::parallel_for(0, x.size(0) * rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = 2 * (row % rows), below = std::min(y + 1, height - 1);
      const T* map = from + row / rows * height * width * channels;
      T* out = to + row * columns * channels;
      for (int64_t column = 0; column < columns; ++column, out += channels) {
        const int64_t left = 2 * column, right = std::min(left + 1, width - 1);
        const T* a = map + (y * width + left) * channels;
        const T* b = map + (y * width + right) * channels;
        const T* c = map + (below * width + left) * channels;
        const T* d = map + (below * width + right) * channels;
        // Of four numbers of the format the largest is one, so storing it rounds nothing.
        for (int64_t i = 0; i < channels; ++i)
          store(std::max(std::max(load(a[i]), load(b[i])), std::max(load(c[i]), load(d[i]))), out[i]);
      }
    }
  });
}

template <class T>
void join_doubled_rows(const at::Tensor& detail, const at::Tensor& x, int64_t first, at::Tensor& result) {
  const int64_t details = detail.size(1), channels = x.size(1), height = detail.size(2), width = detail.size(3);
  const int64_t pixel = details + channels;
  const T *detail_from = detail.const_data_ptr<T>(), *x_from = x.const_data_ptr<T>();
  T* to = result.mutable_data_ptr<T>();
  at::parallel_for(0, x.size(0) * height, 1, [&](int64_t begin, int64_t end) {
    Stretched<T> stretched(x.size(2), x.size(3), channels, 2 * x.size(2), 2 * x.size(3), false);
    for (int64_t row = begin; row < end; ++row) {
      T* out = to + row * width * pixel;
      for (int64_t column = 0; column < width; ++column)
        std::copy_n(detail_from + (row * width + column) * details, details, out + column * pixel);
      const T* map = x_from + row / height * x.size(2) * x.size(3) * channels;
      stretched.row(map, first + row % height, out + details, pixel);
    }
  });
}

/// sums [rows,C]: of the pixels of each row.
template <class T>
void sum_rows(const at::Tensor& x, at::Tensor& sums) {
  const int64_t channels = x.size(1), width = x.size(3);
  const T* from = x.const_data_ptr<T>();
  float* to = sums.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0) * x.size(2), 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* sum = to + row * channels;
      std::fill_n(sum, channels, 0.0f);
      for (int64_t column = 0; column < width; ++column) {
        const T* pixel = from + (row * width + column) * channels;
        for (int64_t c = 0; c < channels; ++c) sum[c] += load(pixel[c]);
      }
    }
  });
}

}  // namespace

at::Tensor mean(const at::Tensor& x) {
  step();
  if (!is_own(x)) return at::mean(x, {2, 3}, /*keepdim=*/true);
  const at::Tensor packed = contiguous(x, at::MemoryFormat::ChannelsLast);
  const int64_t batch = x.size(0), channels = x.size(1), height = x.size(2);
  at::Tensor sums = empty({batch * height, channels}, at::kFloat);
  if (x.scalar_type() == at::kFloat)
    sum_rows<float>(packed, sums);
  else
    sum_rows<at::BFloat16>(packed, sums);
  at::Tensor result = at::empty({batch, channels, 1, 1}, at::kFloat);
  const float* from = sums.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0.0;
      for (int64_t y = 0; y < height; ++y) sum += from[(b * height + y) * channels + c];
      to[b * channels + c] = static_cast<float>(sum / static_cast<double>(height * x.size(3)));
    }
  }
  return result.to(x.scalar_type());
}

at::Tensor stretch(const at::Tensor& x, const at::Tensor& like, bool align_corners) {
  step();
  if (x.sizes().slice(2) == like.sizes().slice(2)) return x.clone();  // a new tensor, as the schema says
  if (!is_own(x)) return at::upsample_bilinear2d(x, like.sizes().slice(2), align_corners);
  const at::Tensor packed = contiguous(x, at::MemoryFormat::ChannelsLast);
  at::Tensor result =
      empty({x.size(0), x.size(1), like.size(2), like.size(3)}, x.scalar_type(), at::MemoryFormat::ChannelsLast);
  if (x.scalar_type() == at::kFloat)
    stretch_rows<float>(packed, result, align_corners);
  else
    stretch_rows<at::BFloat16>(packed, result, align_corners);
  return result;
}

at::Tensor join_doubled(const at::Tensor& detail, const at::Tensor& x, int64_t first) {
  step();
  if (detail.size(3) != 2 * x.size(3) || first < 0 || first + detail.size(2) > 2 * x.size(2))
    throw_invalid("rows ", first, " to ", first + detail.size(2), " of width ", detail.size(3), " are wanted of a map ",
                  x.sizes(), " at twice its size, which has no such");
  if (!is_own(x)) {
    const at::Tensor doubled = at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, /*align_corners=*/false);
    return at::cat({detail, doubled.narrow(2, first, detail.size(2))}, 1);
  }
  const at::Tensor from = contiguous(x, at::MemoryFormat::ChannelsLast);
  const at::Tensor beside = contiguous(detail.to(x.scalar_type()), at::MemoryFormat::ChannelsLast);
  at::Tensor result = empty({x.size(0), detail.size(1) + x.size(1), detail.size(2), detail.size(3)}, x.scalar_type(),
                            at::MemoryFormat::ChannelsLast);
  if (x.scalar_type() == at::kFloat)
    join_doubled_rows<float>(beside, from, first, result);
  else
    join_doubled_rows<at::BFloat16>(beside, from, first, result);
  return result;
}

at::Tensor half(const at::Tensor& x) {
  step();
  if (!is_own(x)) return at::max_pool2d(x, {2, 2}, {2, 2}, {0, 0}, {1, 1}, /*ceil_mode=*/true);
  const at::Tensor packed = contiguous(x, at::MemoryFormat::ChannelsLast);
  at::Tensor result = empty({x.size(0), x.size(1), (x.size(2) + 1) / 2, (x.size(3) + 1) / 2}, x.scalar_type(),
                            at::MemoryFormat::ChannelsLast);
  if (x.scalar_type() == at::kFloat)
    half_rows<float>(packed, result);
  else
    half_rows<at::BFloat16>(packed, result);
  return result;
}

}  // namespace mattecore::network
