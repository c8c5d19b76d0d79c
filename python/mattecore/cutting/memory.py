"""How much memory pictures take while they are cut, and who may take it when."""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ..pictures import PictureError

# At the highest point, whatever refines the edge and lies behind; beside the networks.
# tests/python/cutting/test_memory.py holds it against what the process takes.
BYTES_A_PIXEL = 100
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


class Stopped(Exception):  # noqa: N818  (it is no error)
    """Work was ended from outside."""


class Budget:
    """Bytes that pictures share: who wants more than is left waits until others are done."""

    def __init__(self, total: int, stopped: Callable[[], bool]) -> None:
        self._total = self._left = total
        self._stopped = stopped
        self._change = threading.Condition()

    @contextlib.contextmanager
    def held(self, wanted: int, name: str) -> Iterator[None]:
        """Takes bytes for a while; refuses, in a sentence, what would never fit."""
        if wanted > self._total:
            found = f"{name} takes about {in_words(wanted)} to be cut, and {in_words(self._total)} are allowed"
            raise PictureError(f"{found}; allow more with --max-memory, or make the picture smaller")
        with self._change:
            self._change.wait_for(lambda: self._stopped() or self._left >= wanted)
            if self._stopped():
                raise Stopped
            self._left -= wanted
        try:
            yield
        finally:
            with self._change:
                self._left += wanted
                self._change.notify_all()

    def wake(self) -> None:
        """Has those who wait look whether the work was stopped."""
        with self._change:
            self._change.notify_all()


def default_limit() -> int:
    """Returns half of the memory that the machine could give now."""
    with contextlib.suppress(OSError):
        found = re.search(r"MemAvailable: *(\d+) kB", Path("/proc/meminfo").read_text())
        if found:
            return int(found[1]) * 1024 // 2
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)


def parse_bytes(text: str) -> int:
    """Returns a number of bytes written as 800MB, 1.5GiB or 2g."""
    found = re.fullmatch(r"([\d.]+) *([kmg]i?|)b?", text.strip().lower())
    try:
        return int(float(found[1]) * _UNITS[found[2]]) if found else _not_bytes(text)
    except ValueError:
        return _not_bytes(text)


def in_words(count: int) -> str:
    """Returns a number of bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _not_bytes(text: str) -> int:
    raise ValueError(f"{text!r} is no amount of memory; wanted one as 800MB or 1.5GiB")
