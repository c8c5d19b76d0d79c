#include "mattecore/refine/mask_tools.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/mask_tools.h"
#include "mattecore/tensor/images.h"

namespace mattecore::refine {
namespace {

/// Runs tool(mask, out) on every mask of the batch.
template <class Tool>
at::Tensor for_each_mask(const at::Tensor& mask, Tool tool) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  tensor::check_cpu(in, at::kFloat, "mask");
  const at::Tensor out = tensor::empty(in.sizes(), at::kFloat);
  for (int64_t b = 0; b < in.size(0); ++b) tool(tensor::view<const float>(in, b), tensor::view<float>(out, b));
  return out.view(mask.sizes());
}

kernels::Shape shape_from_name(std::string_view name) {
  if (name == "box") return kernels::Shape::kBox;
  if (name == "ellipse") return kernels::Shape::kEllipse;
  throw_invalid("the shape is '", name, "'; wanted box or ellipse");
}

}  // namespace

at::Tensor grow(const at::Tensor& mask, int64_t radius_px, std::string_view shape) {
  const kernels::Shape chosen = shape_from_name(shape);
  return for_each_mask(mask, [&](auto in, auto out) { kernels::grow(in, radius_px, chosen, out); });
}

at::Tensor shrink(const at::Tensor& mask, int64_t radius_px, std::string_view shape) {
  const kernels::Shape chosen = shape_from_name(shape);
  return for_each_mask(mask, [&](auto in, auto out) { kernels::shrink(in, radius_px, chosen, out); });
}

at::Tensor feather(const at::Tensor& mask, double sigma_px) {
  return for_each_mask(mask, [&](auto in, auto out) { kernels::feather(in, sigma_px, out); });
}

at::Tensor fill_holes(const at::Tensor& mask) {
  return for_each_mask(mask, [](auto in, auto out) { kernels::fill_holes(in, out); });
}

at::Tensor keep_largest_component(const at::Tensor& mask, double threshold) {
  return for_each_mask(
      mask, [&](auto in, auto out) { kernels::keep_largest_component(in, static_cast<float>(threshold), out); });
}

}  // namespace mattecore::refine
