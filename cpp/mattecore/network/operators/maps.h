#pragma once

#include <ATen/core/Tensor.h>

// Maps moved, not computed: what torch has functions for, but into memory of the network's own (arena.h), whose pages
// are there already. Finding and clearing fresh ones costs several times the copy.
namespace mattecore::network {

/// The map in another type, channels last where it was so.
at::Tensor cast(const at::Tensor& x, at::ScalarType dtype);

/// Maps [B,C,H,W] of one type beside one another, the channels of the first first: [B,C0+C1+..,H,W], channels last.
at::Tensor join(at::TensorList maps);

}  // namespace mattecore::network
