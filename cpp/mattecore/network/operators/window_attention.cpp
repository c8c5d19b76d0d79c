#include "mattecore/network/operators/window_attention.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "mattecore/base/error.h"
#include "mattecore/kernels/attention.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/operands.h"
#include "mattecore/network/operators/window.h"
#include "mattecore/tensor/images.h"

namespace mattecore::network {
namespace {

void check(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window, int64_t shift) {
  check_operand(bias, 5, "bias", "[heads, window, window, window, window]");
  check_token_maps(qkv, padding, bias.size(0));
  check_like(bias, "bias", qkv, "qkv");
  check_at_least(window, 1, "window");
  for (int64_t axis = 1; axis < 5; ++axis)
    if (bias.size(axis) != window)
      throw_invalid("bias has the shape ", bias.sizes(), "; wanted [heads, ", window, ", ", window, ", ", window, ", ",
                    window, "] for windows of ", window);
  if (shift < 0 || shift >= window) throw_invalid("shift is ", shift, "; wanted 0 to ", window - 1);
}

/// The same of torch's functions, for devices and types that have no loops of ours.
at::Tensor composed(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window,
                    int64_t shift) {
  const at::Tensor padded = padded_to_windows(qkv, padding, window);
  const int64_t heads = bias.size(0);
  const at::Tensor out = at::empty({qkv.size(0), padded.size(1), padded.size(2), qkv.size(3) / 3}, qkv.options());
  const kernels::Windows windows = windows_of(qkv, window, shift);
  for (const Band& rows : bands(windows.rows))
    for (const Band& columns : bands(windows.columns)) {
      auto part_of = [&](const at::Tensor& map) {
        return map.slice(1, rows.begin, rows.end).slice(2, columns.begin, columns.end);
      };
      const int64_t tokens = rows.window * columns.window;
      const at::Tensor cut = cut_windows(part_of(padded), rows.window, columns.window);
      const at::Tensor maps = cut.reshape({cut.size(0), tokens, 3, heads, -1}).permute({2, 0, 3, 1, 4});
      const at::Tensor part = bias.slice(1, 0, rows.window)
                                  .slice(2, 0, columns.window)
                                  .slice(3, 0, rows.window)
                                  .slice(4, 0, columns.window)
                                  .reshape({1, heads, tokens, tokens});
      const at::Tensor attended = at::scaled_dot_product_attention(maps[0], maps[1], maps[2], part);
      join_windows(attended.transpose(1, 2), rows.window, columns.window, part_of(out));
    }
  return out.slice(1, 0, qkv.size(1)).slice(2, 0, qkv.size(2));
}

void run_on_cuda(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window,
                 int64_t shift, at::Tensor& out) {
  const c10::DeviceGuard guard(qkv.device());
  const at::Tensor table = bias.contiguous();
  with_operand_type(qkv, [&]<class T>(T) {
    kernels::cuda::window_attention(token_maps<T>(qkv, padding, bias.size(0)), windows_of(qkv, window, shift),
                                    static_cast<const T*>(table.const_data_ptr()),
                                    static_cast<T*>(out.mutable_data_ptr()), tensor::current_stream(qkv));
  });
}

}  // namespace

at::Tensor window_attention(const at::Tensor& qkv, const at::Tensor& padding, const at::Tensor& bias, int64_t window,
                            int64_t shift) {
  check(qkv, padding, bias, window, shift);
  const bool on_gpu = runs_on_own_kernels(qkv) && qkv.size(3) / (3 * bias.size(0)) <= kernels::cuda::kLargestHead;
  if (!runs_on_own_loops(qkv) && !on_gpu) return composed(plain(qkv), plain(padding), plain(bias), window, shift);
  at::Tensor out = empty_attended(qkv);
  const auto run = on_gpu ? &run_on_cuda : &cpu::window_attention;
  run(with_packed_rows(plain(qkv)), plain(padding).contiguous(), plain(bias), window, shift, out);
  return out;
}

}  // namespace mattecore::network
