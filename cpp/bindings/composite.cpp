#include "bindings/module.h"
#include "mattecore/composite/foreground.h"
#include "mattecore/composite/lift.h"
#include "mattecore/composite/rgba.h"

namespace mattecore::bindings {

void bind_composite(py::module_& m) {
  m.def("assemble_rgba", &composite::assemble_rgba, py::arg("image"), py::arg("mask"), WithoutGil());
  m.def("paste_on_transparent", &composite::paste_on_transparent, py::arg("image"), py::arg("mask"), WithoutGil());
  m.def("mask_to_image", &composite::mask_to_image, py::arg("mask"), WithoutGil());
  m.def("lift", &composite::lift, py::arg("image"), py::arg("mask"), py::arg("clean"), WithoutGil());
  m.def("multilevel_foreground", &composite::multilevel_foreground, py::arg("image"), py::arg("alpha"), WithoutGil());
  m.def("blur_fusion_foreground", &composite::blur_fusion_foreground, py::arg("image"), py::arg("alpha"), WithoutGil());
}

}  // namespace mattecore::bindings
