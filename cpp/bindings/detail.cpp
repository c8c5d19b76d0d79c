#include "bindings/module.h"
#include "mattecore/detail/blur_mask.h"
#include "mattecore/detail/paste.h"
#include "mattecore/detail/segments.h"

namespace mattecore::bindings {
namespace {

using BoxTuple = std::tuple<int64_t, int64_t, int64_t, int64_t>;
using SegmentTuple = std::tuple<BoxTuple, BoxTuple, int64_t>;

BoxTuple to_tuple(const kernels::Box& box) { return {box.left, box.top, box.right, box.bottom}; }
SegmentTuple to_tuple(const kernels::Segment& segment) {
  return {to_tuple(segment.box), to_tuple(segment.crop), segment.first_column};
}

kernels::Box to_box(const BoxTuple& box) { return std::make_from_tuple<kernels::Box>(box); }
kernels::Segment to_segment(const SegmentTuple& segment) {
  return {to_box(std::get<0>(segment)), to_box(std::get<1>(segment)), std::get<2>(segment)};
}

}  // namespace

void bind_detail(py::module_& m) {
  m.def(
      "find_segments",
      [](const at::Tensor& mask, double crop_factor, int64_t drop_size) {
        std::vector<std::vector<SegmentTuple>> tuples;
        for (const auto& segments : detail::find_segments(mask, crop_factor, drop_size)) {
          tuples.emplace_back();
          for (const kernels::Segment& segment : segments) tuples.back().push_back(to_tuple(segment));
        }
        return tuples;
      },
      py::arg("mask"), py::arg("crop_factor"), py::arg("drop_size"), WithoutGil());
  m.def(
      "segment_mask",
      [](const at::Tensor& mask, const SegmentTuple& segment, std::string_view fill) {
        return detail::segment_mask(mask, to_segment(segment), fill);
      },
      py::arg("mask"), py::arg("segment"), py::arg("fill"), WithoutGil());
  m.def("blur_mask", &detail::blur_mask, py::arg("mask"), py::arg("radius_px"), WithoutGil());
  m.def("blend", &detail::blend, py::arg("image"), py::arg("patch"), py::arg("mask"), WithoutGil());
  m.def("join_alpha", &detail::join_alpha, py::arg("image"), py::arg("mask"), WithoutGil());
}

}  // namespace mattecore::bindings
