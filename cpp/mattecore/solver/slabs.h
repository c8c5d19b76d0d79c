#pragma once

#include <algorithm>
#include <cstdint>

#include "mattecore/base/parallel.h"
#include "mattecore/base/progress.h"

namespace mattecore::solver {

/// Lets a long computation tell how far it is from any depth, without knowing what it is a part of.
class Pulse {
 public:
  Pulse(const Progress& progress, const char* work) : progress_(progress), work_(work) {}

  void set_fraction(double fraction) { fraction_ = fraction; }
  void beat() const { progress_.report(fraction_, work_); }

 private:
  const Progress& progress_;
  const char* work_;
  double fraction_ = 0;
};

/// parallel_for that beats after every `slab` indices, of which a thread gets at least `grain` at a time.
template <class Body>
void parallel_slabs(int64_t count, int64_t slab, int64_t grain, const Pulse& pulse, Body&& body) {
  for (int64_t first = 0; first < count; first += slab) {
    parallel_for(std::min(slab, count - first), grain,
                 [&](int64_t begin, int64_t end) { body(first + begin, first + end); });
    pulse.beat();
  }
}

}  // namespace mattecore::solver
