"""What this machine is, and how much memory this process takes of it, as the kernel tells. Loads no torch."""

import contextlib
import ctypes
import gc
import os
import platform
from pathlib import Path
from types import TracebackType


def processor() -> str:
    """Returns the processor's name."""
    return cpuinfo("model name") or platform.processor() or platform.machine()


def cpuinfo(*keys: str) -> str:
    """Returns the first value that the kernel gives under one of these keys for its first processor, else nothing."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in keys:
                return value.strip()
    return ""


def cores() -> int:
    """Returns how many cores this process was given."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def status_kib(process: int | str = "self") -> dict[str, int]:
    """Returns what the kernel says of a process's memory, as VmRSS (resident) and VmHWM (resident at the highest)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if " kB" in value}


def forget_peak() -> bool:
    """Sets the kernel's highest resident size back to the present one; False where it does not offer that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def hand_back_free_memory() -> None:
    """Gives the system what was freed and is still resident, or a call could use it unseen."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


class Growth:
    """How much more memory this process took, at the highest, while something was done.

    ``bytes`` is None where the kernel does not keep the highest.
    """

    def __enter__(self) -> "Growth":
        self.bytes: int | None = None
        hand_back_free_memory()
        self._before = status_kib()["VmRSS"] if forget_peak() else None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            self.bytes = max(0, status_kib()["VmHWM"] - self._before) * 1024
