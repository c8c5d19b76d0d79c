#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mattecore/base/progress.h"

namespace mattecore::refine {

struct ClosedForm {
  at::Tensor alpha;
  std::vector<std::vector<double>> residuals;  ///< of each picture, |r| / |b| after each iteration
};

/// Closed-form matting (solver/closed_form.h): float32 alphas [B,H,W] (or [H,W]) from pictures [B,H,W,C] (or [H,W,C])
/// in float32 or float64, colour or grey (an alpha channel does not count), and float32 trimaps of their size. Known
/// pixels come back exactly 0 or 1. The progress runs over the whole batch.
ClosedForm closed_form(const at::Tensor& image, const at::Tensor& trimap, double epsilon, double tolerance,
                       int64_t max_iterations, const Progress& progress);

}  // namespace mattecore::refine
