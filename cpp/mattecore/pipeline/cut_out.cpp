#include "mattecore/pipeline/cut_out.h"

#include <ATen/ops/isfinite.h>
#include <c10/core/GradMode.h>

#include "mattecore/composite/rgba.h"
#include "mattecore/kernels/eight_bit.h"
#include "mattecore/kernels/rgba.h"
#include "mattecore/pipeline/network_mask.h"
#include "mattecore/preprocess/colour.h"
#include "mattecore/preprocess/eight_bit.h"
#include "mattecore/tensor/images.h"

namespace mattecore::pipeline {
namespace {

/// A picture's colours alone.
at::Tensor without_alpha(const at::Tensor& picture) { return picture.size(3) == 4 ? picture.narrow(3, 0, 3) : picture; }

at::Tensor eight_bit_rgb(const at::Tensor& colours) {
  const at::Tensor bytes = colours.scalar_type() == at::kByte ? colours : preprocess::to_u8(colours);
  return bytes.size(3) == 3 ? bytes : preprocess::to_rgb(bytes);
}

/// What the filters see, RGB in float32. A picture with NaN or infinities has only its 8 bits to show.
at::Tensor guide_of(const at::Tensor& colours, const at::Tensor& rgb, Recipe::Guide guide) {
  if (guide == Recipe::Guide::given && colours.is_floating_point() && at::isfinite(colours).all().item<bool>())
    return colours.to(at::kFloat).expand({1, colours.size(1), colours.size(2), 3});
  return preprocess::from_u8(rgb);
}

void compose(const at::Tensor& rgb, const at::Tensor& mask, Recipe::Composite composite, const at::Tensor& rgba_out,
             const at::Tensor& mask_out) {
  const auto alpha = tensor::view<const uint8_t>(mask.unsqueeze(3), 0);
  const auto out = tensor::view<float>(rgba_out, 0);
  if (composite == Recipe::Composite::straight) {
    kernels::assemble_rgba(tensor::view<const uint8_t>(rgb, 0), alpha, out);
  } else {
    const at::Tensor pasted = composite::paste_on_transparent(rgb, mask);
    kernels::from_u8(tensor::view<const uint8_t>(pasted, 0), out);
  }
  kernels::from_u8(alpha, tensor::view<float>(mask_out.unsqueeze(3), 0));
}

}  // namespace

CutOut cut_out(const at::Tensor& image, network::Network& network, const Recipe& recipe, const Edge& edge,
               const Progress& progress, const PictureDone& done) {
  const at::Tensor images = tensor::as_images(image, "image");
  if (images.scalar_type() != at::kByte) tensor::check_floating(images, "image");
  const int64_t batch = images.size(0), height = images.size(1), width = images.size(2);
  CutOut result{
      tensor::empty({batch, height, width, 4}, at::kFloat), tensor::empty({batch, height, width}, at::kFloat), {}};

  const c10::NoGradGuard no_grad;
  const bool refined = !std::holds_alternative<std::monostate>(edge);
  const auto steps = static_cast<double>(batch * (refined ? 2 : 1));
  int64_t step = 0;
  const auto next_step = [&] {
    ++step;
    return progress.part(static_cast<double>(step - 1) / steps, static_cast<double>(step) / steps);
  };

  for (int64_t b = 0; b < batch; ++b) {
    const at::Tensor colours = without_alpha(images.narrow(0, b, 1).cpu());
    const at::Tensor rgb = eight_bit_rgb(colours);
    at::Tensor mask;
    {
      const Progress part = next_step();
      mask = network_mask(rgb, network, recipe, part);
      part.report(1, "the network");
    }
    if (refined) {
      const Progress part = next_step();
      if (auto better = refine_edge(rgb, guide_of(colours, rgb, recipe.guide), mask, edge, part)) {
        mask = *std::move(better);
      } else {
        result.unrefined.push_back(b);
      }
      part.report(1, "refining the edge");
    }
    const at::Tensor rgba = result.rgba.narrow(0, b, 1);
    compose(rgb, mask, recipe.composite, rgba, result.mask.narrow(0, b, 1));
    if (done) done(b, rgba);
  }
  return result;
}

}  // namespace mattecore::pipeline
