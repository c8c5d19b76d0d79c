#pragma once

#include <type_traits>

#include "mattecore/base/host_device.h"
#include "mattecore/kernels/cuda/numbers.h"

#if defined(__CUDACC__)
#include <mma.h>
#endif

// Products of tiles in a block's shared memory: on tensor cores where the GPU has them for the type, else by every
// thread's own multiplications.
namespace mattecore::kernels::cuda {

inline constexpr int kThreads = 128;  // of a block

/// How a right factor [K,N] lies: so, or as [N,K].
enum class Right { kPlain, kTransposed };

#if defined(__CUDA_ARCH__)
template <class T>
inline constexpr bool kOnTensorCores =
    (std::is_same_v<T, Half> && __CUDA_ARCH__ >= 700) || (std::is_same_v<T, BFloat16> && __CUDA_ARCH__ >= 800);

/// Sixteen by sixteen sums at a time, each by one warp.
template <int kM, int kN, int kK, Right kRight, class T>
__device__ void multiply_on_tensor_cores(const T* a, int a_stride, const T* b, int b_stride, float* c, int c_stride,
                                         bool add, int thread) {
  using nvcuda::wmma::fragment;
  using Number = std::conditional_t<std::is_same_v<T, Half>, __half, __nv_bfloat16>;
  using Layout = std::conditional_t<kRight == Right::kPlain, nvcuda::wmma::row_major, nvcuda::wmma::col_major>;
  for (int tile = thread / 32; tile < kM / 16 * (kN / 16); tile += kThreads / 32) {
    const int m = tile / (kN / 16) * 16, n = tile % (kN / 16) * 16;
    fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> sums;
    float* place = c + m * c_stride + n;
    if (add) {
      nvcuda::wmma::load_matrix_sync(sums, place, c_stride, nvcuda::wmma::mem_row_major);
    } else {
      nvcuda::wmma::fill_fragment(sums, 0.0f);
    }
    for (int k = 0; k < kK; k += 16) {
      fragment<nvcuda::wmma::matrix_a, 16, 16, 16, Number, nvcuda::wmma::row_major> left;
      fragment<nvcuda::wmma::matrix_b, 16, 16, 16, Number, Layout> right;
      nvcuda::wmma::load_matrix_sync(left, reinterpret_cast<const Number*>(a + m * a_stride + k), a_stride);
      const T* from = kRight == Right::kPlain ? b + k * b_stride + n : b + n * b_stride + k;
      nvcuda::wmma::load_matrix_sync(right, reinterpret_cast<const Number*>(from), b_stride);
      nvcuda::wmma::mma_sync(sums, left, right, sums);
    }
    nvcuda::wmma::store_matrix_sync(place, sums, c_stride, nvcuda::wmma::mem_row_major);
  }
}
#else
template <class T>
inline constexpr bool kOnTensorCores = false;
#endif

/// c [kM,kN] = a [kM,kK] b, or c += a b, by all threads of a block, each calling it with its number; sums are floats.
/// Strides count elements; rows begin on 16 bytes, every sixteenth on 32. kM and kN are multiples of 16, as is kK.
template <int kM, int kN, int kK, Right kRight, class T>
MATTECORE_HOST_DEVICE void multiply_tile(const T* a, int a_stride, const T* b, int b_stride, float* c, int c_stride,
                                         bool add, int thread) {
  if constexpr (kOnTensorCores<T>) {
    multiply_on_tensor_cores<kM, kN, kK, kRight>(a, a_stride, b, b_stride, c, c_stride, add, thread);
  } else {
    // A thread has four rows of four sums; four steps along k are read at once. Of a transposed factor it takes
    // columns that are far apart, so that neighbours read rows that lie in different banks.
    struct alignas(4 * sizeof(T)) Quad {
      T values[4];
    };
    constexpr int kGroups = kN / 4;
    for (int i = thread; i < kM / 4 * kGroups; i += kThreads) {
      const int top = i / kGroups * 4, group = i % kGroups;
      const auto column = [=](int j) { return kRight == Right::kPlain ? 4 * group + j : group + kGroups * j; };
      float sums[4][4];
      for (int m = 0; m < 4; ++m)
        for (int j = 0; j < 4; ++j) sums[m][j] = add ? c[(top + m) * c_stride + column(j)] : 0.0f;
      for (int k = 0; k < kK; k += 4) {
        Quad left[4], right[4];
        for (int m = 0; m < 4; ++m) left[m] = *reinterpret_cast<const Quad*>(a + (top + m) * a_stride + k);
        for (int j = 0; j < 4; ++j)
          right[j] = *reinterpret_cast<const Quad*>(kRight == Right::kPlain ? b + (k + j) * b_stride + 4 * group
                                                                            : b + column(j) * b_stride + k);
        for (int m = 0; m < 4; ++m)
          for (int j = 0; j < 4; ++j)
            for (int l = 0; l < 4; ++l)
              sums[m][j] += widened(left[m].values[l]) *
                            widened(kRight == Right::kPlain ? right[l].values[j] : right[j].values[l]);
      }
      for (int m = 0; m < 4; ++m)
        for (int j = 0; j < 4; ++j) c[(top + m) * c_stride + column(j)] = sums[m][j];
    }
  }
}

}  // namespace mattecore::kernels::cuda
