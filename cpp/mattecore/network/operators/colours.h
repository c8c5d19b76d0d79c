#pragma once

#include <ATen/core/Tensor.h>

namespace mattecore::network {

/// Alpha [B,1,H,W] of its logits and of the colours of the picture [B,3,H,W], RGB in 0..1: where the logits are in
/// doubt, a pixel goes with those of its colour. The same bytes for any batch and any number of threads.
///
/// The picture is halved. Colours are counted on a lattice, each by its share of the eight nodes around it, inside
/// alpha and outside; the logarithm of the two frequencies' ratio, looked up for each pixel, is added to the first
/// logits as often as `weight`, one number, says; and so on, a few rounds, as GrabCut estimates its mixtures (Rother et
/// al., SIGGRAPH 2004), but softly. A hole that this cut, and whose pixels' mean alpha by the logits alone is above a
/// half, is closed again.
at::Tensor by_colours(const at::Tensor& logits, const at::Tensor& picture, const at::Tensor& weight);

}  // namespace mattecore::network
