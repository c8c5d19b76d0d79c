#include "mattecore/postprocess/levels.h"

#include <cmath>
#include <limits>

#include "mattecore/base/error.h"
#include "mattecore/kernels/levels.h"
#include "mattecore/kernels/rgba.h"
#include "mattecore/tensor/images.h"

namespace mattecore::postprocess {
namespace {

at::Tensor masks_of(const at::Tensor& mask, at::ScalarType dtype) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  tensor::check_cpu(in, dtype, "mask");
  return in;
}

}  // namespace

at::Tensor normalize_min_max(const at::Tensor& mask) {
  const at::Tensor in = masks_of(mask, at::kFloat);
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b) {
    const auto picture = tensor::view<const float>(in, b);
    const kernels::Extent extent = kernels::extent(picture);
    if (!std::isfinite(extent.largest - extent.smallest))
      throw_invalid("mask ", b, " reaches from ", extent.smallest, " to ", extent.largest,
                    "; wanted finite values, and a finite difference");
    kernels::normalize_min_max(picture, extent, tensor::view<float>(out, b));
  }
  return out.view(mask.sizes());
}

at::Tensor histogram_remap(const at::Tensor& mask, double black_point, double white_point) {
  if (!std::isfinite(black_point) || !std::isfinite(white_point))
    throw_invalid("black_point is ", black_point, " and white_point ", white_point, "; wanted finite numbers");
  const at::Tensor in = masks_of(mask, at::kFloat);
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat);
  tensor::for_each_picture<const float, float>(
      [&](auto from, auto to) { kernels::histogram_remap(from, black_point, white_point, to); }, in, out);
  return out.view(mask.sizes());
}

at::Tensor brighten(const at::Tensor& mask, double factor) {
  if (!(factor >= 0 && factor <= std::numeric_limits<float>::max()))
    throw_invalid("factor is ", factor, "; wanted a finite number of at least 0");
  const at::Tensor in = masks_of(mask, at::kByte);
  const at::Tensor out = tensor::empty(in.sizes(), at::kByte);
  tensor::for_each_picture<const uint8_t, uint8_t>([&](auto from, auto to) { kernels::brighten(from, factor, to); }, in,
                                                   out);
  return out.view(mask.sizes());
}

at::Tensor image_to_mask(const at::Tensor& image) {
  const at::Tensor in = tensor::as_images(image, "image");
  tensor::check_cpu(in, at::kByte, "image");
  const at::Tensor out = tensor::empty({in.size(0), in.size(1), in.size(2), 1}, at::kFloat);
  tensor::for_each_picture<const uint8_t, float>(kernels::image_to_mask, in, out);
  return tensor::like_images(out.squeeze(3), image);
}

}  // namespace mattecore::postprocess
