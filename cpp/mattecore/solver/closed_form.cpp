#include "mattecore/solver/closed_form.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/solver/band.h"
#include "mattecore/solver/conjugate_gradient.h"
#include "mattecore/solver/matting_laplacian.h"
#include "mattecore/solver/multigrid.h"
#include "mattecore/solver/slabs.h"

namespace mattecore::solver {
namespace {

constexpr const char* kWork = "closed-form matting";

template <class T>
void check(ImageView<const T> image, ImageView<const float> trimap, ImageView<float> alpha) {
  if (image.channels != 1 && image.channels != 3)
    throw_invalid("closed_form takes an image of 1 or 3 channels, this one has ", image.channels);
  if (trimap.channels != 1 || alpha.channels != 1)
    throw_invalid("closed_form takes a trimap and an alpha of one channel, these have ", trimap.channels, " and ",
                  alpha.channels);
  if (!image.same_size(trimap) || !image.same_size(alpha))
    throw_invalid("closed_form takes an image, a trimap and an alpha of one size, these are ", image.height, " x ",
                  image.width, ", ", trimap.height, " x ", trimap.width, " and ", alpha.height, " x ", alpha.width);
}

template <class T>
void check_finite(ImageView<const T> view, const char* name) {
  parallel_for(view.height, 64, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y)
      for (int64_t x = 0; x < view.width; ++x)
        for (int64_t c = 0; c < view.channels; ++c)
          if (!std::isfinite(view(y, x, c)))
            throw_invalid("the ", name, " holds ", view(y, x, c), " at row ", y, ", column ", x,
                          "; finite values are wanted");
  });
}

Label label_of(float trimap) {
  return trimap >= 0.9f ? Label::foreground : trimap <= 0.1f ? Label::background : Label::unknown;
}

float known_alpha(Label label) { return label == Label::foreground ? 1.0f : label == Label::background ? 0.0f : 0.5f; }

template <class Body>
void for_pixels(int64_t height, int64_t width, Body&& body) {
  parallel_for(height, 64, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y)
      for (int64_t x = 0; x < width; ++x) body(y, x);
  });
}

bool contains(ImageView<const Label> labels, Label wanted) {
  for (int64_t y = 0; y < labels.height; ++y)
    if (std::find(labels.row(y), labels.row(y) + labels.width, wanted) != labels.row(y) + labels.width) return true;
  return false;
}

/// The unknown pixels' alpha, as a vector over the band.
template <class T>
Buffer<double> solve(const Band& band, ImageView<const T> image, ImageView<const Label> labels,
                     const ClosedFormOptions& options, const Progress& progress) {
  Pulse pulse(progress, kWork);
  pulse.beat();
  auto windows = std::make_unique<Windows>(band, image, labels, options.epsilon, pulse);
  MattingSystem system = matting_system(*windows, pulse);
  Multigrid multigrid(*windows, system.matrix, pulse);
  windows.reset();

  double fraction = 0;
  Buffer<double> x(static_cast<size_t>(band.size()));
  conjugate_gradient(
      band.size(), system.right_side.data(), x.data(), {options.tolerance, options.max_iterations},
      [&](const double* p, double* out) {
        pulse.beat();
        system.matrix.multiply(p, out);
        pulse.beat();
      },
      [&](const double* r, double* out) { multigrid.apply(r, out, pulse); },
      [&](int, double relative_residual) {
        if (options.residuals) options.residuals->push_back(relative_residual);
        // The residual falls by about the same factor each time, but for a few steps up.
        fraction = std::clamp(std::log(relative_residual) / std::log(options.tolerance), fraction, 1.0);
        pulse.set_fraction(fraction);
        pulse.beat();
      });
  return x;
}

}  // namespace

template <class T>
void closed_form(ImageView<const T> image, ImageView<const float> trimap, const ClosedFormOptions& options,
                 const Progress& progress, ImageView<float> alpha) {
  check(image, trimap, alpha);
  check_finite(trimap, "trimap");
  Image<Label> labels(trimap.height, trimap.width);
  for_pixels(trimap.height, trimap.width, [&](int64_t y, int64_t x) { labels(y, x) = label_of(trimap(y, x)); });
  const bool any_unknown = contains(labels.view(), Label::unknown);
  if (any_unknown) {
    if (!contains(labels.view(), Label::foreground))
      throw_invalid("the trimap has no known foreground: no value is 0.9 or more");
    if (!contains(labels.view(), Label::background))
      throw_invalid("the trimap has no known background: no value is 0.1 or less");
    check_finite(image, "image");
  }
  const auto write_known = [&] {
    for_pixels(alpha.height, alpha.width, [&](int64_t y, int64_t x) { alpha(y, x) = known_alpha(labels(y, x)); });
  };
  const bool has_windows = image.height >= 3 && image.width >= 3;
  if (!any_unknown || !has_windows) return write_known();

  const Band band(labels.view());
  const Buffer<double> unknown_alpha = solve<T>(band, image, labels.view(), options, progress);
  write_known();
  for (const Band::Block& block : band.blocks())
    for (int64_t x = block.x; x < std::min<int64_t>(block.x + Band::kBlock, alpha.width); ++x)
      if (labels(block.y, x) == Label::unknown)
        alpha(block.y, x) =
            static_cast<float>(std::clamp(unknown_alpha[static_cast<size_t>(block.at + x - block.x)], 0.0, 1.0));
}

template void closed_form(ImageView<const float>, ImageView<const float>, const ClosedFormOptions&, const Progress&,
                          ImageView<float>);
template void closed_form(ImageView<const double>, ImageView<const float>, const ClosedFormOptions&, const Progress&,
                          ImageView<float>);

}  // namespace mattecore::solver
