#include "mattecore/preprocess/colour.h"

#include "mattecore/kernels/rgba.h"
#include "mattecore/tensor/images.h"

namespace mattecore::preprocess {
namespace {

at::Tensor eight_bit_images(const at::Tensor& image) {
  const at::Tensor in = tensor::as_images(image, "image");
  tensor::check_cpu(in, at::kByte, "image");
  return in;
}

}  // namespace

at::Tensor to_rgb(const at::Tensor& image) {
  const at::Tensor in = eight_bit_images(image);
  const at::Tensor out = tensor::empty({in.size(0), in.size(1), in.size(2), 3}, at::kByte);
  tensor::for_each_picture<const uint8_t, uint8_t>(kernels::to_rgb, in, out);
  return tensor::like_images(out, image);
}

at::Tensor luma(const at::Tensor& image) {
  const at::Tensor in = eight_bit_images(image);
  const at::Tensor out = tensor::empty({in.size(0), in.size(1), in.size(2), 1}, at::kByte);
  tensor::for_each_picture<const uint8_t, uint8_t>(kernels::luma, in, out);
  return tensor::like_images(out.squeeze(3), image);
}

}  // namespace mattecore::preprocess
