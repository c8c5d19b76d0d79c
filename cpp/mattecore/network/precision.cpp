#include "mattecore/network/precision.h"

#include <cstdlib>

#include "mattecore/base/error.h"
#include "mattecore/network/operators/product.h"

namespace mattecore::network {

at::ScalarType precision(std::string name, c10::Device device) {
  std::string from = "precision";
  if (name.empty()) {
    const char* variable = std::getenv("MATTECORE_PRECISION");
    name = variable == nullptr || *variable == '\0' ? "auto" : variable;
    from = "MATTECORE_PRECISION";
  }
  if (name == "exact") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "fp16") {
    if (device.is_cpu()) throw_invalid(from, " is fp16, and a CPU computes in bf16 or exact; set one of these or auto");
    return at::kHalf;
  }
  if (name != "auto") throw_invalid(from, " is ", name, ", not one of auto, exact, bf16, fp16");
  if (device.is_cuda()) return at::kHalf;
  return device.is_cpu() && multiplies_bf16() ? at::kBFloat16 : at::kFloat;
}

}  // namespace mattecore::network
