#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mattecore/network/operators/product.h"

namespace mattecore::network {

/// Deformable convolution v2 with stride 1 and without bias (Zhu et al., Deformable ConvNets v2, CVPR 2019).
///
/// x [B,C,H,W]; weight [O,C,kh,kw] with K = kh * kw taps in row order; offset [B,2K,Ho,Wo], (dy, dx) a tap, in pixels;
/// mask [B,K,Ho,Wo] scales the samples, which are bilinear with zeros outside; a position that is not a number is
/// outside. Any strides; offset and mask of x's type or float32. Returns [B,O,Ho,Wo], channels last. Positions are
/// float32 whatever the type of x. Memory: the result, the weights, tiles, and one copy of an x that is not channels
/// last.
at::Tensor deform_conv2d(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask,
                         const at::Tensor& weight, int64_t padding);

/// Packs weights [O,C,kh,kw] for deform_conv2d_packed, in this arithmetic (product.h).
at::Tensor pack_deform_conv2d(const at::Tensor& weight, Arithmetic arithmetic);

/// The same on the CPU, with bias [O] and activation in one pass: activation(deform_conv2d(...) + bias).
at::Tensor deform_conv2d_packed(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask,
                                const at::Tensor& packed, const at::Tensor& bias, at::IntArrayRef kernel,
                                int64_t padding, int64_t activation);

}  // namespace mattecore::network
