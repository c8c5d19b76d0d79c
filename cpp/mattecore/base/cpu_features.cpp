#include "mattecore/base/cpu_features.h"

namespace mattecore {
namespace {

struct Feature {
  const char* name;
  bool compiled;
  bool present;
};

/// This file alone is compiled for the baseline, so the kernels' flags arrive as MATTECORE_HAS_* from CMake.
std::vector<Feature> features() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return {
      {"avx2", MATTECORE_HAS_AVX2, __builtin_cpu_supports("avx2") != 0},
      {"fma", MATTECORE_HAS_FMA, __builtin_cpu_supports("fma") != 0},
      {"avx512f", MATTECORE_HAS_AVX512F, __builtin_cpu_supports("avx512f") != 0},
      {"avx512bw", MATTECORE_HAS_AVX512BW, __builtin_cpu_supports("avx512bw") != 0},
      {"avx512vbmi", MATTECORE_HAS_AVX512VBMI, __builtin_cpu_supports("avx512vbmi") != 0},
      {"avx512vnni", MATTECORE_HAS_AVX512VNNI, __builtin_cpu_supports("avx512vnni") != 0},
  };
#else
  return {};
#endif
}

}  // namespace

std::vector<std::string> cpu_features() {
  std::vector<std::string> names;
  for (const Feature& f : features())
    if (f.compiled) names.emplace_back(f.name);
  return names;
}

std::vector<std::string> missing_cpu_features() {
  std::vector<std::string> names;
  for (const Feature& f : features())
    if (f.compiled && !f.present) names.emplace_back(f.name);
  return names;
}

}  // namespace mattecore
