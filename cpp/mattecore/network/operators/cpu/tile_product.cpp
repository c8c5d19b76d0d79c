#include "mattecore/network/operators/cpu/tile_product.h"

#include <ATen/native/CPUBlas.h>

#include "mattecore/network/operators/cpu/vectors.h"

namespace mattecore::network {
namespace {

/// kRows x (kVectors * kLanes) sums stay in registers while a row of b at a time goes by.
template <int kRows, int kVectors>
void multiply_block(int64_t k, const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* c,
                    int64_t c_stride, bool add) {
  Floats sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v) sums[i][v] = add ? load(c + i * c_stride + v * kLanes) : Floats{};
  for (int64_t l = 0; l < k; ++l) {
    Floats row[kVectors];
    for (int v = 0; v < kVectors; ++v) row[v] = load(b + l * b_stride + v * kLanes);
    for (int i = 0; i < kRows; ++i)
      for (int v = 0; v < kVectors; ++v) sums[i][v] += a[i * a_stride + l] * row[v];
  }
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v) store(c + i * c_stride + v * kLanes, sums[i][v]);
}

template <int kVectors>
void multiply_columns(int64_t m, int64_t k, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                      float* c, int64_t c_stride, bool add) {
  constexpr int kRows = kLanes == 16 ? 8 : 4;  // of the 32 or 16 registers
  int64_t i = 0;
  for (; i + kRows <= m; i += kRows)
    multiply_block<kRows, kVectors>(k, a + i * a_stride, a_stride, b, b_stride, c + i * c_stride, c_stride, add);
  for (; i < m; ++i)
    multiply_block<1, kVectors>(k, a + i * a_stride, a_stride, b, b_stride, c + i * c_stride, c_stride, add);
}

}  // namespace

bool multiplies_tiles(c10::ScalarType type) {
#if defined(__x86_64__)
  // oneDNN multiplies BFloat16 on every AVX-512, but slower than floats where the processor cannot.
  if (type == at::kBFloat16 && !__builtin_cpu_supports("avx512bf16")) return false;
#endif
  return type == at::kFloat || at::native::cpublas::could_pack(type);
}

template <>
void multiply_tile(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                   float* c, int64_t c_stride, bool add) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes)
    multiply_columns<2>(m, k, a, a_stride, b + j, b_stride, c + j, c_stride, add);
  for (; j < n; j += kLanes) multiply_columns<1>(m, k, a, a_stride, b + j, b_stride, c + j, c_stride, add);
}

template <>
void multiply_tile(int64_t m, int64_t n, int64_t k, const BFloat16* a, int64_t a_stride, const BFloat16* b,
                   int64_t b_stride, float* c, int64_t c_stride, bool add) {
  at::native::cpublas::brgemm(m, n, k, a_stride, b_stride, c_stride, add, reinterpret_cast<const at::BFloat16*>(a),
                              reinterpret_cast<const at::BFloat16*>(b), c, /*is_vnni=*/true);
}

template <>
void multiply_tile(int64_t m, int64_t n, int64_t k, const Half* a, int64_t a_stride, const Half* b, int64_t b_stride,
                   float* c, int64_t c_stride, bool add) {
  at::native::cpublas::brgemm(m, n, k, a_stride, b_stride, c_stride, add, reinterpret_cast<const at::Half*>(a),
                              reinterpret_cast<const at::Half*>(b), c, /*is_vnni=*/true);
}

}  // namespace mattecore::network
