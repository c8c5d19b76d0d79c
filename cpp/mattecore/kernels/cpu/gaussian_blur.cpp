#include "mattecore/kernels/gaussian_blur.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/reflected_axis.h"

namespace mattecore::kernels {
namespace {

/// Weights 0..size/2 from the middle outwards.
std::vector<double> half_kernel(int64_t size) {
  switch (size) {
    case 1:
      return {1};
    case 3:
      return {0.5, 0.25};
    case 5:
      return {0.375, 0.25, 0.0625};
    case 7:
      return {0.28125, 0.21875, 0.109375, 0.03125};
    case 9:
      return {60.0 / 256, 51.0 / 256, 30.0 / 256, 13.0 / 256, 4.0 / 256};
    default:
      break;
  }
  const double sigma = 0.3 * (static_cast<double>(size - 1) / 2 - 1) + 0.8;
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = 0; i <= size / 2; ++i) {
    weights.push_back(std::exp(-static_cast<double>(i * i) / (2 * sigma * sigma)));
    sum += i == 0 ? weights.back() : 2 * weights.back();
  }
  for (double& w : weights) w /= sum;
  return weights;
}

/// out[x] = sum over k of weights[k] (before[k][x] + after[k][x]), where those are the k-th neighbours' rows.
template <class T, class Before, class After>
void weigh(const std::vector<T>& weights, int64_t count, const T* middle, Before&& before, After&& after, T* out) {
  for (int64_t x = 0; x < count; ++x) out[x] = weights[0] * middle[x];
  for (size_t k = 1; k < weights.size(); ++k) {
    const T* a = before(static_cast<int64_t>(k));
    const T* b = after(static_cast<int64_t>(k));
    const T w = weights[k];
    for (int64_t x = 0; x < count; ++x) out[x] += w * (a[x] + b[x]);
  }
}

}  // namespace

template <class T, class Sum>
void blur(ImageView<const T> mask, const std::vector<Sum>& half_kernel, ImageView<T> out) {
  if (mask.channels != 1 || out.channels != 1)
    throw_invalid("gaussian_blur takes masks of one channel, not ", mask.channels, " and ", out.channels);
  if (!mask.same_size(out))
    throw_invalid("gaussian_blur's masks are ", mask.height, " x ", mask.width, " and ", out.height, " x ", out.width,
                  "; one size is wanted");
  if (mask.height == 0 || mask.width == 0) return;
  const int64_t radius = static_cast<int64_t>(half_kernel.size()) - 1, width = mask.width;

  Image<Sum> rows(mask.height, width);
  parallel_for(mask.height, 16, [&](int64_t begin, int64_t end) {
    std::vector<Sum> extended(static_cast<size_t>(width + 2 * radius));
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = -radius; x < width + radius; ++x)
        extended[static_cast<size_t>(x + radius)] = mask(y, x >= 0 && x < width ? x : reflect_101(x, width));
      const Sum* middle = extended.data() + radius;
      weigh(
          half_kernel, width, middle, [&](int64_t k) { return middle - k; }, [&](int64_t k) { return middle + k; },
          &rows(y, 0));
    }
  });
  parallel_for(mask.height, 16, [&](int64_t begin, int64_t end) {
    std::vector<Sum> line(static_cast<size_t>(width));
    for (int64_t y = begin; y < end; ++y) {
      const auto row = [&](int64_t v) -> const Sum* { return &rows(reflect_101(v, mask.height), 0); };
      weigh(
          half_kernel, width, row(y), [&](int64_t k) { return row(y - k); }, [&](int64_t k) { return row(y + k); },
          line.data());
      for (int64_t x = 0; x < width; ++x) out(y, x) = static_cast<T>(line[static_cast<size_t>(x)]);
    }
  });
}

template void blur(ImageView<const float>, const std::vector<float>&, ImageView<float>);
template void blur(ImageView<const double>, const std::vector<double>&, ImageView<double>);
template void blur(ImageView<const float>, const std::vector<double>&, ImageView<float>);

template <class T>
void gaussian_blur(ImageView<const T> mask, int64_t size, ImageView<T> out) {
  if (size < 1 || size % 2 == 0) throw_invalid("gaussian_blur takes an odd size of at least 1, not ", size);
  const std::vector<double> weights = half_kernel(size);
  blur(mask, std::vector<T>(weights.begin(), weights.end()), out);
}

template void gaussian_blur(ImageView<const float>, int64_t, ImageView<float>);
template void gaussian_blur(ImageView<const double>, int64_t, ImageView<double>);

int64_t detail_blur_size(int64_t detail_range) { return (5 * detail_range + 1) | 1; }

}  // namespace mattecore::kernels
