"""Cuts one picture by several methods, with the time each part takes."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..cutting import CutOut, Cutter, Options, models
from ..cutting.options import Precision
from ..machine import Growth
from ..pictures import Picture
from ..pictures.write import in_type
from .methods import Method


class Seconds(NamedTuple):
    """What a cut-out takes from picture to picture, both in memory."""

    network: float  # with the preparation of its input
    edge: float  # refining it, 0 where that is not done
    colours: float  # the subject's own colours, and putting it together

    @property
    def total(self) -> float:
        return sum(self)


@dataclass(frozen=True)
class Result:
    """What one method made of the picture."""

    method: Method
    pixels: Tensor  # uint8 [H,W,4], straight colours
    seconds: Seconds
    memory: int | None  # bytes taken beside the networks, None where that is not known
    loading: float  # seconds that loading its networks took, 0 where an earlier method had them loaded
    arithmetic: str
    note: str

    @property
    def alpha(self) -> Tensor:
        return self.pixels[..., 3]


@dataclass(frozen=True)
class Failure:
    """Why one method made nothing of it."""

    method: Method
    message: str


def run(
    methods: Sequence[Method], picture: Picture, device: str = "auto", precision: Precision = "auto"
) -> Iterator[Result | Failure]:
    """Cuts the picture by each method and yields what came of it.

    Before its time is taken, a network has cut the picture once: in that it finds out which buffers it needs.
    """

    def cutter(method: Method) -> Cutter:
        return Cutter(Options(model=method.model, refine=method.refine, device=device, precision=precision))

    warm: set[Method] = set()
    for method in methods:
        first = method if method.refine in models.VITMATTES else Method(method.model, "none")
        loading = 0.0
        try:
            if first not in warm:
                warming = cutter(first)
                begin = time.perf_counter()
                warming.load()
                loading = time.perf_counter() - begin
                warming.cut(picture)
                warm.add(first)
            cutting = cutter(method)
            cut, seconds, memory = measured(cutting, picture)
            pixels = in_type(cut.pixels, torch.uint8)
            yield Result(method, pixels, seconds, memory, loading, arithmetic(cutting), cut.note)
        except (ValueError, OSError, MemoryError, RuntimeError) as error:  # torch's lack of memory is the last
            lines = str(error).splitlines() or [type(error).__name__]
            yield Failure(method, lines[0])


def measured(cutter: Cutter, picture: Picture) -> tuple[CutOut, Seconds, int | None]:
    """Cuts once; returns the cut-out, the seconds of its parts and the bytes it took on the CPU at the highest.

    The progress is one step for the network and, with an edge to refine, one more, so it tells when each ended.
    """
    ended = 1.0 if cutter.options.refine == "none" else 0.5
    steps: list[tuple[float, float]] = []
    with Growth() as growth:
        begin = time.perf_counter()
        cut = cutter.cut(picture, lambda fraction: steps.append((fraction, time.perf_counter())))
        end = time.perf_counter()
    network = next(at for fraction, at in steps if fraction >= ended)
    edge = network if cutter.options.refine == "none" else steps[-1][1]
    memory = growth.bytes if cutter.device == "cpu" else None
    return cut, Seconds(network - begin, edge - network, end - edge), memory


def arithmetic(cutter: Cutter) -> str:
    """Returns what the network of a cutter computes in."""
    return cutter.model.load(cutter.device, cutter.options.precision).arithmetic
