#include "mattecore/solver/multigrid.h"

#include <algorithm>
#include <utility>

#include "mattecore/base/parallel.h"

namespace mattecore::solver {
namespace {

/// Values of a vector that one thread takes at least.
constexpr int64_t kGrain = 1 << 15;

/// From this many nodes the coarsest level's inverse is computed: 4 x 64 squared numbers, 0.25 MiB.
constexpr int64_t kCoarsestNodes = 64;

/// A level this much smaller than the one below is visited twice (a W-cycle), so that all levels together cost little
/// more than two of the first. Thin bands halve from level to level, and there one visit is as good.
constexpr double kVisitedTwice = 0.33;

/// Smoothing on the pixels. With nine, the windows that hold a pixel, in the place of the diagonal, no eigenvalue is
/// above 1, as each window's energy is at most the sum of its x_i^2. (Jacobi's own diagonal lets single pixels of odd
/// colours reach 3 and more, which a few steps of the power method miss.)
constexpr float kInverseDiagonal = 1.0f / 9;
constexpr int kPixelSteps = 2;
constexpr double kPixelLowest = 0.25, kPixelLargest = 1;

/// Smoothing on the grids. The diagonal blocks are 1, and the energy is a sum over cells of four nodes: no eigenvalue
/// is above 4. Two steps need 1.3 times the iterations of four, eight save a tenth.
constexpr int kModelSteps = 4;
constexpr double kModelLowest = 0.16, kModelLargest = 4;

void advance(Chebyshev::Step step, int64_t count, const float* r, float* d, float* x) {
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    // The first step begins without a d.
    if (step.momentum == 0) std::fill(d + begin, d + end, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      d[i] = step.momentum * d[i] + step.gain * r[i];
      x[i] += d[i];
    }
  });
}

float* flat(Buffer<Float4>& v) { return reinterpret_cast<float*>(v.data()); }

/// Replaces a symmetric positive semidefinite matrix by its inverse; rows without a pivot give zeros.
Buffer<float> inverse(Buffer<double> a, int64_t n) {
  const auto at = [&](int64_t r, int64_t c) -> double& { return a[static_cast<size_t>(r * n + c)]; };
  // Gauss-Jordan without pivoting, which a positive definite matrix does not need.
  for (int64_t k = 0; k < n; ++k) {
    const double pivot = at(k, k);
    if (!(pivot > 1e-9)) {
      for (int64_t i = 0; i < n; ++i) at(i, k) = at(k, i) = 0;
      continue;
    }
    for (int64_t c = 0; c < n; ++c) at(k, c) /= pivot;
    for (int64_t r = 0; r < n; ++r) {
      if (r == k) continue;
      const double factor = at(r, k);
      for (int64_t c = 0; c < n; ++c) at(r, c) -= factor * at(k, c);
      at(r, k) = -factor / pivot;
    }
    at(k, k) = 1 / pivot;
  }
  Buffer<float> out(static_cast<size_t>(n * n));
  for (int64_t r = 0; r < n; ++r)
    for (int64_t c = 0; c < n; ++c) out[static_cast<size_t>(r * n + c)] = static_cast<float>((at(r, c) + at(c, r)) / 2);
  return out;
}

}  // namespace

Chebyshev::Chebyshev(int count, double inverse_diagonal, double lowest_eigenvalue, double largest_eigenvalue) {
  const double middle = (largest_eigenvalue + lowest_eigenvalue) / 2;
  const double half = (largest_eigenvalue - lowest_eigenvalue) / 2;
  steps.push_back({0, static_cast<float>(inverse_diagonal / middle)});
  double rho = half / middle;
  for (int i = 1; i < count; ++i) {
    const double next = 1 / (2 * middle / half - rho);
    steps.push_back({static_cast<float>(next * rho), static_cast<float>(inverse_diagonal * 2 * next / half)});
    rho = next;
  }
}

Multigrid::Multigrid(const Windows& windows, const Stencil<double>& matrix, const Pulse& pulse)
    : band_(&windows.band()),
      matrix_(*band_, pulse),
      smoother_(kPixelSteps, kInverseDiagonal, kPixelLowest, kPixelLargest),
      model_smoother_(kModelSteps, 1, kModelLowest, kModelLargest),
      x_(zeros<float>(band_->size(), pulse)),
      r_(zeros<float>(band_->size(), pulse)),
      d_(zeros<float>(band_->size(), pulse)) {
  for (int k = 0; k < Stencil<float>::kCount; ++k) {
    const double* from = matrix.coefficients(k);
    float* to = matrix_.coefficients(k);
    parallel_for(band_->size(), kGrain,
                 [&](int64_t begin, int64_t end) { std::copy(from + begin, from + end, to + begin); });
    pulse.beat();
  }
  ModelGrid grid(windows, pulse);
  while (grid.size() > kCoarsestNodes && grid.nodes().height() * grid.nodes().width() > 4) {
    ModelGrid coarser(grid, pulse);
    levels_.push_back(make_level(std::move(grid)));
    grid = std::move(coarser);
  }
  levels_.push_back(make_level(std::move(grid)));
  inverse_ = inverse(levels_.back().grid.dense(), 4 * levels_.back().grid.size());
}

Multigrid::Level Multigrid::make_level(ModelGrid grid) {
  const auto count = static_cast<size_t>(grid.size());
  return {std::move(grid), Buffer<Float4>(count), Buffer<Float4>(count), Buffer<Float4>(count), Buffer<Float4>(count)};
}

void Multigrid::apply(const double* r, double* z, const Pulse& pulse) {
  const int64_t n = band_->size();
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      r_[static_cast<size_t>(i)] = static_cast<float>(r[i]);
      x_[static_cast<size_t>(i)] = 0;
    }
  });
  for (const Chebyshev::Step step : smoother_.steps) {
    advance(step, n, r_.data(), d_.data(), x_.data());
    matrix_.residual(d_.data(), r_.data(), r_.data());
    pulse.beat();
  }

  Level& coarse = levels_.front();
  coarse.grid.restrict_from_band(r_.data(), coarse.b.data());
  pulse.beat();
  cycle(0, pulse);
  std::fill(d_.begin(), d_.end(), 0.0f);
  coarse.grid.prolong_to_band(coarse.x.data(), coarse.d.data(), d_.data());
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x_[static_cast<size_t>(i)] += d_[static_cast<size_t>(i)];
  });

  // The correction, too, is a change of x that the residual follows.
  for (const Chebyshev::Step step : smoother_.steps) {
    matrix_.residual(d_.data(), r_.data(), r_.data());
    pulse.beat();
    advance(step, n, r_.data(), d_.data(), x_.data());
  }
  parallel_for(n, kGrain,
               [&](int64_t begin, int64_t end) { std::copy(x_.begin() + begin, x_.begin() + end, z + begin); });
}

void Multigrid::cycle(size_t index, const Pulse& pulse) {
  if (index + 1 == levels_.size()) return solve_coarsest();
  Level& level = levels_[index];
  Level& coarse = levels_[index + 1];
  const int64_t count = 4 * level.grid.size();
  const std::vector<Chebyshev::Step>& steps = model_smoother_.steps;
  const auto update_residual = [&](const Buffer<Float4>& x, const Buffer<Float4>& b) {
    level.grid.residual(x.data(), b.data(), level.r.data());
    // The levels above are too small, and visited too often, to be worth a beat.
    if (index < 2) pulse.beat();
  };

  std::fill(level.x.begin(), level.x.end(), Float4{});
  std::copy(level.b.begin(), level.b.end(), level.r.begin());
  for (const Chebyshev::Step step : steps) {
    advance(step, count, flat(level.r), flat(level.d), flat(level.x));
    update_residual(level.d, level.r);
  }
  const bool twice = static_cast<double>(coarse.grid.size()) < kVisitedTwice * static_cast<double>(level.grid.size());
  for (int visit = 0; visit < (twice ? 2 : 1); ++visit) {
    coarse.grid.restrict_from(level.grid, level.r.data(), level.d.data(), coarse.b.data());
    cycle(index + 1, pulse);
    coarse.grid.prolong_to(level.grid, coarse.x.data(), coarse.d.data(), level.x.data());
    update_residual(level.x, level.b);
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i > 0) update_residual(level.d, level.r);
    advance(steps[i], count, flat(level.r), flat(level.d), flat(level.x));
  }
}

void Multigrid::solve_coarsest() {
  Level& level = levels_.back();
  const int64_t n = 4 * level.grid.size();
  const float* b = flat(level.b);
  float* x = flat(level.x);
  std::fill(x, x + n, 0.0f);
  for (int64_t k = 0; k < n; ++k) {
    const float* row = inverse_.data() + k * n;
    for (int64_t i = 0; i < n; ++i) x[i] += row[i] * b[k];
  }
}

}  // namespace mattecore::solver
