#pragma once

#include "mattecore/base/half.h"
#include "mattecore/base/host_device.h"

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

// Numbers of any type as floats and back, by the GPU's own instructions where it computes.
namespace mattecore::kernels::cuda {

#if defined(__CUDACC__)

__host__ __device__ inline float widened(float v) { return v; }
__host__ __device__ inline float widened(Half v) { return __half2float(__half(__half_raw{v.bits})); }
__host__ __device__ inline float widened(BFloat16 v) {
  return __bfloat162float(__nv_bfloat16(__nv_bfloat16_raw{v.bits}));
}

__host__ __device__ inline void store(float v, float* to) { *to = v; }
__host__ __device__ inline void store(float v, Half* to) { to->bits = static_cast<__half_raw>(__float2half_rn(v)).x; }
__host__ __device__ inline void store(float v, BFloat16* to) {
  to->bits = static_cast<__nv_bfloat16_raw>(__float2bfloat16_rn(v)).x;
}

#else

inline float widened(auto v) { return to_float(v); }

template <class T>
void store(float v, T* to) {
  *to = narrowed<T>(v);
}

#endif

}  // namespace mattecore::kernels::cuda
