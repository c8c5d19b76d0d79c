#pragma once

namespace mattecore::network {

/// Does nothing, but a program that calls it keeps the registration of torch.ops.mattecore.* when it is linked.
void register_operators();

}  // namespace mattecore::network
