#include "mattecore/kernels/resample_weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "mattecore/base/error.h"

namespace mattecore::kernels {
namespace {

struct Kernel {
  double support;  ///< is 0 from here on
  double (*value)(double x);
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming(double x) {
  x = std::abs(x);
  if (x == 0.0) return 1.0;
  if (x >= 1.0) return 0.0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54f + 0.46f * std::cos(x));  // Pillow rounds these two to float, and the pixels show it
}

/// Keys' cubic with a = -0.5.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::box:
      return {0.5, box};
    case Filter::bilinear:
      return {1.0, bilinear};
    case Filter::hamming:
      return {1.0, hamming};
    case Filter::bicubic:
      return {2.0, bicubic};
    case Filter::lanczos:
      return {3.0, lanczos};
    case Filter::nearest:
      break;
  }
  throw_invalid("nearest has no weights");
}

}  // namespace

Filter filter_from_name(std::string_view name) {
  constexpr std::pair<std::string_view, Filter> kNames[] = {
      {"nearest", Filter::nearest}, {"box", Filter::box},         {"bilinear", Filter::bilinear},
      {"hamming", Filter::hamming}, {"bicubic", Filter::bicubic}, {"lanczos", Filter::lanczos}};
  for (const auto& [known, filter] : kNames)
    if (name == known) return filter;
  throw_invalid("the filter is '", name, "'; wanted nearest, box, bilinear, hamming, bicubic or lanczos");
}

ResampleWeights resample_weights(int64_t in, int64_t out, Filter filter, int64_t begin, int64_t end) {
  const Kernel kernel = kernel_of(filter);
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double widening = std::max(scale, 1.0);
  const double support = kernel.support * widening;

  ResampleWeights result;
  result.begin = begin;
  result.taps = std::min(in, static_cast<int64_t>(std::ceil(support)) * 2 + 1);
  result.firsts.reserve(static_cast<size_t>(end - begin));
  result.counts.reserve(static_cast<size_t>(end - begin));
  result.weights.assign(static_cast<size_t>((end - begin) * result.taps), 0);

  std::vector<double> exact(static_cast<size_t>(result.taps));
  for (int64_t i = begin; i < end; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const int64_t count = std::min<int64_t>(in, static_cast<int64_t>(center + support + 0.5)) - first;
    double sum = 0.0;
    for (int64_t t = 0; t < count; ++t) {
      // The reciprocal is multiplied, not divided by: the product's rounding is part of the result.
      const double w = kernel.value((static_cast<double>(t + first) - center + 0.5) * (1.0 / widening));
      exact[static_cast<size_t>(t)] = w;
      sum += w;
    }
    for (int64_t t = 0; t < count; ++t) {
      double w = exact[static_cast<size_t>(t)];
      if (sum != 0.0) w /= sum;
      w *= 1 << kWeightBits;
      result.weights[static_cast<size_t>((i - begin) * result.taps + t)] =
          static_cast<int32_t>(w < 0 ? w - 0.5 : w + 0.5);
    }
    result.firsts.push_back(static_cast<int32_t>(first));
    result.counts.push_back(static_cast<int32_t>(count));
  }
  return result;
}

}  // namespace mattecore::kernels
