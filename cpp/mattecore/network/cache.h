#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mattecore/network/network.h"

namespace mattecore::network {

/// The process's loaded networks. One that several threads ask for at once is loaded once; beyond the budget those used
/// longest ago are dropped, except the newest; whoever still runs a dropped one keeps it until it is done.
class Cache {
 public:
  using Load = std::function<std::shared_ptr<Network>()>;

  struct Entry {
    std::string key;
    size_t bytes;
  };

  static constexpr size_t kDefaultBudget = size_t{4} << 30;

  /// Returns the network kept under key, else loads and keeps it. What load throws reaches everybody who waits for it,
  /// and the next call tries again.
  std::shared_ptr<Network> get(const std::string& key, const Load& load);

  /// Drops one network, or with an empty key all; returns how many.
  size_t drop(const std::string& key);

  /// Gives what the networks keep between runs back to the system.
  void release_memory();

  void set_budget(size_t bytes);
  size_t budget() const;

  /// What is loaded, used most recently first.
  std::vector<Entry> entries() const;

 private:
  struct Slot {
    std::string key;
    std::shared_future<std::shared_ptr<Network>> network;
  };

  void drop_beyond_budget();

  mutable std::mutex mutex_;
  std::list<Slot> slots_;  // used most recently first
  size_t budget_ = kDefaultBudget;
};

/// The one of this process.
Cache& cache();

}  // namespace mattecore::network
