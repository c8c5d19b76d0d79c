#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

// Rows times a matrix of weights, on tiles that stay in the cache: what convolutions, linear maps and their like come
// down to once their rows are laid out. Products of bf16 run on the processor's own units (AMX or AVX-512 BF16) through
// the kernels that oneDNN makes at run time; sums are float32 in either case.
namespace mattecore::network {

/// What happens to a product before it is stored.
enum class Activation : int64_t { none, relu, gelu, sigmoid };

/// What products are computed in: float32; bf16; or float32 rows and weights split into two parts of bf16 each, of
/// whose products three count. The last keeps sixteen binary places, where bf16 keeps eight and float32 twenty-four, in
/// three times bf16's time and a third of float32's on a processor with a matrix unit.
enum class Arithmetic : int64_t { float32, bf16, split };

/// Packs weights [N,taps,K] into blocks of columns, [blocks,taps,K,columns], zeros filling the last. In bf16 K is
/// rounded up to 32 and two rows are interleaved, as the processor's instruction takes them:
/// [blocks,taps,K/2,columns,2]; split, the low parts' taps follow the high parts'.
at::Tensor pack(const at::Tensor& weights, Arithmetic arithmetic);

/// Whether this processor multiplies bf16 natively.
bool multiplies_bf16();

/// Whether it has a unit for that (AMX), which this build may use: then three products in bf16 are faster than one in
/// float32.
bool has_matrix_unit();

/// A row is K values, as the packed weights have them, at data + row * stride + tap for each tap; taps beyond the first
/// reach other rows' values, so that a convolution needs no copies of them. Up to kRowsAtOnce rows after the last may
/// be read, and are not used.
template <class T>
struct Rows {
  const T* data;
  int64_t stride;
  std::span<const int64_t> taps;
  int64_t count;
};

inline constexpr int64_t kRowsAtOnce = 256;  // a power of two, as all numbers of rows of a tile

/// Where the results go: row r is pixel (r / pitch, r % pitch) and dropped where its column is not below width. Each
/// has N values; the residual, where there is one, lies like them, and is added after the activation.
template <class T>
struct Results {
  T* out;             // or null
  float* out_float;   // instead of out
  const T* residual;  // or null
  int64_t pitch;
  int64_t width;
};

/// Computes activation(rows * weights + bias) + residual on the calling thread, in the arithmetic of the packed
/// weights: float32 and split for rows of float32, bf16 for those of bf16. Rows are computed in the same way wherever
/// they stand and whatever their number.
template <class T>
void multiply(const Rows<T>& rows, const at::Tensor& packed, const at::Tensor& bias, Activation activation,
              const Results<T>& results);

/// Frees the processor's matrix unit for others; call it on each thread when its last product is done.
void release_units();

}  // namespace mattecore::network
