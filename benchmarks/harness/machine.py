"""The machine: what it is, how busy it is, and which of its cores a measurement may use."""

import contextlib
import os
import platform
from pathlib import Path

import torch

from mattecore.machine import cpuinfo, processor

_FEATURES = (
    *("avx2", "fma", "avx512f", "avx512bw", "avx512vbmi", "avx512_vbmi", "avx512_vnni", "avx512_bf16"),
    *("avx512_fp16", "amx_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2"),
)

_ALLOWED = sorted(os.sched_getaffinity(0))


def cores() -> int:
    """Returns how many cores this process was given."""
    return len(_ALLOWED)


def pin(threads: int) -> None:
    """Holds all threads of this process on the first ``threads`` cores; torch, and so mattecore, uses as many."""
    chosen = _ALLOWED[:threads]
    torch.set_num_threads(threads)
    os.sched_setaffinity(0, chosen)
    for task in os.listdir("/proc/self/task"):  # a pool's threads, started under an earlier pinning, keep that one
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task), chosen)


def describe() -> list[str]:
    """Returns the lines that belong beside every figure."""
    flags = set(cpuinfo("flags", "Features").split())
    features = " ".join(name for name in _FEATURES if name in flags)
    huge_pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    chosen = huge_pages.read_text().partition("[")[2].partition("]")[0] if huge_pages.exists() else "none"
    lines = [
        f"processor: {processor()}, {cores()} cores; {features}",
        f"torch {torch.__version__}, Python {platform.python_version()}; huge pages: {chosen}",
    ]
    if torch.cuda.is_available():
        lines.append(f"GPU: {torch.cuda.get_device_name()}")
    return lines


def busy() -> str | None:
    """Returns a warning where something else is using the cores."""
    load = os.getloadavg()[0]
    if load < 0.3 * cores():
        return None
    return f"the machine is busy (load {load:.1f} on {cores()} cores): trust the minima, not the medians"
