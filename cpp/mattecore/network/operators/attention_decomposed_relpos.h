#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mattecore::network {

/// Attention with decomposed relative positions (Li et al., MViTv2, CVPR 2022; ViTDet, ECCV 2022) over a whole map
/// (window 0) or within windows of it.
///
/// qkv [B,H,W,3C], the last axis being (3, heads, C/heads); with a window it is padded at the bottom and right to whole
/// windows with the vector padding [3C], what a zero token maps to. table_h [Lh,C/heads] and table_w [Lw,C/heads] are
/// stretched linearly to 2h-1 and 2w-1 rows, h x w being the window or the map. The logit of query (i,j) against key
/// (k,l) is q.k / sqrt(C/heads) + q.table_h[i-k+h-1] + q.table_w[j-l+w-1]: the last two take the unscaled query.
/// Returns [B,H,W,C]. Memory: the result, one head's keys and values, and tiles.
at::Tensor attention_decomposed_relpos(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w,
                                       const at::Tensor& padding, int64_t heads, int64_t window);

}  // namespace mattecore::network
