#include "mattecore/composite/foreground.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/foreground.h"
#include "mattecore/tensor/images.h"

namespace mattecore::composite {
namespace {

/// Runs estimate(image, alpha, foreground) on every picture of the batch.
template <class Estimate>
at::Tensor estimate_batch(const at::Tensor& image, const at::Tensor& alpha, Estimate estimate) {
  at::Tensor images = tensor::as_images(image, "image");
  const at::Tensor alphas = tensor::as_masks(alpha, "alpha");
  tensor::check_cpu(images, at::kFloat, "image");
  tensor::check_cpu(alphas, at::kFloat, "alpha");
  tensor::check_same_size(images, "image", alphas, "alpha");
  if (images.size(3) == 1) throw_invalid("image has 1 channel in ", image.sizes(), "; wanted colours: 3 or 4");
  images = images.narrow(3, 0, 3);
  tensor::check_finite(images, "image");
  tensor::check_finite(alphas, "alpha");
  const at::Tensor out = tensor::empty({images.size(0), images.size(1), images.size(2), 3}, at::kFloat);
  for (int64_t b = 0; b < images.size(0); ++b)
    estimate(tensor::view<const float>(images, b), tensor::view<const float>(alphas, b), tensor::view<float>(out, b));
  return tensor::like_images(out, image);
}

}  // namespace

at::Tensor multilevel_foreground(const at::Tensor& image, const at::Tensor& alpha) {
  return estimate_batch(
      image, alpha, [](auto colours, auto mask, auto out) { kernels::multilevel_foreground(colours, mask, {}, out); });
}

at::Tensor blur_fusion_foreground(const at::Tensor& image, const at::Tensor& alpha) {
  return estimate_batch(image, alpha, [](auto colours, auto mask, auto out) {
    kernels::blur_fusion_foreground(colours, mask, kernels::kBlurFusionLargeRadius, kernels::kBlurFusionSmallRadius,
                                    out);
  });
}

}  // namespace mattecore::composite
