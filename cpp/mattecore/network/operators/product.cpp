#include "mattecore/network/operators/product.h"

#include <ATen/Functions.h>
#include <ATen/cpu/Utils.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "mattecore/network/operators/amx.h"
#include "mattecore/network/operators/elements.h"

namespace mattecore::network {
namespace {

constexpr int64_t kLanes = 16;           // columns come in multiples of a vector
constexpr int64_t kColumnsAtOnce = 64;   // a block's columns at most
constexpr int64_t kDepth = 32;           // a row's values come in multiples of what the matrix unit takes at once
constexpr int64_t kSumsAtOnce = 1 << 12; // sums of a tile, 16 KiB: they stay in the first cache until they are stored

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// The widest block that wastes no more columns than the narrowest would.
int64_t columns_of_block(int64_t columns) {
  const int64_t needed = round_up(columns, kLanes);
  for (int64_t block = kColumnsAtOnce; block > kLanes; block -= kLanes)
    if (needed % block == 0) return block;
  return kLanes;
}

/// Within 1.5e-7: Abramowitz and Stegun 7.1.28, (1 + a1 x + ... + a6 x^6)^-16, whose error is 3e-7 at most, halved.
float gelu(float v) {
  const float x = std::fabs(v) * 0.70710678f;
  float p = 1.0f + x * (0.0705230784f + x * (0.0422820123f + x * (0.0092705272f +
                   x * (0.0001520143f + x * (0.0002765672f + x * 0.0000430638f)))));
  p *= p;
  p *= p;
  p *= p;
  p *= p;
  const float tail = 0.5f / p;  // of the normal distribution beyond |v|
  return v * (v < 0.0f ? tail : 1.0f - tail);
}

template <Activation activation>
float activate(float v) {
  if constexpr (activation == Activation::relu) return v > 0.0f ? v : 0.0f;
  if constexpr (activation == Activation::gelu) return gelu(v);
  if constexpr (activation == Activation::sigmoid) return 1.0f / (1.0f + std::exp(-v));
  return v;
}

/// Stores sums [rows, pitch] as rows of all columns.
template <Activation activation, class T, class Out>
void finish(const float* sums, int64_t pitch, const float* bias, const T* residual, Out* out, int64_t rows,
            int64_t columns, int64_t row_stride) {
  for (int64_t r = 0; r < rows; ++r, sums += pitch, out += row_stride) {
    if (residual != nullptr) {
      for (int64_t n = 0; n < columns; ++n) store(activate<activation>(sums[n] + bias[n]) + load(residual[n]), out[n]);
      residual += row_stride;
    } else {
      for (int64_t n = 0; n < columns; ++n) store(activate<activation>(sums[n] + bias[n]), out[n]);
    }
  }
}

template <class T, class Out>
void finish(Activation activation, const float* sums, int64_t pitch, const float* bias, const T* residual, Out* out,
            int64_t rows, int64_t columns, int64_t row_stride) {
  switch (activation) {
    case Activation::none:
      return finish<Activation::none>(sums, pitch, bias, residual, out, rows, columns, row_stride);
    case Activation::relu:
      return finish<Activation::relu>(sums, pitch, bias, residual, out, rows, columns, row_stride);
    case Activation::gelu:
      return finish<Activation::gelu>(sums, pitch, bias, residual, out, rows, columns, row_stride);
    case Activation::sigmoid:
      return finish<Activation::sigmoid>(sums, pitch, bias, residual, out, rows, columns, row_stride);
  }
}

}  // namespace

bool multiplies_bf16() { return at::native::cpublas::could_pack(at::kBFloat16); }

at::Tensor pack(const at::Tensor& weights, at::ScalarType dtype) {
  const int64_t columns = weights.size(0), taps = weights.size(1), depth = weights.size(2);
  const int64_t block = columns_of_block(columns), blocks = round_up(columns, block) / block;
  const int64_t rows = dtype == at::kFloat ? depth : round_up(depth, kDepth);
  at::Tensor padded = at::zeros({blocks * block, taps, rows}, weights.options().dtype(dtype));
  padded.narrow(0, 0, columns).narrow(2, 0, depth).copy_(weights);
  if (dtype == at::kFloat) return padded.view({blocks, block, taps, rows}).permute({0, 2, 3, 1}).contiguous();
  return padded.view({blocks, block, taps, rows / 2, 2}).permute({0, 2, 3, 1, 4}).contiguous();
}

/// sums [tile,block] = rows first.. of a tile times one block of weights.
#if defined(__AMX_BF16__)
bool has_matrix_unit() {
  static const bool available = at::cpu::init_amx();  // asks the system, which hands the unit out on request only
  return available;
}
#endif

template <class T>
void sum_tile(const Rows<T>& rows, int64_t first, int64_t tile, const T* weights, int64_t depth, int64_t block,
              float* sums) {
#if defined(__AMX_BF16__)
  if (sizeof(T) == 2 && has_matrix_unit()) {
    amx::sum(rows.data + first * rows.stride, rows.stride, rows.taps, tile, weights, depth, block, sums);
    return;
  }
#endif
  for (size_t tap = 0; tap < rows.taps.size(); ++tap)
    at::native::cpublas::brgemm(tile, block, depth, rows.stride, block, block, tap > 0,
                                rows.data + first * rows.stride + rows.taps[tap], weights + tap * depth * block, sums,
                                sizeof(T) == 2);
}

template <class T>
void multiply(const Rows<T>& rows, const at::Tensor& packed, const at::Tensor& bias, Activation activation,
              const Results<T>& results) {
  constexpr bool interleaved = sizeof(T) == 2;
  const int64_t blocks = packed.size(0), taps = packed.size(1), block = packed.size(3);
  const int64_t depth = packed.size(2) * (interleaved ? 2 : 1), columns = bias.size(0);
  const auto tile = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(kSumsAtOnce / block)));
  const T* weights = packed.const_data_ptr<T>();
  const float* biases = bias.const_data_ptr<float>();
  alignas(64) float sums[kSumsAtOnce];
#if defined(__AMX_BF16__)
  std::optional<amx::Tiles> tiles;
  if (sizeof(T) == 2 && has_matrix_unit()) tiles.emplace();
#endif

  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t first_column = b * block, stored = std::min(block, columns - first_column);
    for (int64_t first = 0; first < rows.count; first += tile) {
      sum_tile(rows, first, tile, weights + b * taps * depth * block, depth, block, sums);
      // The runs of rows that are pixels.
      const int64_t end = std::min(first + tile, rows.count);
      for (int64_t row = first; row < end;) {
        const int64_t line = row / results.pitch, x = row % results.pitch;
        const int64_t line_end = std::min(end, (line + 1) * results.pitch);
        const int64_t run = std::min(line_end, line * results.pitch + results.width) - row;
        if (run > 0) {
          const int64_t at = (line * results.width + x) * columns + first_column;
          const float* from = sums + (row - first) * block;
          const T* residual = results.residual == nullptr ? nullptr : results.residual + at;
          if (results.out != nullptr) {
            finish(activation, from, block, biases + first_column, residual, results.out + at, run, stored, columns);
          } else {
            finish(activation, from, block, biases + first_column, residual, results.out_float + at, run, stored,
                   columns);
          }
        }
        row = line_end;
      }
    }
  }
}

template <class T>
void release_units() {
  at::native::cpublas::brgemm_release(sizeof(T) == 2);
}

template void multiply<float>(const Rows<float>&, const at::Tensor&, const at::Tensor&, Activation,
                              const Results<float>&);
template void multiply<at::BFloat16>(const Rows<at::BFloat16>&, const at::Tensor&, const at::Tensor&, Activation,
                                     const Results<at::BFloat16>&);
template void release_units<float>();
template void release_units<at::BFloat16>();

}  // namespace mattecore::network
