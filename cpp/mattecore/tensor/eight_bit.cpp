#include "mattecore/tensor/eight_bit.h"

#include "mattecore/kernels/eight_bit.h"
#include "mattecore/tensor/images.h"

namespace mattecore::tensor {

at::Tensor to_u8(const at::Tensor& images) {
  const at::Tensor out = empty(images.sizes(), at::kByte, images.device());
  with_element_type(images, [&](auto element) {
    using T = decltype(element);
    if constexpr (!std::is_same_v<T, uint8_t>) {
      for_each_picture<const T, uint8_t>(
          [&](ImageView<const T> from, ImageView<uint8_t> to) {
            if (images.is_cpu()) return kernels::to_u8(from, to);
            kernels::cuda::to_u8(from, to, current_stream(images));
          },
          images, out);
    }
  });
  return out;
}

}  // namespace mattecore::tensor
