#include "bindings/module.h"
#include "bindings/progress.h"
#include "mattecore/refine/closed_form.h"
#include "mattecore/refine/gaussian_blur.h"
#include "mattecore/refine/guided_filter.h"
#include "mattecore/refine/mask_tools.h"
#include "mattecore/refine/trimap.h"

namespace mattecore::bindings {

void bind_refine(py::module_& m) {
  m.def("gaussian_blur", &refine::gaussian_blur, py::arg("mask"), py::arg("size"), WithoutGil());
  m.def("trimap_from_mask", &refine::trimap_from_mask, py::arg("mask"), py::arg("erode_size"), py::arg("dilate_size"),
        WithoutGil());
  m.def("fix_trimap", &refine::fix_trimap, py::arg("mask"), py::arg("black_point"), py::arg("white_point"),
        WithoutGil());
  m.def("trimap_from_alpha", &refine::trimap_from_alpha, py::arg("alpha"), py::arg("foreground_threshold"),
        py::arg("background_threshold"), py::arg("grow_px"), WithoutGil());

  m.def("guided_filter", &refine::guided_filter, py::arg("guide"), py::arg("mask"), py::arg("radius_px"),
        py::arg("eps"), WithoutGil());
  m.def("fast_guided_filter", &refine::fast_guided_filter, py::arg("guide"), py::arg("mask"), py::arg("radius_px"),
        py::arg("eps"), py::arg("subsample"), WithoutGil());

  m.def(
      "closed_form",
      [](const at::Tensor& image, const at::Tensor& trimap, double epsilon, double tolerance, int64_t max_iterations,
         py::object progress) {
        const Progress listener = progress_from(std::move(progress));
        const py::gil_scoped_release without_gil;
        refine::ClosedForm result = refine::closed_form(image, trimap, epsilon, tolerance, max_iterations, listener);
        return std::pair(std::move(result.alpha), std::move(result.residuals));
      },
      py::arg("image"), py::arg("trimap"), py::arg("epsilon"), py::arg("tolerance"), py::arg("max_iterations"),
      py::arg("progress"));

  m.def("grow", &refine::grow, py::arg("mask"), py::arg("radius_px"), py::arg("shape"), WithoutGil());
  m.def("shrink", &refine::shrink, py::arg("mask"), py::arg("radius_px"), py::arg("shape"), WithoutGil());
  m.def("feather", &refine::feather, py::arg("mask"), py::arg("sigma_px"), WithoutGil());
  m.def("fill_holes", &refine::fill_holes, py::arg("mask"), WithoutGil());
  m.def("keep_largest_component", &refine::keep_largest_component, py::arg("mask"), py::arg("threshold"), WithoutGil());
}

}  // namespace mattecore::bindings
