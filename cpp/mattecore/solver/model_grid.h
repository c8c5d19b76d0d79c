#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "mattecore/base/image.h"
#include "mattecore/solver/matting_laplacian.h"
#include "mattecore/solver/pack.h"
#include "mattecore/solver/slabs.h"

namespace mattecore::solver {

/// The nodes of a coarse grid that lie in or beside the band, numbered from 1 by rows. Number 0 stands for all
/// others, whose values are zero.
class NodeSet {
 public:
  struct Node {
    int32_t y, x;
  };

  /// Of a grid of height x width nodes those for which contains(y, x).
  template <class Contains>
  NodeSet(int64_t height, int64_t width, Contains&& contains)
      : height_(height), width_(width), numbers_(static_cast<size_t>((height + 2) * (width + 2))) {
    std::fill(numbers_.begin(), numbers_.end(), 0);
    nodes_.push_back({-1, -1});
    for (int32_t y = 0; y < height; ++y)
      for (int32_t x = 0; x < width; ++x)
        if (contains(y, x)) {
          numbers_[cell(y, x)] = static_cast<int32_t>(nodes_.size());
          nodes_.push_back({y, x});
        }
  }

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  /// Including number 0.
  int64_t size() const { return std::ssize(nodes_); }
  Node operator[](int64_t number) const { return nodes_[static_cast<size_t>(number)]; }
  /// -1 <= y <= height, -1 <= x <= width.
  int32_t number(int64_t y, int64_t x) const { return numbers_[cell(y, x)]; }
  /// The number of neighbour k = 0..8 of a node, by rows; 4 is the node itself.
  int32_t neighbour(Node node, int k) const { return number(node.y + k / 3 - 1, node.x + k % 3 - 1); }

 private:
  size_t cell(int64_t y, int64_t x) const { return static_cast<size_t>((y + 1) * (width_ + 2) + x + 1); }

  int64_t height_, width_;
  Buffer<int32_t> numbers_;
  std::vector<Node> nodes_;
};

/// A 4 x 4 matrix by columns.
template <class T>
using Block = std::array<T, 16>;

/// A coarse level. Alpha is a linear function of the colour, alpha = b + a . I, that varies from place to place: four
/// numbers (b, a) at a node, bilinear between the nodes. Functions of this kind are what the matting Laplacian
/// hardly resists (its energy for them is epsilon |a|^2 and what a changes by), so what is left after smoothing on
/// the level below is nearly one of them.
///
/// The four numbers are stored in a basis in which the diagonal blocks are unit matrices: Jacobi's preconditioner is
/// then the identity, and directions in which the colours near a node do not vary (grey or constant pictures) fall
/// away as zeros.
class ModelGrid {
 public:
  /// Level over the pixels: nodes every kSpacing pixels.
  static constexpr int64_t kSpacing = 4;
  ModelGrid(const Windows& windows, const Pulse& pulse);
  /// Level over a finer one: every other node. Takes away what only building needs from `finer`.
  ModelGrid(ModelGrid& finer, const Pulse& pulse);

  const NodeSet& nodes() const { return *nodes_; }
  int64_t size() const { return nodes_->size(); }

  /// out = b - A x.
  void residual(const Float4* x, const Float4* b, Float4* out) const;

  /// Restricts what is over the pixels (first level only): out = P^T r.
  void restrict_from_band(const float* r, Float4* out) const;
  /// x += P coarse, over the pixels. `scratch` has the size of this level.
  void prolong_to_band(const Float4* coarse, Float4* scratch, float* x) const;

  /// The same between this level and `finer`. `scratch` has the size of the level read from.
  void restrict_from(const ModelGrid& finer, const Float4* r, Float4* scratch, Float4* out) const;
  void prolong_to(const ModelGrid& finer, const Float4* coarse, Float4* scratch, Float4* x) const;

  /// All of A, 4 size() squared numbers by rows; for the coarsest level.
  Buffer<double> dense() const;

 private:
  void whiten(const Pulse& pulse);

  std::unique_ptr<NodeSet> nodes_;
  /// Couplings with all neighbours in terms of (b, a); only until the next level is built.
  Buffer<std::array<Block<double>, 9>> model_blocks_;
  /// Couplings with neighbours 5..8; those with 0..3 are the transposes that the neighbours hold.
  Buffer<std::array<Block<float>, 4>> blocks_;
  Buffer<std::array<int32_t, 9>> neighbours_;
  /// From the stored basis to (b, a), and from (b, a) to the stored basis.
  Buffer<Block<float>> to_model_, from_model_;

  const Band* band_ = nullptr;
  /// (1, I) for unknown pixels, 0 for all others, by place.
  Buffer<Float4> models_;
};

}  // namespace mattecore::solver
