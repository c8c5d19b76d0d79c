#include "mattecore/kernels/normalize.h"

#include <array>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/kernels/rows.h"

namespace mattecore::kernels {
namespace {

using Table = std::array<float, 256>;

/// One row in which pixels lie one behind the other.
template <size_t kChannels>
void look_up(const uint8_t* in, int64_t width, const Table* tables, float* out) {
  for (int64_t x = 0; x < width; ++x, in += kChannels, out += kChannels)
    for (size_t c = 0; c < kChannels; ++c) out[c] = tables[c][in[c]];
}

}  // namespace

void normalize(ImageView<const uint8_t> in, std::span<const double> mean, std::span<const double> std,
               ImageView<float> out) {
  const auto channels = static_cast<size_t>(in.channels);
  if (mean.size() != channels || std.size() != channels || out.channels != in.channels)
    throw_invalid("the picture has ", channels, " channels, mean ", mean.size(), ", std ", std.size(), " and out ",
                  out.channels, "; wanted as many of each");
  if (out.height < in.height || out.width < in.width)
    throw_invalid("out is ", out.width, " x ", out.height, "; wanted at least ", in.width, " x ", in.height);

  // 8 bits have 256 values: a division for each of them, not for each pixel. Scaled by 255, it is one rounding.
  std::vector<Table> tables(channels);
  for (size_t c = 0; c < channels; ++c)
    for (size_t v = 0; v < 256; ++v)
      tables[c][v] = static_cast<float>((static_cast<double>(v) - 255 * mean[c]) / (255 * std[c]));

  const bool packed = in.has_packed_rows() && out.has_packed_rows();
  for_each_row(out.height, out.width * out.channels, [&](int64_t y) {
    const int64_t inside = y < in.height ? in.width : 0;
    if (packed && inside > 0 && channels == 3) {
      look_up<3>(in.row(y), inside, tables.data(), out.row(y));
    } else if (packed && inside > 0 && channels == 4) {
      look_up<4>(in.row(y), inside, tables.data(), out.row(y));
    } else {
      for (int64_t x = 0; x < inside; ++x)
        for (size_t c = 0; c < channels; ++c)
          out(y, x, static_cast<int64_t>(c)) = tables[c][in(y, x, static_cast<int64_t>(c))];
    }
    for (int64_t x = inside; x < out.width; ++x)
      for (int64_t c = 0; c < out.channels; ++c) out(y, x, c) = 0;
  });
}

}  // namespace mattecore::kernels
