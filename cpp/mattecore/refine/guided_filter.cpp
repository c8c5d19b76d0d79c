#include "mattecore/refine/guided_filter.h"

#include "mattecore/kernels/guided_filter.h"
#include "mattecore/tensor/images.h"

namespace mattecore::refine {
namespace {

/// Runs filter(guide, mask, out) on every picture of the batch.
template <class Filter>
at::Tensor filter_batch(const at::Tensor& guide, const at::Tensor& mask, Filter filter) {
  at::Tensor guides = tensor::as_images(guide, "guide");
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  tensor::check_cpu(guides, at::kFloat, "guide");
  tensor::check_cpu(masks, at::kFloat, "mask");
  tensor::check_same_size(guides, "guide", masks, "mask");
  guides = guides.narrow(3, 0, guides.size(3) == 1 ? 1 : 3);
  const at::Tensor out = tensor::empty(masks.sizes(), at::kFloat);
  for (int64_t b = 0; b < masks.size(0); ++b)
    filter(tensor::view<const float>(guides, b), tensor::view<const float>(masks, b), tensor::view<float>(out, b));
  return out.view(mask.sizes());
}

}  // namespace

at::Tensor guided_filter(const at::Tensor& guide, const at::Tensor& mask, int64_t radius_px, double eps) {
  return filter_batch(guide, mask, [&](auto colours, auto source, auto out) {
    kernels::guided_filter(colours, source, radius_px, eps, out);
  });
}

at::Tensor fast_guided_filter(const at::Tensor& guide, const at::Tensor& mask, int64_t radius_px, double eps,
                              int64_t subsample) {
  return filter_batch(guide, mask, [&](auto colours, auto source, auto out) {
    kernels::fast_guided_filter(colours, source, radius_px, eps, subsample, out);
  });
}

}  // namespace mattecore::refine
