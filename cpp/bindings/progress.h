#pragma once

#include "bindings/module.h"
#include "mattecore/base/progress.h"

namespace mattecore::bindings {

/// A Progress that calls a Python function (or None) with the fraction done, whoever holds the GIL. What the function
/// raises ends the work and reaches its caller; returning False does so with mattecore's Cancelled.
inline Progress progress_from(py::object listener) {
  if (listener.is_none()) return {};
  return Progress([listener = std::move(listener)](double fraction) {
    const py::gil_scoped_acquire gil;
    const py::object answer = listener(fraction);
    return !answer.is(py::bool_(false));
  });
}

}  // namespace mattecore::bindings
