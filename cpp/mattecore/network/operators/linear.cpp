#include "mattecore/network/operators/linear.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/round_up.h"
#include "mattecore/network/arena.h"
#include "mattecore/network/operators/elements.h"
#include "mattecore/network/operators/maps.h"
#include "mattecore/network/operators/product.h"
#include "mattecore/network/steps.h"

namespace mattecore::network {
namespace {

// Rows of a chunk, which stays in the second cache while all the weights pass by.
constexpr int64_t kChunkBytes = 1 << 19;

constexpr int64_t kRowsAtLeast = 64;  // to be normalised, for a thread to be worth its call

/// The sum of term(0) .. term(count - 1), as many at a time as fit a vector: one after the other each addition would
/// wait for the one before.
template <class Term>
float sum_of(int64_t count, Term&& term) {
  constexpr int64_t kTogether = 32;
  float sums[kTogether] = {};
  int64_t i = 0;
  for (; i + kTogether <= count; i += kTogether)
    for (int64_t lane = 0; lane < kTogether; ++lane) sums[lane] += term(i + lane);
  float sum = 0.0f;
  for (const float lane : sums) sum += lane;
  for (; i < count; ++i) sum += term(i);
  return sum;
}

/// (v - mean) / deviation * weight + bias; sums in two passes, as a mean far from zero would spoil one.
template <class T>
void normalise(const T* from, const float* weight, const float* bias, float eps, int64_t count, T* to) {
  const float mean = sum_of(count, [=](int64_t i) { return load(from[i]); }) / static_cast<float>(count);
  const float squares = sum_of(count, [=](int64_t i) { return (load(from[i]) - mean) * (load(from[i]) - mean); });
  const float scale = 1.0f / std::sqrt(squares / static_cast<float>(count) + eps);
  for (int64_t i = 0; i < count; ++i) store((load(from[i]) - mean) * scale * weight[i] + bias[i], to[i]);
}

template <class T>
void map_rows(const at::Tensor& x, const float* norm_weight, const float* norm_bias, float eps,
              const at::Tensor& packed, const at::Tensor& bias, Activation activation, const T* residual,
              at::Tensor& out) {
  const int64_t depth = x.size(-1), rows = x.numel() / depth, columns = bias.size(0);
  const int64_t chunk =
      std::clamp<int64_t>(kChunkBytes / (depth * static_cast<int64_t>(sizeof(T))) / kRowsAtOnce, 1, 8) * kRowsAtOnce;
  const int64_t chunks = pieces(rows, chunk);
  const int64_t taps[] = {0};
  const bool reads_beyond = packed.scalar_type() != at::kFloat &&
                            packed.size(2) * 2 != depth;  // the end of a row, by what is multiplied by 0
  const T* from = x.const_data_ptr<T>();
  T* to = static_cast<T*>(out.mutable_data_ptr());
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    thread_local Buffer<T> laid_out;
    for (int64_t c = begin; c < end; ++c) {
      const int64_t first = c * chunk, count = std::min(chunk, rows - first);
      const T* data = from + first * depth;
      // Laid out anew where rows are normalised, and where the product would read beyond the last one.
      if (norm_weight != nullptr || count < chunk || (reads_beyond && first + count == rows)) {
        const int64_t values = (chunk + 1) * depth + kRowsAtOnce;
        if (static_cast<int64_t>(laid_out.size()) < values) {
          laid_out = Buffer<T>(values);
          std::fill_n(laid_out.data(), values, T{});
        }
        if (norm_weight != nullptr)
          for (int64_t r = 0; r < count; ++r)
            normalise(data + r * depth, norm_weight, norm_bias, eps, depth, laid_out.data() + r * depth);
        else
          std::copy_n(data, count * depth, laid_out.data());
        data = laid_out.data();
      }
      const int64_t at = first * columns;
      multiply<T>({data, depth, taps, count}, packed, bias, activation,
                  {to + at, nullptr, residual == nullptr ? nullptr : residual + at, count, count});
    }
    release_units();
  });
}

}  // namespace

at::Tensor pack_linear(const at::Tensor& weights, Arithmetic arithmetic) {
  return pack(weights.unsqueeze(1), arithmetic);
}

at::Tensor linear(const at::Tensor& x, const std::optional<at::Tensor>& norm_weight,
                  const std::optional<at::Tensor>& norm_bias, double eps, const at::Tensor& packed,
                  const at::Tensor& bias, int64_t activation, const std::optional<at::Tensor>& residual) {
  step();
  const at::Tensor from = contiguous(x);
  std::vector<int64_t> sizes = x.sizes().vec();
  sizes.back() = bias.size(0);
  at::Tensor out = empty(sizes, x.scalar_type());
  const bool fits = residual.has_value() && residual->sizes() == at::IntArrayRef(sizes);
  const std::optional<at::Tensor> added = fits ? std::optional(contiguous(*residual)) : std::nullopt;
  const float* weight = norm_weight.has_value() ? norm_weight->const_data_ptr<float>() : nullptr;
  const float* shift = norm_bias.has_value() ? norm_bias->const_data_ptr<float>() : nullptr;
  const auto run = [&]<class T>(T) {
    map_rows<T>(from, weight, shift, static_cast<float>(eps), packed, bias, static_cast<Activation>(activation),
                added.has_value() ? added->const_data_ptr<T>() : nullptr, out);
  };
  if (x.scalar_type() == at::kFloat)
    run(float{});
  else
    run(at::BFloat16{});
  return residual.has_value() && !fits ? network::add(out, *residual) : out;
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps) {
  const at::Tensor from = contiguous(x);
  at::Tensor out = empty(x.sizes(), x.scalar_type());
  const int64_t depth = x.size(-1);
  const auto run = [&]<class T>(T) {
    const T* rows = from.const_data_ptr<T>();
    T* to = out.mutable_data_ptr<T>();
    at::parallel_for(0, x.numel() / depth, kRowsAtLeast, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        normalise(rows + r * depth, weight.const_data_ptr<float>(), bias.const_data_ptr<float>(),
                  static_cast<float>(eps), depth, to + r * depth);
    });
  };
  if (x.scalar_type() == at::kFloat)
    run(float{});
  else
    run(at::BFloat16{});
  return out;
}

}  // namespace mattecore::network
