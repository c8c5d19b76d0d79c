#include "mattecore/pipeline/network_mask.h"

#include <ATen/ops/sigmoid.h>

#include <cmath>

#include "mattecore/base/error.h"
#include "mattecore/kernels/levels.h"
#include "mattecore/postprocess/levels.h"
#include "mattecore/preprocess/eight_bit.h"
#include "mattecore/preprocess/normalize.h"
#include "mattecore/preprocess/resize.h"
#include "mattecore/tensor/images.h"

namespace mattecore::pipeline {
namespace {

using Input = Recipe::Input;
using Levels = Recipe::Levels;

at::Tensor resized(const at::Tensor& rgb, Input input, int64_t height, int64_t width) {
  if (rgb.size(1) == height && rgb.size(2) == width) return rgb;  // all three would copy
  switch (input) {
    case Input::pillow:
      return preprocess::resize(rgb, height, width, "bilinear");
    case Input::opencv:
      return preprocess::to_u8(preprocess::interpolate(preprocess::from_u8(rgb), height, width, false));
    case Input::torch:
      break;
  }
  return preprocess::interpolate(rgb, height, width, false).to(at::kByte);
}

/// The network's map [1,h,w], probabilities.
at::Tensor probabilities(const at::Tensor& rgb, network::Network& network, Input input, const Progress& progress) {
  const network::Preparation& preparation = network.preparation();
  if (preparation.family == "vitmatte")
    throw_invalid("the network for the mask is of the family vitmatte, which needs a mask; wanted isnet or birefnet");
  const int64_t height = preparation.height > 0 ? preparation.height : rgb.size(1);
  const int64_t width = preparation.width > 0 ? preparation.width : rgb.size(2);
  const at::Tensor prepared =
      preprocess::normalize(resized(rgb, input, height, width), preparation.mean, preparation.std, preparation.divisor);
  const at::Tensor map = network.forward(prepared, progress).select(1, 0).narrow(1, 0, height).narrow(2, 0, width);
  const kernels::Extent extent = kernels::extent(tensor::view<const float>(tensor::as_masks(map, "map"), 0));
  if (!std::isfinite(extent.largest - extent.smallest))
    throw_invalid("the network's map reaches from ", extent.smallest, " to ", extent.largest,
                  ", wanted finite values; its weights are damaged, or too coarse for MATTECORE_PRECISION");
  return preparation.family == "birefnet" ? at::sigmoid(map) : map;
}

at::Tensor mask_of(const at::Tensor& map, Levels levels, int64_t height, int64_t width) {
  using namespace postprocess;
  using namespace preprocess;
  switch (levels) {
    case Levels::binary:
      // The original multiplies by 255 twice.
      return brighten(to_u8(normalize_min_max(interpolate(map, height, width, false))), 255);
    case Levels::stretched:
      return to_u8(normalize_min_max(interpolate(map, height, width, false)));
    case Levels::brightened:
      return brighten(to_u8(interpolate(map, height, width, true)), 1.01);
    case Levels::soft:
      return to_u8(interpolate(map, height, width, false).add_(0.5 / 255));  // to_u8 cuts
    case Levels::plain:
      break;
  }
  return resize(to_u8(map).unsqueeze(3), height, width, "bicubic").squeeze(3);
}

}  // namespace

at::Tensor network_mask(const at::Tensor& rgb, network::Network& network, const Recipe& recipe,
                        const Progress& progress) {
  const at::Tensor map = probabilities(rgb, network, recipe.input, progress);
  return mask_of(map, recipe.levels, rgb.size(1), rgb.size(2));
}

}  // namespace mattecore::pipeline
