"""Time: ours and the peer in turn, so that whatever else slows the machine meets both."""

import gc
import statistics
import time
from dataclasses import dataclass

from harness.case import Call

_REST_S = 0.005
_MOST = 1000


@dataclass(frozen=True)
class Times:
    """The seconds of every repetition."""

    seconds: list[float]

    def times(self, factor: float) -> "Times":
        return Times([seconds * factor for seconds in self.seconds])

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def shortest(self) -> float:
        return min(self.seconds)


def _seconds(call: Call) -> float:
    time.sleep(_REST_S)  # the other side's pool goes on spinning for a while
    begin = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - begin
    del result
    return seconds


def in_turn(ours: Call, peer: Call, at_least: int, budget_s: float) -> tuple[Times, Times]:
    """Times both in turn, ``at_least`` times and then until ``budget_s`` is spent, after one round for nothing."""
    ours()
    peer()
    our_seconds: list[float] = []
    peer_seconds: list[float] = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        end = time.perf_counter() + budget_s
        while len(our_seconds) < at_least or (time.perf_counter() < end and len(our_seconds) < _MOST):
            our_seconds.append(_seconds(ours))
            peer_seconds.append(_seconds(peer))
    finally:
        if collecting:
            gc.enable()
    return Times(our_seconds), Times(peer_seconds)
