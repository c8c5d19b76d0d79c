#include "mattecore/network/operators/attention_decomposed_relpos.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "mattecore/base/error.h"
#include "mattecore/kernels/attention.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/operands.h"
#include "mattecore/network/operators/window.h"
#include "mattecore/tensor/images.h"

namespace mattecore::network {
namespace {

// Bytes of a block of biases: enough for products at full speed, little beside a network.
constexpr int64_t kBlockBytes = 1 << 25;

void check(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w, const at::Tensor& padding,
           int64_t heads, int64_t window) {
  check_token_maps(qkv, padding, heads);
  const int64_t size = qkv.size(3) / (3 * heads);
  for (const auto& [table, name] : {std::pair(&table_h, "table_h"), std::pair(&table_w, "table_w")}) {
    check_operand(*table, 2, name, "[rows, channels of a head]");
    check_like(*table, name, qkv, "qkv");
    if (table->size(1) != size)
      throw_invalid(name, " has ", table->size(1), " columns; wanted ", size, ", the channels of a head in qkv ",
                    qkv.sizes());
  }
  check_at_least(window, 0, "window");
}

/// The table for an axis of this length, stretched where it was made for another.
at::Tensor stretched(const at::Tensor& table, int64_t length) {
  const int64_t rows = 2 * length - 1;
  if (table.size(0) == rows) return table.contiguous();
  return at::upsample_linear1d(table.t().unsqueeze(0), {rows}, /*align_corners=*/false)[0].t().contiguous();
}

/// The same of torch's functions over whole maps, for devices and types that have no loops of ours. The N x N logits
/// never exist: biases are made kBlockBytes at a time.
at::Tensor composed(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w, int64_t heads) {
  const int64_t batch = qkv.size(0), height = qkv.size(1), width = qkv.size(2), channels = qkv.size(3) / 3;
  const int64_t size = channels / heads, tokens = height * width, maps = batch * heads;
  const at::Tensor parts = qkv.reshape({batch, height, width, 3, heads, size})
                               .permute({3, 0, 4, 1, 2, 5})
                               .reshape({3, maps, height, width, size});
  const at::Tensor query = parts[0];
  const at::Tensor key = parts[1].view({1, maps, tokens, size}), value = parts[2].view({1, maps, tokens, size});
  // [query, size, key] for each axis.
  const at::Tensor positions_h = table_h.unfold(0, height, 1).flip(2),
                   positions_w = table_w.unfold(0, width, 1).flip(2);

  const at::Tensor out = at::empty_like(query);
  const int64_t maps_a_block = std::max<int64_t>(1, kBlockBytes / (4 * tokens * tokens));
  const int64_t rows_a_block = std::clamp<int64_t>(kBlockBytes / (4 * width * tokens), 1, height);
  for (int64_t first = 0; first < maps; first += maps_a_block) {
    const int64_t last = std::min(maps, first + maps_a_block);
    for (int64_t top = 0; top < height; top += rows_a_block) {
      const int64_t bottom = std::min(height, top + rows_a_block);
      const at::Tensor block = query.slice(0, first, last).slice(1, top, bottom);
      const at::Tensor bias_h = at::matmul(block, positions_h.slice(0, top, bottom));
      const at::Tensor bias_w = at::matmul(block.transpose(1, 2), positions_w).transpose(1, 2);
      const at::Tensor bias = (bias_h.unsqueeze(-1) + bias_w.unsqueeze(-2)).view({1, last - first, -1, tokens});
      const at::Tensor attended = at::scaled_dot_product_attention(
          block.reshape({1, last - first, -1, size}), key.slice(1, first, last), value.slice(1, first, last), bias);
      out.slice(0, first, last).slice(1, top, bottom).copy_(attended.view(block.sizes()));
    }
  }
  return out.view({batch, heads, height, width, size})
      .permute({0, 2, 3, 1, 4})
      .reshape({batch, height, width, channels});
}

at::Tensor composed_in_windows(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w,
                               const at::Tensor& padding, int64_t heads, int64_t window) {
  const at::Tensor padded = padded_to_windows(qkv, padding, window);
  const at::Tensor windows = cut_windows(padded, window, window).view({-1, window, window, qkv.size(3)});
  const at::Tensor out = at::empty({qkv.size(0), padded.size(1), padded.size(2), qkv.size(3) / 3}, qkv.options());
  join_windows(composed(windows, table_h, table_w, heads), window, window, out);
  return out.slice(1, 0, qkv.size(1)).slice(2, 0, qkv.size(2));
}

void run_on_cuda(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w, const at::Tensor& padding,
                 int64_t heads, int64_t window, at::Tensor& out) {
  const c10::DeviceGuard guard(qkv.device());
  with_operand_type(qkv, [&]<class T>(T) {
    kernels::cuda::attention_decomposed_relpos(token_maps<T>(qkv, padding, heads), windows_of(qkv, window, 0),
                                               static_cast<const T*>(table_h.const_data_ptr()),
                                               static_cast<const T*>(table_w.const_data_ptr()),
                                               static_cast<T*>(out.mutable_data_ptr()), tensor::current_stream(qkv));
  });
}

}  // namespace

at::Tensor attention_decomposed_relpos(const at::Tensor& qkv, const at::Tensor& table_h, const at::Tensor& table_w,
                                       const at::Tensor& padding, int64_t heads, int64_t window) {
  check(qkv, table_h, table_w, padding, heads, window);
  const at::Tensor maps = plain(qkv), vector = plain(padding);
  const at::Tensor rows = stretched(plain(table_h), window == 0 ? qkv.size(1) : window);
  const at::Tensor columns = stretched(plain(table_w), window == 0 ? qkv.size(2) : window);
  const bool on_gpu = runs_on_own_kernels(qkv) && qkv.size(3) / (3 * heads) <= kernels::cuda::kLargestHead;
  if (!runs_on_own_loops(qkv) && !on_gpu)
    return window == 0 ? composed(maps, rows, columns, heads)
                       : composed_in_windows(maps, rows, columns, vector, heads, window);
  at::Tensor out = empty_attended(qkv);
  const auto run = on_gpu ? &run_on_cuda : &cpu::attention_decomposed_relpos;
  run(with_packed_rows(maps), rows, columns, vector.contiguous(), heads, window, out);
  return out;
}

}  // namespace mattecore::network
