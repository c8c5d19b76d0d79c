#pragma once

namespace mattecore::tensor {

/// Lets the kernels run on torch's own threads. The bindings and programs that use the core call it once.
void use_torch_threads();

}  // namespace mattecore::tensor
