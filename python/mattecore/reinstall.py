"""The one command that mends an installation of mattecore."""

import os
import shlex
import subprocess
import sys
from pathlib import Path


def command(folder: str | Path) -> str:
    """Returns what to type to build mattecore from its checkout ``folder`` into the running interpreter."""
    words = [sys.executable, str(Path(folder) / "install.py")]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
