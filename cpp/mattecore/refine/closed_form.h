#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "mattecore/base/progress.h"

namespace mattecore::refine {

struct ClosedForm {
  at::Tensor alpha;
  std::vector<std::vector<double>> residuals;  ///< of each picture, |r| / |b| after each iteration
};

/// Closed-form matting (solver/closed_form.h): alphas [B,H,W] (or [H,W]) from pictures [B,H,W,C] (or [H,W,C]; colour or
/// grey, an alpha channel does not count) and trimaps of their size, both float32 or both float64. Known pixels come
/// back exactly 0 or 1. The progress runs over the whole batch.
ClosedForm closed_form(const at::Tensor& image, const at::Tensor& trimap, double epsilon, double tolerance,
                       int64_t max_iterations, const Progress& progress);

}  // namespace mattecore::refine
