#include "mattecore/detail/paste.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/paste.h"
#include "mattecore/tensor/images.h"

namespace mattecore::detail {
namespace {

at::Tensor checked(const at::Tensor& pictures, const char* name) {
  tensor::check_dtype(pictures, at::kFloat, name);
  tensor::check_cpu(pictures, name);
  return pictures;
}

}  // namespace

at::Tensor blend(const at::Tensor& image, const at::Tensor& patch, const at::Tensor& mask) {
  const at::Tensor under = checked(tensor::as_images(image, "image"), "image");
  const at::Tensor over = checked(tensor::as_images(patch, "patch"), "patch");
  const at::Tensor masks = checked(tensor::as_masks(mask, "mask"), "mask");
  tensor::check_same_size(under, "image", over, "patch");
  tensor::check_same_size(under, "image", masks, "mask");
  if (under.size(3) != over.size(3))
    throw_invalid("patch has ", over.size(3), " channels and image ", under.size(3), "; wanted as many");
  const at::Tensor out = tensor::empty(under.sizes(), at::kFloat);
  tensor::for_each_picture<const float, const float, const float, float>(kernels::blend, under, over, masks, out);
  return image.dim() == 3 ? out.squeeze(0) : out;
}

at::Tensor join_alpha(const at::Tensor& image, const at::Tensor& mask) {
  const at::Tensor images = checked(tensor::as_images(image, "image"), "image");
  const at::Tensor masks = checked(tensor::as_masks(mask, "mask"), "mask");
  tensor::check_same_size(images, "image", masks, "mask");
  const at::Tensor out = tensor::empty({images.size(0), images.size(1), images.size(2), 4}, at::kFloat);
  tensor::for_each_picture<const float, const float, float>(kernels::join_alpha, images, masks, out);
  return image.dim() == 3 ? out.squeeze(0) : out;
}

}  // namespace mattecore::detail
