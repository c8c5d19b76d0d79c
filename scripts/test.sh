#!/usr/bin/env bash
# All tests: style, C++ (for this processor, for the baseline, for AVX2 under the sanitizers), Python.
# The last lines say how many tests ran, failed and were skipped, and why.
set -euo pipefail
cd "$(dirname "$0")/.."
export MATTECORE_WERROR=ON
scripts/setup.sh
export PATH=$PWD/.venv/bin:$PATH MATTECORE_BUILD_DIR=$PWD/build/dev

step() { echo; echo "== $*"; }

step "style"
ruff check .
ruff format --check .
mypy
git ls-files -z '*.h' '*.cpp' '*.cu' | xargs -0 clang-format --dry-run --Werror

step "C++ for this processor"
cmake build/dev -DMATTECORE_BUILD_TESTS=ON -DMATTECORE_BUILD_BENCHMARKS=ON > /dev/null
cmake --build build/dev -- --quiet
ctest --test-dir build/dev --output-on-failure --no-tests=error | tail -4

# The libraries without torch again, compiled for lesser processors, so that the other halves of every SIMD kernel run.
torch_free=(-G Ninja -DMATTECORE_BUILD_PYTHON=OFF -DMATTECORE_CUDA=OFF -DMATTECORE_BUILD_TESTS=ON -DMATTECORE_WERROR=ON)
if [ "$(uname -m)" = x86_64 ]; then
  step "C++ for the baseline, without OpenCV"
  cmake -S . -B build/baseline "${torch_free[@]}" -DMATTECORE_ARCH=x86-64-v2 -DMATTECORE_OPENCV=OFF > /dev/null
  cmake --build build/baseline -- --quiet
  ctest --test-dir build/baseline --output-on-failure --no-tests=error | tail -4
  sanitized_arch=x86-64-v3
else
  sanitized_arch=native
fi
step "C++ under the address and undefined-behaviour sanitizers"
cmake -S . -B build/sanitize "${torch_free[@]}" -DMATTECORE_SANITIZE=ON -DMATTECORE_ARCH=$sanitized_arch \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo > /dev/null
cmake --build build/sanitize -- --quiet
ctest --test-dir build/sanitize --output-on-failure --no-tests=error | tail -4

step "Python"
pytest "$@"
