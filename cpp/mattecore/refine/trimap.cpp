#include "mattecore/refine/trimap.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/trimap.h"
#include "mattecore/tensor/images.h"

namespace mattecore::refine {

at::Tensor trimap_from_mask(const at::Tensor& mask, int64_t erode_size, int64_t dilate_size) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  if (in.scalar_type() != at::kByte) tensor::check_dtype(in, at::kFloat, "mask");
  tensor::check_cpu(in, "mask");
  const at::Tensor out = tensor::empty(in.sizes(), at::kByte);
  for (int64_t b = 0; b < in.size(0); ++b) {
    const auto trimap = tensor::view<uint8_t>(out, b);
    if (in.scalar_type() == at::kByte)
      kernels::trimap_from_mask(tensor::view<const uint8_t>(in, b), erode_size, dilate_size, trimap);
    else
      kernels::trimap_from_mask(tensor::view<const float>(in, b), erode_size, dilate_size, trimap);
  }
  return out.view(mask.sizes());
}

at::Tensor fix_trimap(const at::Tensor& mask, double black_point, double white_point) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  if (in.scalar_type() != at::kDouble) tensor::check_dtype(in, at::kFloat, "mask");
  tensor::check_cpu(in, "mask");
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b) {
    const auto trimap = tensor::view<float>(out, b);
    if (in.scalar_type() == at::kDouble)
      kernels::fix_trimap(tensor::view<const double>(in, b), black_point, white_point, trimap);
    else
      kernels::fix_trimap(tensor::view<const float>(in, b), black_point, white_point, trimap);
  }
  return out.view(mask.sizes());
}

at::Tensor trimap_from_alpha(const at::Tensor& alpha, double foreground_threshold, double background_threshold,
                             int64_t grow_px) {
  const at::Tensor in = tensor::as_masks(alpha, "alpha");
  tensor::check_cpu(in, at::kFloat, "alpha");
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b)
    kernels::trimap_from_alpha(tensor::view<const float>(in, b), foreground_threshold, background_threshold, grow_px,
                               tensor::view<float>(out, b));
  return out.view(alpha.sizes());
}

}  // namespace mattecore::refine
