#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mattecore::network {

/// Rows of a channels-last map [height,width,channels] stretched bilinearly to another size.
template <class T>
class Stretched {
 public:
  Stretched(int64_t height, int64_t width, int64_t channels, int64_t to_height, int64_t to_width, bool align_corners);

  /// Writes row y of the stretched map, its pixels stride values apart. Not for two threads at once.
  void row(const T* map, int64_t y, T* to, int64_t stride);

 private:
  /// The two places that a place between them is mixed from, and the second one's share.
  struct Place {
    int64_t first, second;
    float share;
  };
  static std::vector<Place> places(int64_t from, int64_t to, bool align_corners);

  int64_t width_, channels_;
  std::vector<Place> rows_, columns_;
  std::vector<float> mixed_;  // the two rows, mixed
};

/// Stretches maps [B,C,h,w] to the height and width of like.
at::Tensor stretch(const at::Tensor& x, const at::Tensor& like, bool align_corners);

/// detail [B,D,H,W] and beside it, after its channels, rows first to first + H of x [B,C,h,w] stretched to twice its size.
at::Tensor join_doubled(const at::Tensor& detail, const at::Tensor& x, int64_t first);

/// Halves maps [B,C,H,W] by the maximum of 2 x 2 pixels, rounding sizes up.
at::Tensor half(const at::Tensor& x);

/// The mean of each map [B,C,H,W] as [B,C,1,1], summed in the same order for any number of threads.
at::Tensor mean(const at::Tensor& x);

}  // namespace mattecore::network
