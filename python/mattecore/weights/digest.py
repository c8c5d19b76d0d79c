"""SHA-256 of files, kept in the user's cache so that 880 MB are read for it once."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from ..atomic import replacing
from . import folders

Progress = Callable[[int, int], object]  # takes the bytes done and the bytes in all; may raise to cancel

_BLOCK = 1 << 20


def compute(path: Path, progress: Progress | None = None) -> str:
    """Returns the SHA-256 of a file, in hexadecimal, read now."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while block := file.read(_BLOCK):
            digest.update(block)
            if progress:
                progress(file.tell(), size)
    return digest.hexdigest()


def remembered(path: Path, cache: Path | None = None, progress: Progress | None = None) -> str:
    """Returns the SHA-256 of a file; read only where path, size or time of change are new to the cache.

    A cache that cannot be read or written costs time and nothing else.
    """
    state = _state(path)
    kept = _load(cache).get(_key(path))
    if kept is not None and kept[:-1] == state:
        return str(kept[-1])
    digest = compute(path, progress)
    if _state(path) == state:
        remember(path, digest, cache)
    return digest


def remember(path: Path, digest: str, cache: Path | None = None) -> None:
    """Puts the SHA-256 of a file, as it is now, into the cache; what is known of files that are gone goes out."""
    kept = {key: row for key, row in _load(cache).items() if os.path.exists(key)}
    kept[_key(path)] = [*_state(path), digest]
    with contextlib.suppress(OSError):
        _table(cache).parent.mkdir(parents=True, exist_ok=True)
        with replacing(_table(cache)) as file:
            file.write(json.dumps(kept, indent=1).encode())


def _table(cache: Path | None) -> Path:
    return (cache or folders.cache()) / "sha256.json"


def _load(cache: Path | None) -> dict[str, list[object]]:
    """Returns the cache's rows [size, time of change in ns, SHA-256] by path, leaving out what is none."""
    try:
        table = json.loads(_table(cache).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = table.items() if isinstance(table, dict) else ()
    return {key: row for key, row in rows if isinstance(row, list) and len(row) == 3 and isinstance(row[2], str)}


def _key(path: Path) -> str:
    return str(path.resolve())


def _state(path: Path) -> list[object]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]
