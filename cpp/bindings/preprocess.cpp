#include "bindings/module.h"
#include "mattecore/preprocess/colour.h"
#include "mattecore/preprocess/eight_bit.h"
#include "mattecore/preprocess/resize.h"

namespace mattecore::bindings {

void bind_preprocess(py::module_& m) {
  m.def("to_u8", &preprocess::to_u8, py::arg("image"), WithoutGil());
  m.def("from_u8", &preprocess::from_u8, py::arg("image"), WithoutGil());
  m.def("to_rgb", &preprocess::to_rgb, py::arg("image"), WithoutGil());
  m.def("luma", &preprocess::luma, py::arg("image"), WithoutGil());
  m.def("resize", &preprocess::resize, py::arg("image"), py::arg("height"), py::arg("width"), py::arg("filter"),
        WithoutGil());
  m.def("interpolate", &preprocess::interpolate, py::arg("image"), py::arg("height"), py::arg("width"),
        py::arg("align_corners"), WithoutGil());
}

}  // namespace mattecore::bindings
