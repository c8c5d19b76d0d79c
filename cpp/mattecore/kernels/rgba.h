#pragma once

#include <cstdint>

#include "mattecore/base/half.h"
#include "mattecore/base/image_view.h"

namespace mattecore::kernels {

/// Joins an image of 1, 3 or 4 channels and an 8-bit mask of its size into RGBA 0..1 with straight (not premultiplied)
/// colours. Colours pass through 8 bits (to_u8, then from_u8), as they do in the originals' RGB2RGBA. Grey is
/// repeated; the image's own alpha, if it has one, is dropped. T: float, double, Half, BFloat16, uint8_t.
/// `mask` and `out` have packed rows.
template <class T>
void assemble_rgba(ImageView<const T> image, ImageView<const uint8_t> mask, ImageView<float> out);

/// Pastes an image (8 bit, 1, 3 or 4 channels) through a mask onto transparent black, as `easy imageRemBg` does:
/// every channel, the mask in the place of alpha too, becomes round(v * mask / 255), so colours come out
/// premultiplied, and alpha is round(255 * mask / 255) = mask.
void paste_on_transparent(ImageView<const uint8_t> image, ImageView<const uint8_t> mask, ImageView<uint8_t> out);

/// The first channel of an 8-bit image as a mask 0..1: LayerStyle's image2mask.
void image_to_mask(ImageView<const uint8_t> image, ImageView<float> mask);

/// A mask as an opaque picture, 8-bit RGBA with R = G = B = mask: LayerStyle's mask2image.
void mask_to_image(ImageView<const float> mask, ImageView<uint8_t> out);

/// 8-bit RGB from 1, 3 or 4 channels: grey repeated, alpha dropped without blending (Pillow's convert('RGB')).
void to_rgb(ImageView<const uint8_t> image, ImageView<uint8_t> out);

/// 8-bit grey from 1, 3 or 4 channels: (19595 R + 38470 G + 7471 B + 32768) >> 16, alpha ignored (Pillow's
/// convert('L')).
void luma(ImageView<const uint8_t> image, ImageView<uint8_t> out);

namespace cuda {

/// The same on the GPU, queued on `stream` (a cudaStream_t); see eight_bit.h.
template <class T>
void assemble_rgba(ImageView<const T> image, ImageView<const uint8_t> mask, ImageView<float> out, void* stream);

}  // namespace cuda
}  // namespace mattecore::kernels
