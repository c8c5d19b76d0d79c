#include "bindings/module.h"
#include "bindings/progress.h"
#include "mattecore/pipeline/cut_out.h"

namespace mattecore::bindings {
namespace {

using namespace pipeline;

/// A PictureDone that calls a Python function (or None), whoever holds the GIL.
PictureDone done_from(py::object listener) {
  if (listener.is_none()) return {};
  return [listener = std::move(listener)](int64_t picture, const at::Tensor& rgba) {
    const py::gil_scoped_acquire gil;
    listener(picture, rgba);
  };
}

auto run_find_mask(const at::Tensor& image, const std::shared_ptr<network::Network>& network, const std::string& recipe,
                   const Edge& edge, py::object progress) {
  const Progress listener = progress_from(std::move(progress));
  const py::gil_scoped_release without_gil;
  Mask result = find_mask(image, *network, pipeline::recipe(recipe), edge, listener);
  return std::tuple(std::move(result.values), std::move(result.unrefined));
}

auto run_cut_out(const at::Tensor& image, const std::shared_ptr<network::Network>& network, const std::string& recipe,
                 const Edge& edge, py::object progress, py::object done) {
  const Progress listener = progress_from(std::move(progress));
  const PictureDone picture_done = done_from(std::move(done));
  const py::gil_scoped_release without_gil;
  CutOut result = cut_out(image, *network, pipeline::recipe(recipe), edge, listener, picture_done);
  return std::tuple(std::move(result.rgba), std::move(result.mask.values), std::move(result.mask.unrefined));
}

}  // namespace

void bind_pipeline(py::module_& m) {
  py::class_<ClosedFormEdge>(m, "ClosedFormEdge")
      .def(py::init<int64_t, double, double>(), py::kw_only(), py::arg("detail_range"), py::arg("black_point"),
           py::arg("white_point"));
  py::class_<GuidedFilterEdge>(m, "GuidedFilterEdge")
      .def(py::init<int64_t, double, double>(), py::kw_only(), py::arg("detail_range"), py::arg("black_point"),
           py::arg("white_point"));
  py::class_<VitmatteEdge>(m, "VitmatteEdge")
      .def(py::init<std::shared_ptr<network::Network>, int64_t, int64_t, double, double, double>(),
           py::arg("network").none(false), py::kw_only(), py::arg("erode_size"), py::arg("dilate_size"),
           py::arg("black_point"), py::arg("white_point"), py::arg("max_megapixels"), py::keep_alive<1, 2>());

  m.def("find_mask", &run_find_mask, py::arg("image"), py::arg("network").none(false), py::arg("recipe"),
        py::arg("edge"), py::arg("progress"));
  m.def("cut_out", &run_cut_out, py::arg("image"), py::arg("network").none(false), py::arg("recipe"), py::arg("edge"),
        py::arg("progress"), py::arg("done"));
}

}  // namespace mattecore::bindings
