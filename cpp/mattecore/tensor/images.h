#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <type_traits>

#include "mattecore/base/half.h"
#include "mattecore/base/image_view.h"

// The crossing between tensors and views: what a tensor must be to be a picture, and a batch seen as views.
// Every failed check throws std::invalid_argument (Python: ValueError) with the value found and the one wanted; `name`
// is the argument's name in it.
namespace mattecore::tensor {

/// Checks for [B,H,W,C] or [H,W,C] with 1, 3 or 4 channels, at least one picture and pixel, at most 2^31 - 1 values a
/// picture; returns it as [B,H,W,C], without copying.
at::Tensor as_images(const at::Tensor& image, const char* name);

/// The same for [B,H,W] or [H,W]; returns [B,H,W,1].
at::Tensor as_masks(const at::Tensor& mask, const char* name);

/// A result [B,...] for such pictures or masks: without its batch where the caller gave none.
at::Tensor like_images(const at::Tensor& result, const at::Tensor& image);
at::Tensor like_masks(const at::Tensor& result, const at::Tensor& mask);

/// Checks that both have the same number of pictures and the same height and width.
void check_same_size(const at::Tensor& images, const char* images_name, const at::Tensor& masks,
                     const char* masks_name);

/// Checks for a size a picture may have after resizing.
void check_size(int64_t height, int64_t width, int64_t channels);

void check_dtype(const at::Tensor& t, at::ScalarType wanted, const char* name);
void check_floating(const at::Tensor& t, const char* name);

/// Checks a float32 or float64 [B,H,W,C] tensor on the CPU for NaN and infinities.
void check_finite(const at::Tensor& images, const char* name);

/// Checks that the tensor lies where this function can work, and for elements of the type that it works on.
void check_cpu(const at::Tensor& t, const char* name);
void check_cpu(const at::Tensor& t, at::ScalarType wanted, const char* name);
void check_cpu_or_cuda(const at::Tensor& t, const char* name);

/// An uninitialised packed tensor, in huge pages where it is large (base/huge_pages.h).
at::Tensor empty(at::IntArrayRef sizes, at::ScalarType dtype, c10::Device device = at::kCPU);

/// The stream torch works on at present on the tensor's device, as the GPU's own handle; by c10's device-generic
/// interface, so that it compiles against a torch without CUDA.
void* current_stream(const at::Tensor& t);

/// Calls run(T{}) with the C++ type of the tensor's elements: float, double, Half, BFloat16 or uint8_t; check_floating
/// or check_dtype has gone before.
template <class Run>
void with_element_type(const at::Tensor& t, Run&& run) {
  switch (t.scalar_type()) {
    case at::kFloat:
      return run(float{});
    case at::kDouble:
      return run(double{});
    case at::kHalf:
      return run(Half{});
    case at::kBFloat16:
      return run(BFloat16{});
    default:
      return run(uint8_t{});
  }
}

/// Picture b of a [B,H,W,C] tensor.
template <class T>
ImageView<T> view(const at::Tensor& images, int64_t b) {
  T* data;
  if constexpr (std::is_const_v<T>) {
    data = static_cast<T*>(images.const_data_ptr());
  } else {
    data = static_cast<T*>(images.mutable_data_ptr());
  }
  return {data + b * images.stride(0),
          images.size(1),
          images.size(2),
          images.size(3),
          images.stride(1),
          images.stride(2),
          images.stride(3)};
}

/// Whether the pictures lie one below the other without gaps, so that the batch is one tall picture.
bool is_one_tall_picture(const at::Tensor& images);

/// Calls run(view...) with views of the same rows of each [B,H,W,C] tensor: the whole batch as one tall picture where
/// all of them can be seen so, else picture by picture. For functions that treat every pixel by itself.
template <class... Ts, class Run, class... Tensors>
void for_each_picture(Run&& run, const Tensors&... tensors) {
  const int64_t batch = (tensors.size(0), ...);
  if ((is_one_tall_picture(tensors) && ...)) {
    auto tall = [](auto v, int64_t pictures) {
      v.height *= pictures;
      return v;
    };
    run(tall(view<Ts>(tensors, 0), batch)...);
  } else {
    for (int64_t b = 0; b < batch; ++b) run(view<Ts>(tensors, b)...);
  }
}

}  // namespace mattecore::tensor
