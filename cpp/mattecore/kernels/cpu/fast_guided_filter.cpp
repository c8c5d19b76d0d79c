#include <atomic>
#include <vector>

#include "mattecore/base/round_up.h"
#include "mattecore/kernels/cpu/guided_coefficients.h"
#include "mattecore/kernels/guided_filter.h"

namespace mattecore::kernels {
namespace {

using namespace guided;

/// Means of factor x factor pixels, fewer at the far borders.
Image<float> shrink(ImageView<const float> in, int64_t factor) {
  const int64_t channels = in.channels, row_values = in.width * channels;
  Image<float> out(pieces(in.height, factor), pieces(in.width, factor), channels);
  parallel_for(out.view().height, std::max<int64_t>(1, 16384 / (row_values * factor)), [&](int64_t begin, int64_t end) {
    Buffer<float> sums(static_cast<size_t>(row_values));
    for (int64_t y = begin; y < end; ++y) {
      const int64_t bottom = std::min((y + 1) * factor, in.height);
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t v = y * factor; v < bottom; ++v) {
        if (in.has_packed_rows())
          for (int64_t i = 0; i < row_values; ++i) sums.data()[i] += in.row(v)[i];
        else
          for (int64_t x = 0; x < in.width; ++x)
            for (int64_t c = 0; c < channels; ++c) sums.data()[x * channels + c] += in(v, x, c);
      }
      for (int64_t x = 0; x < out.view().width; ++x) {
        const int64_t left = x * factor, right = std::min(left + factor, in.width);
        const float per_pixel = 1.0f / static_cast<float>((bottom - y * factor) * (right - left));
        for (int64_t c = 0; c < channels; ++c) {
          float sum = 0;
          for (int64_t i = left * channels + c; i < right * channels; i += channels) sum += sums.data()[i];
          out(y, x, c) = sum * per_pixel;
        }
      }
    }
  });
  return out;
}

/// Where a pixel of the full picture lies between two of one shrunk by `factor`.
struct Between {
  int32_t first, second;
  float second_weight;

  Between(int64_t i, int64_t factor, int64_t size) {
    const float at = std::max(0.0f, (static_cast<float>(i) + 0.5f) / static_cast<float>(factor) - 0.5f);
    first = static_cast<int32_t>(std::min(static_cast<int64_t>(at), size - 1));
    second = static_cast<int32_t>(std::min<int64_t>(first + 1, size - 1));
    second_weight = at - static_cast<float>(first);
  }
};

template <class Guide>
void fast_filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius, double eps,
                 int64_t factor, ImageView<float> out) {
  const Image<float> small_guide = shrink(guide, factor), small_source = shrink(source, factor);
  const int64_t height = small_source.view().height, width = small_source.view().width;
  const int64_t small_radius = radius == 0 ? 0 : std::max<int64_t>(1, (radius + factor / 2) / factor);
  Buffer<Quad> coefficients(static_cast<size_t>(height * width));
  for_each_tile<Guide>(small_guide.view(), small_source.view(), small_radius, eps,
                       [&](int64_t y, int64_t begin, int64_t end, const Quad* means) {
                         std::copy(means, means + (end - begin), coefficients.data() + y * width + begin);
                       });

  std::atomic<bool> finite = true;
  std::vector<Between> columns;
  for (int64_t x = 0; x < guide.width; ++x) columns.emplace_back(x, factor, width);
  parallel_for(guide.height, std::max<int64_t>(1, 16384 / guide.width), [&](int64_t row_begin, int64_t row_end) {
    Buffer<Quad> row(static_cast<size_t>(width));
    for (int64_t y = row_begin; y < row_end; ++y) {
      const Between rows(y, factor, height);
      const Quad *upper = coefficients.data() + rows.first * width, *lower = coefficients.data() + rows.second * width;
      for (int64_t x = 0; x < width; ++x) row.data()[x] = upper[x] + (lower[x] - upper[x]) * rows.second_weight;
      for (int64_t begin = 0; begin < guide.width; begin += kTile) {
        const int64_t end = std::min(begin + kTile, guide.width);
        Quad stretched[kTile];
        for (int64_t x = begin; x < end; ++x) {
          const Between& at = columns[static_cast<size_t>(x)];
          const Quad left = row.data()[at.first], right = row.data()[at.second];
          stretched[x - begin] = left + (right - left) * at.second_weight;
        }
        if (!apply<Guide>(stretched, guide, y, begin, end, out)) finite = false;
      }
    }
  });
  check_finite(finite);
}

}  // namespace

void fast_guided_filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius_px, double eps,
                        int64_t subsample, ImageView<float> out) {
  check_guided_filter(guide, source, radius_px, eps, out);
  if (subsample < 1) throw_invalid("fast_guided_filter: subsample is ", subsample, ", at least 1 is wanted");
  if (guide.height == 0 || guide.width == 0) return;
  if (guide.channels == 3)
    fast_filter<ColourGuide>(guide, source, radius_px, eps, subsample, out);
  else
    fast_filter<GreyGuide>(guide, source, radius_px, eps, subsample, out);
}

}  // namespace mattecore::kernels
