#include "mattecore/preprocess/resize.h"

#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/kernels/interpolate.h"
#include "mattecore/kernels/resize.h"
#include "mattecore/tensor/images.h"

namespace mattecore::preprocess {

at::Tensor resize(const at::Tensor& image, int64_t height, int64_t width, std::string_view filter) {
  const kernels::Filter chosen = kernels::filter_from_name(filter);
  const at::Tensor in = tensor::as_images(image, "image");
  tensor::check_cpu(in, at::kByte, "image");
  tensor::check_size(height, width, in.size(3));
  const at::Tensor out = tensor::empty({in.size(0), height, width, in.size(3)}, at::kByte);
  for (int64_t b = 0; b < in.size(0); ++b)
    kernels::resize(tensor::view<const uint8_t>(in, b), chosen, tensor::view<uint8_t>(out, b));
  return tensor::like_images(out, image);
}

at::Tensor interpolate(const at::Tensor& image, int64_t height, int64_t width, bool align_corners) {
  const bool is_mask = image.dim() < 4;
  const at::Tensor in = is_mask ? tensor::as_masks(image, "image") : tensor::as_images(image, "image");
  if (in.scalar_type() != at::kByte) tensor::check_dtype(in, at::kFloat, "image");
  tensor::check_cpu(in, "image");
  tensor::check_size(height, width, in.size(3));
  const at::Tensor out = tensor::empty({in.size(0), height, width, in.size(3)}, at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b) {
    if (in.scalar_type() == at::kByte)
      kernels::interpolate(tensor::view<const uint8_t>(in, b), align_corners, tensor::view<float>(out, b));
    else
      kernels::interpolate(tensor::view<const float>(in, b), align_corners, tensor::view<float>(out, b));
  }
  return is_mask ? tensor::like_masks(out.squeeze(3), image) : out;
}

}  // namespace mattecore::preprocess
