#include "mattecore/kernels/cuda/launch.h"
#include "mattecore/kernels/cuda/numbers.h"
#include "mattecore/kernels/deform_columns.h"

namespace mattecore::kernels::cuda {
namespace {

template <class T>
__device__ int64_t at(const ChannelView<T>& view, int64_t c, int64_t y, int64_t x) {
  return c * view.channel_stride + y * view.row_stride + x * view.column_stride;
}

/// One thread a sample of one channel, channels innermost: a warp reads and writes whole memory lines where the
/// channels are packed.
template <class T, class Shift>
__global__ void deform_columns_kernel(ChannelView<const T> picture, ChannelView<const Shift> offset,
                                      ChannelView<const Shift> mask, int64_t kernel_width, int64_t padding,
                                      int64_t first, int64_t count, T* columns) {
  const int64_t i = pixel_index();
  if (i >= count * mask.channels * picture.channels) return;
  const int64_t c = i % picture.channels, tap = i / picture.channels % mask.channels;
  const int64_t pixel = first + i / picture.channels / mask.channels;
  const int64_t row = pixel / mask.width, column = pixel % mask.width;
  const float y =
      static_cast<float>(row + tap / kernel_width - padding) + widened(offset.data[at(offset, 2 * tap, row, column)]);
  const float x = static_cast<float>(column + tap % kernel_width - padding) +
                  widened(offset.data[at(offset, 2 * tap + 1, row, column)]);
  float sample = 0;
  // NaN fails the comparisons and is outside.
  if (y > -1 && y < static_cast<float>(picture.height) && x > -1 && x < static_cast<float>(picture.width)) {
    const float floor_y = floorf(y), floor_x = floorf(x);
    const auto top = static_cast<int64_t>(floor_y), left = static_cast<int64_t>(floor_x);
    for (int64_t corner = 0; corner < 4; ++corner) {
      const int64_t down = corner / 2, right = corner % 2;
      if (top + down < 0 || top + down >= picture.height || left + right < 0 || left + right >= picture.width) continue;
      const float share_y = down == 1 ? y - floor_y : 1 - (y - floor_y);
      const float share_x = right == 1 ? x - floor_x : 1 - (x - floor_x);
      sample += share_y * share_x * widened(picture.data[at(picture, c, top + down, left + right)]);
    }
    sample *= widened(mask.data[at(mask, tap, row, column)]);
  }
  store(sample, columns + i);
}

}  // namespace

template <class T, class Shift>
void deform_columns(ChannelView<const T> picture, ChannelView<const Shift> offset, ChannelView<const Shift> mask,
                    int64_t kernel_width, int64_t padding, int64_t first, int64_t count, T* columns, void* stream) {
  launch(count * mask.channels * picture.channels, stream, deform_columns_kernel<T, Shift>, picture, offset, mask,
         kernel_width, padding, first, count, columns);
}

#define MATTECORE_DEFORM_COLUMNS(T, Shift)                                                                        \
  template void deform_columns(ChannelView<const T>, ChannelView<const Shift>, ChannelView<const Shift>, int64_t, \
                               int64_t, int64_t, int64_t, T*, void*)
MATTECORE_DEFORM_COLUMNS(float, float);
MATTECORE_DEFORM_COLUMNS(Half, Half);
MATTECORE_DEFORM_COLUMNS(Half, float);
MATTECORE_DEFORM_COLUMNS(BFloat16, BFloat16);
MATTECORE_DEFORM_COLUMNS(BFloat16, float);

}  // namespace mattecore::kernels::cuda
