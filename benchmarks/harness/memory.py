"""Memory: the highest anonymous resident memory of a fresh process during one call, minus that before it.

The kernel keeps a process's highest resident size itself, to the page, and sets it back on request (5 into
clear_refs), so no peak is too short to be seen. It counts pages of mapped files too (libraries, weights), which the
rule leaves out, and how many of those there were at the peak it does not record. They only grow during a call, so the
highest resident size less the file pages after the call is never too much, and falls short only by file pages first
touched after the peak. For that case the parent watches RssAnon meanwhile, and the larger of the two counts.

Inputs lie in memory before the call; what making them left free but resident is handed back first, or the call could
use it unseen. What the call returns is held until the figures are read. What a first call brings in beside its own
(thread stacks, workspaces of libraries) is part of it, for us and for the peer.
"""

import json
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from harness.case import Case, Maker
from mattecore.machine import forget_peak, hand_back_free_memory, status_kib

_SAMPLE_S = 0.001
_RUNNER = Path(__file__).parent.parent / "run.py"


def weigh(maker: Maker, device: str = "cpu", begin: Callable[[], object] = lambda: None) -> dict[str, float]:
    """Makes the call once in this process; returns anonymous memory before and at the peak, and the GPU's peak, in KiB.

    ``begin`` is called when all is ready, before the call.
    """
    call = maker()
    hand_back_free_memory()
    has_gpu = device == "cuda"
    if has_gpu:
        torch.cuda.reset_peak_memory_stats()
        gpu_before = torch.cuda.memory_allocated()
    before = status_kib()["RssAnon"]
    begin()
    is_exact = forget_peak()
    result = call()
    if has_gpu:
        torch.cuda.synchronize()
    after = status_kib()
    gpu = (torch.cuda.max_memory_allocated() - gpu_before) / 1024 if has_gpu else 0.0
    del result
    peak = after["VmHWM"] - after["RssFile"] - after["RssShmem"] if is_exact else after["RssAnon"]
    return {"before": before, "peak": peak, "gpu": gpu}


def answer_parent(maker: Maker, device: str) -> None:
    """The fresh process's side of :func:`peak_mib`."""

    def begin() -> None:
        print("ready", flush=True)
        sys.stdin.readline()

    print(json.dumps(weigh(maker, device, begin)), flush=True)


def peak_mib(case: Case, side: str) -> float:
    """Returns the peak of one side, "ours" or "peer", of a case, measured in a fresh process."""
    command = [sys.executable, str(_RUNNER), "--weigh", side, case.key]
    watched = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("pipes were asked for")
        if child.stdout.readline() == "ready\n":
            child.stdin.write("go\n")
            child.stdin.flush()
            while not select.select([child.stdout], [], [], _SAMPLE_S)[0]:
                watched = max(watched, status_kib(child.pid).get("RssAnon", 0))
        answer = child.stdout.read()
    if child.returncode or not answer:
        raise RuntimeError(f"the process that weighed {side} of '{case.key}' ended with {child.returncode}")
    figures = json.loads(answer)
    return float(max(figures["peak"], watched) - figures["before"] + figures["gpu"]) / 1024
