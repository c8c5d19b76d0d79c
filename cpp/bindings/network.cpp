#include "mattecore/network/network.h"

#include <sstream>

#include "bindings/module.h"
#include "bindings/progress.h"
#include "mattecore/base/free_memory.h"
#include "mattecore/network/cache.h"
#include "mattecore/network/operators/product.h"
#include "mattecore/network/precision.h"

namespace mattecore::bindings {
namespace {

using network::Network;

/// A network written in Python, as a subclass of _core.Network that overrides forward: on the CPU, in float32.
class PythonNetwork : public Network {
 public:
  explicit PythonNetwork(network::Preparation preparation) : preparation_(std::move(preparation)) {}

  at::Tensor forward(const at::Tensor& image, const Progress& progress) override {
    const py::gil_scoped_acquire gil;
    const py::function overridden = py::get_override(static_cast<const Network*>(this), "forward");
    if (!overridden) throw py::type_error("forward is missing; a network in Python overrides forward(image, progress)");
    const py::cpp_function report([&progress](double fraction) { progress.report(fraction, "the network"); });
    return overridden(image, report).cast<at::Tensor>().to(at::kFloat);
  }

  const network::Preparation& preparation() const override { return preparation_; }
  c10::Device device() const override { return at::kCPU; }
  network::Computation computation() const override { return {at::kFloat, network::Arithmetic::float32}; }
  size_t weight_bytes() const override { return 0; }
  size_t kept_bytes() const override { return 0; }
  void release() override {}

 private:
  network::Preparation preparation_;
};

at::Tensor forward(Network& network, const at::Tensor& image, py::object progress) {
  const Progress listener = progress_from(std::move(progress));
  const py::gil_scoped_release without_gil;
  return network.forward(image, listener);
}

std::shared_ptr<Network> load(const py::bytes& archive, const Network::Weights& weights, c10::Device device,
                              const std::string& precision) {
  std::istringstream stream{std::string(archive)};
  const py::gil_scoped_release without_gil;
  return Network::load(stream, weights, device, network::precision(precision, device));
}

/// The name of the precision that name asks for, "" and all.
std::string precision(const std::string& name, c10::Device device) {
  switch (network::precision(name, device)) {
    case network::Precision::automatic:
      return "auto";
    case network::Precision::exact:
      return "exact";
    case network::Precision::bf16:
      return "bf16";
    case network::Precision::fp16:
      return "fp16";
  }
  throw std::logic_error("every precision has a name");
}

/// What a network multiplies in, for people to read.
std::string arithmetic(const Network& network) {
  const network::Computation computation = network.computation();
  if (computation.arithmetic == network::Arithmetic::split) return "split bf16";
  return computation.dtype == at::kBFloat16 ? "bf16" : computation.dtype == at::kHalf ? "fp16" : "fp32";
}

/// The network under key; load is a Python function that loads it, called where it is not there.
std::shared_ptr<Network> cached(const std::string& key, const py::function& load) {
  const auto loader = [&load] {
    const py::gil_scoped_acquire gil;
    return load().cast<std::shared_ptr<Network>>();
  };
  const py::gil_scoped_release without_gil;
  return network::cache().get(key, loader);
}

}  // namespace

void bind_network(py::module_& m) {
  py::class_<network::Preparation>(m, "Preparation")
      .def(py::init([](std::string family, std::vector<double> mean, std::vector<double> std, int64_t height,
                       int64_t width, int64_t divisor) {
             return network::Preparation{std::move(family),     std::move(mean), std::move(std), height, width, divisor,
                                         /*bf16_suffices=*/true};
           }),
           py::arg("family"), py::arg("mean"), py::arg("std"), py::arg("height"), py::arg("width"), py::arg("divisor"))
      .def_readonly("family", &network::Preparation::family)
      .def_readonly("mean", &network::Preparation::mean)
      .def_readonly("std", &network::Preparation::std)
      .def_readonly("height", &network::Preparation::height)
      .def_readonly("width", &network::Preparation::width)
      .def_readonly("divisor", &network::Preparation::divisor);
  py::class_<Network, PythonNetwork, std::shared_ptr<Network>>(m, "Network")
      .def(py::init([](network::Preparation p) { return std::make_shared<PythonNetwork>(std::move(p)); }),
           py::arg("preparation"))
      .def("forward", &forward, py::arg("image"), py::arg("progress"))
      .def("release", &Network::release, WithoutGil())
      .def_property_readonly("preparation", &Network::preparation)
      .def_property_readonly("device", &Network::device)
      .def_property_readonly("arithmetic", &arithmetic)
      .def_property_readonly("weight_bytes", &Network::weight_bytes)
      .def_property_readonly("kept_bytes", &Network::kept_bytes);
  m.def("load_network", &load, py::arg("archive"), py::arg("weights"), py::arg("device"), py::arg("precision"));
  m.def("precision", &precision, py::arg("name"), py::arg("device"));
  m.def("multiplies_bf16", &network::multiplies_bf16);
  m.def("has_matrix_unit", &network::has_matrix_unit);

  m.def("cached_network", &cached, py::arg("key"), py::arg("load"));
  m.def(
      "drop_networks",
      [](const std::string& key) {
        const size_t dropped = network::cache().drop(key);
        return_free_memory();
        return dropped;
      },
      py::arg("key"), WithoutGil());
  m.def(
      "release_network_memory",
      [] {
        network::cache().release_memory();
        return_free_memory();
      },
      WithoutGil());
  m.def("set_network_budget", [](size_t bytes) { network::cache().set_budget(bytes); }, py::arg("bytes"), WithoutGil());
  m.def("loaded_networks", [] {
    std::vector<std::pair<std::string, size_t>> entries;
    for (const auto& entry : network::cache().entries()) entries.emplace_back(entry.key, entry.bytes);
    return entries;
  });
}

}  // namespace mattecore::bindings
