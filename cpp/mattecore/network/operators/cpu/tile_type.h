#pragma once

#include <c10/core/ScalarType.h>

#include <type_traits>

#include "mattecore/base/half.h"
#include "mattecore/network/operators/cpu/tile_product.h"

namespace mattecore::network {

/// Calls run(In{}, Tile{}) for tensors of this type, float32, bfloat16 or float16: the C++ type of their elements, and
/// the one that their tiles are multiplied in.
template <class Run>
void with_tile_type(c10::ScalarType type, Run&& run) {
  const bool as_is = multiplies_tiles(type);
  if (type == at::kBFloat16) {
    as_is ? run(BFloat16{}, BFloat16{}) : run(BFloat16{}, float{});
  } else if (type == at::kHalf) {
    as_is ? run(Half{}, Half{}) : run(Half{}, float{});
  } else {
    run(float{}, float{});
  }
}

template <class Tile, class In>
Tile as_tile(In v) {
  if constexpr (std::is_same_v<Tile, In>) {
    return v;
  } else {
    return to_float(v);
  }
}

}  // namespace mattecore::network
