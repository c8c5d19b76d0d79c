#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>

#include "mattecore/base/error.h"
#include "mattecore/base/half.h"
#include "mattecore/base/image_view.h"
#include "mattecore/base/round_up.h"

// What every .cu file shares: launching, and the 8-bit conversions on the device.
namespace mattecore::kernels::cuda {

__device__ inline int64_t pixel_index() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }

template <class T>
__device__ int64_t at(const ImageView<T>& view, int64_t y, int64_t x, int64_t c) {
  return y * view.row_stride + x * view.pixel_stride + c * view.channel_stride;
}

/// Holds 255 * v within 0..255 and cuts it towards zero. fmax and fmin return the number where the other is NaN, so
/// NaN becomes 0.
__device__ inline uint8_t cut_to_u8(float product) {
  return static_cast<uint8_t>(__float2uint_rz(fminf(fmaxf(product, 0.0f), 255.0f)));
}

// The product is rounded in the source's own precision, as on the CPU.
__device__ inline uint8_t device_to_u8(uint8_t v) { return v; }
__device__ inline uint8_t device_to_u8(float v) { return cut_to_u8(v * 255.0f); }
__device__ inline uint8_t device_to_u8(double v) {
  return static_cast<uint8_t>(__double2uint_rz(fmin(fmax(v * 255.0, 0.0), 255.0)));
}
__device__ inline uint8_t device_to_u8(Half v) {
  return cut_to_u8(__half2float(__float2half_rn(__half2float(__ushort_as_half(v.bits)) * 255.0f)));
}
__device__ inline uint8_t device_to_u8(BFloat16 v) {
  return cut_to_u8(__bfloat162float(__float2bfloat16_rn(__bfloat162float(__ushort_as_bfloat16(v.bits)) * 255.0f)));
}

/// The exact quotient, as on the CPU: not the reciprocal's approximation, whatever -use_fast_math says.
__device__ inline float device_from_u8(uint8_t v) { return __fdiv_rn(static_cast<float>(v), 255.0f); }

/// Runs the kernel on the caller's stream.
template <class... Params, class... Args>
void launch_blocks(int64_t blocks, int threads, void* stream, void (*kernel)(Params...), const Args&... args) {
  if (blocks == 0) return;
  kernel<<<static_cast<unsigned>(blocks), threads, 0, static_cast<cudaStream_t>(stream)>>>(args...);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
    throw std::runtime_error(
        sentence("the GPU refused ", blocks, " blocks of ", threads, " threads: ", cudaGetErrorString(error)));
}

/// The same with one thread a pixel.
template <class... Params, class... Args>
void launch(int64_t pixels, void* stream, void (*kernel)(Params...), const Args&... args) {
  constexpr int kThreads = 256;
  launch_blocks(pieces(pixels, kThreads), kThreads, stream, kernel, args...);
}

}  // namespace mattecore::kernels::cuda
