#pragma once

#include <ATen/core/Tensor.h>

#include "mattecore/base/progress.h"
#include "mattecore/network/network.h"
#include "mattecore/pipeline/recipe.h"

namespace mattecore::pipeline {

/// The 8-bit mask [1,H,W] that a network makes of an 8-bit RGB picture [1,H,W,3] on the CPU. Networks of the family
/// birefnet give logits, the others probabilities. A map with NaN or infinities is std::invalid_argument.
///
/// Peak memory beside the network's: 24 bytes for each pixel of its input; 9 bytes a pixel of the picture, and 12 more
/// where the recipe resizes 0..1.
at::Tensor network_mask(const at::Tensor& rgb, network::Network& network, const Recipe& recipe,
                        const Progress& progress);

}  // namespace mattecore::pipeline
