#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::composite {

/// Lifts subjects off their pictures (kernels/lift.h): RGBA [B,H,W,4] (or [H,W,4] for one picture [H,W,1|3|4]) in the
/// pictures' own type, uint8, uint16 or float32 0..1. `mask` is float32 of their size, finite, as are the pictures.
/// `clean`: the soft edge gets the foreground's colours alone, so that nothing of the old background shines through.
at::Tensor lift(const at::Tensor& image, const at::Tensor& mask, bool clean);

}  // namespace mattecore::composite
