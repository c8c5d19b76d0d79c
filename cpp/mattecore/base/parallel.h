#pragma once

#include <cstdint>

#include "mattecore/base/function_ref.h"

namespace mattecore {

/// Works on the indices begin <= i < end.
using RangeBody = FunctionRef<void(int64_t begin, int64_t end)>;

/// Splits 0..count into ranges of at least `grain` indices and runs the body on them, on every thread the host
/// grants; returns when all are done. Where ranges are cut depends on the number of threads, so a body must give
/// every index the same result whatever range it comes in. A body that throws: one of the exceptions is thrown here,
/// after the other ranges have ended. Nested calls run on the calling thread.
void parallel_for(int64_t count, int64_t grain, RangeBody body);

/// How many threads parallel_for may use from here.
int num_threads();

/// Where the threads come from. The core installs torch's own pool, so that one process has one pool and
/// torch.set_num_threads governs both; without torch each call starts threads of its own.
struct ParallelBackend {
  void (*run)(int64_t count, int64_t grain, RangeBody body);
  int (*threads)();
};
void set_parallel_backend(ParallelBackend backend);

/// For the backend without torch (tests, plain C++ programs): 0, the start, means every core.
void set_num_threads(int threads);

}  // namespace mattecore
