#pragma once

#include <torch/csrc/jit/api/module.h>

#include "mattecore/network/operators/product.h"

namespace mattecore::network {

/// Rewrites a network, as it was scripted, onto the operators of operators/: convolutions and linear maps with their
/// normalisation, activation, addition, and the enlarging and joining of maps before them, become one node each, their
/// weights packed in this arithmetic; what remains computes in its type. In bf16, what the definition puts between fine
/// and coarse has float32 maps and split products. The result takes float32 and has the module's attributes as
/// constants.
///
/// Weights are folded and packed one by one, so that no second copy of all of them exists at any time.
torch::jit::Module lower(const torch::jit::Module& module, Arithmetic arithmetic);

}  // namespace mattecore::network
