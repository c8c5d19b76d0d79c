#include "mattecore/kernels/guided_filter.h"

#include <atomic>

#include "mattecore/kernels/cpu/guided_coefficients.h"

namespace mattecore::kernels {
namespace {

using namespace guided;

template <class Guide>
void filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius, double eps,
            ImageView<float> out) {
  std::atomic<bool> finite = true;
  for_each_tile<Guide>(guide, source, radius, eps, [&](int64_t y, int64_t begin, int64_t end, const Quad* means) {
    if (!apply<Guide>(means, guide, y, begin, end, out)) finite = false;
  });
  check_finite(finite);
}

}  // namespace

void guided_filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius_px, double eps,
                   ImageView<float> out) {
  check_guided_filter(guide, source, radius_px, eps, out);
  if (guide.height == 0 || guide.width == 0) return;
  if (guide.channels == 3)
    filter<ColourGuide>(guide, source, radius_px, eps, out);
  else
    filter<GreyGuide>(guide, source, radius_px, eps, out);
}

}  // namespace mattecore::kernels
