#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>

#include "mattecore/base/half.h"

// Products of two matrices that were both made just now and lie in a core's own cache, such as queries and keys: the
// matrix units for 16-bit numbers where the processor has them, vectors of floats elsewhere. The sums are handed back,
// since they are logits or the shares of a result that further keys add to. Where one factor is weights, which are
// packed once, and the sums go through an activation into a map, product.h is the place.
namespace mattecore::network {

/// Whether tiles of this type are multiplied as they are; others are turned into tiles of floats first.
bool multiplies_tiles(c10::ScalarType type);

/// Rows of a right factor that are interleaved: row k, column j of a factor with rows of `stride` is element
/// place<T>(k, j, stride), and its rows are a multiple of kInterleaved<T>.
template <class T>
inline constexpr int64_t kInterleaved = 4 / sizeof(T);
template <class T>
constexpr int64_t place(int64_t k, int64_t j, int64_t stride) {
  return (k / kInterleaved<T> * stride + j) * kInterleaved<T> + k % kInterleaved<T>;
}

/// The columns of a right factor come in multiples of this.
inline constexpr int64_t kColumns = 16;

/// c [m,n] = a [m,k] b [k,n], or c += a b; sums are floats. b is interleaved. A row's result does not depend on m.
/// After its last product a thread calls release_units of product.h.
template <class T>
void multiply_tile(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_stride, const T* b, int64_t b_stride,
                   float* c, int64_t c_stride, bool add);

}  // namespace mattecore::network
