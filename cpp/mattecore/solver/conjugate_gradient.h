#pragma once

#include <cmath>
#include <stdexcept>
#include <vector>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/solver/reduce.h"

namespace mattecore::solver {

struct ConjugateGradientOptions {
  /// Stops when |b - A x| < tolerance |b|.
  double tolerance;
  /// More than these raise std::runtime_error.
  int max_iterations;
};

/// Solves A x = b from x = 0 by preconditioned conjugate gradients (Hestenes and Stiefel 1952) for positive definite A
/// of `count` unknowns; b = 0 gives x = 0. multiply(p, out): out = A p. precondition(r, out): out = M^-1 r.
/// after_step(iteration, |r| / |b|) is called after each. In place of b comes the residual.
///
/// beta is Polak and Ribiere's, which bears a preconditioner that is symmetric only up to its own rounding.
template <class Multiply, class Precondition, class AfterStep>
void conjugate_gradient(int64_t count, double* b, double* x, const ConjugateGradientOptions& options,
                        Multiply&& multiply, Precondition&& precondition, AfterStep&& after_step) {
  constexpr int64_t kGrain = 1 << 14;
  std::fill(x, x + count, 0.0);
  double* r = b;
  const double norm = std::sqrt(dot(b, b, count));
  if (norm == 0) return;

  Buffer<double> z(static_cast<size_t>(count)), p(static_cast<size_t>(count)), q(static_cast<size_t>(count));
  std::fill(p.begin(), p.end(), 0.0);
  std::fill(q.begin(), q.end(), 0.0);
  double alpha = 0, previous_rz = 1;
  for (int iteration = 1; iteration <= options.max_iterations; ++iteration) {
    precondition(r, z.data());
    // q = A p still holds what r changed by in the last step, divided by -alpha.
    const double rz = dot(r, z.data(), count);
    const double beta = iteration == 1 ? 0 : -alpha * dot(q.data(), z.data(), count) / previous_rz;
    parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) p[i] = z[i] + beta * p[i];
    });
    multiply(p.data(), q.data());
    alpha = rz / dot(p.data(), q.data(), count);
    parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        x[i] += alpha * p[i];
        r[i] -= alpha * q[i];
      }
    });
    previous_rz = rz;
    const double relative_residual = std::sqrt(dot(r, r, count)) / norm;
    after_step(iteration, relative_residual);
    if (relative_residual < options.tolerance) return;
  }
  throw std::runtime_error(sentence("conjugate gradients did not reach a relative residual of ", options.tolerance,
                                    " in ", options.max_iterations, " iterations"));
}

}  // namespace mattecore::solver
