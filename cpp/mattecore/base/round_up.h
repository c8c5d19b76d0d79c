#pragma once

#include <type_traits>

#include "mattecore/base/host_device.h"

namespace mattecore {

/// The smallest multiple that is not less than n; both are positive, n may be 0.
template <class Integer>
MATTECORE_HOST_DEVICE constexpr Integer round_up(Integer n, std::type_identity_t<Integer> multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

}  // namespace mattecore
