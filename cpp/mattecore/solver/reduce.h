#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mattecore/base/parallel.h"
#include "mattecore/base/round_up.h"

namespace mattecore::solver {

/// Sum of a[i] b[i]: pieces of a fixed length are summed in eight strands, then the pieces in their order, so that the
/// result has the same bits for any number of threads.
template <class T>
double dot(const T* a, const T* b, int64_t count) {
  constexpr int64_t kPiece = 8192;
  std::vector<double> sums(static_cast<size_t>(pieces(count, kPiece)));
  parallel_for(std::ssize(sums), 4, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t last = std::min(count, (piece + 1) * kPiece);
      double strands[8] = {};
      int64_t i = piece * kPiece;
      for (; i + 8 <= last; i += 8)
        for (int64_t k = 0; k < 8; ++k) strands[k] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
      for (; i < last; ++i) strands[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
      double& sum = sums[static_cast<size_t>(piece)];
      for (double strand : strands) sum += strand;
    }
  });
  double sum = 0;
  for (double piece : sums) sum += piece;
  return sum;
}

}  // namespace mattecore::solver
