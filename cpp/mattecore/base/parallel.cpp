#include "mattecore/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "mattecore/base/round_up.h"

namespace mattecore {
namespace {

std::atomic<int> g_threads{0};
thread_local bool t_inside = false;

int own_threads() {
  if (t_inside) return 1;
  const int wanted = g_threads.load();
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// One thread per range, joined before the return. Starting a thread costs some 20 us, which a caller without torch's
/// pool can bear; a second pool beside torch's would fight with it for the cores.
void run_on_own_threads(int64_t count, int64_t grain, RangeBody body) {
  const int64_t ranges = std::min<int64_t>(own_threads(), pieces(count, grain));
  std::mutex mutex;
  std::exception_ptr first_error;
  auto run_range = [&](int64_t i) {
    t_inside = true;
    try {
      body(count * i / ranges, count * (i + 1) / ranges);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first_error) first_error = std::current_exception();
    }
    t_inside = false;
  };
  {
    std::vector<std::jthread> others;
    for (int64_t i = 1; i < ranges; ++i) others.emplace_back(run_range, i);
    run_range(0);
  }
  if (first_error) std::rethrow_exception(first_error);
}

ParallelBackend g_backend{run_on_own_threads, own_threads};

}  // namespace

void parallel_for(int64_t count, int64_t grain, RangeBody body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  if (count <= grain || num_threads() == 1) return body(0, count);
  g_backend.run(count, grain, body);
}

int num_threads() { return g_backend.threads(); }
void set_parallel_backend(ParallelBackend backend) { g_backend = backend; }
void set_num_threads(int threads) { g_threads = threads; }

}  // namespace mattecore
