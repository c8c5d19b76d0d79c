#include "bindings/module.h"
#include "mattecore/postprocess/levels.h"

namespace mattecore::bindings {

void bind_postprocess(py::module_& m) {
  m.def("normalize_min_max", &postprocess::normalize_min_max, py::arg("mask"), WithoutGil());
  m.def("histogram_remap", &postprocess::histogram_remap, py::arg("mask"), py::arg("black_point"),
        py::arg("white_point"), WithoutGil());
  m.def("brighten", &postprocess::brighten, py::arg("mask"), py::arg("factor"), WithoutGil());
  m.def("image_to_mask", &postprocess::image_to_mask, py::arg("image"), WithoutGil());
}

}  // namespace mattecore::bindings
