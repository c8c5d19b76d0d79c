#pragma once

#include <ATen/core/Tensor.h>

// What torch has functions for, but into memory of the network's own (arena.h), whose pages are there already: finding
// and clearing fresh ones costs several times a copy, and what torch gives back stays in malloc's heap, in pieces.
namespace mattecore::network {

/// The map in another type, channels last where it was so.
at::Tensor cast(const at::Tensor& x, at::ScalarType dtype);

/// Maps [B,C,H,W] of one type beside one another, the channels of the first first: [B,C0+C1+..,H,W], channels last.
at::Tensor join(at::TensorList maps);

/// Another view where there is one, else a copy.
at::Tensor reshape(const at::Tensor& x, at::IntArrayRef sizes);

/// Each is spread over the other where it is of size 1.
at::Tensor add(const at::Tensor& a, const at::Tensor& b);
at::Tensor mul(const at::Tensor& a, const at::Tensor& b);

at::Tensor relu(const at::Tensor& x);

}  // namespace mattecore::network
