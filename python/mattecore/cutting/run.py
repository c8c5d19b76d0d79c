"""Many pictures: read, cut and written by several threads at once, in bounded memory, each for itself.

A thread takes a picture from file to file, so that one is read while another is cut and a third is written. As many are
in memory as there are threads, and fewer where Budget says so.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Literal

import torch

from ..pictures import PictureError
from ..pictures.read import read, size
from ..pictures.write import Format, encode, write
from ..video.formats import VideoFormat
from .cutter import Cutter
from .folder import Job
from .memory import Budget, Stopped, in_words
from .video import FRAMES_AT_ONCE, Frames, opened, write_video

State = Literal["cut", "skipped", "failed"]
Watch = Callable[[Job, float, str], object]
"""Gets a job, the fraction of it that is done, and in words what is (of a video), on the thread that does it."""


@dataclass(frozen=True)
class Outcome:
    """What became of one picture."""

    job: Job
    state: State
    message: str = ""  # why it failed, or what to know of the cut-out
    size: tuple[int, int] | None = None  # the result's width and height
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """How pictures are run; how each is cut is Options' affair."""

    max_memory: int  # bytes that the pictures at work may take together, beside the networks
    format: Format = "png"
    jobs: int = 1  # pictures at once
    first_frame: bool = False  # of an animation, take the first frame
    resume: bool = False  # leave out what is there and no older than its picture
    video: VideoFormat = "prores"  # what videos become
    stability: float = 0.5  # how much their masks are averaged over time


def run(
    jobs: Sequence[Job], cutter: Cutter, running: Running, watch: Watch = lambda job, fraction, said: None
) -> Generator[Outcome, None, None]:
    """Does the jobs and yields each outcome as it comes; closing the iterator ends the work, and no file is half there.

    A picture that cannot be read, cut or written is an outcome too. What concerns all of them, as weights that are not
    whole, is raised before the first.
    """
    cutter.load()
    stop = threading.Event()
    line = Line(cutter, running, Budget(running.max_memory, stop.is_set), stop, watch)
    workers = max(1, min(running.jobs, len(jobs)))
    threads = torch.get_num_threads()
    # A large network runs alone, on all threads; else the pictures at work share them.
    share = threads if cutter.alone else max(1, threads // workers)
    pool = ThreadPoolExecutor(workers, "mattecore cut", torch.set_num_threads, (share,))
    try:
        for future in as_completed([pool.submit(line.outcome, job) for job in jobs]):
            yield future.result()
    finally:
        stop.set()
        line.budget.wake()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # what the pool set is also every new thread's


@dataclass(frozen=True)
class Line:
    """What each picture goes through."""

    cutter: Cutter
    running: Running
    budget: Budget
    stop: threading.Event
    watch: Watch

    def outcome(self, job: Job) -> Outcome:
        if self.running.resume and is_done(job):
            return Outcome(job, "skipped")
        begin = time.perf_counter()
        try:
            extent, message = self._video(job) if job.is_video else self._cut(job)
        except Stopped:
            raise
        except (ValueError, OSError, MemoryError, RuntimeError) as error:  # torch's lack of memory is the last
            lines = str(error).splitlines() or [type(error).__name__]
            sentence = lines[0] if isinstance(error, PictureError) else f"{job.name}: {lines[0]}"
            return Outcome(job, "failed", sentence)
        return Outcome(job, "cut", message, extent, time.perf_counter() - begin)

    def _video(self, job: Job) -> tuple[tuple[int, int], str]:
        """Cuts a video; returns its width and height, and what to know of it."""
        assert job.source is not None
        assert job.target is not None
        job.target.parent.mkdir(parents=True, exist_ok=True)

        def watch(frames: Frames) -> None:
            self._step(job, frames.fraction, str(frames))

        with opened(job.source) as reader:
            needed = FRAMES_AT_ONCE * self.cutter.bytes_for(reader.height, reader.width)
            with self.budget.held(needed, job.name):
                running = self.running
                cut = write_video(reader, job.target, self.cutter, running.video, running.stability, watch)
        rate = f"{cut.frames} frames, {cut.frames / cut.seconds:.1f} a second"
        return cut.size, f"{rate}; {cut.note}" if cut.note else rate

    def _cut(self, job: Job) -> tuple[tuple[int, int], str]:
        """Cuts a picture; returns the result's width and height, and what to know of it."""
        limit, file = self.running.max_memory, job.source
        source = _piped(job, limit) if file is None or file.is_fifo() else file
        needed = self.cutter.bytes_for(*size(source, name=job.name))
        with self.budget.held(needed, job.name):
            self._step(job, 0.0)
            picture = read(source, name=job.name, first_frame=self.running.first_frame)
            cut = self.cutter.cut(picture, lambda fraction: self._step(job, fraction))
            encoded = encode(cut.picture, self.running.format)
            if job.target is None:
                sys.stdout.buffer.write(encoded)
                sys.stdout.buffer.flush()
            else:
                job.target.parent.mkdir(parents=True, exist_ok=True)
                write(encoded, job.target)
            self._step(job, 1.0)
        height, width = cut.pixels.shape[:2]
        return (width, height), cut.note

    def _step(self, job: Job, fraction: float, said: str = "") -> None:
        if self.stop.is_set():
            raise Stopped
        self.watch(job, fraction, said)


def is_done(job: Job) -> bool:
    """Says whether a job's cut-out is there, and its picture has not changed since."""
    try:
        return bool(job.source and job.target and job.target.stat().st_mtime >= job.source.stat().st_mtime)
    except OSError:
        return False


def _piped(job: Job, limit: int) -> bytes:
    """Returns what goes by but once: the standard input, or a pipe's."""
    with contextlib.nullcontext(sys.stdin.buffer) if job.source is None else job.source.open("rb") as file:
        piped = file.read(limit + 1)
    if len(piped) > limit:
        raise PictureError(f"{job.name} has more than {in_words(limit)}; allow more with --max-memory")
    return piped
