#pragma once

#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/solver/matting_laplacian.h"
#include "mattecore/solver/model_grid.h"
#include "mattecore/solver/slabs.h"

namespace mattecore::solver {

/// A symmetric polynomial smoother: the best polynomial in D^-1 A, in Chebyshev's sense, for the eigenvalues
/// largest * kLowest .. largest (Adams, Brezina, Hu and Tuminaro 2003).
struct Chebyshev {
  /// d = momentum d + gain D^-1 r; x += d; r -= A d.
  struct Step {
    float momentum, gain;
  };
  std::vector<Step> steps;

  Chebyshev(size_t count, double lowest_eigenvalue, double largest_eigenvalue);
};

/// An approximate inverse of a matting Laplacian in float: one W-cycle over the pixels and the model grids above them.
/// Costs some 15 products with the matrix; see docs/performance.md for its convergence.
class Multigrid {
 public:
  Multigrid(const Windows& windows, const Stencil<double>& matrix, const Pulse& pulse);

  /// z = M^-1 r over the band, M symmetric.
  void apply(const double* r, double* z, const Pulse& pulse);

  /// Pixels first, then the model grids.
  int64_t levels() const { return 1 + std::ssize(levels_); }

 private:
  struct Level {
    ModelGrid grid;
    Chebyshev smoother;
    Buffer<Float4> b, x, r, d;
  };

  Level make_level(ModelGrid grid) const;
  void cycle(size_t level);
  void solve_coarsest();

  const Band* band_;
  Stencil<float> matrix_;
  Buffer<float> inverse_diagonal_;
  Buffer<float> x_, r_, d_;
  Chebyshev smoother_;
  std::vector<Level> levels_;
  /// Of the coarsest level; symmetric.
  Buffer<float> inverse_;
};

}  // namespace mattecore::solver
