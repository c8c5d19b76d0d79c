#pragma once

#include <cstdint>

#include "mattecore/base/half.h"

namespace mattecore::kernels {

/// One picture of a [C,H,W] map of any strides, in elements.
template <class T>
struct ChannelView {
  T* data;
  int64_t channels, height, width;
  int64_t channel_stride, row_stride, column_stride;
};

namespace cuda {

/// Samples a picture for a deformable convolution with stride 1 (network/operators/deform_conv2d.h): row i of columns
/// [count, taps * C] is for output pixel first + i, in row order, of those that offset [2 * taps,Ho,Wo] and mask
/// [taps,Ho,Wo] are for. Views of device memory, queued on `stream` (a cudaStream_t), not waited for. T and Shift:
/// float, Half or BFloat16. In a build without CUDA it throws std::runtime_error that says how to get it.
template <class T, class Shift>
void deform_columns(ChannelView<const T> picture, ChannelView<const Shift> offset, ChannelView<const Shift> mask,
                    int64_t kernel_width, int64_t padding, int64_t first, int64_t count, T* columns, void* stream);

}  // namespace cuda
}  // namespace mattecore::kernels
