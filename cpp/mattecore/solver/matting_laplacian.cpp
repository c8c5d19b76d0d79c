#include "mattecore/solver/matting_laplacian.h"

#include <cmath>

#include "mattecore/base/parallel.h"

namespace mattecore::solver {
namespace {

using Pack8 = RowPack<double>;

/// Blocks that one thread takes at least: some 20 us of the cheapest work on them.
constexpr int64_t kGrain = 1024;
/// Blocks between two beats of the pulse: 10 ms of work that takes some microseconds a block.
constexpr int64_t kSlab = 4096;

struct Colour {
  double c[3];
};

/// A 3-channel reading of images of one or three channels.
template <class T>
Colour colour_at(ImageView<const T> image, int64_t y, int64_t x) {
  if (image.channels == 1) {
    const double grey = image(y, x);
    return {{grey, grey, grey}};
  }
  return {
      {static_cast<double>(image(y, x, 0)), static_cast<double>(image(y, x, 1)), static_cast<double>(image(y, x, 2))}};
}

/// T with T^T T = S^-1, by rows, for the symmetric S = 00 10 11 20 21 22: the inverse of its Cholesky factor.
void inverse_cholesky(const double (&s)[6], double (&t)[6]) {
  const double l00 = std::sqrt(s[0]);
  const double l10 = s[1] / l00;
  const double l20 = s[3] / l00;
  const double l11 = std::sqrt(s[2] - l10 * l10);
  const double l21 = (s[4] - l20 * l10) / l11;
  const double l22 = std::sqrt(s[5] - l20 * l20 - l21 * l21);
  t[0] = 1 / l00;
  t[2] = 1 / l11;
  t[5] = 1 / l22;
  t[1] = -l10 * t[0] * t[2];
  t[4] = -l21 * t[2] * t[5];
  t[3] = -(l20 * t[0] + l21 * t[1]) * t[5];
}

}  // namespace

template <class T>
[[gnu::always_inline]] inline void Stencil<T>::product(const Band::Block& block, const T* x, RowPack<T>& sum) const {
  const T* c = coefficients_.data();
  const int64_t plane = band_->size();
  const int32_t rows[5] = {band_->place(block.y - 2, block.x), band_->place(block.y - 1, block.x), block.at,
                           band_->place(block.y + 1, block.x), band_->place(block.y + 2, block.x)};
  sum = load<RowPack<T>>(c + block.at) * load<RowPack<T>>(x + block.at);
#pragma GCC unroll 12
  for (int k = 1; k < kCount; ++k) {
    const T* ck = c + k * plane;
    const int32_t below = rows[2 + kDown[k]] + kRight[k];
    const int32_t above = rows[2 - kDown[k]] - kRight[k];
    sum += load<RowPack<T>>(ck + block.at) * load<RowPack<T>>(x + below);
    sum += load<RowPack<T>>(ck + above) * load<RowPack<T>>(x + above);
  }
}

template <class T>
void Stencil<T>::multiply(const T* x, T* out) const {
  const auto blocks = band_->blocks();
  parallel_for(std::ssize(blocks), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      RowPack<T> sum;
      product(blocks[i], x, sum);
      store(out + blocks[i].at, sum);
    }
  });
}

template <class T>
void Stencil<T>::residual(const T* x, const T* b, T* out) const {
  const auto blocks = band_->blocks();
  parallel_for(std::ssize(blocks), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t at = blocks[i].at;
      RowPack<T> sum;
      product(blocks[i], x, sum);
      store(out + at, RowPack<T>(load<RowPack<T>>(b + at) - sum));
    }
  });
}

template class Stencil<float>;
template class Stencil<double>;

template <class T>
Windows::Windows(const Band& band, ImageView<const T> image, ImageView<const Label> labels, double epsilon,
                 const Pulse& pulse)
    : band_(&band),
      planes_(zeros<double>(band.size() * kPlanes, pulse)),
      colours_(zeros<double>(band.size() * 4, pulse)) {
  const int64_t n = band.size();
  const auto fill_window = [&](int64_t y, int64_t x, double* out) {
    Colour colours[9];
    bool foreground[9];
    bool any_unknown = false;
    Colour mean{};
    for (int i = 0; i < 9; ++i) {
      const int64_t v = y + i / 3 - 1, u = x + i % 3 - 1;
      colours[i] = colour_at(image, v, u);
      foreground[i] = labels(v, u) == Label::foreground;
      any_unknown |= labels(v, u) == Label::unknown;
      for (int c = 0; c < 3; ++c) mean.c[c] += colours[i].c[c] / 9;
    }
    if (!any_unknown) return;
    double s[6] = {epsilon, 0, epsilon, 0, 0, epsilon};
    for (Colour& d : colours) {
      for (int c = 0; c < 3; ++c) d.c[c] -= mean.c[c];
      for (int r = 0, k = 0; r < 3; ++r)
        for (int c = 0; c <= r; ++c) s[k++] += d.c[r] * d.c[c];
    }
    double t[6];
    inverse_cholesky(s, t);
    out[kWeight * n] = 1.0 / 9;
    for (int c = 0; c < 3; ++c) out[(kMean + c) * n] = mean.c[c];
    for (int k = 0; k < 6; ++k) out[(kFactor + k) * n] = t[k];
    for (int i = 0; i < 9; ++i) {
      if (!foreground[i]) continue;
      const double* d = colours[i].c;
      out[kForeground * n] += 1;
      out[(kForegroundColour + 0) * n] += t[0] * d[0];
      out[(kForegroundColour + 1) * n] += t[1] * d[0] + t[2] * d[1];
      out[(kForegroundColour + 2) * n] += t[3] * d[0] + t[4] * d[1] + t[5] * d[2];
    }
  };

  const auto blocks = band.blocks();
  parallel_slabs(std::ssize(blocks), kSlab, 64, pulse, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto [y, first_x, at] = blocks[i];
      for (int64_t x = first_x; x < std::min(first_x + Band::kBlock, image.width); ++x) {
        const int64_t place = at + x - first_x;
        const Colour colour = colour_at(image, y, x);
        for (int c = 0; c < 3; ++c) colours_[static_cast<size_t>(c * n + place)] = colour.c[c];
        colours_[static_cast<size_t>(3 * n + place)] = labels(y, x) == Label::unknown;
        if (y > 0 && y + 1 < image.height && x > 0 && x + 1 < image.width) fill_window(y, x, planes_.data() + place);
      }
    }
  });
}

template Windows::Windows(const Band&, ImageView<const float>, ImageView<const Label>, double, const Pulse&);
template Windows::Windows(const Band&, ImageView<const double>, ImageView<const Label>, double, const Pulse&);

namespace {

/// Adds up what the nine windows around each of a block's pixels say of its couplings and its right side.
class BlockAssembly {
 public:
  BlockAssembly(const Windows& windows, const Band::Block& block) : windows_(windows), block_(block) {
    const Band& band = windows.band();
    for (int64_t d = -2; d <= 2; ++d) rows_[d + 2] = band.place(block.y + d, block.x);
    for (int c = 0; c < 3; ++c) colour_[c] = load<Pack8>(windows.colour(c) + block.at);
#pragma GCC unroll 3
    for (int dy = -1; dy <= 1; ++dy)
#pragma GCC unroll 3
      for (int dx = -1; dx <= 1; ++dx) add_window(dy, dx);
  }

  void write(MattingSystem& system) const {
    const double* unknown = windows_.unknown();
    const Pack8 here = load<Pack8>(unknown + block_.at);
    for (int k = 0; k < Stencil<double>::kCount; ++k) {
      const Pack8 there = load<Pack8>(unknown + rows_[2 + Stencil<double>::kDown[k]] + Stencil<double>::kRight[k]);
      store(system.matrix.coefficients(k) + block_.at, Pack8(coefficients_[k] * here * there));
    }
    store(system.right_side.data() + block_.at, Pack8(right_side_ * here));
  }

 private:
  /// The window whose centre lies (dy, dx) from the pixels.
  [[gnu::always_inline]] void add_window(int dy, int dx) {
    const int32_t at = rows_[2 + dy] + dx;
    const auto plane = [&](int p) __attribute__((always_inline)) { return load<Pack8>(windows_.plane(p) + at); };
    const Pack8 weight = plane(Windows::kWeight);
    const Pack8 mean[3] = {plane(Windows::kMean), plane(Windows::kMean + 1), plane(Windows::kMean + 2)};
    const Pack8 t[6] = {plane(Windows::kFactor),     plane(Windows::kFactor + 1), plane(Windows::kFactor + 2),
                        plane(Windows::kFactor + 3), plane(Windows::kFactor + 4), plane(Windows::kFactor + 5)};
    const Pack8 d[3] = {colour_[0] - mean[0], colour_[1] - mean[1], colour_[2] - mean[2]};
    const Pack8 e[3] = {t[0] * d[0], t[1] * d[0] + t[2] * d[1], t[3] * d[0] + t[4] * d[1] + t[5] * d[2]};
    right_side_ += weight * plane(Windows::kForeground);
    for (int c = 0; c < 3; ++c) right_side_ += e[c] * plane(Windows::kForegroundColour + c);

    const Pack8 v[3] = {t[0] * e[0] + t[1] * e[1] + t[3] * e[2], t[2] * e[1] + t[4] * e[2], t[5] * e[2]};
    coefficients_[0] += 9 * weight;
#pragma GCC unroll 13
    for (int k = 0; k < Stencil<double>::kCount; ++k) {
      const int down = Stencil<double>::kDown[k], right = Stencil<double>::kRight[k];
      if (down - dy > 1 || right - dx > 1 || right - dx < -1) continue;
      const int32_t other = rows_[2 + down] + right;
      Pack8 covered = weight;
      for (int c = 0; c < 3; ++c) covered += v[c] * (load<Pack8>(windows_.colour(c) + other) - mean[c]);
      coefficients_[k] -= covered;
    }
  }

  const Windows& windows_;
  const Band::Block& block_;
  int32_t rows_[5];
  Pack8 colour_[3];
  Pack8 coefficients_[Stencil<double>::kCount] = {};
  Pack8 right_side_ = {};
};

}  // namespace

MattingSystem matting_system(const Windows& windows, const Pulse& pulse) {
  const Band& band = windows.band();
  MattingSystem system{Stencil<double>(band, pulse), zeros<double>(band.size(), pulse)};
  const auto blocks = band.blocks();
  parallel_slabs(std::ssize(blocks), kSlab, 64, pulse, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) BlockAssembly(windows, blocks[i]).write(system);
  });
  return system;
}

}  // namespace mattecore::solver
