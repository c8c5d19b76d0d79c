#!/usr/bin/env bash
# The main job: sets up what is missing, then cuts a sample picture out and says where the result is.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
.venv/bin/python scripts/demo.py "$@"
