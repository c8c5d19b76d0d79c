#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mattecore/network/operators/product.h"

// The operators on checked tensors in the CPU's memory, float32, bfloat16 or float16, the last axis of token maps
// packed. Each writes to `out`, packed.
namespace mattecore::network::cpu {

struct Kernel {
  int64_t height, width, padding;
};

/// x, offset and mask of any strides; float32 or bfloat16; weights packed as one tap (product.h) with the channels of a
/// place in the window side by side; out [B,Ho,Wo,O].
void deform_conv2d(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& packed,
                   const at::Tensor& bias, const Kernel& kernel, Activation activation, at::Tensor& out);

/// Tables of 2L-1 rows for the axes of a window, packed.
void attention_decomposed_relpos(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w,
                                 const at::Tensor& padding, int64_t heads, int64_t window, at::Tensor& out);

void window_attention(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window,
                      int64_t shift, at::Tensor& out);

}  // namespace mattecore::network::cpu
