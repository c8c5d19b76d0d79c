#pragma once

#include <cstdint>
#include <exception>

#include "mattecore/base/progress.h"

namespace mattecore::network {

/// What the operators of a run in this thread report to while it lasts. An interpreter between the operators and the
/// run's caller may wrap what is thrown; the original is kept here.
class Steps {
 public:
  Steps(const Progress& progress, int64_t expected);
  ~Steps();
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  int64_t done() const { return done_; }

  /// Throws what ended the run, if a report did.
  void rethrow() const;

 private:
  friend void step();

  const Progress& progress_;
  int64_t expected_;
  int64_t done_ = 0;
  std::exception_ptr thrown_;
  Steps* before_;
};

/// Reports one more operator begun, on the thread that runs the network; throws Cancelled where that is wanted.
void step();

}  // namespace mattecore::network
