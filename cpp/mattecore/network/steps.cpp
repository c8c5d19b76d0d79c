#include "mattecore/network/steps.h"

#include <algorithm>

namespace mattecore::network {
namespace {

thread_local Steps* current = nullptr;

}  // namespace

Steps::Steps(const Progress& progress, int64_t expected)
    : progress_(progress), expected_(std::max<int64_t>(expected, 1)), before_(current) {
  current = this;
}

Steps::~Steps() { current = before_; }

void Steps::rethrow() const {
  if (thrown_) std::rethrow_exception(thrown_);
}

void step() {
  if (current == nullptr) return;
  try {
    const double fraction = static_cast<double>(current->done_++) / static_cast<double>(current->expected_);
    current->progress_.report(std::min(fraction, 1.0), "the network");
  } catch (...) {
    current->thrown_ = std::current_exception();
    throw;
  }
}

}  // namespace mattecore::network
