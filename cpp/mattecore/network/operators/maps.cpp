#include "mattecore/network/operators/maps.h"

#include <ATen/ExpandUtils.h>
#include <ATen/Functions.h>
#include <ATen/InferSize.h>
#include <ATen/Parallel.h>
#include <ATen/TensorUtils.h>

#include <cstring>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/network/arena.h"

namespace mattecore::network {
namespace {

constexpr int64_t kPixelsAtLeast = 1024;  // for a thread to be worth its call

/// For what is computed of each element of one and its like of the other.
at::Tensor empty_for(const at::Tensor& a, const at::Tensor& b) {
  const auto sizes = at::infer_size(a.sizes(), b.sizes());
  return empty(sizes, at::result_type(a, b), (a.sizes() == sizes ? a : b).suggest_memory_format());
}

}  // namespace

at::Tensor cast(const at::Tensor& x, at::ScalarType dtype) {
  return empty(x.sizes(), dtype, x.suggest_memory_format()).copy_(x);
}

at::Tensor join(at::TensorList maps) {
  const at::Tensor& first = maps[0];
  std::vector<at::Tensor> dense;
  int64_t channels = 0;
  for (const at::Tensor& map : maps) {
    if (map.dim() != 4 || map.size(0) != first.size(0) || map.sizes().slice(2) != first.sizes().slice(2) ||
        map.scalar_type() != first.scalar_type())
      throw_invalid("a map to join is ", map.sizes(), " of ", map.scalar_type(), ", and the first ", first.sizes(),
                    " of ", first.scalar_type(), "; they may differ in their channels alone");
    dense.push_back(contiguous(map, at::MemoryFormat::ChannelsLast));
    channels += map.size(1);
  }
  const int64_t sizes[] = {first.size(0), channels, first.size(2), first.size(3)};
  at::Tensor out = empty(sizes, first.scalar_type(), at::MemoryFormat::ChannelsLast);
  const int64_t value = first.element_size(), pixel = channels * value;
  auto* to = static_cast<char*>(out.mutable_data_ptr());
  at::parallel_for(0, sizes[0] * sizes[2] * sizes[3], kPixelsAtLeast, [&](int64_t begin, int64_t end) {
    int64_t at = 0;
    for (const at::Tensor& map : dense) {
      const int64_t run = map.size(1) * value;
      const auto* from = static_cast<const char*>(map.const_data_ptr());
      for (int64_t p = begin; p < end; ++p) std::memcpy(to + p * pixel + at, from + p * run, run);
      at += run;
    }
  });
  return out;
}

at::Tensor reshape(const at::Tensor& x, at::IntArrayRef sizes) {
  const auto shape = at::infer_size_dv(sizes, x.numel());
  return at::detail::computeStride(x.sizes(), x.strides(), shape).has_value() ? x.view(shape)
                                                                              : contiguous(x).view(shape);
}

at::Tensor add(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor out = empty_for(a, b);
  return at::add_out(out, a, b);
}

at::Tensor mul(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor out = empty_for(a, b);
  return at::mul_out(out, a, b);
}

at::Tensor relu(const at::Tensor& x) {
  at::Tensor out = empty(x.sizes(), x.scalar_type(), x.suggest_memory_format());
  return at::clamp_min_out(out, x, 0);
}

}  // namespace mattecore::network
