#pragma once

#include <array>
#include <cstdint>

#include "mattecore/base/image.h"
#include "mattecore/base/image_view.h"
#include "mattecore/solver/band.h"
#include "mattecore/solver/pack.h"
#include "mattecore/solver/slabs.h"

namespace mattecore::solver {

/// A symmetric matrix that couples an unknown pixel with the 24 around it: the main diagonal and twelve of the 24
/// others, each a vector over the band.
///
///     .  .  .  .  .
///     .  .  .  .  .      coefficient k of a pixel is its coupling with
///     .  .  0  1  2      the pixel in place k
///     3  4  5  6  7
///     8  9 10 11 12
template <class T>
class Stencil {
 public:
  static constexpr int kCount = 13;
  static constexpr std::array<int, kCount> kDown = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2};
  static constexpr std::array<int, kCount> kRight = {0, 1, 2, -2, -1, 0, 1, 2, -2, -1, 0, 1, 2};

  Stencil(const Band& band, const Pulse& pulse) : band_(&band), coefficients_(zeros<T>(band.size() * kCount, pulse)) {}

  const Band& band() const { return *band_; }
  T* coefficients(int k) { return coefficients_.data() + k * band_->size(); }
  const T* coefficients(int k) const { return coefficients_.data() + k * band_->size(); }

  /// out = A x.
  void multiply(const T* x, T* out) const;
  /// out = b - A x. out may be b.
  void residual(const T* x, const T* b, T* out) const;

 private:
  void product(const Band::Block& block, const T* x, RowPack<T>& sum) const;

  const Band* band_;
  Buffer<T> coefficients_;
};

/// What the 3 x 3 windows of the picture say, each in the place of its centre: the window's energy for an alpha x is
///
///     sum x_i^2  -  weight (sum x_i)^2  -  |sum x_i e_i|^2,     e_i = T (I_i - mean),
///
/// where T^T T is the inverse of the colours' summed outer product plus epsilon, T lower triangular, and the weight
/// 1/9. For windows that are not wholly inside the picture, or whose nine pixels are all known, all is zero.
/// (A Cholesky factor keeps its accuracy on grey pictures, whose nine colours span one direction; the adjugate does
/// not.)
class Windows {
 public:
  enum Plane { kWeight, kMean, kFactor = kMean + 3, kForeground = kFactor + 6, kForegroundColour, kPlanes = 14 };

  /// T: float or double, 1 or 3 channels.
  template <class T>
  Windows(const Band& band, ImageView<const T> image, ImageView<const Label> labels, double epsilon,
          const Pulse& pulse);

  const Band& band() const { return *band_; }
  /// kFactor: T by rows, 00 10 11 20 21 22. kForeground: sum of 1, and kForegroundColour: of e_i, over the pixels
  /// known to be foreground.
  const double* plane(int plane) const { return planes_.data() + plane * band_->size(); }
  /// The colour of stored pixels, channels 0..2.
  const double* colour(int channel) const { return colours_.data() + channel * band_->size(); }
  /// 1 for unknown pixels.
  const double* unknown() const { return colours_.data() + 3 * band_->size(); }

 private:
  const Band* band_;
  Buffer<double> planes_;
  Buffer<double> colours_;
};

/// The matting Laplacian of Levin, Lischinski and Weiss ("A closed-form solution to natural image matting", 2008) with
/// the known pixels eliminated: A x = b for the unknown ones.
struct MattingSystem {
  Stencil<double> matrix;
  Buffer<double> right_side;
};
MattingSystem matting_system(const Windows& windows, const Pulse& pulse);

}  // namespace mattecore::solver
