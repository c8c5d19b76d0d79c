#pragma once

#include <cstdint>

#include "mattecore/base/half.h"
#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Turns 0..1 into 0..255 as the original nodes' tensor2pil does: 255 * v in the precision of the source (Half and
/// BFloat16 round the product, as numpy does), clipped, cut towards zero. NaN gives 0, infinities the ends.
/// Sizes and channels must be equal. T: float, double, Half, BFloat16.
template <class T>
void to_u8(ImageView<const T> in, ImageView<uint8_t> out);

/// Turns 0..255 into 0..1: float(v) / 255, so that to_u8 gives v back. Sizes and channels must be equal.
void from_u8(ImageView<const uint8_t> in, ImageView<float> out);

/// One value as to_u8 turns it; 8 bits stay what they are.
template <class T>
inline uint8_t value_to_u8(T v) {
  const auto product = rounded_to<T>(to_float(v) * 255);
  // Written so that NaN fails the first comparison and becomes 0, which is also the vector instruction's habit.
  const auto at_least_0 = product > 0 ? product : decltype(product){0};
  return static_cast<uint8_t>(static_cast<int32_t>(at_least_0 < 255 ? at_least_0 : decltype(product){255}));
}

inline uint8_t value_to_u8(uint8_t v) { return v; }

inline float value_from_u8(uint8_t v) { return static_cast<float>(v) / 255.0f; }

namespace cuda {

/// The same on the GPU: views of device memory, queued on `stream` (a cudaStream_t), not waited for. In a build without
/// CUDA they throw std::runtime_error that says how to get it.
template <class T>
void to_u8(ImageView<const T> in, ImageView<uint8_t> out, void* stream);
void from_u8(ImageView<const uint8_t> in, ImageView<float> out, void* stream);

}  // namespace cuda
}  // namespace mattecore::kernels
