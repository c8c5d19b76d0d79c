#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mattecore::network {

/// Attention within (shifted) windows with a relative position bias (Liu et al., Swin Transformer, ICCV 2021).
///
/// qkv [B,H,W,3C], the last axis being (3, heads, C/heads), is padded at the bottom and right to whole windows with the
/// vector padding [3C], what a zero token maps to; bias [heads,window,window,window,window] is added to the logits of
/// (row, column) against (row, column) and must depend on their differences only. Returns [B,H,W,C]. Memory: the
/// result, the biases in float32, and tiles.
at::Tensor window_attention(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window,
                            int64_t shift);

}  // namespace mattecore::network
