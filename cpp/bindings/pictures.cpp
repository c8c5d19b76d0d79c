#include "bindings/module.h"
#include "mattecore/pictures/png.h"

namespace mattecore::bindings {

void bind_pictures(py::module_& m) {
  m.def("png_data", &pictures::png_data, py::arg("image"), py::arg("level"), WithoutGil());
}

}  // namespace mattecore::bindings
