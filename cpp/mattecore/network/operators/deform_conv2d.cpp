#include "mattecore/network/operators/deform_conv2d.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include "mattecore/base/error.h"
#include "mattecore/kernels/deform_columns.h"
#include "mattecore/network/arena.h"
#include "mattecore/network/operators/cpu/operators.h"
#include "mattecore/network/operators/operands.h"
#include "mattecore/network/steps.h"
#include "mattecore/tensor/images.h"

namespace mattecore::network {
namespace {

// Bytes of a block of columns: enough for products at full speed, little beside a network.
constexpr int64_t kBlockBytes = 1 << 25;

void check(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& weight,
           int64_t padding) {
  check_operand(x, 4, "x", "[batch, channels, height, width]");
  check_operand(weight, 4, "weight", "[outputs, channels, rows, columns]");
  check_operand(offset, 4, "offset", "[batch, 2 * taps, height, width]");
  check_operand(mask, 4, "mask", "[batch, taps, height, width]");
  check_like(weight, "weight", x, "x");
  if (weight.size(1) != x.size(1))
    throw_invalid("weight takes ", weight.size(1), " channels and x has ", x.size(1), "; wanted as many");
  const int64_t taps = weight.size(2) * weight.size(3);
  for (const auto& [t, name, channels] : {std::tuple(&offset, "offset", 2 * taps), std::tuple(&mask, "mask", taps)}) {
    if (t->device() != x.device() || t->scalar_type() != at::kFloat) check_like(*t, name, x, "x");
    if (t->size(0) != x.size(0) || t->size(1) != channels)
      throw_invalid(name, " has the shape ", t->sizes(), "; wanted [", x.size(0), ", ", channels,
                    ", height, width] for a weight ", weight.sizes());
  }
  if (offset.size(2) != mask.size(2) || offset.size(3) != mask.size(3))
    throw_invalid("mask has the shape ", mask.sizes(), " and offset ", offset.sizes(),
                  "; wanted the same height and width");
  check_at_least(padding, 0, "padding");
}

/// The four pixels around each position, as indices into a flat picture, and their shares; 0 outside. [N,4] each.
std::pair<at::Tensor, at::Tensor> bilinear(const at::Tensor& y, const at::Tensor& x, const at::Tensor& scale,
                                           int64_t height, int64_t width) {
  // One step beyond the border is enough to be outside, and keeps the integers small.
  auto axis = [](const at::Tensor& position, int64_t length) {
    const at::Tensor at = at::nan_to_num(position, -2.0).clamp(-2, static_cast<double>(length));
    const at::Tensor before = at.floor(), past = at - before;
    const at::Tensor index = at::stack({before, before + 1}, -1);
    const at::Tensor inside = at::logical_and(index >= 0, index < length);
    return std::pair(index.clamp(0, static_cast<double>(length - 1)).to(at::kLong),
                     at::stack({1 - past, past}, -1) * inside);
  };
  const auto [row, row_share] = axis(y, height);
  const auto [column, column_share] = axis(x, width);
  const at::Tensor index = (row * width).unsqueeze(-1) + column.unsqueeze(-2);
  const at::Tensor share = (row_share * scale.unsqueeze(-1)).unsqueeze(-1) * column_share.unsqueeze(-2);
  return {index.reshape({-1, 4}), share.reshape({-1, 4})};
}

/// The same of torch's functions, for devices and types that have no loops of ours. out [B,Ho,Wo,O].
void compose(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& weight,
             int64_t padding, at::Tensor& out) {
  const int64_t batch = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const int64_t kernel_width = weight.size(3), taps = weight.size(2) * kernel_width;
  const int64_t out_height = offset.size(2), out_width = offset.size(3);
  const auto positions_type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor pixels = x.permute({0, 2, 3, 1}).reshape({batch, height * width, channels});
  const at::Tensor kernel = weight.permute({2, 3, 1, 0}).reshape({taps * channels, weight.size(0)});
  const at::Tensor shifts =
      offset.permute({0, 2, 3, 1}).reshape({batch, out_height, out_width, taps, 2}).to(positions_type);
  const at::Tensor scales = mask.permute({0, 2, 3, 1}).to(positions_type);

  const at::Tensor tap = at::arange(taps, x.options().dtype(at::kLong));
  const at::Tensor tap_y = tap.div(kernel_width, "floor") - padding, tap_x = tap.remainder(kernel_width) - padding;
  const at::Tensor column = at::arange(out_width, tap.options()).unsqueeze(1) + tap_x;
  const int64_t rows = std::max<int64_t>(1, kBlockBytes / (4 * out_width * taps * channels));
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t top = 0; top < out_height; top += rows) {
      const int64_t count = std::min(rows, out_height - top);
      const at::Tensor row = at::arange(top, top + count, tap.options()).view({-1, 1, 1}) + tap_y;
      const at::Tensor shift = shifts[b].narrow(0, top, count);
      const auto [index, share] = bilinear(shift.select(-1, 0) + row, shift.select(-1, 1) + column,
                                           scales[b].narrow(0, top, count), height, width);
      at::Tensor columns = at::zeros({index.size(0), channels}, x.options().dtype(positions_type));
      for (int64_t corner = 0; corner < 4; ++corner)
        columns += pixels[b].index_select(0, index.select(1, corner)) * share.select(1, corner).unsqueeze(1);
      out[b]
          .narrow(0, top, count)
          .view({-1, out.size(3)})
          .copy_(at::mm(columns.view({-1, taps * channels}).to(x.scalar_type()), kernel));
    }
  }
}

template <class T>
kernels::ChannelView<const T> channels_of(const at::Tensor& t, int64_t b) {
  return {static_cast<const T*>(t.const_data_ptr()) + b * t.stride(0),
          t.size(1),
          t.size(2),
          t.size(3),
          t.stride(1),
          t.stride(2),
          t.stride(3)};
}

/// On a GPU with kernels of ours: samples by them, products by torch. out [B,Ho,Wo,O].
void run_on_cuda(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask, const at::Tensor& weight,
                 int64_t padding, at::Tensor& out) {
  const c10::DeviceGuard guard(x.device());
  const int64_t pixels = out.size(1) * out.size(2), width = weight.size(1) * weight.size(2) * weight.size(3);
  const at::Tensor kernel = weight.permute({2, 3, 1, 0}).reshape({width, weight.size(0)});
  const auto shift_type = offset.scalar_type() == mask.scalar_type() ? offset.scalar_type() : at::kFloat;
  const at::Tensor shifts = offset.to(shift_type), scales = mask.to(shift_type);
  const int64_t rows = std::clamp<int64_t>(kBlockBytes / (x.element_size() * width), 1, pixels);
  const at::Tensor columns = at::empty({rows, width}, x.options());
  with_operand_type(x, [&]<class T>(T) {
    with_operand_type(shifts, [&]<class Shift>(Shift) {
      if constexpr (std::is_same_v<Shift, T> || std::is_same_v<Shift, float>)
        for (int64_t b = 0; b < x.size(0); ++b)
          for (int64_t first = 0; first < pixels; first += rows) {
            const int64_t count = std::min(rows, pixels - first);
            kernels::cuda::deform_columns(channels_of<T>(x, b), channels_of<Shift>(shifts, b),
                                          channels_of<Shift>(scales, b), weight.size(3), padding, first, count,
                                          static_cast<T*>(columns.mutable_data_ptr()), tensor::current_stream(x));
            at::Tensor to = out[b].view({pixels, -1}).narrow(0, first, count);
            at::mm_out(to, columns.narrow(0, 0, count), kernel);
          }
    });
  });
}

}  // namespace

at::Tensor pack_deform_conv2d(const at::Tensor& weight, Arithmetic arithmetic) {
  const at::Tensor rows = weight.permute({0, 2, 3, 1}).reshape({weight.size(0), 1, -1});
  return pack(rows.to(at::kFloat), arithmetic);
}

at::Tensor deform_conv2d_packed(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask,
                                const at::Tensor& packed, const at::Tensor& bias, at::IntArrayRef kernel,
                                int64_t padding, int64_t activation) {
  step();
  at::Tensor out =
      empty({x.size(0), bias.size(0), offset.size(2), offset.size(3)}, x.scalar_type(), at::MemoryFormat::ChannelsLast);
  cpu::deform_conv2d(plain(x), plain(offset), plain(mask), packed, bias, {kernel[0], kernel[1], padding},
                     static_cast<Activation>(activation), out);
  return out;
}

at::Tensor deform_conv2d(const at::Tensor& x, const at::Tensor& offset, const at::Tensor& mask,
                         const at::Tensor& weight, int64_t padding) {
  check(x, offset, mask, weight, padding);
  if (!runs_on_own_loops(x)) {
    at::Tensor out = at::empty({x.size(0), offset.size(2), offset.size(3), weight.size(0)}, x.options());
    const auto run = runs_on_own_kernels(x) ? run_on_cuda : compose;
    run(plain(x), plain(offset), plain(mask), plain(weight), padding, out);
    return out.permute({0, 3, 1, 2});
  }
  // Types that the processor does not multiply are computed in float32.
  const bool as_is = x.scalar_type() == at::kBFloat16 && multiplies_bf16();
  const auto type = as_is ? at::kBFloat16 : at::kFloat;
  const auto arithmetic = as_is ? Arithmetic::bf16 : Arithmetic::float32;
  return deform_conv2d_packed(x.to(type), offset, mask, pack_deform_conv2d(plain(weight), arithmetic),
                              at::zeros({weight.size(0)}), {weight.size(2), weight.size(3)}, padding,
                              static_cast<int64_t>(Activation::none))
      .to(x.scalar_type());
}

}  // namespace mattecore::network
