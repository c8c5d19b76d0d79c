#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace mattecore::preprocess {

/// A network's input from 8-bit pictures [B,H,W,C] or [H,W,C] on the CPU: float32 [B,C,H',W'], channels innermost in
/// memory, (v / 255 - mean) / std for each channel, H' and W' the next multiples of `divisor`; what is added right and
/// below is 0.
at::Tensor normalize(const at::Tensor& image, const std::vector<double>& mean, const std::vector<double>& std,
                     int64_t divisor);

}  // namespace mattecore::preprocess
