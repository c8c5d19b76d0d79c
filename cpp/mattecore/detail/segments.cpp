#include "mattecore/detail/segments.h"

#include "mattecore/base/error.h"
#include "mattecore/tensor/images.h"

namespace mattecore::detail {
namespace {

at::Tensor checked(const at::Tensor& mask) {
  const at::Tensor masks = tensor::as_masks(mask, "mask");
  tensor::check_cpu(masks, at::kFloat, "mask");
  return masks;
}

kernels::SegmentFill fill_from_name(std::string_view name) {
  if (name == "contour") return kernels::SegmentFill::kContour;
  if (name == "soft") return kernels::SegmentFill::kSoft;
  if (name == "box") return kernels::SegmentFill::kBox;
  throw_invalid("the fill is '", name, "'; wanted contour, soft or box");
}

}  // namespace

std::vector<std::vector<kernels::Segment>> find_segments(const at::Tensor& mask, double crop_factor,
                                                         int64_t drop_size) {
  const at::Tensor masks = checked(mask);
  std::vector<std::vector<kernels::Segment>> segments;
  for (int64_t b = 0; b < masks.size(0); ++b)
    segments.push_back(kernels::find_segments(tensor::view<const float>(masks, b), crop_factor, drop_size));
  return segments;
}

at::Tensor segment_mask(const at::Tensor& mask, const kernels::Segment& segment, std::string_view fill) {
  const kernels::SegmentFill chosen = fill_from_name(fill);
  const at::Tensor masks = checked(mask);
  if (masks.size(0) != 1) throw_invalid("mask holds ", masks.size(0), " masks; wanted the one of the segment");
  const int64_t height = segment.crop.height(), width = segment.crop.width();
  tensor::check_size(height, width, 1);
  const at::Tensor out = tensor::empty({1, height, width, 1}, at::kFloat);
  kernels::draw_segment(tensor::view<const float>(masks, 0), segment, chosen, tensor::view<float>(out, 0));
  return out.view({height, width});
}

}  // namespace mattecore::detail
