#include "mattecore/network/operators/operands.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/cuda/devices.h"

namespace mattecore::network {

void check_operand(const at::Tensor& t, int64_t axes, const char* name, const char* wanted) {
  if (!t.defined()) throw_invalid(name, " is an undefined tensor; wanted ", wanted);
  if (t.layout() != at::kStrided || t.is_quantized() || !t.is_floating_point() || t.element_size() < 2)
    throw_invalid(name, " is a ", t.toString(), "; wanted a dense tensor of float32, float64, float16 or bfloat16");
  if (t.dim() != axes) throw_invalid(name, " has the shape ", t.sizes(), "; wanted ", wanted);
  if (t.numel() == 0) throw_invalid(name, " is empty, ", t.sizes(), "; wanted ", wanted, " of at least 1 each");
}

void check_like(const at::Tensor& t, const char* name, const at::Tensor& main, const char* main_name) {
  if (t.device() != main.device())
    throw_invalid(name, " is on ", t.device().str(), " and ", main_name, " on ", main.device().str(),
                  "; wanted both on one device");
  if (t.scalar_type() != main.scalar_type())
    throw_invalid(name, " is ", t.scalar_type(), " and ", main_name, " ", main.scalar_type(),
                  "; wanted both of one type");
}

void check_at_least(int64_t found, int64_t least, const char* name) {
  if (found < least) throw_invalid(name, " is ", found, "; wanted at least ", least);
}

void check_token_maps(const at::Tensor& qkv, const at::Tensor& padding, int64_t heads) {
  check_operand(qkv, 4, "qkv", "[batch, height, width, 3 * channels]");
  check_operand(padding, 1, "padding", "[3 * channels]");
  check_like(padding, "padding", qkv, "qkv");
  check_at_least(heads, 1, "heads");
  if (qkv.size(3) % 3 != 0 || qkv.size(3) / 3 % heads != 0)
    throw_invalid("qkv has ", qkv.size(3), " channels in ", qkv.sizes(), "; wanted a multiple of 3 * ", heads,
                  ", queries, keys and values of ", heads, " heads");
  if (padding.size(0) != qkv.size(3))
    throw_invalid("padding has ", padding.size(0), " values and qkv ", qkv.size(3), " channels; wanted as many");
}

bool runs_on_own_loops(const at::Tensor& t) { return t.is_cpu() && t.scalar_type() != at::kDouble; }

bool runs_on_own_kernels(const at::Tensor& t) {
  static const bool has_gpu = !kernels::cuda::devices().empty();
  return t.is_cuda() && t.scalar_type() != at::kDouble && has_gpu;
}

at::Tensor plain(const at::Tensor& t) { return t.detach().resolve_neg(); }

at::Tensor with_packed_rows(const at::Tensor& t) { return t.size(-1) == 1 || t.stride(-1) == 1 ? t : t.contiguous(); }

}  // namespace mattecore::network
