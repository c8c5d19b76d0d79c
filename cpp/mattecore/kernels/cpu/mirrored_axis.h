#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mattecore::kernels {

/// Rows or columns 0..size-1 that go on mirrored beyond both ends, the end repeated: ... 1 0 | 0 1 2 .. n-1 | n-1 n-2
/// ...
class MirroredAxis {
 public:
  explicit MirroredAxis(int64_t size) : size_(size) {}

  int64_t size() const { return size_; }

  /// Which of 0..size-1 lies at i, any number.
  int64_t at(int64_t i) const {
    if (i >= 0 && i < size_) return i;
    const int64_t within = i - 2 * size_ * periods(i);
    return within < size_ ? within : 2 * size_ - 1 - within;
  }

  /// How often `index` is met on first..last.
  int64_t times_met(int64_t index, int64_t first, int64_t last) const {
    const int64_t twin = 2 * size_ - 1 - index;
    return periods(last - index) - periods(first - 1 - index) + periods(last - twin) - periods(first - 1 - twin);
  }

  /// Runs visit(index, times met) for every index that is met on centre - radius .. centre + radius.
  template <class Visit>
  void for_each_in_window(int64_t centre, int64_t radius, Visit&& visit) const {
    if (centre >= radius && centre + radius < size_) {
      for (int64_t i = centre - radius; i <= centre + radius; ++i) visit(i, int64_t{1});
      return;
    }
    const int64_t begin = std::clamp<int64_t>(centre - radius - 1, 0, size_);
    const int64_t end = std::clamp<int64_t>(centre + radius + 2, 0, size_);
    for (int64_t i = begin; i < end; ++i)
      if (const int64_t times = times_met(i, centre - radius, centre + radius)) visit(i, times);
  }

 private:
  /// Rounds towards minus infinity.
  int64_t periods(int64_t i) const { return i >= 0 ? i / (2 * size_) : -((2 * size_ - 1 - i) / (2 * size_)); }

  int64_t size_;
};

/// Sums over windows of 2 * radius + 1 entries of a row, running from left to right: one entry comes in, one goes out.
/// So that errors do not pile up and a result does not depend on where a caller begins, the sum is formed anew at
/// every restart_distance.
class WindowSums {
 public:
  WindowSums(int64_t size, int64_t radius, int64_t restart_distance)
      : restart_distance_(restart_distance), entering_(static_cast<size_t>(size)), leaving_(static_cast<size_t>(size)) {
    const MirroredAxis axis(size);
    for (int64_t x = 0; x < size; ++x) {
      entering_[static_cast<size_t>(x)] = static_cast<int32_t>(axis.at(x + radius));
      leaving_[static_cast<size_t>(x)] = static_cast<int32_t>(axis.at(x - radius - 1));
    }
    for (int64_t x = 0; x < size; x += restart_distance) {
      restarts_.push_back(terms_.size());
      axis.for_each_in_window(x - 1, radius, [&](int64_t index, int64_t times) {
        terms_.push_back({static_cast<int32_t>(index), static_cast<float>(times)});
      });
    }
    restarts_.push_back(terms_.size());
  }

  /// Writes the sums of the windows around begin..end-1. `sum` is that around begin - 1, and becomes that around
  /// end - 1; a restart may only lie at `begin`.
  template <class Entry>
  [[gnu::noinline]] void run(const Entry* row, int64_t begin, int64_t end, Entry& sum, Entry* out) const {
    if (begin % restart_distance_ == 0) {
      sum = {};
      const size_t restart = static_cast<size_t>(begin / restart_distance_);
      for (size_t i = restarts_[restart]; i < restarts_[restart + 1]; ++i)
        sum += row[terms_[i].index] * terms_[i].times;
    }
    const int32_t *entering = entering_.data(), *leaving = leaving_.data();
    Entry running = sum;
    int64_t x = begin;
    // Two steps at once, so that one addition's latency is paid every other pixel.
    for (; x + 1 < end; x += 2) {
      const Entry first = row[entering[x]] - row[leaving[x]];
      const Entry both = first + (row[entering[x + 1]] - row[leaving[x + 1]]);
      out[x - begin] = running + first;
      running += both;
      out[x - begin + 1] = running;
    }
    for (; x < end; ++x) {
      running += row[entering[x]] - row[leaving[x]];
      out[x - begin] = running;
    }
    sum = running;
  }

 private:
  struct Term {
    int32_t index;
    float times;
  };
  int64_t restart_distance_;
  std::vector<int32_t> entering_, leaving_;
  std::vector<Term> terms_;
  std::vector<size_t> restarts_;  // where each restart's terms begin, and the end of all
};

}  // namespace mattecore::kernels
