#include "mattecore/network/operators/product.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/cpu/Utils.h>
#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/base/pages.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/network/operators/amx.h"
#include "mattecore/network/operators/elements.h"

namespace mattecore::network {

// torch's own could_pack asks for AMX; the weights here are packed as AVX-512 BF16 takes them too.
bool multiplies_bf16() {
#if defined(__x86_64__)
  static const bool available = __builtin_cpu_supports("avx512bf16") != 0;
  return available && at::globalContext().userEnabledMkldnn();
#else
  return false;
#endif
}

bool has_matrix_unit() {
#if defined(__AMX_BF16__)
  static const bool available = at::cpu::init_amx();  // asks the system, which hands the unit out on request only
  return available;
#else
  return false;
#endif
}

namespace {

constexpr int64_t kLanes = 16;              // columns come in multiples of a vector
constexpr int64_t kColumnsAtOnce = 64;      // a block's columns at most
constexpr int64_t kDepth = 32;              // a row's values come in multiples of what the matrix unit takes at once
constexpr int64_t kValuesAtOnce = 1 << 15;  // weights that are worth a thread of their own
constexpr int64_t kSumsAtOnce = 1 << 12;  // sums of a tile, 16 KiB: they stay in the first cache until they are stored

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
  float p =
      1.0f +
      x * (0.0705230784f +
           x * (0.0422820123f + x * (0.0092705272f + x * (0.0001520143f + x * (0.0002765672f + x * 0.0000430638f)))));
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

/// One block of packed weights; rows with more taps than it has begin again at its first.
template <class R>
struct Block {
  const R* weights;
  int64_t taps, depth, columns;
};

/// sums [count,columns] = rows first.. times a block.
template <class R>
void sum_tile(const Rows<R>& rows, int64_t first, int64_t count, const Block<R>& block, float* sums) {
#if defined(__AMX_BF16__)
  if (sizeof(R) == 2 && has_matrix_unit()) {
    amx::sum(rows.data + first * rows.stride, rows.stride, rows.taps, count, block.weights, block.taps, block.depth,
             block.columns, sums);
    return;
  }
#endif
  for (size_t tap = 0; tap < rows.taps.size(); ++tap)
    at::native::cpublas::brgemm(count, block.columns, block.depth, rows.stride, block.columns, block.columns, tap > 0,
                                rows.data + first * rows.stride + rows.taps[tap],
                                block.weights + static_cast<int64_t>(tap) % block.taps * block.depth * block.columns,
                                sums, sizeof(R) == 2);
}

/// Stores the sums of rows first to end that are pixels, run by run.
template <class T>
void store_tile(const float* sums, int64_t first, int64_t end, int64_t first_column, int64_t block_columns,
                const at::Tensor& bias, Activation activation, const Results<T>& results) {
  const int64_t columns = bias.size(0), stored = std::min(block_columns, columns - first_column);
  const float* biases = bias.const_data_ptr<float>() + first_column;
  for (int64_t row = first; row < end;) {
    const int64_t line = row / results.pitch, x = row % results.pitch;
    const int64_t line_end = std::min(end, (line + 1) * results.pitch);
    const int64_t run = std::min(line_end, line * results.pitch + results.width) - row;
    if (run > 0) {
      const int64_t at = (line * results.width + x) * columns + first_column;
      const float* from = sums + (row - first) * block_columns;
      const T* residual = results.residual == nullptr ? nullptr : results.residual + at;
      if (results.out != nullptr)
        finish(activation, from, block_columns, biases, residual, results.out + at, run, stored, columns);
      else
        finish(activation, from, block_columns, biases, residual, results.out_float + at, run, stored, columns);
    }
    row = line_end;
  }
}

/// Rows of R, results of T: the same, or bf16 parts of float32.
template <class R, class T>
void multiply_tiles(const Rows<R>& rows, const at::Tensor& packed, const at::Tensor& bias, Activation activation,
                    const Results<T>& results) {
  const int64_t taps = packed.size(1), depth = packed.size(2) * (sizeof(R) == 2 ? 2 : 1), columns = packed.size(3);
  const auto tile = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(kSumsAtOnce / columns)));
  const R* weights = packed.const_data_ptr<R>();
  alignas(64) float sums[kSumsAtOnce];
#if defined(__AMX_BF16__)
  std::optional<amx::Tiles> tiles;
  if (sizeof(R) == 2 && has_matrix_unit()) tiles.emplace();
#endif
  for (int64_t b = 0; b < packed.size(0); ++b) {
    for (int64_t first = 0; first < rows.count; first += tile) {
      sum_tile(rows, first, tile, Block<R>{weights + b * taps * depth * columns, taps, depth, columns}, sums);
      store_tile(sums, first, std::min(first + tile, rows.count), b * columns, columns, bias, activation, results);
    }
  }
}

/// Writes each value as the sum of two of bf16, whose sixteen binary places are all but eight of its own.
void split(const float* from, int64_t count, at::BFloat16* high, at::BFloat16* low) {
  for (int64_t i = 0; i < count; ++i) {
    store(from[i], high[i]);
    store(from[i] - load(high[i]), low[i]);
  }
}

/// (a + b) (c + d) = ac + ad + bc, and bd below the last place kept: three products in bf16 for one in float32. The low
/// parts of the rows lie behind the high ones, so that they are but more taps.
void multiply_split(const Rows<float>& rows, const at::Tensor& packed, const at::Tensor& bias, Activation activation,
                    const Results<float>& results) {
  const int64_t depth = packed.size(2) * 2;
  const int64_t reach = *std::max_element(rows.taps.begin(), rows.taps.end()) + depth;
  const int64_t values = round_up((rows.count - 1) * rows.stride + reach, kDepth);
  const int64_t spare = kRowsAtOnce * rows.stride;
  thread_local Buffer<at::BFloat16> parts;
  if (static_cast<int64_t>(parts.size()) < 2 * (values + spare)) {
    parts = Buffer<at::BFloat16>(2 * (values + spare));
    std::fill_n(parts.data(), parts.size(), at::BFloat16(0));
  }
  at::BFloat16 *const high = parts.data(), *const low = high + values + spare;
  split(rows.data, (rows.count - 1) * rows.stride + reach, high, low);
  std::vector<int64_t> taps;
  for (const int64_t begin : {int64_t{0}, int64_t{0}, values + spare})
    for (const int64_t tap : rows.taps) taps.push_back(begin + tap);
  multiply_tiles<at::BFloat16, float>({high, rows.stride, taps, rows.count}, packed, bias, activation, results);
}

/// The weights of a block's columns in one tap, [columns,depth], wherever they lie.
struct Slab {
  const float* values;
  int64_t column_stride, stride, columns, depth;

  /// kDepth values of a column from k on, zeros beyond the weights.
  void read(int64_t column, int64_t k, float* to) const {
    const int64_t count = column < columns ? std::clamp<int64_t>(depth - k, 0, kDepth) : 0;
    const float* from = values + column * column_stride + k * stride;
    if (stride == 1)
      std::copy_n(from, count, to);
    else
      for (int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
    std::fill(to + count, to + kDepth, 0.0f);
  }

  /// As [rows,block].
  void write(int64_t rows, int64_t block, float* to) const {
    alignas(64) float strip[kLanes][kDepth];
    for (int64_t first = 0; first < block; first += kLanes)
      for (int64_t k = 0; k < rows; k += kDepth) {
        for (int64_t n = 0; n < kLanes; ++n) read(first + n, k, strip[n]);
        for (int64_t i = 0; i < std::min(kDepth, rows - k); ++i)
          for (int64_t n = 0; n < kLanes; ++n) to[(k + i) * block + first + n] = strip[n][i];
      }
  }

  /// As [rows/2,block,2]; what bf16 leaves of each value goes to low, unless that is null.
  void write(int64_t rows, int64_t block, at::BFloat16* high, at::BFloat16* low) const {
    alignas(64) float values_of_column[kDepth];
    alignas(64) at::BFloat16 highs[kLanes][kDepth], lows[kLanes][kDepth];
    const auto interleave = [&](const at::BFloat16(&strip)[kLanes][kDepth], at::BFloat16* to) {
      for (int64_t i = 0; i < kDepth; i += 2)
        for (int64_t n = 0; n < kLanes; ++n)
          std::memcpy(to + i * block + 2 * n, &strip[n][i], 2 * sizeof(at::BFloat16));
    };
    for (int64_t first = 0; first < block; first += kLanes)
      for (int64_t k = 0; k < rows; k += kDepth) {
        for (int64_t n = 0; n < kLanes; ++n) {
          read(first + n, k, values_of_column);
          split(values_of_column, kDepth, highs[n], lows[n]);
        }
        interleave(highs, high + k * block + 2 * first);
        if (low != nullptr) interleave(lows, low + k * block + 2 * first);
      }
  }
};

}  // namespace

at::Tensor pack(const at::Tensor& weights, Arithmetic arithmetic) {
  const int64_t columns = weights.size(0), taps = weights.size(1), depth = weights.size(2);
  const int64_t block = columns_of_block(columns), blocks = round_up(columns, block) / block;
  const at::Tensor from = weights.to(at::kFloat);
  const float* values = from.const_data_ptr<float>();
  const at::IntArrayRef strides = from.strides();
  const bool exact = arithmetic == Arithmetic::float32, parted = arithmetic == Arithmetic::split;
  const int64_t rows = exact ? depth : round_up(depth, kDepth), part = taps * rows * block;
  const at::Tensor packed = exact ? at::empty({blocks, taps, rows, block}, at::kFloat)
                                  : at::empty({blocks, parted ? 2 * taps : taps, rows / 2, block, 2}, at::kBFloat16);
  advise_huge_pages(packed.data_ptr(), packed.nbytes());
  // Huge weights are read and written once: whole lines are written, of as many columns as one has room for.
  parallel_for(blocks * taps, std::max<int64_t>(1, kValuesAtOnce / (rows * block)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / taps, tap = i % taps;
      const Slab slab{values + b * block * strides[0] + tap * strides[1], strides[0], strides[2],
                      std::min(block, columns - b * block), depth};
      if (exact) {
        slab.write(rows, block, packed.mutable_data_ptr<float>() + i * rows * block);
      } else {
        at::BFloat16* high = packed.mutable_data_ptr<at::BFloat16>() + b * (parted ? 2 : 1) * part + tap * rows * block;
        slab.write(rows, block, high, parted ? high + part : nullptr);
      }
    }
  });
  return packed;
}

template <class T>
void multiply(const Rows<T>& rows, const at::Tensor& packed, const at::Tensor& bias, Activation activation,
              const Results<T>& results) {
  if constexpr (sizeof(T) == 4) {
    if (packed.scalar_type() == at::kBFloat16) return multiply_split(rows, packed, bias, activation, results);
  }
  multiply_tiles<T, T>(rows, packed, bias, activation, results);
}

void release_units() {
  at::native::cpublas::brgemm_release(true);
  at::native::cpublas::brgemm_release(false);
}

template void multiply<float>(const Rows<float>&, const at::Tensor&, const at::Tensor&, Activation,
                              const Results<float>&);
template void multiply<at::BFloat16>(const Rows<at::BFloat16>&, const at::Tensor&, const at::Tensor&, Activation,
                                     const Results<at::BFloat16>&);

}  // namespace mattecore::network
