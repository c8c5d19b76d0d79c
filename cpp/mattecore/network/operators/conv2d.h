#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "mattecore/network/operators/product.h"

namespace mattecore::network {

/// Packs the weights [O,I,kh,kw] of a convolution for `conv2d` with the same stride and dilation, in this arithmetic
/// (product.h).
at::Tensor pack_conv2d(const at::Tensor& weights, int64_t stride, int64_t dilation, Arithmetic arithmetic);

/// Convolution of a map with zeros around it, activation and residual in one pass:
/// activation(conv(x beside skip) + bias) + residual.
///
/// x [B,C,h,w]; skip [B,S,H,W], where there is one, lies beside x stretched bilinearly to its size, x's channels first;
/// packed as pack_conv2d makes it, for x's dtype, float32 or bf16; bias [O] float32; residual like the result.
/// Returns [B,O,..], channels last, in x's dtype, or in float32 where wants_float says so.
///
/// Each thread lays bands of rows out in its cache, zeros around them, and multiplies there: the rows of a 3 x 3
/// convolution are stretches of such a band, one pixel after the other.
///
///      band:  0 0 0 0 0 0     a row's three taps, each kw * C values long:  . . .
///             0 a b c d 0                                                   . . .
///             0 e f g h 0                                                   . . .
at::Tensor conv2d(const at::Tensor& x, const std::optional<at::Tensor>& skip, const at::Tensor& packed,
                  const at::Tensor& bias, at::IntArrayRef kernel, int64_t stride, int64_t padding, int64_t dilation,
                  int64_t activation, const std::optional<at::Tensor>& residual, bool wants_float);

}  // namespace mattecore::network
