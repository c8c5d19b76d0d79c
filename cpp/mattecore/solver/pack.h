#pragma once

#include <cstring>

// GCC notes that such types are passed in other registers where the instruction set is smaller; ours are all inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace mattecore::solver {

template <class T, int kCount>
struct PackType {
  typedef T type __attribute__((vector_size(kCount * sizeof(T))));
};

/// `kCount` values that the compiler keeps in vector registers, with the operators of a single value.
template <class T, int kCount>
using Pack = typename PackType<T, kCount>::type;

/// Eight neighbours of a row: a block of the band (band.h).
template <class T>
using RowPack = Pack<T, 8>;

/// The four numbers of a local colour model (model_grid.h).
using Float4 = Pack<float, 4>;

template <class P, class T>
[[gnu::always_inline]] inline P load(const T* from) {
  P value;
  std::memcpy(&value, from, sizeof(P));
  return value;
}

template <class P, class T>
[[gnu::always_inline]] inline void store(T* to, const P& value) {
  std::memcpy(to, &value, sizeof(P));
}

}  // namespace mattecore::solver
