#include "mattecore/refine/closed_form.h"

#include "mattecore/base/error.h"
#include "mattecore/solver/closed_form.h"
#include "mattecore/tensor/images.h"

namespace mattecore::refine {

ClosedForm closed_form(const at::Tensor& image, const at::Tensor& trimap, double epsilon, double tolerance,
                       int64_t max_iterations, const Progress& progress) {
  if (!(epsilon > 0) || !(tolerance > 0) || max_iterations < 1)
    throw_invalid("epsilon is ", epsilon, ", tolerance ", tolerance, " and max_iterations ", max_iterations,
                  "; wanted numbers above 0");
  at::Tensor images = tensor::as_images(image, "image");
  const at::Tensor trimaps = tensor::as_masks(trimap, "trimap");
  if (images.scalar_type() != at::kDouble) tensor::check_dtype(images, at::kFloat, "image");
  tensor::check_dtype(trimaps, at::kFloat, "trimap");
  tensor::check_cpu(images, "image");
  tensor::check_cpu(trimaps, "trimap");
  tensor::check_same_size(images, "image", trimaps, "trimap");
  images = images.narrow(3, 0, images.size(3) == 1 ? 1 : 3);

  const int64_t batch = images.size(0);
  ClosedForm result{tensor::empty(trimaps.sizes(), at::kFloat),
                    std::vector<std::vector<double>>(static_cast<size_t>(batch))};
  for (int64_t b = 0; b < batch; ++b) {
    solver::ClosedFormOptions options;
    options.epsilon = epsilon;
    options.tolerance = tolerance;
    options.max_iterations = static_cast<int>(std::min<int64_t>(max_iterations, 1'000'000));
    options.residuals = &result.residuals[static_cast<size_t>(b)];
    const Progress part = progress.part(static_cast<double>(b) / static_cast<double>(batch),
                                        static_cast<double>(b + 1) / static_cast<double>(batch));
    const auto known = tensor::view<const float>(trimaps, b);
    const auto alpha = tensor::view<float>(result.alpha, b);
    if (images.scalar_type() == at::kDouble)
      solver::closed_form(tensor::view<const double>(images, b), known, options, part, alpha);
    else
      solver::closed_form(tensor::view<const float>(images, b), known, options, part, alpha);
  }
  result.alpha = result.alpha.view(trimap.sizes());
  return result;
}

}  // namespace mattecore::refine
