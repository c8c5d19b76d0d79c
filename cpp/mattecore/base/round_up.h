#pragma once

#include <type_traits>

#include "mattecore/base/host_device.h"

namespace mattecore {

/// How many pieces of a size n is made of, the last of which may be less; both are positive, n may be 0.
template <class Integer>
MATTECORE_HOST_DEVICE constexpr Integer pieces(Integer n, std::type_identity_t<Integer> size) {
  return (n + size - 1) / size;
}

/// The smallest multiple that is not less than n; both are positive, n may be 0.
template <class Integer>
MATTECORE_HOST_DEVICE constexpr Integer round_up(Integer n, std::type_identity_t<Integer> multiple) {
  return pieces(n, multiple) * multiple;
}

}  // namespace mattecore
