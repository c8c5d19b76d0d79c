#include "bindings/module.h"

#include <c10/util/Exception.h>

#include "mattecore/base/cpu_features.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/progress.h"
#include "mattecore/kernels/cuda/devices.h"
#include "mattecore/network/operators/register.h"
#include "mattecore/tensor/parallel.h"

namespace {

/// The one place where C++ exceptions become Python's, beyond those pybind11 knows (invalid_argument -> ValueError,
/// out_of_range -> IndexError, other std::exceptions -> RuntimeError): torch's own, without their C++ backtrace.
void register_exceptions() {
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const c10::OutOfMemoryError& error) {
      py::set_error(py::module_::import("torch").attr("OutOfMemoryError"), error.what_without_backtrace());
    } catch (const c10::Error& error) {
      py::set_error(PyExc_RuntimeError, error.what_without_backtrace());
    }
  });
}

/// The kernels' instructions are those of the machine that built them; on a lesser processor the first one would end
/// the process without a word.
void require_cpu_features() {
  std::string missing;
  for (const std::string& name : mattecore::missing_cpu_features()) missing += (missing.empty() ? "" : ", ") + name;
  if (!missing.empty())
    throw py::import_error("this mattecore was built for a processor with " + missing + ", which this one lacks");
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  require_cpu_features();
  register_exceptions();
  mattecore::tensor::use_torch_threads();
  mattecore::network::register_operators();

  m.doc() = "mattecore's native functions; use them through the modules of the mattecore package.";
  m.def("cpu_features", &mattecore::cpu_features, "The instruction sets the kernels use.");
  m.def("num_threads", &mattecore::num_threads, "How many threads the kernels use: torch's number.");
  m.def("cuda_devices", &mattecore::kernels::cuda::devices, "The names of the GPUs the CUDA kernels can use.");

  mattecore::bindings::bind_preprocess(m);
  mattecore::bindings::bind_postprocess(m);
  mattecore::bindings::bind_refine(m);
  mattecore::bindings::bind_composite(m);
  mattecore::bindings::bind_detail(m);
  mattecore::bindings::bind_network(m);
  mattecore::bindings::bind_pictures(m);
  mattecore::bindings::bind_pipeline(m);
}
