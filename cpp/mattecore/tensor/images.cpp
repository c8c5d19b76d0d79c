#include "mattecore/tensor/images.h"

#include <ATen/ops/empty.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cmath>
#include <limits>

#include "mattecore/base/error.h"
#include "mattecore/base/pages.h"
#include "mattecore/base/parallel.h"

namespace mattecore::tensor {
namespace {

/// A picture's values are counted in 32 bits by what comes after us (PNG, Pillow, cuDNN); 2^31 - 1 is a picture of
/// 26,754 x 26,754 in RGB.
constexpr int64_t kMaxValues = std::numeric_limits<int32_t>::max();

void check_strided(const at::Tensor& t, const char* name) {
  if (!t.defined()) throw_invalid(name, " is an undefined tensor; wanted a picture");
  if (t.layout() != at::kStrided || t.is_quantized() || t.is_complex())
    throw_invalid(name, " is a ", t.toString(), "; wanted a plain dense tensor");
  if (t.key_set().has(c10::DispatchKey::Python))
    throw_invalid(name, " is a tensor subclass, which may have no memory of its own; wanted a plain tensor");
}

void check_extent(const at::Tensor& images, const at::Tensor& original, const char* name) {
  if (images.size(0) == 0)
    throw_invalid(name, " is an empty batch ", original.sizes(), "; wanted at least one picture");
  if (images.size(1) == 0 || images.size(2) == 0)
    throw_invalid(name, " has a side of 0 pixels in ", original.sizes(), "; wanted at least 1 x 1");
  if (images.size(1) > kMaxValues / images.size(2) / images.size(3))
    throw_invalid(name, " has ", original.sizes(), ", more than 2^31 - 1 values a picture; cut it into tiles first");
}

/// Apart from autograd, and with the values really in memory: a lazily negated view holds their opposites.
at::Tensor plain(const at::Tensor& t) { return t.detach().resolve_neg(); }

}  // namespace

at::Tensor as_images(const at::Tensor& image, const char* name) {
  check_strided(image, name);
  if (image.dim() != 3 && image.dim() != 4)
    throw_invalid(name, " has the shape ", image.sizes(), "; wanted [batch, height, width, channels]");
  const int64_t channels = image.size(-1);
  if (channels != 1 && channels != 3 && channels != 4)
    throw_invalid(name, " has ", channels, " channels in ", image.sizes(), "; wanted 1, 3 or 4, as the last axis");
  const at::Tensor images = image.dim() == 3 ? image.unsqueeze(0) : image;
  check_extent(images, image, name);
  return plain(images);
}

at::Tensor as_masks(const at::Tensor& mask, const char* name) {
  check_strided(mask, name);
  if (mask.dim() != 2 && mask.dim() != 3)
    throw_invalid(name, " has the shape ", mask.sizes(), "; wanted [batch, height, width]");
  const at::Tensor masks = (mask.dim() == 2 ? mask.unsqueeze(0) : mask).unsqueeze(3);
  check_extent(masks, mask, name);
  return plain(masks);
}

at::Tensor like_images(const at::Tensor& result, const at::Tensor& image) {
  return image.dim() == 3 ? result.squeeze(0) : result;
}

at::Tensor like_masks(const at::Tensor& result, const at::Tensor& mask) {
  return mask.dim() == 2 ? result.squeeze(0) : result;
}

void check_same_size(const at::Tensor& images, const char* images_name, const at::Tensor& masks,
                     const char* masks_name) {
  if (images.size(0) != masks.size(0))
    throw_invalid(images_name, " holds ", images.size(0), " pictures and ", masks_name, " ", masks.size(0),
                  "; wanted as many of one as of the other");
  if (images.size(1) != masks.size(1) || images.size(2) != masks.size(2))
    throw_invalid(masks_name, " is ", masks.size(2), " x ", masks.size(1), " pixels and ", images_name, " ",
                  images.size(2), " x ", images.size(1), "; wanted the same size");
  if (images.device() != masks.device())
    throw_invalid(masks_name, " is on ", masks.device().str(), " and ", images_name, " on ", images.device().str(),
                  "; wanted both on one device");
}

void check_size(int64_t height, int64_t width, int64_t channels) {
  if (height < 1 || width < 1) throw_invalid("the new size is ", width, " x ", height, "; wanted at least 1 x 1");
  if (height > kMaxValues / channels || width > kMaxValues / channels / height)
    throw_invalid("the new size is ", width, " x ", height, " with ", channels,
                  " channels, more than 2^31 - 1 values a picture");
}

void check_dtype(const at::Tensor& t, at::ScalarType wanted, const char* name) {
  if (t.scalar_type() != wanted) throw_invalid(name, " is ", t.scalar_type(), "; wanted ", wanted);
}

void check_floating(const at::Tensor& t, const char* name) {
  if (!t.is_floating_point() || t.element_size() < 2)
    throw_invalid(name, " is ", t.scalar_type(), "; wanted float32, float64, float16 or bfloat16");
}

void check_finite(const at::Tensor& images, const char* name) {
  with_element_type(images, [&](auto element) {
    using T = decltype(element);
    if constexpr (std::is_floating_point_v<T>) {
      for (int64_t b = 0; b < images.size(0); ++b) {
        const auto picture = view<const T>(images, b);
        parallel_for(picture.height, 64, [&](int64_t begin, int64_t end) {
          for (int64_t y = begin; y < end; ++y)
            for (int64_t x = 0; x < picture.width; ++x)
              for (int64_t c = 0; c < picture.channels; ++c)
                if (!std::isfinite(picture(y, x, c)))
                  throw_invalid(name, " holds ", picture(y, x, c), " in picture ", b, " at row ", y, ", column ", x,
                                "; wanted finite values");
        });
      }
    }
  });
}

void check_cpu(const at::Tensor& t, const char* name) {
  if (!t.is_cpu())
    throw_invalid(name, " is on ", t.device().str(), "; this function works on the CPU: pass ", name, ".cpu()");
}

void check_cpu(const at::Tensor& t, at::ScalarType wanted, const char* name) {
  check_dtype(t, wanted, name);
  check_cpu(t, name);
}

void check_cpu_or_cuda(const at::Tensor& t, const char* name) {
  if (!t.is_cpu() && !t.is_cuda())
    throw_invalid(name, " is on ", t.device().str(), "; wanted cpu or cuda: pass ", name, ".cpu()");
}

at::Tensor empty(at::IntArrayRef sizes, at::ScalarType dtype, c10::Device device) {
  at::Tensor t = at::empty(sizes, at::TensorOptions().dtype(dtype).device(device));
  if (device.is_cpu()) advise_huge_pages(t.data_ptr(), t.nbytes());
  return t;
}

void* current_stream(const at::Tensor& t) {
  const c10::impl::VirtualGuardImpl guard(t.device().type());
  return guard.getStream(t.device()).native_handle();
}

bool is_one_tall_picture(const at::Tensor& images) {
  return images.size(0) == 1 || images.stride(0) == images.size(1) * images.stride(1);
}

}  // namespace mattecore::tensor
