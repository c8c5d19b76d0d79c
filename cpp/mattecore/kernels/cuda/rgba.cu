#include <cuda_runtime.h>

#include "mattecore/kernels/cuda/launch.h"
#include "mattecore/kernels/rgba.h"

namespace mattecore::kernels::cuda {
namespace {

/// One thread a pixel: it writes its 16 bytes at once, so that a warp fills whole memory lines.
template <class T>
__global__ void assemble_rgba_kernel(ImageView<const T> image, ImageView<const uint8_t> mask, ImageView<float> out) {
  const int64_t i = pixel_index();
  if (i >= image.height * image.width) return;
  const int64_t y = i / image.width, x = i % image.width;
  float colour[3];
  for (int64_t c = 0; c < 3; ++c)
    colour[c] = device_from_u8(device_to_u8(image.data[at(image, y, x, image.channels == 1 ? 0 : c)]));
  const float alpha = device_from_u8(mask.data[at(mask, y, x, 0)]);
  *reinterpret_cast<float4*>(out.data + at(out, y, x, 0)) = make_float4(colour[0], colour[1], colour[2], alpha);
}

}  // namespace

template <class T>
void assemble_rgba(ImageView<const T> image, ImageView<const uint8_t> mask, ImageView<float> out, void* stream) {
  launch(image.height * image.width, stream, assemble_rgba_kernel<T>, image, mask, out);
}

template void assemble_rgba(ImageView<const float>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const double>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const Half>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const BFloat16>, ImageView<const uint8_t>, ImageView<float>, void*);
template void assemble_rgba(ImageView<const uint8_t>, ImageView<const uint8_t>, ImageView<float>, void*);

}  // namespace mattecore::kernels::cuda
