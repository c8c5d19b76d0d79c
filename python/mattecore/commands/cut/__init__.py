"""``mattecore cut``: cut the subject out of pictures."""

import argparse
import contextlib
import dataclasses
import importlib.util
import io
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import add_computing_options
from .show import Show, printable, show

if TYPE_CHECKING:
    from ...cutting import Cutter, Options
    from ...cutting.folder import Job
    from ...cutting.run import Running
    from ...video.formats import VideoFormat

HELP = "cut the subject out of pictures and videos: files, folders, globs or the standard input"
_REFINES = ("none", "guided", "closed-form", "vitmatte", "vitmatte-base")
_VIDEO_FORMATS = ("prores", "vp9", "h264", "png-sequence")
_EPILOG = """
photo.jpg becomes photo.cut.png beside it, the folder photos the folder
photos.cut with the same tree. What is there already is replaced only with
--overwrite. A file that cannot be cut is named, and the rest goes on.

examples:
  mattecore cut photo.jpg                        the subject on nothing
  mattecore cut photo.jpg --background white     ... on white
  mattecore cut photos -o shop --crop --margin 20
  mattecore cut 'photos/**/*.jpg' -o masks --mask-only
  mattecore cut photos --resume                  go on after Ctrl-C
  mattecore cut photo.jpg --model birefnet-general --refine closed-form
  curl -s URL | mattecore cut - > cut.png
  mattecore cut clip.mp4                         a video, with alpha: clip.cut.mov

exit status: 0 all were cut, 1 some failed, 2 not understood and nothing done,
130 stopped by Ctrl-C; docs/cut.md explains each option.
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Shows the default of every option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help or ""
        said = action.default in (None, argparse.SUPPRESS) or "default" in text or not action.option_strings
        return text if said or action.default is False else f"{text} (default: %(default)s)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    parser.formatter_class = _Formatter
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="PICTURE",
        help="files, folders (with all below), globs in quotes, or - for stdin",
    )

    where = parser.add_argument_group("where to")
    add = where.add_argument
    add("-o", "--output", metavar="PATH", help="the folder for the cut-outs, the file of a single one, or - for stdout")
    add(
        "--format",
        choices=("png", "webp", "tiff16", *_VIDEO_FORMATS),
        help="of pictures png, webp or tiff16, of videos the others; default: what the ending of --output says, else "
        "png, prores where videos keep alpha, and h264 where they have a background",
    )
    add("--overwrite", action="store_true", help="replace what is there already")
    add("--resume", action="store_true", help="leave out what is there already and no older than its picture")
    add("--dry-run", action="store_true", help="only say what would become what")

    network = parser.add_argument_group("which network")
    add = network.add_argument
    add(
        "--model",
        default="auto",
        metavar="NAME",
        help="auto (the strongest that is here), builtin, rmbg-1.4, birefnet-general, ... as `mattecore weights list` "
        "names them, or the path of a weights file (default: %(default)s)",
    )
    add_computing_options(network)

    edge = parser.add_argument_group("the edge")
    add = edge.add_argument
    add(
        "--refine",
        choices=_REFINES,
        default="guided",
        help="how the mask's edge is drawn anew: guided follows the picture's edges in milliseconds, closed-form "
        "resolves hair in seconds, vitmatte is a network for it (default: %(default)s)",
    )
    add(
        "--detail-range",
        type=int,
        metavar="PX",
        help="how far filters look (default: guided 3, closed-form 2)",
    )
    add("--detail-erode", type=int, metavar="PX", help="vitmatte: how far into the subject it decides (default: 6)")
    add("--detail-dilate", type=int, metavar="PX", help="vitmatte: how far out of it (default: 6)")
    add("--max-megapixels", type=float, metavar="MP", help="vitmatte: larger pictures are shrunk for it (default: 2)")
    add(
        "--black-point",
        type=float,
        metavar="0..1",
        help="refined values below become 0 (default: 0.01; with builtin 0.1)",
    )
    add(
        "--white-point",
        type=float,
        metavar="0..1",
        help="refined values above become 1 (default: 0.99; with builtin 0.55)",
    )

    look = parser.add_argument_group("the result")
    add = look.add_argument
    add(
        "--background",
        default="transparent",
        metavar="WHAT",
        help="transparent, blur, a colour (#rrggbb, white, ...) or a picture to lay the subject on",
    )
    add(
        "--foreground",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="take the old background's colour out of the edge (default: yes)",
    )
    add("--mask-only", action="store_true", help="write the mask alone, as a grey picture")
    add("--crop", action="store_true", help="cut the picture to the subject")
    add("--margin", type=int, default=0, metavar="PX", help="with --crop: leave so many pixels around it")
    add("--first-frame", action="store_true", help="of an animation or of several pages, cut the first (else: refused)")

    video = parser.add_argument_group("videos")
    video.add_argument(
        "--stability",
        type=float,
        default=0.5,
        metavar="0..1",
        help="how much the mask is averaged over time where nothing moves, against flicker (default: %(default)s)",
    )

    how = parser.add_argument_group("the work")
    add = how.add_argument
    add("--jobs", type=int, metavar="N", help="pictures at once (default: one a core, 2 for large networks)")
    add("--max-memory", metavar="BYTES", help="what they may take, as 800MB or 2GiB (default: half of what is free)")
    add("--json", action="store_true", help="one JSON object a line on stdout for each event")


def run(arguments: argparse.Namespace) -> int:
    """Cuts; returns 0 where all went well, 1 where a picture failed, 2 where nothing was begun, 130 where stopped."""
    if importlib.util.find_spec("PIL") is None:
        return _usage("reading pictures needs Pillow; install it with: pip install 'mattecore[cli]'")
    import torch
    from PIL import Image

    from ...cutting import Cutter, folder, video
    from ...cutting.run import is_done

    Image.MAX_IMAGE_PIXELS = None  # --max-memory is the limit here, against what the file's head says
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # paths come out as they went in
    try:
        options, running = _options(arguments), _running(arguments)
        running = dataclasses.replace(running, video=_video_format(arguments, options))
        jobs = folder.plan(arguments.inputs, arguments.output, running.format, running.video)
        if any(job.is_video for job in jobs):
            video.check(options, running.video)
        _check_streams(jobs, arguments.json)
        if not arguments.overwrite and not arguments.resume:
            folder.refuse_existing(jobs)
        cutter = Cutter(options)
        shown = show(len(jobs), arguments.json)
        if arguments.dry_run:
            for job in jobs:
                shown.planned(job, "skipped" if arguments.resume and is_done(job) else "cut")
            return 0
        shown.model(cutter.model.note)
        cutter.load()
    except (ValueError, TypeError) as error:
        plain = type(error) in (ValueError, TypeError)  # what is wrong with options; the others are of files
        return _usage(_as_typed(str(error)) if plain else str(error))
    if arguments.jobs is None:
        running = dataclasses.replace(running, jobs=2 if cutter.alone else torch.get_num_threads())
    return _cut(jobs, cutter, running, shown)


def _cut(jobs: "Sequence[Job]", cutter: "Cutter", running: "Running", shown: Show) -> int:
    from ...cutting.run import run

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the work as Ctrl-C does, with no file half there
    states: Counter[str] = Counter()
    begin = time.perf_counter()
    stopped = False
    with shown:
        try:
            with contextlib.closing(run(jobs, cutter, running, shown.watch)) as outcomes:
                for outcome in outcomes:
                    states[outcome.state] += 1
                    shown.outcome(outcome)
        except KeyboardInterrupt:
            stopped = True
        shown.summary(states, time.perf_counter() - begin, stopped)
    return 130 if stopped else 1 if states["failed"] else 0


def _options(arguments: argparse.Namespace) -> "Options":
    from ...cutting import Options

    return Options(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Options)})


def _video_format(arguments: argparse.Namespace, options: "Options") -> "VideoFormat":
    """Returns what videos become: as asked for, as the ending of the output says, or what suits the options."""
    from ...cutting.video import default_format
    from ...video.formats import VIDEO_ENDINGS

    if arguments.format in _VIDEO_FORMATS:
        return arguments.format
    ending = Path(arguments.output or "").suffix.lower()
    by_ending = [format for format, known in VIDEO_ENDINGS.items() if known and known == ending]
    return by_ending[0] if by_ending else default_format(options)


def _running(arguments: argparse.Namespace) -> "Running":
    from ...cutting.folder import format_for
    from ...cutting.memory import default_limit, parse_bytes
    from ...cutting.run import Running

    if arguments.overwrite and arguments.resume:
        raise ValueError("--overwrite makes anew what --resume leaves out; wanted one of them")
    if not 0 <= arguments.stability <= 1:
        raise ValueError(f"--stability is {arguments.stability}; wanted 0 to 1")
    if arguments.jobs is not None and arguments.jobs < 1:
        raise ValueError(f"--jobs is {arguments.jobs}; wanted 1 or more")
    return Running(
        max_memory=parse_bytes(arguments.max_memory) if arguments.max_memory else default_limit(),
        format=format_for(arguments.output, None if arguments.format in _VIDEO_FORMATS else arguments.format),
        stability=arguments.stability,
        jobs=arguments.jobs or 1,
        first_frame=arguments.first_frame,
        resume=arguments.resume,
    )


def _check_streams(jobs: "Sequence[Job]", as_json: bool) -> None:
    """Refuses a picture on a terminal, or among lines of JSON."""
    if jobs[0].target is None:
        if as_json:
            raise ValueError("the standard output is for the picture or for --json; give --output FILE")
        if sys.stdout.isatty():
            raise ValueError("the standard output is a terminal; send it to a file, or give --output FILE")


def _as_typed(sentence: str) -> str:
    """Returns a sentence with Python's names of options as they are typed here; values, in quotes, stay as they are."""
    from ...cutting import Options

    names = "|".join(["format", *(field.name for field in dataclasses.fields(Options))])
    return re.sub(
        rf"""'[^']*'|"[^"]*"|(?<!-)\b({names})\b(?:='([^']*)')?""",
        lambda found: f"--{found[1].replace('_', '-')} {found[2] or ''}".strip() if found[1] else found[0],
        sentence,
    )


def _usage(sentence: str) -> int:
    print(f"mattecore cut: {printable(sentence)}", file=sys.stderr)
    return 2
