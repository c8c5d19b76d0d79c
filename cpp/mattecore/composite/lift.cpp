#include "mattecore/composite/lift.h"

#include "mattecore/base/error.h"
#include "mattecore/kernels/lift.h"
#include "mattecore/tensor/images.h"

namespace mattecore::composite {
namespace {

template <class T>
void lift_batch(const at::Tensor& images, const at::Tensor& masks, bool clean, const at::Tensor& out) {
  for (int64_t b = 0; b < images.size(0); ++b)
    kernels::lift<T>(tensor::view<const T>(images, b), tensor::view<const float>(masks, b), clean,
                     tensor::view<T>(out, b));
}

}  // namespace

at::Tensor lift(const at::Tensor& image, const at::Tensor& mask, bool clean) {
  const at::Tensor images = tensor::as_images(image, "image");
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  tensor::check_cpu(images, "image");
  tensor::check_cpu(masks, at::kFloat, "mask");
  tensor::check_same_size(images, "image", masks, "mask");
  tensor::check_finite(masks, "mask");
  const at::Tensor out = tensor::empty({images.size(0), images.size(1), images.size(2), 4}, images.scalar_type());
  switch (images.scalar_type()) {
    case at::kByte:
      lift_batch<uint8_t>(images, masks, clean, out);
      break;
    case at::kUInt16:
      lift_batch<uint16_t>(images, masks, clean, out);
      break;
    case at::kFloat:
      tensor::check_finite(images, "image");
      lift_batch<float>(images, masks, clean, out);
      break;
    default:
      throw_invalid("image is ", images.scalar_type(), "; wanted Byte, UInt16 or Float");
  }
  return tensor::like_images(out, image);
}

}  // namespace mattecore::composite
