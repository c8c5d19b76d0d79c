#include "mattecore/network/precision.h"

#include <cstdlib>

#include "mattecore/base/error.h"

namespace mattecore::network {

Precision precision(std::string name, c10::Device device) {
  std::string from = "precision";
  if (name.empty()) {
    const char* variable = std::getenv("MATTECORE_PRECISION");
    name = variable == nullptr || *variable == '\0' ? "auto" : variable;
    from = "MATTECORE_PRECISION";
  }
  if (name == "auto") return Precision::automatic;
  if (name == "exact") return Precision::exact;
  if (name == "bf16") return Precision::bf16;
  if (name != "fp16") throw_invalid(from, " is ", name, ", not one of auto, exact, bf16, fp16");
  if (device.is_cpu()) throw_invalid(from, " is fp16, and a CPU computes in bf16 or exact; set one of these or auto");
  return Precision::fp16;
}

Computation computation(Precision precision, c10::Device device, bool bf16_suffices) {
  constexpr Computation exact{at::kFloat, Arithmetic::float32}, bf16{at::kBFloat16, Arithmetic::bf16};
  switch (precision) {
    case Precision::exact:
      return exact;
    case Precision::bf16:
      return bf16;
    case Precision::fp16:
      return {at::kHalf, Arithmetic::float32};
    case Precision::automatic:
      break;
  }
  if (device.is_cuda()) return {at::kHalf, Arithmetic::float32};
  if (!device.is_cpu()) return exact;
  if (bf16_suffices) return multiplies_bf16() ? bf16 : exact;
  return has_matrix_unit() ? Computation{at::kFloat, Arithmetic::split} : exact;
}

}  // namespace mattecore::network
