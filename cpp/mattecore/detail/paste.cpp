#include "mattecore/detail/paste.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/paste.h"
#include "mattecore/tensor/images.h"

namespace mattecore::detail {
at::Tensor blend(const at::Tensor& image, const at::Tensor& patch, const at::Tensor& mask) {
  const at::Tensor under = tensor::as_images(image, "image");
  const at::Tensor over = tensor::as_images(patch, "patch");
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  tensor::check_cpu(under, at::kFloat, "image");
  tensor::check_cpu(over, at::kFloat, "patch");
  tensor::check_cpu(masks, at::kFloat, "mask");
  tensor::check_same_size(under, "image", over, "patch");
  tensor::check_same_size(under, "image", masks, "mask");
  if (under.size(3) != over.size(3))
    throw_invalid("patch has ", over.size(3), " channels and image ", under.size(3), "; wanted as many");
  const at::Tensor out = tensor::empty(under.sizes(), at::kFloat);
  tensor::for_each_picture<const float, const float, const float, float>(kernels::blend, under, over, masks, out);
  return tensor::like_images(out, image);
}

at::Tensor join_alpha(const at::Tensor& image, const at::Tensor& mask) {
  const at::Tensor images = tensor::as_images(image, "image");
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  tensor::check_cpu(images, at::kFloat, "image");
  tensor::check_cpu(masks, at::kFloat, "mask");
  tensor::check_same_size(images, "image", masks, "mask");
  const at::Tensor out = tensor::empty({images.size(0), images.size(1), images.size(2), 4}, at::kFloat);
  tensor::for_each_picture<const float, const float, float>(kernels::join_alpha, images, masks, out);
  return tensor::like_images(out, image);
}

}  // namespace mattecore::detail
