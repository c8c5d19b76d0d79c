"""Prints the digest of everything an installed mattecore is built from.

CMake writes it into mattecore._build when it configures, install.py compares it with the folder at hand: equal means
that there is nothing to build.
"""

import hashlib
import sys
from pathlib import Path

_SINGLE = ("CMakeLists.txt", "pyproject.toml", "weights/manifest.json")
_FOLDERS = ("cmake", "cpp", "python")
_GENERATED = frozenset({"_build.py"})
_SUFFIXES = frozenset({".cmake", ".cpp", ".cu", ".cuh", ".h", ".in", ".py", ".pyi", ".txt", ".typed"})


def source_digest(folder: Path) -> str:
    """Returns 64 hex digits over the names and contents of the sources in ``folder``, the same on every system."""
    files = [folder / name for name in _SINGLE if (folder / name).is_file()]
    for name in _FOLDERS:
        files += [
            path
            for path in (folder / name).rglob("*")
            if path.suffix in _SUFFIXES and path.name not in _GENERATED and path.is_file()
        ]
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


if __name__ == "__main__":
    print(source_digest(Path(sys.argv[1])), end="")
