#include "mattecore/refine/gaussian_blur.h"

#include "mattecore/kernels/gaussian_blur.h"
#include "mattecore/tensor/images.h"

namespace mattecore::refine {

at::Tensor gaussian_blur(const at::Tensor& mask, int64_t size) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  if (in.scalar_type() != at::kDouble) tensor::check_dtype(in, at::kFloat, "mask");
  tensor::check_cpu(in, "mask");
  tensor::check_finite(in, "mask");
  const at::Tensor out = tensor::empty(in.sizes(), in.scalar_type());
  for (int64_t b = 0; b < in.size(0); ++b) {
    if (in.scalar_type() == at::kDouble)
      kernels::gaussian_blur(tensor::view<const double>(in, b), size, tensor::view<double>(out, b));
    else
      kernels::gaussian_blur(tensor::view<const float>(in, b), size, tensor::view<float>(out, b));
  }
  return out.view(mask.sizes());
}

}  // namespace mattecore::refine
