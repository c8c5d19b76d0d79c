#include "mattecore/kernels/components.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>

#include "mattecore/base/error.h"
#include "mattecore/base/image.h"
#include "mattecore/base/parallel.h"
#include "mattecore/kernels/cpu/bit_rows.h"

namespace mattecore::kernels {
namespace {

/// Which bits of the picture are set, in runs without a component.
template <class T, class Test>
std::vector<Run> find_runs(ImageView<const T> mask, Test&& test) {
  const int64_t words = words_for(mask.width);
  Image<uint64_t> bits(mask.height, words);
  std::atomic<bool> any_nan = false;
  parallel_for(mask.height, std::max<int64_t>(1, 32768 / mask.width), [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      if (has_nan(mask, y)) any_nan = true;
      set_bits(mask, y, test, bits.view().row(y));
    }
  });
  if (any_nan) throw_invalid("connected_components: the mask holds NaN, numbers are wanted");

  std::vector<Run> runs;
  for (int64_t y = 0; y < mask.height; ++y) {
    const size_t row_begin = runs.size();
    for (int64_t w = 0; w < words; ++w) {
      uint64_t word = bits(y, w);
      while (word != 0) {
        const int begin = std::countr_zero(word);
        const int length = std::countr_one(word >> begin);
        const auto x = static_cast<int32_t>(w * kWordBits + begin);
        if (runs.size() > row_begin && runs.back().end == x)
          runs.back().end += length;
        else
          runs.push_back({static_cast<int32_t>(y), x, x + length, -1});
        if (begin + length == kWordBits) break;
        word &= ~uint64_t{0} << (begin + length);
      }
    }
  }
  return runs;
}

/// Trees of runs; a root is its tree's first run.
class DisjointRuns {
 public:
  explicit DisjointRuns(size_t count) : parent_(count) {
    for (size_t i = 0; i < count; ++i) parent_[i] = static_cast<int32_t>(i);
  }

  int32_t root(int32_t run) {
    while (parent(run) != run) run = parent(run) = parent(parent(run));
    return run;
  }

  void unite(int32_t a, int32_t b) {
    a = root(a);
    b = root(b);
    parent(std::max(a, b)) = std::min(a, b);
  }

 private:
  int32_t& parent(int32_t run) { return parent_[static_cast<size_t>(run)]; }

  std::vector<int32_t> parent_;
};

/// Unites runs of neighbouring rows that overlap when each is `reach` pixels longer at both ends: 1 where corners
/// connect.
void unite_neighbours(const std::vector<Run>& runs, int32_t reach, DisjointRuns& trees) {
  size_t above = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    while (runs[above].row < run.row - 1 || (runs[above].row == run.row - 1 && runs[above].end + reach <= run.begin))
      ++above;
    for (size_t k = above; runs[k].row == run.row - 1 && runs[k].begin < run.end + reach; ++k)
      trees.unite(static_cast<int32_t>(k), static_cast<int32_t>(i));
  }
}

Components join_runs(std::vector<Run> runs, int32_t reach) {
  if (runs.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
    throw_invalid("connected_components: the mask has ", runs.size(), " runs of pixels, less than 2^31 are wanted");
  DisjointRuns trees(runs.size());
  unite_neighbours(runs, reach, trees);

  std::vector<Component> components;
  for (size_t i = 0; i < runs.size(); ++i) {
    Run& run = runs[i];
    const auto root = static_cast<size_t>(trees.root(static_cast<int32_t>(i)));
    if (root == i) {
      run.component = static_cast<int32_t>(components.size());
      components.push_back({0, run.row, run.row, run.begin, run.end, static_cast<int32_t>(i)});
    }
    run.component = runs[root].component;
    Component& component = components[static_cast<size_t>(run.component)];
    component.area += run.end - run.begin;
    component.bottom = run.row + 1;
    component.left = std::min(component.left, run.begin);
    component.right = std::max(component.right, run.end);
  }
  return {std::move(runs), std::move(components)};
}

void check(int64_t height, int64_t width, int64_t channels) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() - 1;
  if (channels != 1) throw_invalid("connected_components: the mask has ", channels, " channels, 1 is wanted");
  if (height > kMost || width > kMost)
    throw_invalid("connected_components: the mask is ", height, " x ", width, ", at most ", kMost, " each are wanted");
}

}  // namespace

template <class T>
Components connected_components(ImageView<const T> mask, T threshold) {
  check(mask.height, mask.width, mask.channels);
  if (mask.height == 0 || mask.width == 0) return {};
  return join_runs(find_runs(mask, [=](T v) { return v > threshold; }), 1);
}

template <class T>
Components background_components(ImageView<const T> mask, T threshold) {
  check(mask.height, mask.width, mask.channels);
  if (mask.height == 0 || mask.width == 0) return {};
  return join_runs(find_runs(mask, [=](T v) { return v <= threshold; }), 0);
}

template Components connected_components(ImageView<const uint8_t>, uint8_t);
template Components connected_components(ImageView<const float>, float);
template Components background_components(ImageView<const uint8_t>, uint8_t);
template Components background_components(ImageView<const float>, float);

}  // namespace mattecore::kernels
