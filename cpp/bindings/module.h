#pragma once

#include <pybind11/stl.h>
#include <torch/csrc/utils/pybind.h>

namespace py = pybind11;

namespace mattecore::bindings {

/// Every function is bound with the GIL released.
using WithoutGil = py::call_guard<py::gil_scoped_release>;

void bind_preprocess(py::module_& m);
void bind_postprocess(py::module_& m);
void bind_refine(py::module_& m);
void bind_composite(py::module_& m);
void bind_detail(py::module_& m);
void bind_network(py::module_& m);
void bind_pictures(py::module_& m);
void bind_pipeline(py::module_& m);

}  // namespace mattecore::bindings
