#include "mattecore/preprocess/normalize.h"

#include "mattecore/base/error.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/normalize.h"
#include "mattecore/tensor/images.h"

namespace mattecore::preprocess {

at::Tensor normalize(const at::Tensor& image, const std::vector<double>& mean, const std::vector<double>& std,
                     int64_t divisor) {
  const at::Tensor in = tensor::as_images(image, "image");
  tensor::check_cpu(in, at::kByte, "image");
  if (divisor < 1) throw_invalid("divisor is ", divisor, "; wanted at least 1");
  const int64_t height = round_up(in.size(1), divisor), width = round_up(in.size(2), divisor);
  tensor::check_size(height, width, in.size(3));
  const at::Tensor out = tensor::empty({in.size(0), height, width, in.size(3)}, at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b)
    kernels::normalize(tensor::view<const uint8_t>(in, b), mean, std, tensor::view<float>(out, b));
  return out.permute({0, 3, 1, 2});
}

}  // namespace mattecore::preprocess
