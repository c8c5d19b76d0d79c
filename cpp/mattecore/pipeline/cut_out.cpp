#include "mattecore/pipeline/cut_out.h"

#include <ATen/ops/isfinite.h>
#include <c10/core/GradMode.h>

#include "mattecore/base/function_ref.h"
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

void compose(const at::Tensor& rgb, const at::Tensor& mask, Recipe::Composite composite, const at::Tensor& out) {
  const auto rgba = tensor::view<float>(out, 0);
  if (composite == Recipe::Composite::straight) {
    const auto alpha = tensor::view<const uint8_t>(mask.unsqueeze(3), 0);
    kernels::assemble_rgba(tensor::view<const uint8_t>(rgb, 0), alpha, rgba);
  } else {
    const at::Tensor pasted = composite::paste_on_transparent(rgb, mask);
    kernels::from_u8(tensor::view<const uint8_t>(pasted, 0), rgba);
  }
}

/// Gets a picture's 8 bits [1,H,W,3] and its mask's [1,H,W].
using MaskFound = FunctionRef<void(int64_t picture, const at::Tensor& rgb, const at::Tensor& mask)>;

/// Finds the masks one after the other.
Mask find_each(const at::Tensor& images, network::Network& network, const Recipe& recipe, const Edge& edge,
               const Progress& progress, MaskFound found) {
  if (images.scalar_type() != at::kByte) tensor::check_floating(images, "image");
  const int64_t batch = images.size(0);
  Mask result{tensor::empty({batch, images.size(1), images.size(2)}, at::kFloat), {}};

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
    kernels::from_u8(tensor::view<const uint8_t>(mask.unsqueeze(3), 0),
                     tensor::view<float>(result.values.narrow(0, b, 1).unsqueeze(3), 0));
    found(b, rgb, mask);
  }
  return result;
}

}  // namespace

Mask find_mask(const at::Tensor& image, network::Network& network, const Recipe& recipe, const Edge& edge,
               const Progress& progress) {
  const auto nothing_more = [](int64_t, const at::Tensor&, const at::Tensor&) {};
  return find_each(tensor::as_images(image, "image"), network, recipe, edge, progress, nothing_more);
}

CutOut cut_out(const at::Tensor& image, network::Network& network, const Recipe& recipe, const Edge& edge,
               const Progress& progress, const PictureDone& done) {
  const at::Tensor images = tensor::as_images(image, "image");
  at::Tensor rgba = tensor::empty({images.size(0), images.size(1), images.size(2), 4}, at::kFloat);
  const auto joined = [&](int64_t picture, const at::Tensor& rgb, const at::Tensor& mask) {
    const at::Tensor out = rgba.narrow(0, picture, 1);
    compose(rgb, mask, recipe.composite, out);
    if (done) done(picture, out);
  };
  Mask mask = find_each(images, network, recipe, edge, progress, joined);
  return {std::move(rgba), std::move(mask)};
}

}  // namespace mattecore::pipeline
