#!/usr/bin/env bash
# Makes everything ready to run: system packages, the virtual environment .venv, the build, the installation.
# Running it again does only what is missing. PYTHON=python3.12 chooses another interpreter than python3 (before
# .venv is there), MATTECORE_TORCH=torch==2.9.1 another torch than the one the tests run with.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
fail() { say "$1" >&2; exit "${2:-1}"; }

# --- what the system must have -----------------------------------------------------------------------------------
# Debian's package beside what shows that it is there, whoever installed it.
header() {
  local folder
  for folder in /usr/include /usr/local/include /usr/include/eigen3 /usr/include/opencv4 \
                /usr/include/"$(uname -m)"-linux-gnu /usr/include/"$(uname -m)"-linux-gnu/opencv4 \
                "${CONDA_PREFIX:-/nonexistent}/include"; do
    [ -e "$folder/$1" ] && return
  done
  return 1
}

missing_packages() {
  command -v git > /dev/null || echo git
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] || echo ca-certificates
  command -v g++ > /dev/null || [ -n "${CXX:-}" ] || echo g++
  command -v cmake > /dev/null || echo cmake
  command -v ninja > /dev/null || echo ninja-build
  local python=${PYTHON:-python3}
  if ! command -v "$python" > /dev/null; then
    echo python3 python3-venv python3-dev
  else
    "$python" -c 'import ensurepip, venv' 2> /dev/null || echo python3-venv
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
      echo python3-dev
  fi
  header opencv2/core.hpp || echo libopencv-core-dev
  header opencv2/imgproc.hpp || echo libopencv-imgproc-dev
  header opencv2/imgcodecs.hpp || echo libopencv-imgcodecs-dev
  header Eigen/Core || echo libeigen3-dev
  header gtest/gtest.h || echo libgtest-dev
  header benchmark/benchmark.h || echo libbenchmark-dev
}

packages=$(missing_packages | tr '\n' ' ')
if [ -n "$packages" ]; then
  if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    root=()
  elif command -v apt-get > /dev/null && sudo -n true 2> /dev/null; then
    root=(sudo)
  else
    say "these system packages are missing (Debian's names), and installing them needs apt-get and root:" >&2
    printf '  %s\n' $packages >&2
    fail "install them, then run this again" 3
  fi
  say "installing system packages: $packages"
  "${root[@]}" apt-get update -qq
  # shellcheck disable=SC2086  # the list is words on purpose
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages > /dev/null
fi

# --- the virtual environment -------------------------------------------------------------------------------------
if ! .venv/bin/python -c '' 2> /dev/null; then
  python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$python is $("$python" --version); mattecore needs Python 3.10 or newer: set PYTHON to one"
  say "making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
fi
python=$PWD/.venv/bin/python
export PATH=$PWD/.venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1

if ! "$python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
  say "installing ${MATTECORE_TORCH:-torch==2.13.0}"
  "$python" -m pip install --quiet "${MATTECORE_TORCH:-torch==2.13.0}"
  "$python" - << 'END'
import torch
build = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}" if torch.version.hip else "CPU only"
print(f"setup: pip chose torch {torch.__version__} ({build})")
END
fi

# --- the build and the installation ------------------------------------------------------------------------------
# One digest over all that the installation is made from: equal means that nothing is to be done.
state=$("$python" cmake/source_digest.py . ; "$python" -m pip freeze --exclude-editable 2> /dev/null | grep -i '^torch==';
        uname -m; grep -m1 '^flags' /proc/cpuinfo 2> /dev/null || true)
if [ "$state" != "$(cat .venv/mattecore-state 2> /dev/null || true)" ]; then
  say "building mattecore (the first time takes some minutes)"
  "$python" -m pip install --quiet 'scikit-build-core>=0.11'
  # A compiler on the core's sources takes up to 2 GiB: as many at once as fit three quarters of the memory.
  jobs=$(awk '/MemAvailable/ {print int($2 * 0.75 / 2097152)}' /proc/meminfo 2> /dev/null || echo 2)
  [ "$jobs" -lt "$(nproc)" ] || jobs=$(nproc)
  [ "$jobs" -ge 1 ] || jobs=1
  CMAKE_BUILD_PARALLEL_LEVEL=$jobs "$python" -m pip install --quiet --no-build-isolation \
    --config-settings=build-dir=build/dev --config-settings=cmake.define.MATTECORE_WERROR="${MATTECORE_WERROR:-OFF}" \
    --editable '.[dev]'
  printf '%s' "$state" > .venv/mattecore-state
fi
say "ready: $("$python" -c 'import torch; print("torch", torch.__version__, "with CUDA " + torch.version.cuda if torch.version.cuda else "(CPU only)")')"
