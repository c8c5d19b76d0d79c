#include "mattecore/detail/blur_mask.h"

#include <ATen/ops/exp.h>
#include <ATen/ops/linspace.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/kernels/gaussian_blur.h"
#include "mattecore/tensor/images.h"

namespace mattecore::detail {
namespace {

constexpr double kSigma = 10;

/// The kernel's side for a mask of this size; 1: none.
int64_t fitting_size(int64_t radius, int64_t height, int64_t width) {
  const int64_t shorter = std::min(height, width);
  if (shorter > 2 * radius + 1) return 2 * radius + 1;
  return shorter / 2 | 1;
}

/// One half of the kernel along an axis. torchvision multiplies it, in float, with itself into a square, whose sum is
/// 1 only nearly, and lets torch sum up the products row by row. A mask's inside so becomes that sum, a little less or
/// more than 1, and DifferentialDiffusion asks whether it is 1 or more; so the sum is ours too.
std::vector<double> half_kernel(int64_t size) {
  const int64_t radius = size / 2;
  const at::Tensor distance =
      at::linspace(-static_cast<double>(radius), static_cast<double>(radius), size, at::TensorOptions(at::kFloat));
  const at::Tensor unscaled = at::exp(distance.div(kSigma).pow(2).mul(-0.5));
  const at::Tensor kernel = unscaled.div(unscaled.sum());
  const float* weights = kernel.const_data_ptr<float>();

  float square_sum = 0;
  double sum = 0;
  for (int64_t y = 0; y < size; ++y) {
    sum += weights[y];
    for (int64_t x = 0; x < size; ++x) square_sum += weights[y] * weights[x];
  }
  std::vector<double> half;
  for (int64_t k = 0; k <= radius; ++k)
    half.push_back(weights[radius + k] / sum * std::sqrt(static_cast<double>(square_sum)));
  return half;
}

}  // namespace

at::Tensor blur_mask(const at::Tensor& mask, int64_t radius_px) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  tensor::check_cpu(in, at::kFloat, "mask");
  tensor::check_finite(in, "mask");
  if (radius_px < 0) throw_invalid("the radius is ", radius_px, " pixels; wanted 0 or more");
  const int64_t size = fitting_size(radius_px, in.size(1), in.size(2));
  const std::vector<double> half = size > 1 ? half_kernel(size) : std::vector<double>{1};
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b)
    kernels::blur(tensor::view<const float>(in, b), half, tensor::view<float>(out, b));
  return out.view(mask.sizes());
}

}  // namespace mattecore::detail
