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

struct Counts {
  int64_t foreground = 0, background = 0, unknown = 0;
};

Counts label(ImageView<const float> trimap, ImageView<Label> labels) {
  Counts counts;
  for (int64_t y = 0; y < trimap.height; ++y)
    for (int64_t x = 0; x < trimap.width; ++x) {
      const float v = trimap(y, x);
      const Label l = v >= 0.9f ? Label::foreground : v <= 0.1f ? Label::background : Label::unknown;
      labels(y, x) = l;
      ++(l == Label::foreground ? counts.foreground : l == Label::background ? counts.background : counts.unknown);
    }
  return counts;
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

  Buffer<double> x(static_cast<size_t>(band.size()));
  conjugate_gradient(
      band.size(), system.right_side.data(), x.data(), {options.tolerance, options.max_iterations},
      [&](const double* p, double* out) { system.matrix.multiply(p, out); },
      [&](const double* r, double* out) { multigrid.apply(r, out, pulse); },
      [&](int, double relative_residual) {
        if (options.residuals) options.residuals->push_back(relative_residual);
        // The residual falls by about the same factor each time.
        pulse.set_fraction(std::clamp(std::log(relative_residual) / std::log(options.tolerance), 0.0, 1.0));
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
  const Counts counts = label(trimap, labels.view());
  const bool has_windows = image.height >= 3 && image.width >= 3;
  if (counts.unknown > 0) {
    if (counts.foreground == 0) throw_invalid("the trimap has no known foreground: no value is 0.9 or more");
    if (counts.background == 0) throw_invalid("the trimap has no known background: no value is 0.1 or less");
    check_finite(image, "image");
  }

  for (int64_t y = 0; y < alpha.height; ++y)
    for (int64_t x = 0; x < alpha.width; ++x)
      alpha(y, x) = labels(y, x) == Label::foreground ? 1.0f : labels(y, x) == Label::background ? 0.0f : 0.5f;
  if (counts.unknown == 0 || !has_windows) return;

  const Band band(labels.view());
  const Buffer<double> unknown_alpha = solve<T>(band, image, labels.view(), options, progress);
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
