#pragma once

#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/solver/matting_laplacian.h"
#include "mattecore/solver/model_grid.h"
#include "mattecore/solver/slabs.h"

namespace mattecore::solver {

/// A symmetric polynomial smoother: the polynomial in the matrix, divided by a constant diagonal, that is smallest for
/// the eigenvalues lowest .. largest of that (Adams, Brezina, Hu and Tuminaro 2003). largest must not be exceeded.
struct Chebyshev {
  /// d = momentum d + gain r; x += d; r -= A d.
  struct Step {
    float momentum, gain;
  };
  std::vector<Step> steps;

  Chebyshev(int count, double inverse_diagonal, double lowest_eigenvalue, double largest_eigenvalue);
};

/// An approximate inverse of a matting Laplacian in float: one cycle over the pixels and the model grids above them.
/// Costs some ten products with the matrix; docs/performance.md has its convergence. Memory: some 110 bytes for each
/// place of the band, and 1200 a node while it is built.
class Multigrid {
 public:
  Multigrid(const Windows& windows, const Stencil<double>& matrix, const Pulse& pulse);

  /// z = M^-1 r over the band, M symmetric.
  void apply(const double* r, double* z, const Pulse& pulse);

 private:
  struct Level {
    ModelGrid grid;
    Buffer<Float4> b, x, r, d;
  };

  static Level make_level(ModelGrid grid);
  void cycle(size_t level, const Pulse& pulse);
  void solve_coarsest();

  const Band* band_;
  Stencil<float> matrix_;
  Chebyshev smoother_, model_smoother_;
  Buffer<float> x_, r_, d_;
  std::vector<Level> levels_;
  /// Of the coarsest level; symmetric.
  Buffer<float> inverse_;
};

}  // namespace mattecore::solver
