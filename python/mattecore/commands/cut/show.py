"""What the command says while it works: sentences, a bar on a terminal, or lines of JSON."""

import importlib.util
import json
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...cutting.folder import Job
    from ...cutting.run import Outcome


def show(total: int, as_json: bool) -> "Show":
    """Returns what fits the terminal, or that there is none, and what is installed."""
    if as_json:
        return Lines()
    if not sys.stderr.isatty():
        return Show(total)
    return Bar(total) if importlib.util.find_spec("rich") else OneLine(total)


def printable(text: str) -> str:
    """Returns a text in which nothing commands the terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class Show:
    """Sentences on the standard error, and the paths of what was written on the standard output."""

    def __init__(self, total: int) -> None:
        self.total = total
        # A terminal is not to be filled with paths; who reads a pipe wants them.
        self._paths = total == 1 or not sys.stdout.isatty()

    def __enter__(self) -> "Show":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def sentence(self, sentence: str) -> None:
        print(f"mattecore cut: {printable(sentence)}", file=sys.stderr, flush=True)

    def model(self, note: str) -> None:
        """Says which network it is."""
        self.sentence(f"network: {note}")

    def planned(self, job: "Job", state: str) -> None:
        """Says what would be done."""
        print(f"{job.name} -> {job.target or 'the standard output'}" + ("" if state == "cut" else f" ({state})"))

    def watch(self, job: "Job", fraction: float, said: str) -> None:
        """Gets how far a picture or a video is, a video's in words too, on the thread that cuts it."""

    def outcome(self, outcome: "Outcome") -> None:
        """Says what became of a picture."""
        if outcome.state == "failed":
            self.sentence(outcome.message)
        elif outcome.message:
            self.sentence(f"{outcome.job.name}: {outcome.message}")
        if outcome.state == "cut" and outcome.job.target and self._paths:
            print(outcome.job.target, flush=True)

    def summary(self, states: "Counter[str]", seconds: float, stopped: bool) -> None:
        """Says what became of all."""
        done = ", ".join(f"{states[state]} {state}" for state in ("cut", "skipped", "failed") if states[state])
        rate = f" ({states['cut'] / seconds:.1f} a second)" if states["cut"] > 1 else ""
        self.sentence(f"{done or 'none done'} in {seconds:.1f} s{rate}")
        if stopped:
            left = self.total - sum(states.values())
            self.sentence(f"stopped, {left} left; the same command with --resume goes on")


# Between two lines of JSON on how far a video is.
_SECONDS_BETWEEN = 1.0


class Lines(Show):
    """One JSON object a line on the standard output, each with an "event"; docs/cut.md lists them."""

    def __init__(self) -> None:
        super().__init__(0)
        self._last = 0.0

    def watch(self, job: "Job", fraction: float, said: str) -> None:
        now = time.monotonic()
        if said and now - self._last >= _SECONDS_BETWEEN:
            self._last = now
            _line(event="progress", **_paths(job), fraction=round(fraction, 4), message=said)

    def model(self, note: str) -> None:
        _line(event="network", message=note)

    def planned(self, job: "Job", state: str) -> None:
        _line(event="planned", **_paths(job), would_be=state)

    def outcome(self, outcome: "Outcome") -> None:
        width, height = outcome.size or (None, None)
        facts = {"width": width, "height": height, "seconds": round(outcome.seconds, 4), "message": outcome.message}
        _line(event=outcome.state, **_paths(outcome.job), **facts)

    def summary(self, states: "Counter[str]", seconds: float, stopped: bool) -> None:
        counts = {state: states[state] for state in ("cut", "skipped", "failed")}
        _line(event="summary", **counts, seconds=round(seconds, 4), stopped=stopped)


def _paths(job: "Job") -> dict[str, str]:
    return {"input": str(job.source or "-"), "output": str(job.target or "-")}


def _line(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


class _Watching(Show, ABC):
    """What both bars know: how many are done, parts of pictures counted, and which one began last."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._begin = time.perf_counter()
        self._lock = threading.Lock()
        self._parts: dict[Job, float] = {}
        self._done = 0

    def watch(self, job: "Job", fraction: float, said: str) -> None:
        with self._lock:
            self._parts[job] = fraction
            self._draw(self._done + sum(self._parts.values()), f"{job.name}  {said}" if said else job.name)

    def outcome(self, outcome: "Outcome") -> None:
        super().outcome(outcome)
        with self._lock:
            self._parts.pop(outcome.job, None)
            self._done += 1
            self._draw(self._done + sum(self._parts.values()), outcome.job.name)

    def _rate(self) -> str:
        seconds = time.perf_counter() - self._begin
        return f"{self._done / seconds:.1f}/s" if self._done else ""

    @abstractmethod
    def _draw(self, done: float, name: str) -> None:
        """Shows how many are done, and a name."""


class OneLine(_Watching):
    """One line of text that is written over and over."""

    def _draw(self, done: float, name: str) -> None:
        seconds = time.perf_counter() - self._begin
        left = f"{seconds / done * (self.total - done):.0f} s left" if done else ""
        text = f"{self._done}/{self.total}  {self._rate()}  {left}  {printable(name)}"
        print(f"\r\x1b[K{text[:100]}", end="", file=sys.stderr, flush=True)

    def sentence(self, sentence: str) -> None:
        print("\r\x1b[K", end="", file=sys.stderr)
        super().sentence(sentence)


class Bar(_Watching):
    """Rich's bar."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        from rich import progress
        from rich.console import Console

        self._console = Console(stderr=True)
        self._progress: Any = progress.Progress(
            progress.TextColumn("{task.fields[done]}/{task.total}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total, done=0, rate="")

    def __enter__(self) -> Show:
        self._progress.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._progress.stop()

    def sentence(self, sentence: str) -> None:
        self._console.print(f"mattecore cut: {printable(sentence)}", markup=False, highlight=False, soft_wrap=True)

    def _draw(self, done: float, name: str) -> None:
        facts = {"done": self._done, "rate": self._rate(), "description": printable(name)}
        self._progress.update(self._task, completed=done, **facts)
