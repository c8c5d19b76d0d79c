#include "mattecore/network/cache.h"

#include <algorithm>
#include <chrono>

namespace mattecore::network {
namespace {

bool is_loaded(const std::shared_future<std::shared_ptr<Network>>& network) {
  return network.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

size_t bytes_of(const Network& network) { return network.weight_bytes() + network.kept_bytes(); }

}  // namespace

std::shared_ptr<Network> Cache::get(const std::string& key, const Load& load) {
  std::promise<std::shared_ptr<Network>> promise;
  std::shared_future<std::shared_ptr<Network>> network;
  bool loads = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.key == key; });
    if (found != slots_.end()) {
      slots_.splice(slots_.begin(), slots_, found);
    } else {
      loads = true;
      slots_.push_front({key, promise.get_future().share()});
    }
    network = slots_.front().network;
  }
  if (!loads) return network.get();

  try {
    promise.set_value(load());
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      slots_.remove_if([&](const Slot& slot) { return slot.key == key; });
    }
    promise.set_exception(std::current_exception());
    throw;
  }
  drop_beyond_budget();
  return network.get();
}

void Cache::drop_beyond_budget() {
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  bool newest = true;
  slots_.remove_if([&](const Slot& slot) {
    if (!is_loaded(slot.network)) return false;
    bytes += bytes_of(*slot.network.get());
    return !std::exchange(newest, false) && bytes > budget_;
  });
}

size_t Cache::drop(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return slots_.remove_if(
      [&](const Slot& slot) { return is_loaded(slot.network) && (key.empty() || slot.key == key); });
}

void Cache::release_memory() {
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_)
    if (is_loaded(slot.network)) slot.network.get()->release();
}

void Cache::set_budget(size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    budget_ = bytes;
  }
  drop_beyond_budget();
}

size_t Cache::budget() const {
  const std::lock_guard lock(mutex_);
  return budget_;
}

std::vector<Cache::Entry> Cache::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  for (const Slot& slot : slots_)
    if (is_loaded(slot.network)) entries.push_back({slot.key, bytes_of(*slot.network.get())});
  return entries;
}

Cache& cache() {
  static Cache networks;
  return networks;
}

}  // namespace mattecore::network
