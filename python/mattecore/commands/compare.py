"""``mattecore compare``: the methods side by side on one picture."""

import argparse
import importlib.util
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import add_computing_options
from .cut.show import printable

if TYPE_CHECKING:
    from ..comparing.comparison import Comparison
    from ..comparing.run import Failure, Result

HELP = "cut one picture by several methods, and show them side by side with their times"
_FORMATS = {"html": ".html", "png": ".png"}
_EPILOG = """
photo.jpg becomes photo.compare.html beside it: a page with everything in it,
which needs no network. Without --methods, every way of refining the edge is
compared with the strongest network that is here, and every other network with
the guided filter.

examples:
  mattecore compare photo.jpg
  mattecore compare photo.jpg --format png
  mattecore compare photo.jpg --methods none,guided       all networks that are here
  mattecore compare photo.jpg --methods builtin,rmbg-1.4+vitmatte

exit status: 0 compared, 1 no method could cut the picture, or the page could
not be written, 2 not understood and nothing done; docs/cut.md explains more.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("picture", metavar="PICTURE", help="the file of a picture")
    add(
        "--methods",
        metavar="LIST",
        help="between commas: NETWORK+REFINEMENT, a NETWORK with every refinement, or a REFINEMENT with every network; "
        "networks are those of mattecore weights list, builtin, or files of weights; "
        "refinements none, guided, closed-form, vitmatte, vitmatte-base",
    )
    add("-o", "--output", metavar="FILE", help="where to (default: PICTURE.compare.html beside the picture)")
    add("--format", choices=tuple(_FORMATS), help="a page or one sheet (default: as --output ends, else html)")
    add("--overwrite", action="store_true", help="replace what is there already")
    add_computing_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compares and prints the path of what was written."""
    if importlib.util.find_spec("PIL") is None:
        return _fail("reading pictures needs Pillow; install it with: pip install 'mattecore[cli]'", 2)
    from ..comparing import comparison, methods
    from ..comparing.run import Result
    from ..comparing.run import run as compare
    from ..cutting import Options
    from ..pictures import PictureError
    from ..pictures.read import read
    from ..pictures.write import write

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # paths come out as they went in
    source = Path(arguments.picture)
    try:
        if not source.is_file():
            raise PictureError(f"there is no file {source}")
        target = _target(source, arguments.output, arguments.format)
        if target.exists() and not arguments.overwrite:
            raise PictureError(f"{target} is there already; --overwrite makes it anew")
        Options(device=arguments.device)
        choice = methods.choose(arguments.methods)
        picture = read(source, first_frame=True)
    except ValueError as error:
        return _fail(str(error), 2)
    for sentence in choice.missing:
        _say(f"left out: {sentence}")
    outcomes: list[Result | Failure] = []
    for outcome in compare(choice.methods, picture, arguments.device, arguments.precision):
        outcomes.append(outcome)
        _say(_sentence(outcome, f"{len(outcomes)}/{len(choice.methods)}"))
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    failures = [outcome for outcome in outcomes if not isinstance(outcome, Result)]
    if not results:
        return _fail(f"no method could cut {source}", 1)
    facts = [_machine(), *(f"Left out: {sentence}" for sentence in choice.missing)]
    shown = comparison.compared(source.name, picture, results, failures, facts)
    try:
        write(_drawn(shown, target), target)
    except PictureError as error:
        return _fail(str(error), 1)
    print(target)
    return 0


def _target(source: Path, output: str | None, format: str | None) -> Path:
    """Returns the file to write, with the ending of its format."""
    target = Path(output) if output else source.with_name(f"{source.stem}.compare{_FORMATS[format or 'html']}")
    known = [_FORMATS[format]] if format else list(_FORMATS.values())
    if target.suffix.lower() not in known:
        raise ValueError(f"the output is {target}; wanted a name that ends in {' or '.join(known)}")
    if not target.parent.is_dir():
        raise ValueError(f"there is no folder {target.parent} for {target.name}; make it, or give another --output")
    if target.exists() and target.samefile(source):
        raise ValueError(f"{target} is the picture itself; give another --output")
    return target


def _drawn(shown: "Comparison", target: Path) -> bytes:
    from ..comparing.page import page
    from ..comparing.sheet import sheet

    return sheet(shown) if target.suffix.lower() == _FORMATS["png"] else page(shown)


def _sentence(outcome: "Result | Failure", count: str) -> str:
    from ..comparing.comparison import in_seconds
    from ..comparing.run import Result

    said = in_seconds(outcome.seconds.total) if isinstance(outcome, Result) else f"failed: {outcome.message}"
    return f"{count} {outcome.method.name}: {said}"


def _machine() -> str:
    import torch

    from .. import __version__, machine

    threads = f"{torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else "1 thread"
    return f"mattecore {__version__}, torch {torch.__version__}, {threads}, {machine.processor()}"


def _say(sentence: str) -> None:
    print(f"mattecore compare: {printable(sentence)}", file=sys.stderr, flush=True)


def _fail(sentence: str, status: int) -> int:
    _say(sentence)
    return status
