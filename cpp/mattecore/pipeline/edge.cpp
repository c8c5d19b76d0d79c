#include "mattecore/pipeline/edge.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>

#include "mattecore/base/error.h"
#include "mattecore/postprocess/levels.h"
#include "mattecore/preprocess/eight_bit.h"
#include "mattecore/preprocess/normalize.h"
#include "mattecore/preprocess/resize.h"
#include "mattecore/refine/closed_form.h"
#include "mattecore/refine/gaussian_blur.h"
#include "mattecore/refine/guided_filter.h"
#include "mattecore/refine/trimap.h"

namespace mattecore::pipeline {
namespace {

using preprocess::from_u8;
using preprocess::to_u8;

// pymatting's constants, as LayerStyle calls it.
constexpr double kEpsilon = 1e-6, kTolerance = 1e-7;
constexpr int64_t kMaxIterations = 500;
// LayerStyle's 0.15 / 10.
constexpr double kGuidedEps = 0.015;

constexpr int64_t next_odd(int64_t n) { return n | 1; }

bool holds(const at::Tensor& trimap, float value) { return trimap.eq(value).any().item<bool>(); }

/// Colours and trimap as VITMatte takes them: the trimap is a fourth channel, 0..1.
at::Tensor vitmatte_input(const at::Tensor& rgb, const at::Tensor& trimap, const network::Preparation& preparation) {
  std::vector<double> mean = preparation.mean, std = preparation.std;
  mean.push_back(0);
  std.push_back(1 / (255 * static_cast<double>(1.0f / 255)));  // transformers multiplies by 1/255 as a float has it
  return preprocess::normalize(at::cat({rgb, trimap.unsqueeze(3)}, 3), mean, std, preparation.divisor);
}

/// VITMatte's 8-bit alpha at the picture's own size.
at::Tensor vitmatte(const at::Tensor& rgb, const at::Tensor& trimap, network::Network& network,
                    const Progress& progress) {
  if (network.preparation().family != "vitmatte")
    throw_invalid("the network for the edge is of the family ", network.preparation().family, "; wanted vitmatte");
  const at::Tensor input = vitmatte_input(rgb, trimap, network.preparation());
  const at::Tensor alpha = network.forward(input, progress).select(1, 0);
  return to_u8(alpha.narrow(1, 0, rgb.size(1)).narrow(2, 0, rgb.size(2)));
}

struct Size {
  int64_t height, width;
};

/// The size that VITMatte works at.
Size limited(int64_t height, int64_t width, double max_megapixels) {
  if (!(max_megapixels > 0)) throw_invalid("max_megapixels is ", max_megapixels, "; wanted a number above 0");
  const double limit = max_megapixels * 1048576;
  if (static_cast<double>(height) * static_cast<double>(width) <= limit) return {height, width};
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  const double limited_width = std::sqrt(ratio * limit);
  return {std::max<int64_t>(1, static_cast<int64_t>(limited_width / ratio)),
          std::max<int64_t>(1, static_cast<int64_t>(limited_width))};
}

at::Tensor resized(const at::Tensor& mask, Size size) {
  return preprocess::resize(mask.unsqueeze(3), size.height, size.width, "bilinear").squeeze(3);
}

struct Refine {
  const at::Tensor &rgb, &guide, &mask;
  const Progress& progress;

  std::optional<at::Tensor> operator()(std::monostate) const { return mask; }

  std::optional<at::Tensor> operator()(const ClosedFormEdge& edge) const {
    const at::Tensor blurred =
        refine::gaussian_blur(from_u8(mask).to(at::kDouble), next_odd(5 * edge.detail_range + 1));
    const at::Tensor trimap = refine::fix_trimap(blurred, edge.black_point, edge.white_point);
    if (!holds(trimap, 0) || !holds(trimap, 1)) return std::nullopt;
    return to_u8(refine::closed_form(guide, trimap, kEpsilon, kTolerance, kMaxIterations, progress).alpha);
  }

  std::optional<at::Tensor> operator()(const GuidedFilterEdge& edge) const {
    const at::Tensor alpha = refine::guided_filter(guide, from_u8(mask), next_odd(edge.detail_range + 1), kGuidedEps);
    return to_u8(postprocess::histogram_remap(alpha, edge.black_point, edge.white_point));
  }

  std::optional<at::Tensor> operator()(const VitmatteEdge& edge) const {
    at::Tensor trimap = refine::trimap_from_mask(mask, edge.erode_size, edge.dilate_size);
    const Size own{rgb.size(1), rgb.size(2)}, size = limited(own.height, own.width, edge.max_megapixels);
    at::Tensor alpha;
    if (size.height == own.height && size.width == own.width) {
      alpha = vitmatte(rgb, trimap, *edge.network, progress);
    } else {
      const at::Tensor small = preprocess::resize(rgb, size.height, size.width, "bilinear");
      alpha = resized(vitmatte(small, resized(trimap, size), *edge.network, progress), own);
    }
    return to_u8(postprocess::histogram_remap(from_u8(alpha), edge.black_point, edge.white_point));
  }
};

}  // namespace

std::optional<at::Tensor> refine_edge(const at::Tensor& rgb, const at::Tensor& guide, const at::Tensor& mask,
                                      const Edge& edge, const Progress& progress) {
  return std::visit(Refine{rgb, guide, mask, progress}, edge);
}

}  // namespace mattecore::pipeline
