"""Videos cut out frame by frame: read, cut and written at the same time, a few frames in memory.

The frames go through a Cutter as pictures do; ``stability`` keeps their masks from flickering.
"""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import replacing
from ..video import VideoError, has_pyav, require_pyav
from ..video.formats import VIDEO_FORMATS, WITH_ALPHA, VideoFormat, format_of
from .cutter import Cutter
from .options import Options

if TYPE_CHECKING:
    from ..video.read import Frame, Reader, Sound
    from ..video.write import PictureWriter, VideoWriter

# Frames that wait between reading and cutting, and between cutting and writing.
_AHEAD = 3
# What a video takes of memory, in pictures that are cut: one, and what waits and what is averaged beside it.
FRAMES_AT_ONCE = 2


@dataclass(frozen=True)
class Frames:
    """How far a video is."""

    done: int
    total: int  # about; 0: nobody knows
    seconds: float  # that it took so far

    @property
    def fraction(self) -> float:
        """Returns what part is done, 0..1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def __str__(self) -> str:
        rate = f", {self.done / self.seconds:.1f} a second" if self.seconds > 0 else ""
        return f"{self.done}{f' of {self.total}' if self.total else ''} frames{rate}"


@dataclass(frozen=True)
class VideoCut:
    """What a video became."""

    path: Path
    frames: int
    size: tuple[int, int]  # width and height
    seconds: float
    note: str  # what to know of it: sentences, or nothing


Watch = Callable[[Frames], object]
"""Gets how far a video is, before the first frame and after each. Raising in it ends the work."""


def cut_video(
    source: str | Path,
    target: str | Path,
    *,
    format: VideoFormat | None = None,
    stability: float = 0.5,
    progress: Watch | None = None,
    **options: Any,
) -> VideoCut:
    """Cuts the subject out of a video and writes it, with its sound, to ``target``: whole or not at all.

    ``format`` is by default what the ending of ``target`` says. ``stability`` from 0 to 1 averages the mask over time
    where the picture stands still. ``options`` are those of :class:`mattecore.cutting.Options`.
    """
    chosen = format or format_of(Path(target))
    cutter = Cutter(Options(**options))
    check(cutter.options, chosen)
    with opened(Path(source)) as reader:
        return write_video(reader, Path(target), cutter, chosen, stability, progress or (lambda frames: None))


def default_format(options: Options) -> VideoFormat:
    """Returns what a video becomes that nobody chose a format for: ProRes where it keeps alpha, else H.264."""
    if not is_opaque(options):
        return "prores"
    if not has_pyav():
        return "h264"  # check() says what is missing, where there is a video at all
    from ..video.write import encodes

    return "h264" if encodes("h264") else "vp9"


def is_opaque(options: Options) -> bool:
    """Says whether cut-outs have no alpha."""
    return options.mask_only or options.background != "transparent"


def check(options: Options, format: VideoFormat) -> None:
    """Refuses, in a sentence, what videos cannot be cut with."""
    require_pyav()
    from ..video.write import encodes

    if format not in VIDEO_FORMATS:
        raise ValueError(f"format is {format!r}; wanted {', '.join(VIDEO_FORMATS)}")
    if options.crop:
        raise ValueError("crop would give every frame another size; leave it out for videos")
    if not is_opaque(options) and format not in WITH_ALPHA:
        raise ValueError(f"format is {format}, which keeps no alpha; wanted {', '.join(WITH_ALPHA)}, or a background")
    if not encodes(format):
        raise VideoError(f"the installed PyAV cannot write {format}; install the one from PyPI, or take png-sequence")


@contextlib.contextmanager
def opened(source: Path) -> "Iterator[Reader]":
    """Opens a video and closes it."""
    require_pyav()
    from ..video.read import Reader

    try:
        file = source.open("rb")
    except OSError as error:
        raise VideoError(f"{source} cannot be read: {error.strerror}") from error
    with file, Reader(file, str(source)) as reader:
        yield reader


def write_video(
    reader: "Reader", target: Path, cutter: Cutter, format: VideoFormat, stability: float, watch: Watch
) -> VideoCut:
    """Does what :func:`cut_video` does, with what is open and loaded already."""
    from ..video.piped import piped
    from ..video.read import Frame
    from ..video.steady import Steady

    steady = Steady(stability)
    cutter.load()
    begin = time.perf_counter()
    done, notes = 0, set()

    def cut(items: "Iterator[Frame | Sound]") -> "Iterator[Frame | Sound]":
        for item in items:
            if isinstance(item, Frame):
                result = cutter.cut(item.pixels, steady=steady)
                notes.add(result.note)
                item = Frame(result.pixels, item.begin, item.duration)
            yield item

    watch(Frames(0, reader.frames, 0.0))
    with (
        _writer(target, format, reader, not is_opaque(cutter.options)) as writer,
        piped(iter(reader), _AHEAD) as read,
        piped(cut(read), _AHEAD) as ready,
    ):
        for item in ready:
            if isinstance(item, Frame):
                writer.frame(item)
                done += 1
                total = max(done, reader.frames) if reader.frames else 0
                watch(Frames(done, total, time.perf_counter() - begin))
            else:
                writer.sound(item)
    said = sorted(notes - {""}) if len(notes) == 1 else []  # what is so of every frame
    note = "; ".join([*said, *writer.notes, *filter(None, [reader.note])])
    return VideoCut(target, done, (reader.width, reader.height), time.perf_counter() - begin, note)


@contextlib.contextmanager
def _writer(
    target: Path, format: VideoFormat, reader: "Reader", has_alpha: bool
) -> "Iterator[VideoWriter | PictureWriter]":
    """Gives a writer for a new file or folder, which gets its name when all went well, and is removed otherwise."""
    import av

    from ..video.write import PictureWriter, VideoWriter

    try:
        if format == "png-sequence":
            with _replacing_folder(target) as folder:
                yield PictureWriter(folder, reader)
            return
        with replacing(target) as file:
            writer = VideoWriter(file, format, reader, has_alpha)
            try:
                yield writer
                writer.close()
            except BaseException:
                with contextlib.suppress(Exception):  # what is half written is thrown away in any case
                    writer.abandon()
                raise
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{target} cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def _replacing_folder(target: Path) -> Iterator[Path]:
    """Makes a folder that gets the name ``target`` when all went well, in place of a folder there, else is removed."""
    token = secrets.token_hex(4)
    written, old = target.with_name(f".{target.name}.{token}"), target.with_name(f".{target.name}.{token}.old")
    try:
        written.mkdir()
        yield written
        if target.exists():
            os.replace(target, old)
        os.replace(written, target)
    except BaseException:
        shutil.rmtree(written, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
