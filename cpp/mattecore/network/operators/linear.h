#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "mattecore/network/operators/product.h"

namespace mattecore::network {

/// Packs the weights [N,K] of a linear map for `linear`, in this arithmetic (product.h).
at::Tensor pack_linear(const at::Tensor& weights, Arithmetic arithmetic);

/// activation(norm(x) weights + bias) + residual in one pass, for x [..,K] -> [..,N], all contiguous.
///
/// norm_weight and norm_bias [K], where given, normalise each row of x first (layer normalisation with eps); packed as
/// pack_linear makes it, for x's dtype, float32 or bf16; bias [N] float32; residual like the result.
at::Tensor linear(const at::Tensor& x, const std::optional<at::Tensor>& norm_weight,
                  const std::optional<at::Tensor>& norm_bias, double eps, const at::Tensor& packed,
                  const at::Tensor& bias, int64_t activation, const std::optional<at::Tensor>& residual);

/// The normalisation alone, for what other nodes read too: of x [..,K], float32 or bf16, by weight and bias [K]
/// float32.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);

}  // namespace mattecore::network
