#include "mattecore/composite/rgba.h"

#include "mattecore/kernels/rgba.h"
#include "mattecore/tensor/eight_bit.h"
#include "mattecore/tensor/images.h"

namespace mattecore::composite {
namespace {

/// Checks a value range that is either 0..1 in floats or 8 bits.
void check_values(const at::Tensor& t, const char* name) {
  if (t.scalar_type() != at::kByte) tensor::check_floating(t, name);
  tensor::check_cpu_or_cuda(t, name);
}

}  // namespace

at::Tensor assemble_rgba(const at::Tensor& image, const at::Tensor& mask) {
  const at::Tensor images = tensor::as_images(image, "image");
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  check_values(images, "image");
  check_values(masks, "mask");
  tensor::check_same_size(images, "image", masks, "mask");
  // In 8 bits, whatever the masks came in, and packed: a quarter of their size, and one reader below for all types.
  const at::Tensor alpha = masks.scalar_type() == at::kByte ? masks.contiguous() : tensor::to_u8(masks);
  const at::Tensor out =
      tensor::empty({images.size(0), images.size(1), images.size(2), 4}, at::kFloat, images.device());
  tensor::with_element_type(images, [&](auto element) {
    using T = decltype(element);
    tensor::for_each_picture<const T, const uint8_t, float>(
        [&](ImageView<const T> colours, ImageView<const uint8_t> m, ImageView<float> to) {
          if (images.is_cpu()) return kernels::assemble_rgba(colours, m, to);
          kernels::cuda::assemble_rgba(colours, m, to, tensor::current_stream(images));
        },
        images, alpha, out);
  });
  return tensor::like_images(out, image);
}

at::Tensor paste_on_transparent(const at::Tensor& image, const at::Tensor& mask) {
  const at::Tensor images = tensor::as_images(image, "image");
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  tensor::check_cpu(images, at::kByte, "image");
  tensor::check_cpu(masks, at::kByte, "mask");
  tensor::check_same_size(images, "image", masks, "mask");
  const at::Tensor out = tensor::empty({images.size(0), images.size(1), images.size(2), 4}, at::kByte);
  tensor::for_each_picture<const uint8_t, const uint8_t, uint8_t>(kernels::paste_on_transparent, images, masks, out);
  return tensor::like_images(out, image);
}

at::Tensor mask_to_image(const at::Tensor& mask) {
  const at::Tensor in = tensor::as_masks(mask, "mask");
  tensor::check_cpu(in, at::kFloat, "mask");
  const at::Tensor out = tensor::empty({in.size(0), in.size(1), in.size(2), 4}, at::kByte);
  tensor::for_each_picture<const float, uint8_t>(kernels::mask_to_image, in, out);
  return tensor::like_masks(out, mask);
}

}  // namespace mattecore::composite
