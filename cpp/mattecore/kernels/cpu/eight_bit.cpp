#include "mattecore/kernels/eight_bit.h"

#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

/// out = f(in) for a run of values. All that the loop needs is in parameters of its own: an 8-bit target may lie
/// anywhere as far as the compiler knows, over a view's width too, and then every value is treated alone.
template <class In, class Out, class F>
inline void map_run(const In* __restrict in, Out* __restrict out, int64_t count, F f) {
  for (int64_t i = 0; i < count; ++i) out[i] = f(in[i]);
}

/// out = f(in), value by value. Rows that are one run in memory take a loop the compiler turns into vectors.
template <class In, class Out, class F>
void map_values(ImageView<const In> in, ImageView<Out> out, F f) {
  const bool packed = in.has_packed_rows() && out.has_packed_rows();
  for_each_row(in.height, in.width * in.channels, [&](int64_t y) {
    if (packed) return map_run(in.row(y), out.row(y), in.width * in.channels, f);
    for (int64_t x = 0; x < in.width; ++x)
      for (int64_t c = 0; c < in.channels; ++c) out(y, x, c) = f(in(y, x, c));
  });
}

}  // namespace

template <class T>
void to_u8(ImageView<const T> in, ImageView<uint8_t> out) {
  map_values(in, out, [](T v) { return value_to_u8(v); });
}

template void to_u8(ImageView<const float>, ImageView<uint8_t>);
template void to_u8(ImageView<const double>, ImageView<uint8_t>);
template void to_u8(ImageView<const Half>, ImageView<uint8_t>);
template void to_u8(ImageView<const BFloat16>, ImageView<uint8_t>);

void from_u8(ImageView<const uint8_t> in, ImageView<float> out) {
  map_values(in, out, [](uint8_t v) { return value_from_u8(v); });
}

}  // namespace mattecore::kernels
