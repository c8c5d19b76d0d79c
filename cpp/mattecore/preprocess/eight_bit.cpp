#include "mattecore/preprocess/eight_bit.h"

#include "mattecore/kernels/eight_bit.h"
#include "mattecore/tensor/eight_bit.h"
#include "mattecore/tensor/images.h"

namespace mattecore::preprocess {
namespace {

/// Every value is treated by itself, so a [B,H,W] mask and an [H,W,C] picture need no telling apart; short rows of 1, 3
/// or 4 values are taken for channels.
at::Tensor as_values(const at::Tensor& image) {
  const bool has_channels = image.dim() == 4 || (image.dim() == 3 && (image.size(2) == 3 || image.size(2) == 4));
  return has_channels ? tensor::as_images(image, "image") : tensor::as_masks(image, "image");
}

}  // namespace

at::Tensor to_u8(const at::Tensor& image) {
  const at::Tensor in = as_values(image);
  tensor::check_floating(in, "image");
  tensor::check_cpu_or_cuda(in, "image");
  return tensor::to_u8(in).view(image.sizes());
}

at::Tensor from_u8(const at::Tensor& image) {
  const at::Tensor in = as_values(image);
  tensor::check_dtype(in, at::kByte, "image");
  tensor::check_cpu_or_cuda(in, "image");
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat, in.device());
  tensor::for_each_picture<const uint8_t, float>(
      [&](ImageView<const uint8_t> from, ImageView<float> to) {
        if (in.is_cpu()) return kernels::from_u8(from, to);
        kernels::cuda::from_u8(from, to, tensor::current_stream(in));
      },
      in, out);
  return out.view(image.sizes());
}

}  // namespace mattecore::preprocess
