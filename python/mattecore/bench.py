"""How fast this machine cuts pictures out, by network: what ``mattecore bench`` measures.

The repository's benchmarks hold the stages against other programs; this is for whoever wants to know what to expect.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .cutting import Cutter, Options
from .cutting.folder import Job
from .cutting.memory import default_limit
from .cutting.options import Precision
from .cutting.run import Running, run
from .machine import Growth
from .pictures import Picture
from .pictures.write import encode, write

SIDE = 1000  # of the picture that is cut, pixels
_OWN_SIZE = 1024  # what a network sees that takes pictures as large as they are
_MOST = 50  # repetitions

Say = Callable[[str], object]
"""Gets what is being measured, in words."""


@dataclass(frozen=True)
class Row:
    """What was measured of one network."""

    network: str
    family: str
    height: int  # of its input
    width: int
    arithmetic: str
    loading: float  # seconds
    seconds: dict[int, float]  # a picture at its input size, by the number of threads
    pictures_a_second: float  # from file to file, as mattecore cut does it
    memory: int | None  # bytes that the process took for it at the highest, with its weights


def measured(model: str, device: str, precision: Precision, budget_s: float, say: Say) -> Row:
    """Measures one network, each figure for about ``budget_s``, and for one picture at the least."""
    say("loading")
    with Growth() as growth:
        cutter = Cutter(Options(model=model, device=device, precision=precision))
        begin = time.perf_counter()
        cutter.load()
        loading = time.perf_counter() - begin
        network = cutter.model.load(cutter.device, precision)
        height, width = network.preparation.height or _OWN_SIZE, network.preparation.width or _OWN_SIZE
        image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1)).to(cutter.device)

        def forward() -> None:
            network.forward(image, None)
            if cutter.device != "cpu":
                torch.cuda.synchronize()

        forward()
        seconds = {}
        for threads in _threads(cutter):
            say(f"one picture, {threads} thread{'s' * (threads > 1)}")
            seconds[threads] = _with_threads(threads, forward, budget_s)
        say("pictures from file to file")
        rate = _pictures_a_second(cutter, budget_s)
    memory = growth.bytes if cutter.device == "cpu" else None
    family = network.preparation.family
    return Row(model, family, height, width, network.arithmetic, loading, seconds, rate, memory)


def picture() -> Picture:
    """Draws the picture that is cut: a lobed thing with a soft edge before a background, and noise on both."""
    random = torch.Generator().manual_seed(1)
    y, x = torch.meshgrid(*2 * (torch.linspace(-1, 1, SIDE),), indexing="ij")
    outline = 0.6 + 0.08 * torch.sin(5 * torch.atan2(y, x))
    alpha = ((outline - torch.hypot(x, y)) / 0.03 + 0.5).clamp(0, 1)[..., None]
    front = torch.stack([0.75 + 0.2 * x, 0.3 + 0.1 * y, 0.2 + 0.1 * x * y], 2)
    back = torch.stack([0.3 + 0.1 * y, 0.5 - 0.2 * x, 0.6 + 0.2 * y], 2)
    values = torch.lerp(back, front, alpha) + 0.02 * torch.randn(SIDE, SIDE, 3, generator=random)
    return Picture((values.clamp(0, 1) * 255).round().to(torch.uint8))


def _threads(cutter: Cutter) -> list[int]:
    """Returns the numbers of threads to measure with: one and all, on a GPU only all."""
    every = torch.get_num_threads()
    return sorted({1, every}) if cutter.device == "cpu" else [every]


def _with_threads(threads: int, call: Callable[[], None], budget_s: float) -> float:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _median_seconds(call, budget_s)
    finally:
        torch.set_num_threads(before)


def _median_seconds(call: Callable[[], None], budget_s: float) -> float:
    seconds: list[float] = []
    while not seconds or (sum(seconds) < budget_s and len(seconds) < _MOST):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def _pictures_a_second(cutter: Cutter, budget_s: float) -> float:
    """Cuts files of one picture as ``mattecore cut`` does, several at once, until the time is over."""
    running = Running(max_memory=default_limit(), jobs=2 if cutter.alone else torch.get_num_threads())
    with tempfile.TemporaryDirectory(prefix="mattecore") as name:
        source = Path(name, "picture.png")
        write(encode(picture(), "png"), source)
        jobs = [Job(source, source.with_name(f"{number}.png")) for number in range(_MOST * running.jobs)]
        done, seconds = 0, 0.0
        begin = time.perf_counter()
        with contextlib.closing(run(jobs, cutter, running)) as outcomes:
            for outcome in outcomes:
                if outcome.state == "failed":
                    raise RuntimeError(outcome.message)
                done, seconds = done + 1, time.perf_counter() - begin
                if done >= running.jobs and seconds >= budget_s:
                    break
        return done / seconds
