#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace mattecore {

/// Thrown out of long work whose Progress was told to stop. Nothing has been written by then.
class Cancelled : public std::runtime_error {
 public:
  explicit Cancelled(const std::string& what) : std::runtime_error(what + " was cancelled") {}
};

/// How long work tells how far it is, and learns that it should stop. A default Progress tells nobody and never stops.
class Progress {
 public:
  /// Gets the fraction done, 0..1, on the thread that called the work; returns false to cancel.
  using Listener = std::function<bool(double fraction)>;

  Progress() = default;
  explicit Progress(Listener listener) : listener_(std::move(listener)) {}

  /// Reports and, where the listener wants to stop, throws Cancelled with the name of the work. Long work calls it
  /// at least every 50 ms.
  void report(double fraction, const char* work) const {
    if (listener_ && !listener_(fraction)) throw Cancelled(work);
  }

  /// A Progress for one part of the work: its 0..1 is begin..end of this one, which must outlive it.
  Progress part(double begin, double end) const {
    if (!listener_) return {};
    return Progress([this, begin, end](double fraction) { return listener_(begin + (end - begin) * fraction); });
  }

 private:
  Listener listener_;
};

}  // namespace mattecore
