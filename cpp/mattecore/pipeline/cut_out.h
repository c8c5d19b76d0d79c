#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "mattecore/base/progress.h"
#include "mattecore/network/network.h"
#include "mattecore/pipeline/edge.h"
#include "mattecore/pipeline/recipe.h"

namespace mattecore::pipeline {

struct Mask {
  at::Tensor values;               ///< float32 [B,H,W], multiples of 1/255
  std::vector<int64_t> unrefined;  ///< the pictures that closed-form matting found nothing to go by in
};

/// Finds the subject of pictures [B,H,W,1|3|4] 0..1 (any float type, strides and device) or uint8: the network's mask,
/// its edge refined, on the CPU. Grey is repeated, an alpha channel ignored, NaN 0. Every picture is treated by itself:
/// a batch gives its pictures' bytes.
///
/// The progress runs over all pictures, in equal steps: each has one for the network and, where an edge is refined, one
/// for that. Peak memory beyond the result does not depend on the number of pictures: 16 bytes a pixel of one, and the
/// larger of what network_mask and refine_edge ask for.
Mask find_mask(const at::Tensor& image, network::Network& network, const Recipe& recipe, const Edge& edge,
               const Progress& progress = {});

struct CutOut {
  at::Tensor rgba;  ///< float32 [B,H,W,4], multiples of 1/255
  Mask mask;        ///< its fourth channel
};

/// Gets each picture as soon as it is done, on the thread that called cut_out.
using PictureDone = std::function<void(int64_t picture, const at::Tensor& rgba)>;

/// The same, with picture and mask joined to RGBA as the recipe says.
CutOut cut_out(const at::Tensor& image, network::Network& network, const Recipe& recipe, const Edge& edge,
               const Progress& progress = {}, const PictureDone& done = {});

}  // namespace mattecore::pipeline
