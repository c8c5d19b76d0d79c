#include "mattecore/network/network.h"

#include <sstream>

#include "bindings/module.h"

namespace mattecore::bindings {

void bind_network(py::module_& m) {
  using network::Network;
  py::class_<Network, std::shared_ptr<Network>>(m, "Network")
      .def("forward", &Network::forward, py::arg("image"), WithoutGil())
      .def_property_readonly("weight_bytes", &Network::weight_bytes)
      .def_property_readonly("kept_bytes", &Network::kept_bytes)
      .def("release", &Network::release, WithoutGil());
  m.def(
      "load_network",
      [](const py::bytes& archive, const Network::Weights& weights, at::ScalarType dtype) {
        std::istringstream stream{std::string(archive)};
        const py::gil_scoped_release without_gil;
        return Network::load(stream, weights, dtype);
      },
      py::arg("archive"), py::arg("weights"), py::arg("dtype"));
}

}  // namespace mattecore::bindings
