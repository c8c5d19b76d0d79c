#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"
#include "mattecore/kernels/cpu/lanes.h"
#include "mattecore/kernels/cpu/mirrored_axis.h"

namespace mattecore::kernels::guided {

// What guided_filter and fast_guided_filter share: the averaged coefficients of every pixel, and their use.

/// Columns that are worked on together, so that a step's results are read again from the first-level cache.
inline constexpr int64_t kTile = 64;

/// How many rows a running sum lives before it is formed anew, which costs 2 * radius + 1 rows of additions; also the
/// least that a thread is given.
inline int64_t row_restart_distance(int64_t radius) { return std::max<int64_t>(64, 4 * radius + 2); }

/// The same for columns, in whole tiles.
inline int64_t column_restart_distance(int64_t radius) {
  return round_up(std::max<int64_t>(256, 4 * radius + 2), kTile);
}

/// values[k][i]: value k of the tile's pixel i.
template <int kValues>
using Tile = float[kValues][kTile];

template <int kValues>
void to_tile(const Lanes<kValues>* pixels, Tile<kValues>& tile) {
  constexpr int kQuads = kValues / 4;
  const auto* quads = reinterpret_cast<const Quad*>(pixels);
  for (int64_t i = 0; i < kTile; i += 4)
    for (int q = 0; q < kQuads; ++q) {
      Quad rows[4];
      for (int64_t k = 0; k < 4; ++k) rows[k] = quads[(i + k) * kQuads + q];
      transpose(rows[0], rows[1], rows[2], rows[3]);
      for (int k = 0; k < 4; ++k) *reinterpret_cast<Quad*>(&tile[4 * q + k][i]) = rows[k];
    }
}

/// Writes `count` pixels, rounded up to 4.
inline void from_tile(const Tile<4>& tile, int64_t count, Lanes<4>* pixels) {
  for (int64_t i = 0; i < count; i += 4) {
    Quad rows[4];
    for (int k = 0; k < 4; ++k) rows[k] = *reinterpret_cast<const Quad*>(&tile[k][i]);
    transpose(rows[0], rows[1], rows[2], rows[3]);
    for (int k = 0; k < 4; ++k) pixels[i + k].part[0] = rows[k];
  }
}

/// A guide of three channels r, g, b, with a source p.
struct ColourGuide {
  using Moments = Lanes<16>;

  /// The outer product of (1, r, g, b) and (r, g, b, p): every mean, variance and covariance needed, three of them
  /// twice.
  static Moments moments(Quad pixel) { return outer_product(pixel); }

  /// pixels[x - begin] = (r, g, b, fourth[x * fourth_stride]). Out of line: where it is called registers are scarce.
  [[gnu::noinline]] static void pack(ImageView<const float> guide, int64_t y, int64_t begin, int64_t end,
                                     const float* fourth, int64_t fourth_stride, Quad* pixels) {
    int64_t x = begin;
    if (guide.channel_stride == 1 && guide.pixel_stride >= 3) {
      // Four floats at once, the next pixel's first among them, which the row's last pixel does not have.
      const float* row = guide.row(y);
      const int64_t stride = guide.pixel_stride, last = std::min(end, guide.width - 1);
      for (; x < last; ++x) {
        Quad pixel;
        __builtin_memcpy(&pixel, row + x * stride, sizeof pixel);
        pixel[3] = fourth[x * fourth_stride];
        pixels[x - begin] = pixel;
      }
    }
    for (; x < end; ++x)
      pixels[x - begin] = Quad{guide(y, x, 0), guide(y, x, 1), guide(y, x, 2), fourth[x * fourth_stride]};
  }

  static void pack_with_source(ImageView<const float> guide, ImageView<const float> source, int64_t y, int64_t begin,
                               int64_t end, Quad* pixels) {
    pack(guide, y, begin, end, source.row(y), source.pixel_stride, pixels);
  }

  static void pack_with_one(ImageView<const float> guide, int64_t y, int64_t begin, int64_t end, Quad* pixels) {
    const float one = 1;
    pack(guide, y, begin, end, &one, 0, pixels);
  }

  /// Solves (covariance of the guide + eps) a = covariance of guide and source, by Cramer's rule, and
  /// b = mean(p) - a . mean. In: sums of the moments over a box; out: a and b, divided by the pixels of a box once
  /// more, for the sums that follow.
  static void solve(const Tile<16>& sums, float per_pixel, float eps, Tile<4>& coefficients) {
    const float smallest_determinant = eps * eps * eps;
    for (int64_t i = 0; i < kTile; ++i) {
      const float r = sums[0][i] * per_pixel, g = sums[1][i] * per_pixel, b = sums[2][i] * per_pixel;
      const float p = sums[3][i] * per_pixel;
      const float rr = sums[4][i] * per_pixel - r * r + eps;
      const float rg = sums[5][i] * per_pixel - r * g;
      const float rb = sums[6][i] * per_pixel - r * b;
      const float rp = sums[7][i] * per_pixel - r * p;
      const float gg = sums[9][i] * per_pixel - g * g + eps;
      const float gb = sums[10][i] * per_pixel - g * b;
      const float gp = sums[11][i] * per_pixel - g * p;
      const float bb = sums[14][i] * per_pixel - b * b + eps;
      const float bp = sums[15][i] * per_pixel - b * p;

      // The adjugate of the symmetric matrix.
      const float adj_rr = gg * bb - gb * gb;
      const float adj_rg = rb * gb - rg * bb;
      const float adj_rb = rg * gb - rb * gg;
      const float adj_gg = rr * bb - rb * rb;
      const float adj_gb = rg * rb - rr * gb;
      const float adj_bb = rr * gg - rg * rg;
      // A covariance has no negative eigenvalue; rounding may give it one where eps is tiny.
      const float determinant = std::max(rr * adj_rr + rg * adj_rg + rb * adj_rb, smallest_determinant);
      const float scale = 1.0f / determinant;
      const float a_r = (adj_rr * rp + adj_rg * gp + adj_rb * bp) * scale;
      const float a_g = (adj_rg * rp + adj_gg * gp + adj_gb * bp) * scale;
      const float a_b = (adj_rb * rp + adj_gb * gp + adj_bb * bp) * scale;
      coefficients[0][i] = a_r * per_pixel;
      coefficients[1][i] = a_g * per_pixel;
      coefficients[2][i] = a_b * per_pixel;
      coefficients[3][i] = (p - a_r * r - a_g * g - a_b * b) * per_pixel;
    }
  }
};

/// A guide of one channel i.
struct GreyGuide {
  using Moments = Lanes<4>;

  /// (i, p, i, p) times (1, 1, i, i).
  static Moments moments(Quad pixel) {
    return {{pixel * __builtin_shufflevector(pixel, Quad{1, 1, 1, 1}, 4, 5, 0, 0)}};
  }

  static void pack_with_source(ImageView<const float> guide, ImageView<const float> source, int64_t y, int64_t begin,
                               int64_t end, Quad* pixels) {
    for (int64_t x = begin; x < end; ++x) {
      const float i = guide(y, x), p = source(y, x);
      pixels[x - begin] = Quad{i, p, i, p};
    }
  }

  static void pack_with_one(ImageView<const float> guide, int64_t y, int64_t begin, int64_t end, Quad* pixels) {
    for (int64_t x = begin; x < end; ++x) pixels[x - begin] = Quad{guide(y, x), 1, 0, 0};
  }

  static void solve(const Tile<4>& sums, float per_pixel, float eps, Tile<4>& coefficients) {
    for (int64_t k = 0; k < kTile; ++k) {
      const float i = sums[0][k] * per_pixel, p = sums[1][k] * per_pixel;
      const float ii = std::max(sums[2][k] * per_pixel - i * i, 0.0f) + eps;
      const float ip = sums[3][k] * per_pixel - i * p;
      const float a = ip / ii;
      coefficients[0][k] = a * per_pixel;
      coefficients[1][k] = (p - a * i) * per_pixel;
      coefficients[2][k] = 0;
      coefficients[3][k] = 0;
    }
  }
};

/// Walks down a band of the picture and gives the averaged coefficients of one row after another. Rows of what it
/// holds:
///
///   guide, source          column_moments[x]            ring                     column_coefficients[x]
///   row t+r comes in  ->   sums over rows t-r..t+r  ->  coefficients of row t -> sums over rows y-r..y+r  -> box over
///   x: row t-r-1 goes out     16 floats, box over x,       in the slot t % slots;   4 floats                    means
///   of row y
///                          solve                        t = y+r comes in,
///                                                       t = y-r-1 goes out
///
/// Column sums are moved down a tile at a time, just ahead of the box over x that reads them, out of the first-level
/// cache.
template <class Guide>
class CoefficientBand {
 public:
  CoefficientBand(ImageView<const float> guide, ImageView<const float> source, int64_t radius, float eps,
                  const WindowSums& windows)
      : guide_(guide),
        source_(source),
        rows_(guide.height),
        width_(guide.width),
        radius_(radius),
        eps_(eps),
        per_pixel_(
            static_cast<float>(1.0 / (static_cast<double>(2 * radius + 1) * static_cast<double>(2 * radius + 1)))),
        windows_(windows),
        slots_(std::min(2 * radius + 2, guide.height)),
        slot_size_((width_ + 3) / 4 * 4),
        column_moments_(static_cast<size_t>(width_)),
        ring_(static_cast<size_t>(slots_ * slot_size_)),
        column_coefficients_(static_cast<size_t>(width_)) {}

  /// Runs tile_done(y, tile begin, tile end, means) for every tile of the rows begin..end-1; `begin` must be a multiple
  /// of row_restart_distance(radius). means[i] is the pixel begin + i's (a_r, a_g, a_b, b) for a colour guide,
  /// (a, b, 0, 0) for a grey one.
  template <class TileDone>
  void run(int64_t begin, int64_t end, TileDone&& tile_done) {
    int64_t next_row = std::max<int64_t>(0, begin - radius_);
    for (int64_t y = begin; y < end; ++y) {
      for (; next_row <= std::min(y + radius_, rows_.size() - 1); ++next_row) find_coefficients(next_row);
      average_coefficients(y, tile_done);
    }
  }

 private:
  using Moments = typename Guide::Moments;
  using Coefficients = Lanes<4>;

  /// Runs move(begin, end) on the columns in order, so far ahead that tile_ready(begin, end) meets all its windows.
  template <class Move, class TileReady>
  void for_each_tile_of_row(Move&& move, TileReady&& tile_ready) {
    int64_t moved = 0;
    for (int64_t begin = 0; begin < width_; begin += kTile) {
      const int64_t end = std::min(begin + kTile, width_);
      for (const int64_t needed = std::min(end + radius_, width_); moved < needed;) {
        const int64_t next = std::min(moved + kTile, width_);
        move(moved, next);
        moved = next;
      }
      tile_ready(begin, end);
    }
  }

  void find_coefficients(int64_t t) {
    Coefficients* row = ring_row(t);
    Moments sum{};
    for_each_tile_of_row([&](int64_t begin, int64_t end) { move_moments(t, begin, end); },
                         [&](int64_t begin, int64_t end) {
                           Moments moments[kTile];
                           alignas(64) Tile<sizeof(Moments) / sizeof(float)> sums;
                           alignas(64) Tile<4> coefficients;
                           windows_.run(column_moments_.data(), begin, end, sum, moments);
                           std::fill(moments + (end - begin), moments + kTile, Moments{});
                           to_tile(moments, sums);
                           Guide::solve(sums, per_pixel_, eps_, coefficients);
                           from_tile(coefficients, end - begin, row + begin);
                         });
  }

  template <class TileDone>
  void average_coefficients(int64_t y, TileDone&& tile_done) {
    Coefficients sum{};
    for_each_tile_of_row([&](int64_t begin, int64_t end) { move_coefficients(y, begin, end); },
                         [&](int64_t begin, int64_t end) {
                           Coefficients means[kTile];
                           windows_.run(column_coefficients_.data(), begin, end, sum, means);
                           tile_done(y, begin, end, reinterpret_cast<const Quad*>(means));
                         });
  }

  /// Moves columns begin..end-1 of column_moments to row t. They restart at rows tied to those of run(), so that
  /// every band has them at the same places.
  void move_moments(int64_t t, int64_t begin, int64_t end) {
    Moments* columns = column_moments_.data();
    Quad entering[kTile], leaving[kTile];
    if (t == 0 || (t + radius_) % row_restart_distance(radius_) == 0) {
      std::fill(columns + begin, columns + end, Moments{});
      rows_.for_each_in_window(t, radius_, [&](int64_t row, int64_t times) {
        Guide::pack_with_source(guide_, source_, row, begin, end, entering);
        for (int64_t x = begin; x < end; ++x)
          columns[x] += Guide::moments(entering[x - begin]) * static_cast<float>(times);
      });
    } else {
      Guide::pack_with_source(guide_, source_, rows_.at(t + radius_), begin, end, entering);
      Guide::pack_with_source(guide_, source_, rows_.at(t - radius_ - 1), begin, end, leaving);
      for (int64_t x = begin; x < end; ++x)
        columns[x] += Guide::moments(entering[x - begin]) - Guide::moments(leaving[x - begin]);
    }
  }

  void move_coefficients(int64_t y, int64_t begin, int64_t end) {
    Coefficients* columns = column_coefficients_.data();
    if (y % row_restart_distance(radius_) == 0) {
      std::fill(columns + begin, columns + end, Coefficients{});
      rows_.for_each_in_window(y, radius_, [&](int64_t row, int64_t times) {
        const Coefficients* entering = ring_row(row);
        for (int64_t x = begin; x < end; ++x) columns[x] += entering[x] * static_cast<float>(times);
      });
    } else {
      const Coefficients *entering = ring_row(rows_.at(y + radius_)), *leaving = ring_row(rows_.at(y - radius_ - 1));
      for (int64_t x = begin; x < end; ++x) columns[x] += entering[x] - leaving[x];
    }
  }

  Coefficients* ring_row(int64_t y) { return ring_.data() + y % slots_ * slot_size_; }

  ImageView<const float> guide_, source_;
  MirroredAxis rows_;
  int64_t width_, radius_;
  float eps_, per_pixel_;
  const WindowSums& windows_;
  int64_t slots_, slot_size_;
  Buffer<Moments> column_moments_;
  Buffer<Coefficients> ring_, column_coefficients_;
};

/// Averaged coefficients of every row, in tiles, on all threads: see CoefficientBand::run.
template <class Guide, class TileDone>
void for_each_tile(ImageView<const float> guide, ImageView<const float> source, int64_t radius, double eps,
                   TileDone&& tile_done) {
  const WindowSums windows(guide.width, radius, column_restart_distance(radius));
  const int64_t band = row_restart_distance(radius);
  const int64_t bands = pieces(guide.height, band);
  const int64_t grain = std::max<int64_t>(1, 16384 / (band * guide.width));
  parallel_for(bands, grain, [&](int64_t begin, int64_t end) {
    CoefficientBand<Guide> coefficients(guide, source, radius, static_cast<float>(eps), windows);
    coefficients.run(begin * band, std::min(end * band, guide.height), tile_done);
  });
}

/// out(y, x) = coefficients . (r, g, b, 1) or (i, 1, 0, 0) for at most a tile of pixels; returns whether all are
/// finite.
template <class Guide>
bool apply(const Quad* coefficients, ImageView<const float> guide, int64_t y, int64_t begin, int64_t end,
           ImageView<float> out) {
  Quad terms[kTile];
  Guide::pack_with_one(guide, y, begin, end, terms);
  std::fill(terms + (end - begin), terms + kTile, Quad{});
  for (int64_t i = 0; i < end - begin; ++i) terms[i] *= coefficients[i];

  alignas(64) float sums[kTile];
  Quad not_a_number{};
  for (int64_t i = 0; i < kTile; i += 4) {
    Quad* four = terms + i;
    transpose(four[0], four[1], four[2], four[3]);
    const Quad sum = four[0] + four[1] + four[2] + four[3];
    not_a_number += sum - sum;  // infinity becomes NaN, and NaN stays
    *reinterpret_cast<Quad*>(sums + i) = sum;
  }
  if (out.pixel_stride == 1)
    std::copy_n(sums, end - begin, out.row(y) + begin);
  else
    for (int64_t x = begin; x < end; ++x) out(y, x) = sums[x - begin];
  return not_a_number[0] + not_a_number[1] + not_a_number[2] + not_a_number[3] == 0;
}

inline void check_guided_filter(ImageView<const float> guide, ImageView<const float> source, int64_t radius_px,
                                double eps, ImageView<float> out) {
  if (guide.channels != 1 && guide.channels != 3)
    throw_invalid("guided_filter: the guide has ", guide.channels, " channels, 3 or 1 are wanted");
  if (source.channels != 1) throw_invalid("guided_filter: the source has ", source.channels, " channels, 1 is wanted");
  if (!source.same_size(guide))
    throw_invalid("guided_filter: the source is ", source.height, " x ", source.width, ", and the guide's ",
                  guide.height, " x ", guide.width, " is wanted");
  if (!out.same_size(guide) || out.channels != 1)
    throw_invalid("guided_filter: the output is ", out.height, " x ", out.width, " x ", out.channels, ", and ",
                  guide.height, " x ", guide.width, " x 1 is wanted");
  if (radius_px < 0) throw_invalid("guided_filter: radius_px is ", radius_px, ", at least 0 is wanted");
  if (!(eps > 0) || !std::isfinite(eps)) throw_invalid("guided_filter: eps is ", eps, ", more than 0 is wanted");
}

inline void check_finite(bool finite) {
  if (!finite)
    throw_invalid("guided_filter: guide or source holds NaN, infinity or a huge value, finite ones are wanted");
}

}  // namespace mattecore::kernels::guided
