"""The one command that mends an installation of mattecore."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def command(folder: str | Path) -> str:
    """Returns what to type to build mattecore from its checkout ``folder`` into the running interpreter."""
    return typed([sys.executable, str(Path(folder) / "install.py")])


def typed(words: Sequence[str]) -> str:
    """Returns the words of a command as they are typed in this system's shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
