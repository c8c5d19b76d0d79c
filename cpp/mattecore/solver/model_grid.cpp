#include "mattecore/solver/model_grid.h"

#include <algorithm>
#include <cmath>

#include "mattecore/base/parallel.h"

namespace mattecore::solver {
namespace {

using Double16 = Pack<double, 16>;
using Double4 = Pack<double, 4>;

constexpr int64_t kSpacing = ModelGrid::kSpacing;
static_assert(Band::kBlock == 2 * kSpacing, "a block of the band lies over two cells");

/// Nodes that one thread takes at least in the solve: some 20 us.
constexpr int64_t kGrain = 512;
/// Nodes between two beats of the pulse while a level is built.
constexpr int64_t kSlab = 8192;

/// Below this part of its own energy what a colour channel adds to those before it is rounding. True directions keep
/// at least epsilon / (9 / 4) of it.
constexpr double kRankTolerance = 1e-11;

[[gnu::always_inline]] inline Float4 times(const Block<float>& m, const Float4& v) {
  Float4 sum = load<Float4>(m.data()) * v[0];
  for (int c = 1; c < 4; ++c) sum += load<Float4>(m.data() + 4 * c) * v[c];
  return sum;
}

/// (sum of rows[0], sum of rows[1], ...), by transposing.
[[gnu::always_inline]] inline Float4 sums_of(const Float4 (&rows)[4]) {
  const Float4 low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Float4 high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Float4 low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Float4 high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  return (__builtin_shufflevector(low01, low23, 0, 1, 4, 5) + __builtin_shufflevector(low01, low23, 2, 3, 6, 7)) +
         (__builtin_shufflevector(high01, high23, 0, 1, 4, 5) + __builtin_shufflevector(high01, high23, 2, 3, 6, 7));
}

[[gnu::always_inline]] inline Float4 transposed_times(const Block<float>& m, const Float4& v) {
  Float4 rows[4];
  for (int c = 0; c < 4; ++c) rows[c] = load<Float4>(m.data() + 4 * c) * v;
  return sums_of(rows);
}

/// How much a node weighs at the pixel 0..kSpacing beside it: not the whole way bilinear, but steep in the middle. So
/// the three pixels of a window never see more than two nodes, whose cell its centre lies in, and the level keeps to
/// nine neighbours without leaving anything out. (A linear slope needs 25; cut down to nine it takes twice the
/// iterations.)
constexpr float kProfile[kSpacing + 1] = {1, 1, 0.5f, 0, 0};

/// How much nodes 0 and 1 of a cell's side weigh at the pixel with offset -1..kSpacing in the cell.
constexpr double weight(int node, int64_t offset) {
  const int64_t distance = node == 0 ? offset : kSpacing - offset;
  return distance < 0 ? 1 : distance > kSpacing ? 0 : static_cast<double>(kProfile[distance]);
}

/// The energy of the windows whose centres lie in cell (cy, cx), as a 16 x 16 matrix over the models of its four
/// corner nodes.
class CellEnergy {
 public:
  CellEnergy(const Windows& windows, int64_t cy, int64_t cx) {
    const Band& band = windows.band();
    const int64_t top = cy * kSpacing, left = cx * kSpacing;
    int32_t places[kSide];
    // One to the left of the cell is in the block before; places of neighbouring blocks follow each other.
    for (int64_t y = 0; y < kSide; ++y) places[y] = place(band, top + y - 1, left) - 1;

    double uses[kSide][kSide] = {};
    bool any = false;
    for (int64_t y = 1; y <= kSpacing; ++y)
      for (int64_t x = 1; x <= kSpacing; ++x)
        if (windows.plane(Windows::kWeight)[places[y] + x] != 0) {
          any = true;
          for (int64_t v = y - 1; v <= y + 1; ++v)
            for (int64_t u = x - 1; u <= x + 1; ++u) uses[v][u] += 1;
        }
    if (!any) return;

    Double16 basis[kSide][kSide];
    double colours[kSide][kSide][3];
    for (int64_t y = 0; y < kSide; ++y)
      for (int64_t x = 0; x < kSide; ++x) {
        const int32_t at = places[y] + static_cast<int32_t>(x);
        const double unknown = windows.unknown()[at];
        for (int c = 0; c < 3; ++c) colours[y][x][c] = windows.colour(c)[at];
        for (int node = 0; node < 4; ++node) {
          const double w = unknown * weight(node / 2, y - 1) * weight(node % 2, x - 1);
          basis[y][x][4 * node] = w;
          for (int c = 0; c < 3; ++c) basis[y][x][4 * node + 1 + c] = w * colours[y][x][c];
        }
        if (unknown != 0 && uses[y][x] != 0) add_outer(basis[y][x], uses[y][x]);
      }

    for (int64_t y = 1; y <= kSpacing; ++y)
      for (int64_t x = 1; x <= kSpacing; ++x) {
        const int32_t at = places[y] + static_cast<int32_t>(x);
        const double window_weight = windows.plane(Windows::kWeight)[at];
        if (window_weight == 0) continue;
        double mean[3], t[6];
        for (int c = 0; c < 3; ++c) mean[c] = windows.plane(Windows::kMean + c)[at];
        for (int k = 0; k < 6; ++k) t[k] = windows.plane(Windows::kFactor + k)[at];
        Double16 sum = {}, projected[3] = {};
        for (int64_t v = y - 1; v <= y + 1; ++v)
          for (int64_t u = x - 1; u <= x + 1; ++u) {
            const double* colour = colours[v][u];
            const double d[3] = {colour[0] - mean[0], colour[1] - mean[1], colour[2] - mean[2]};
            sum += basis[v][u];
            projected[0] += basis[v][u] * (t[0] * d[0]);
            projected[1] += basis[v][u] * (t[1] * d[0] + t[2] * d[1]);
            projected[2] += basis[v][u] * (t[3] * d[0] + t[4] * d[1] + t[5] * d[2]);
          }
        add_outer(sum, -window_weight);
        for (const Double16& p : projected) add_outer(p, -1);
      }
  }

  /// Adds the coupling of corner `row` with corner `column`, by columns.
  void add_to(int row, int column, Block<double>& block) const {
    for (int c = 0; c < 4; ++c)
      for (int r = 0; r < 4; ++r) block[4 * c + r] += energy_[4 * column + c][4 * row + r];
  }

 private:
  static constexpr int64_t kSide = kSpacing + 2;

  static int32_t place(const Band& band, int64_t y, int64_t x) { return band.place(y, x); }

  [[gnu::always_inline]] void add_outer(const Double16& v, double factor) {
    for (int k = 0; k < 16; ++k) energy_[k] += v * (factor * v[k]);
  }

  Double16 energy_[16] = {};
};

}  // namespace

ModelGrid::ModelGrid(const Windows& windows, const Pulse& pulse) : band_(&windows.band()) {
  const Band& band = *band_;
  const int64_t n = band.size();
  models_ = Buffer<Float4>(static_cast<size_t>(n));
  parallel_slabs(n, 1 << 19, 1 << 15, pulse, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const double unknown = windows.unknown()[i];
      models_[static_cast<size_t>(i)] = Float4{
          static_cast<float>(unknown), static_cast<float>(unknown * windows.colour(0)[i]),
          static_cast<float>(unknown * windows.colour(1)[i]), static_cast<float>(unknown * windows.colour(2)[i])};
    }
  });

  // A cell counts if it has a window; a node if one of its cells counts.
  const int64_t rows = (band.height() - 1) / kSpacing + 1, columns = (band.width() - 1) / kSpacing + 1;
  Image<uint8_t> cells(rows + 2, columns + 2);
  std::fill_n(&cells(0, 0), (rows + 2) * (columns + 2), uint8_t{0});
  for (const Band::Block& block : band.blocks())
    for (int64_t x = 0; x < Band::kBlock; ++x)
      if (windows.plane(Windows::kWeight)[block.at + x] != 0)
        cells(block.y / kSpacing + 1, (block.x + x) / kSpacing + 1) = 1;
  nodes_ = std::make_unique<NodeSet>(rows + 1, columns + 1, [&](int64_t y, int64_t x) {
    return cells(y, x) || cells(y, x + 1) || cells(y + 1, x) || cells(y + 1, x + 1);
  });

  model_blocks_ = Buffer<std::array<Block<double>, 9>>(static_cast<size_t>(size()));
  // A strip of node rows needs the cells above its first row too; those of the row between two strips are computed
  // twice.
  constexpr int64_t kStrip = 8;
  const auto add_cell = [&](int64_t cy, int64_t cx, int64_t first_row, int64_t end_row) {
    if (!cells(cy + 1, cx + 1)) return;
    const CellEnergy energy(windows, cy, cx);
    for (int row = 0; row < 4; ++row) {
      const int64_t y = cy + row / 2;
      if (y < first_row || y >= end_row) continue;
      auto& blocks = model_blocks_[static_cast<size_t>(nodes_->number(y, cx + row % 2))];
      for (int column = 0; column < 4; ++column)
        energy.add_to(row, column, blocks[static_cast<size_t>(4 + 3 * (column / 2 - row / 2) + column % 2 - row % 2)]);
    }
  };
  const int64_t strips = (rows + kStrip) / kStrip;
  parallel_slabs(strips, std::max<int64_t>(2, kSlab / (kStrip * columns)), 1, pulse, [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) {
      const int64_t first_row = strip * kStrip, end_row = std::min(first_row + kStrip, rows + 1);
      for (int64_t y = first_row; y < end_row; ++y)
        for (int64_t x = 0; x <= columns; ++x)
          if (const int32_t node = nodes_->number(y, x)) model_blocks_[static_cast<size_t>(node)] = {};
      for (int64_t cy = std::max<int64_t>(0, first_row - 1); cy < std::min(end_row, rows); ++cy)
        for (int64_t cx = 0; cx < columns; ++cx) add_cell(cy, cx, first_row, end_row);
    }
  });
  whiten(pulse);
}

ModelGrid::ModelGrid(ModelGrid& finer, const Pulse& pulse) {
  const NodeSet& fine = finer.nodes();
  nodes_ = std::make_unique<NodeSet>(fine.height() / 2 + 1, fine.width() / 2 + 1, [&](int64_t y, int64_t x) {
    for (int64_t v = std::max<int64_t>(0, 2 * y - 1); v <= std::min(fine.height() - 1, 2 * y + 1); ++v)
      for (int64_t u = std::max<int64_t>(0, 2 * x - 1); u <= std::min(fine.width() - 1, 2 * x + 1); ++u)
        if (fine.number(v, u)) return true;
    return false;
  });
  model_blocks_ = Buffer<std::array<Block<double>, 9>>(static_cast<size_t>(size()));
  parallel_slabs(size(), kSlab, 64, pulse, [&](int64_t begin, int64_t end) {
    for (int64_t node = begin; node < end; ++node) {
      auto& blocks = model_blocks_[static_cast<size_t>(node)];
      blocks = {};
      if (node == 0) continue;
      const auto [cy, cx] = (*nodes_)[node];
      for (int64_t y = std::max<int64_t>(0, 2 * cy - 1); y <= std::min<int64_t>(fine.height() - 1, 2 * cy + 1); ++y)
        for (int64_t x = std::max<int64_t>(0, 2 * cx - 1); x <= std::min<int64_t>(fine.width() - 1, 2 * cx + 1); ++x) {
          const int32_t row = fine.number(y, x);
          if (!row) continue;
          const double row_weight = (y == 2 * cy ? 1 : 0.5) * (x == 2 * cx ? 1 : 0.5);
          for (int k = 0; k < 9; ++k) {
            const int64_t v = y + k / 3 - 1, u = x + k % 3 - 1;
            const Double16 fine_block =
                load<Double16>(finer.model_blocks_[static_cast<size_t>(row)][static_cast<size_t>(k)].data());
            // The coarse nodes that neighbour (v, u) lies between: one or two in either direction.
            for (int64_t my = v >> 1; my <= (v + 1) >> 1; ++my)
              for (int64_t mx = u >> 1; mx <= (u + 1) >> 1; ++mx) {
                const double column_weight = (v % 2 == 0 ? 1 : 0.5) * (u % 2 == 0 ? 1 : 0.5);
                double* out = blocks[static_cast<size_t>(4 + 3 * (my - cy) + mx - cx)].data();
                store(out, Double16(load<Double16>(out) + fine_block * (row_weight * column_weight)));
              }
          }
        }
    }
  });
  finer.model_blocks_ = {};
  whiten(pulse);
}

namespace {

/// The Cholesky factor C of a positive semidefinite block (both by columns), whose columns are zero where a row adds
/// nothing to those before it, and W with W^T A W = 1 in the other directions and 0 in those.
void factor_block(const Block<double>& a, Block<double>& c, Block<double>& w) {
  c = {};
  w = {};
  for (int k = 0; k < 4; ++k) {
    double pivot = a[5 * k];
    for (int j = 0; j < k; ++j) pivot -= c[4 * j + k] * c[4 * j + k];
    if (!(pivot > kRankTolerance * a[5 * k])) continue;
    c[5 * k] = std::sqrt(pivot);
    for (int r = k + 1; r < 4; ++r) {
      double sum = a[4 * k + r];
      for (int j = 0; j < k; ++j) sum -= c[4 * j + r] * c[4 * j + k];
      c[4 * k + r] = sum / c[5 * k];
    }
    // Column k of W is column k of C^-T: solves C^T w = unit vector k.
    w[5 * k] = 1 / c[5 * k];
    for (int r = k - 1; r >= 0; --r) {
      if (c[5 * r] == 0) continue;
      double sum = 0;
      for (int j = r + 1; j <= k; ++j) sum += c[4 * r + j] * w[4 * k + j];
      w[4 * k + r] = -sum / c[5 * r];
    }
  }
}

void multiply_block(const double* a, const double* b, double* out) {
  for (int c = 0; c < 4; ++c) {
    Double4 sum = load<Double4>(a) * b[4 * c];
    for (int k = 1; k < 4; ++k) sum += load<Double4>(a + 4 * k) * b[4 * c + k];
    store(out + 4 * c, sum);
  }
}

}  // namespace

void ModelGrid::whiten(const Pulse& pulse) {
  const auto count = static_cast<size_t>(size());
  Buffer<Block<double>> basis(count);
  blocks_ = Buffer<std::array<Block<float>, 4>>(count);
  neighbours_ = Buffer<std::array<int32_t, 9>>(count);
  to_model_ = Buffer<Block<float>>(count);
  from_model_ = Buffer<Block<float>>(count);
  model_blocks_[0] = {};
  parallel_slabs(size(), kSlab, 64, pulse, [&](int64_t begin, int64_t end) {
    for (auto node = static_cast<size_t>(begin); node < static_cast<size_t>(end); ++node) {
      Block<double> factor;
      factor_block(model_blocks_[node][4], factor, basis[node]);
      for (size_t k = 0; k < 16; ++k) {
        to_model_[node][k] = static_cast<float>(basis[node][k]);
        from_model_[node][k] = static_cast<float>(factor[4 * (k % 4) + k / 4]);
      }
    }
  });
  parallel_slabs(size(), kSlab, 64, pulse, [&](int64_t begin, int64_t end) {
    for (auto node = static_cast<size_t>(begin); node < static_cast<size_t>(end); ++node) {
      double transposed[16];
      for (size_t k = 0; k < 16; ++k) transposed[k] = basis[node][4 * (k % 4) + k / 4];
      for (int k = 0; k < 9; ++k) {
        const int32_t other = node == 0 ? 0 : nodes_->neighbour((*nodes_)[static_cast<int64_t>(node)], k);
        neighbours_[node][static_cast<size_t>(k)] = other;
        if (k < 5) continue;
        double half[16], whole[16];
        multiply_block(transposed, model_blocks_[node][static_cast<size_t>(k)].data(), half);
        multiply_block(half, basis[static_cast<size_t>(other)].data(), whole);
        std::copy_n(whole, 16, blocks_[node][static_cast<size_t>(k - 5)].begin());
      }
    }
  });
}

void ModelGrid::residual(const Float4* x, const Float4* b, Float4* out) const {
  parallel_for(size(), kGrain, [&](int64_t begin, int64_t end) {
    for (auto node = static_cast<size_t>(begin); node < static_cast<size_t>(end); ++node) {
      const std::array<int32_t, 9>& neighbours = neighbours_[node];
      // Four sums side by side for each half, so that no addition waits for the one before.
      Float4 columns[4] = {}, rows[4] = {};
      for (size_t k = 0; k < 4; ++k) {
        const auto later = static_cast<size_t>(neighbours[5 + k]), earlier = static_cast<size_t>(neighbours[3 - k]);
        const Float4 v = x[later], w = x[earlier];
        for (int c = 0; c < 4; ++c) {
          columns[c] += load<Float4>(blocks_[node][k].data() + 4 * c) * v[c];
          rows[c] += load<Float4>(blocks_[earlier][k].data() + 4 * c) * w;
        }
      }
      out[node] = b[node] - x[node] - ((columns[0] + columns[1]) + (columns[2] + columns[3])) - sums_of(rows);
    }
  });
}

void ModelGrid::restrict_from_band(const float* r, Float4* out) const {
  // Per node, the four quarters of its hat, each over a cell of 4 x 4 pixels.
  parallel_for(size(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t node = begin; node < end; ++node) {
      if (node == 0) {
        out[0] = Float4{};
        continue;
      }
      const auto [cy, cx] = (*nodes_)[node];
      const int64_t y0 = cy * kSpacing, x0 = cx * kSpacing;
      Float4 sum = {};
      for (int64_t y = std::max<int64_t>(0, y0 - kSpacing + 1); y < std::min(band_->height(), y0 + kSpacing); ++y) {
        Float4 row = {};
        const auto add_half = [&](int64_t first_x, int node_in_cell) {
          const int32_t at = band_->place(y, first_x);
          for (int64_t i = 0; i < kSpacing; ++i)
            row += models_[static_cast<size_t>(at + i)] * (kProfile[node_in_cell ? kSpacing - i : i] * r[at + i]);
        };
        if (x0 > 0) add_half(x0 - kSpacing, 1);
        if (x0 < band_->width()) add_half(x0, 0);
        sum += row * kProfile[std::abs(y - y0)];
      }
      out[node] = transposed_times(to_model_[static_cast<size_t>(node)], sum);
    }
  });
}

void ModelGrid::prolong_to_band(const Float4* coarse, Float4* scratch, float* x) const {
  parallel_for(size(), 4 * kGrain, [&](int64_t begin, int64_t end) {
    for (auto node = static_cast<size_t>(begin); node < static_cast<size_t>(end); ++node)
      scratch[node] = times(to_model_[node], coarse[node]);
  });
  const auto blocks = band_->blocks();
  parallel_for(std::ssize(blocks), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Band::Block& block = blocks[i];
      const int64_t cy = block.y / kSpacing, cx = block.x / kSpacing;
      const float up = kProfile[block.y % kSpacing], down = kProfile[kSpacing - block.y % kSpacing];
      Float4 column[3];
      for (int c = 0; c < 3; ++c) {
        if (cx + c >= nodes_->width()) {
          column[c] = Float4{};
          continue;
        }
        column[c] = up * scratch[nodes_->number(cy, cx + c)] + down * scratch[nodes_->number(cy + 1, cx + c)];
      }
      for (int64_t half = 0; half < 2; ++half) {
        Float4 values[4];
        for (int64_t k = 0; k < kSpacing; ++k)
          values[k] = (kProfile[k] * column[half] + kProfile[kSpacing - k] * column[half + 1]) *
                      models_[static_cast<size_t>(block.at + half * kSpacing + k)];
        float* out = x + block.at + half * kSpacing;
        store(out, Float4(load<Float4>(out) + sums_of(values)));
      }
    }
  });
}

void ModelGrid::restrict_from(const ModelGrid& finer, const Float4* r, Float4* scratch, Float4* out) const {
  const NodeSet& fine = finer.nodes();
  parallel_for(finer.size(), 4 * kGrain, [&](int64_t begin, int64_t end) {
    for (auto node = static_cast<size_t>(begin); node < static_cast<size_t>(end); ++node)
      scratch[node] = transposed_times(finer.from_model_[node], r[node]);
  });
  parallel_for(size(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t node = begin; node < end; ++node) {
      Float4 sum = {};
      if (node != 0) {
        const auto [cy, cx] = (*nodes_)[node];
        for (int64_t y = std::max<int64_t>(0, 2 * cy - 1); y <= std::min<int64_t>(fine.height() - 1, 2 * cy + 1); ++y)
          for (int64_t x = std::max<int64_t>(0, 2 * cx - 1); x <= std::min<int64_t>(fine.width() - 1, 2 * cx + 1); ++x)
            sum += scratch[fine.number(y, x)] * ((y == 2 * cy ? 1 : 0.5f) * (x == 2 * cx ? 1 : 0.5f));
      }
      out[node] = transposed_times(to_model_[static_cast<size_t>(node)], sum);
    }
  });
}

void ModelGrid::prolong_to(const ModelGrid& finer, const Float4* coarse, Float4* scratch, Float4* x) const {
  parallel_for(size(), 4 * kGrain, [&](int64_t begin, int64_t end) {
    for (auto node = static_cast<size_t>(begin); node < static_cast<size_t>(end); ++node)
      scratch[node] = times(to_model_[node], coarse[node]);
  });
  parallel_for(finer.size(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t node = std::max<int64_t>(1, begin); node < end; ++node) {
      const auto [y, x_at] = finer.nodes()[node];
      Float4 sum = scratch[nodes_->number(y / 2, x_at / 2)] + scratch[nodes_->number(y / 2, (x_at + 1) / 2)] +
                   scratch[nodes_->number((y + 1) / 2, x_at / 2)] +
                   scratch[nodes_->number((y + 1) / 2, (x_at + 1) / 2)];
      x[node] += times(finer.from_model_[static_cast<size_t>(node)], sum * 0.25f);
    }
  });
}

Buffer<double> ModelGrid::dense() const {
  const int64_t n = 4 * size();
  Buffer<double> a(static_cast<size_t>(n * n));
  std::fill(a.begin(), a.end(), 0.0);
  for (int64_t node = 1; node < size(); ++node) {
    for (int64_t i = 0; i < 4; ++i) {
      const bool stored = to_model_[static_cast<size_t>(node)][static_cast<size_t>(5 * i)] != 0;
      a[static_cast<size_t>((4 * node + i) * (n + 1))] = stored ? 1 : 0;
    }
    for (size_t k = 0; k < 4; ++k) {
      const int64_t other = neighbours_[static_cast<size_t>(node)][5 + k];
      if (other == 0) continue;
      for (int64_t c = 0; c < 4; ++c)
        for (int64_t r = 0; r < 4; ++r) {
          const double value = blocks_[static_cast<size_t>(node)][k][static_cast<size_t>(4 * c + r)];
          a[static_cast<size_t>((4 * node + r) * n + 4 * other + c)] = value;
          a[static_cast<size_t>((4 * other + c) * n + 4 * node + r)] = value;
        }
    }
  }
  return a;
}

}  // namespace mattecore::solver
