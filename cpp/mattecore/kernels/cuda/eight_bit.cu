#include <cuda_runtime.h>

#include "mattecore/kernels/cuda/launch.h"
#include "mattecore/kernels/eight_bit.h"

namespace mattecore::kernels::cuda {
namespace {

template <class T>
__global__ void to_u8_kernel(ImageView<const T> in, ImageView<uint8_t> out) {
  const int64_t i = pixel_index();
  if (i >= in.height * in.width) return;
  const int64_t y = i / in.width, x = i % in.width;
  for (int64_t c = 0; c < in.channels; ++c) out.data[at(out, y, x, c)] = device_to_u8(in.data[at(in, y, x, c)]);
}

__global__ void from_u8_kernel(ImageView<const uint8_t> in, ImageView<float> out) {
  const int64_t i = pixel_index();
  if (i >= in.height * in.width) return;
  const int64_t y = i / in.width, x = i % in.width;
  for (int64_t c = 0; c < in.channels; ++c) out.data[at(out, y, x, c)] = device_from_u8(in.data[at(in, y, x, c)]);
}

}  // namespace

template <class T>
void to_u8(ImageView<const T> in, ImageView<uint8_t> out, void* stream) {
  launch(in.height * in.width, stream, to_u8_kernel<T>, in, out);
}

template void to_u8(ImageView<const float>, ImageView<uint8_t>, void*);
template void to_u8(ImageView<const double>, ImageView<uint8_t>, void*);
template void to_u8(ImageView<const Half>, ImageView<uint8_t>, void*);
template void to_u8(ImageView<const BFloat16>, ImageView<uint8_t>, void*);

void from_u8(ImageView<const uint8_t> in, ImageView<float> out, void* stream) {
  launch(in.height * in.width, stream, from_u8_kernel, in, out);
}

}  // namespace mattecore::kernels::cuda
