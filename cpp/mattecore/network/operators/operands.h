#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "mattecore/base/half.h"

// What every operator asks of its tensors. A failed check throws std::invalid_argument (Python: ValueError) with the
// value found and the one wanted; `name` is the argument's name in it.
namespace mattecore::network {

/// Checks for a dense float32, float64, float16 or bfloat16 tensor of this many axes, none of them empty.
void check_operand(const at::Tensor& t, int64_t axes, const char* name, const char* wanted);

/// Checks that t goes with the operator's main tensor: on its device and of its type.
void check_like(const at::Tensor& t, const char* name, const at::Tensor& main, const char* main_name);

/// Checks a size given as a number.
void check_at_least(int64_t found, int64_t least, const char* name);

/// Checks a token map [B,H,W,3C] of queries, keys and values for `heads` heads, and the vector [3C] of a token beyond
/// it.
void check_token_maps(const at::Tensor& qkv, const at::Tensor& padding, int64_t heads);

/// Whether the operator's own loops for the CPU, or its kernels for a GPU, take this tensor; for others it is composed
/// of torch's functions.
bool runs_on_own_loops(const at::Tensor& t);
bool runs_on_own_kernels(const at::Tensor& t);

/// Calls run(T{}) with the C++ type of the elements of such a tensor: float, Half or BFloat16.
template <class Run>
void with_operand_type(const at::Tensor& t, Run&& run) {
  switch (t.scalar_type()) {
    case at::kHalf:
      return run(Half{});
    case at::kBFloat16:
      return run(BFloat16{});
    default:
      return run(float{});
  }
}

/// The tensor apart from autograd, and with its values really in memory: a lazily negated view holds their opposites.
at::Tensor plain(const at::Tensor& t);

/// The tensor, its last axis packed, as the loops walk it.
at::Tensor with_packed_rows(const at::Tensor& t);

}  // namespace mattecore::network
