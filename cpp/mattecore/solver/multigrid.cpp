#include "mattecore/solver/multigrid.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "mattecore/base/parallel.h"
#include "mattecore/solver/reduce.h"

namespace mattecore::solver {
namespace {
int env(const char* n, int d) {
  const char* e = getenv(n);
  return e ? atoi(e) : d;
}
double envd(const char* n, double d) {
  const char* e = getenv(n);
  return e ? atof(e) : d;
}

/// Values of a vector that one thread takes at least.
constexpr int64_t kGrain = 1 << 15;

/// From this many nodes the coarsest level's inverse is computed: 4 x 64 squared numbers, 0.25 MiB.
constexpr int64_t kCoarsestNodes = 64;

/// The part of the spectrum that smoothing must damp on the pixels and on the grids.
constexpr double kLowestPixels = 0.25, kLowestModels = 0.2;

/// A start without structure for the power method.
float noise(uint64_t i) {
  i = (i + 1) * 0x9e3779b97f4a7c15u;
  i ^= i >> 29;
  i *= 0xbf58476d1ce4e5b9u;
  return static_cast<float>(i >> 40) / static_cast<float>(1 << 23) - 1;
}

/// d = momentum d + gain scale r; x += d. scale may be null (one). momentum 0 does not read d.
void step(int64_t count, float momentum, float gain, const float* scale, const float* r, float* d, float* x) {
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    if (momentum == 0) std::fill(d + begin, d + end, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      d[i] = momentum * d[i] + gain * (scale ? scale[i] * r[i] : r[i]);
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

Chebyshev::Chebyshev(size_t count, double lowest_eigenvalue, double largest_eigenvalue) {
  const double middle = (largest_eigenvalue + lowest_eigenvalue) / 2;
  const double half = (largest_eigenvalue - lowest_eigenvalue) / 2;
  steps.push_back({0, static_cast<float>(1 / middle)});
  double rho = half / middle;
  while (steps.size() < count) {
    const double next = 1 / (2 * middle / half - rho);
    steps.push_back({static_cast<float>(next * rho), static_cast<float>(2 * next / half)});
    rho = next;
  }
}

Multigrid::Multigrid(const Windows& windows, const Stencil<double>& matrix, const Pulse& pulse)
    : band_(&windows.band()),
      matrix_(*band_),
      inverse_diagonal_(static_cast<size_t>(band_->size())),
      x_(zeros<float>(band_->size())),
      r_(zeros<float>(band_->size())),
      d_(zeros<float>(band_->size())),
      smoother_(1, .1, 1) {
  const int64_t n = band_->size();
  for (int k = 0; k < Stencil<float>::kCount; ++k) {
    const double* from = matrix.coefficients(k);
    float* to = matrix_.coefficients(k);
    parallel_for(n, kGrain, [&](int64_t begin, int64_t end) { std::copy(from + begin, from + end, to + begin); });
    pulse.beat();
  }
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      inverse_diagonal_[static_cast<size_t>(i)] = matrix.coefficients(0)[i] > 0 ? 1.0f / 9 : 0.0f;
    }
  });
  smoother_ = Chebyshev(env("PS", 2), envd("PL", .25), 1);

  ModelGrid grid(windows, pulse);
  while (grid.size() > kCoarsestNodes && grid.nodes().height() * grid.nodes().width() > 4) {
    ModelGrid coarser(grid, pulse);
    levels_.push_back(make_level(std::move(grid)));
    grid = std::move(coarser);
  }
  levels_.push_back(make_level(std::move(grid)));
  inverse_ = inverse(levels_.back().grid.dense(), 4 * levels_.back().grid.size());
}

Multigrid::Level Multigrid::make_level(ModelGrid grid) const {
  const auto count = static_cast<size_t>(grid.size());
  Level level{std::move(grid),       Chebyshev(1, .1, 1),   Buffer<Float4>(count),
              Buffer<Float4>(count), Buffer<Float4>(count), Buffer<Float4>(count)};
  std::fill(level.b.begin(), level.b.end(), Float4{});
  level.smoother = Chebyshev(env("MS", 2), envd("ML", .2) * 4, 4);
  return level;
}

void Multigrid::apply(const double* r, double* z, const Pulse& pulse) {
  const int64_t n = band_->size();
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      r_[static_cast<size_t>(i)] = static_cast<float>(r[i]);
      x_[static_cast<size_t>(i)] = 0;
    }
  });
  const auto smooth = [&](Chebyshev::Step s) {
    step(n, s.momentum, s.gain, inverse_diagonal_.data(), r_.data(), d_.data(), x_.data());
  };
  for (const Chebyshev::Step s : smoother_.steps) {
    smooth(s);
    matrix_.residual(d_.data(), r_.data(), r_.data());
    pulse.beat();
  }

  Level& coarse = levels_.front();
  coarse.grid.restrict_from_band(r_.data(), coarse.b.data());
  cycle(0);
  pulse.beat();
  std::fill(d_.begin(), d_.end(), 0.0f);
  coarse.grid.prolong_to_band(coarse.x.data(), coarse.d.data(), d_.data());
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x_[static_cast<size_t>(i)] += d_[static_cast<size_t>(i)];
  });

  for (const Chebyshev::Step s : smoother_.steps) {
    matrix_.residual(d_.data(), r_.data(), r_.data());
    pulse.beat();
    smooth(s);
  }
  parallel_for(n, kGrain,
               [&](int64_t begin, int64_t end) { std::copy(x_.begin() + begin, x_.begin() + end, z + begin); });
}

void Multigrid::cycle(size_t index) {
  if (index + 1 == levels_.size()) return solve_coarsest();
  Level& level = levels_[index];
  Level& coarse = levels_[index + 1];
  const int64_t count = 4 * level.grid.size();
  const auto smooth = [&](Chebyshev::Step s) {
    step(count, s.momentum, s.gain, nullptr, flat(level.r), flat(level.d), flat(level.x));
  };

  std::fill(level.x.begin(), level.x.end(), Float4{});
  std::copy(level.b.begin(), level.b.end(), level.r.begin());
  for (const Chebyshev::Step s : level.smoother.steps) {
    smooth(s);
    level.grid.residual(level.d.data(), level.r.data(), level.r.data());
  }
  for (int visit = 0; visit < (coarse.grid.size() < envd("WR", 2) * level.grid.size() ? 2 : 1); ++visit) {
    coarse.grid.restrict_from(level.grid, level.r.data(), level.d.data(), coarse.b.data());
    cycle(index + 1);
    coarse.grid.prolong_to(level.grid, coarse.x.data(), coarse.d.data(), level.x.data());
    level.grid.residual(level.x.data(), level.b.data(), level.r.data());
  }
  for (size_t i = 0; i < level.smoother.steps.size(); ++i) {
    smooth(level.smoother.steps[i]);
    if (i + 1 < level.smoother.steps.size()) level.grid.residual(level.d.data(), level.r.data(), level.r.data());
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
