#pragma once

/// Marks what the GPU computes by the processor's own text: nvcc compiles it for both, other compilers for one.
#if defined(__CUDACC__)
#define MATTECORE_HOST_DEVICE __host__ __device__
#else
#define MATTECORE_HOST_DEVICE
#endif
