"""``mattecore bench``: how fast is this machine?"""

import argparse
import functools
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import add_computing_options
from .cut.show import printable

if TYPE_CHECKING:
    from ..bench import Row

HELP = "measure how fast this machine cuts pictures out, with each network that is here"
_EPILOG = """
For each network: the seconds that one picture takes in it, at its input size,
on one thread and on all; how many pictures of one megapixel mattecore cut does
in a second, from file to file; and the memory that the process took for it at
the highest. Other work on the machine makes all of it slower.

examples:
  mattecore bench --quick
  mattecore bench --json bench.json
"""
# Seconds that each figure is measured for.
_BUDGET, _QUICK = 2.0, 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--quick", action="store_true", help="measure each figure for a fraction of a second, mostly one picture")
    add(
        "--model",
        action="append",
        metavar="NAME",
        help="only this network; may be repeated (default: all that are here)",
    )
    add("--json", type=Path, metavar="FILE", help="write the figures there too")
    add("--overwrite", action="store_true", help="replace FILE where it is there already")
    add_computing_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measures and prints a table; returns 0 where every network could be measured."""
    if importlib.util.find_spec("PIL") is None:
        return _fail("writing pictures needs Pillow; install it with: pip install 'mattecore[cli]'", 2)
    from .. import doctor

    facts = doctor.examine().facts
    if facts["fix"]:
        return _fail(facts["fix"], 1)
    from ..bench import SIDE, measured
    from ..cutting import Options, models

    try:
        _check_file(arguments.json, arguments.overwrite)
        Options(device=arguments.device)
        names = list(dict.fromkeys(arguments.model or models.here()))
        for name in names:
            models.find(name)
    except ValueError as error:
        return _fail(str(error), 2)
    machine = _machine(facts, arguments.device, arguments.precision)
    for name, fact in machine.items():
        print(f"{name.replace('_', ' ')}: {', '.join(fact) or 'none' if isinstance(fact, list) else fact}")
    print()
    table = _Table(names, facts["threads"])
    rows: list[Row] = []
    failed: list[dict[str, str]] = []
    for name in names:
        budget = _QUICK if arguments.quick else _BUDGET
        try:
            row = measured(name, arguments.device, arguments.precision, budget, functools.partial(_show, name))
            _show()
            rows.append(row)
            table.line(row)
        except (ValueError, OSError, MemoryError, RuntimeError) as error:  # torch's lack of memory is the last
            _show()
            message = (str(error).splitlines() or [type(error).__name__])[0]
            failed.append({"name": name, "message": message})
            _fail(f"{name}: {message}", 1)
    if arguments.json:
        figures = {
            "machine": machine,
            "picture": {"width": SIDE, "height": SIDE},
            "quick": arguments.quick,
            "networks": [_figures(row) for row in rows],
            "failed": failed,
        }
        try:
            _write(arguments.json, json.dumps(figures, indent=2) + "\n")
        except OSError as error:
            return _fail(f"{arguments.json} cannot be written: {error.strerror}", 1)
    return 1 if failed else 0


def _machine(facts: dict[str, Any], device: str, precision: str) -> dict[str, Any]:
    """Returns what the figures were measured on and with."""
    from .. import machine

    return {
        "mattecore": facts["mattecore"]["version"],
        "processor": machine.processor(),
        "cpu_features": facts["cpu_features"],
        "cores": machine.cores(),
        "threads": facts["threads"],
        "torch": f"{facts['torch']['version']} ({facts['torch']['build']} build)",
        "cuda_devices": facts["cuda"]["devices"],
        "device": device,
        "precision": precision,
    }


class _Table:
    """Lines of figures under a head, each printed when it is known."""

    def __init__(self, names: list[str], threads: int) -> None:
        self._every = sorted({1, threads})
        self._name = max(len("network"), *map(len, names))
        numbers = [f"{threads} thread{'s' * (threads > 1)}" for threads in self._every]
        self._print("network", "input", "computes in", *numbers, "1 MP from file to file", "memory")

    def line(self, row: "Row") -> None:
        from ..comparing.comparison import in_seconds
        from ..cutting.memory import in_words

        times = [in_seconds(row.seconds[threads]) if threads in row.seconds else "" for threads in self._every]
        memory = "" if row.memory is None else in_words(row.memory)
        size = f"{row.width} x {row.height}"
        self._print(row.network, size, row.arithmetic, *times, f"{row.pictures_a_second:.2f} a second", memory)

    def _print(self, name: str, *cells: str) -> None:
        widths = (11, 11, *(10 for _ in self._every), 22, 9)
        line = [
            printable(name).ljust(self._name),
            *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)),
        ]
        print("  ".join(line), flush=True)


def _figures(row: "Row") -> dict[str, Any]:
    return {
        "name": row.network,
        "family": row.family,
        "input": {"width": row.width, "height": row.height},
        "arithmetic": row.arithmetic,
        "loading_seconds": row.loading,
        "seconds": {str(threads): seconds for threads, seconds in row.seconds.items()},
        "pictures_a_second": row.pictures_a_second,
        "memory_bytes": row.memory,
    }


def _check_file(path: Path | None, overwrite: bool) -> None:
    """Refuses a file that could not be written after minutes of measuring."""
    if path is None:
        return
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"would lie in {path.parent}, which is not there"
        raise ValueError(f"{path} {what}; wanted the name of a file in a folder that is there")
    if path.exists() and not overwrite:
        raise ValueError(f"{path} is there already; --overwrite makes it anew")


def _write(path: Path, text: str) -> None:
    from ..atomic import replacing

    with replacing(path) as file:
        file.write(text.encode())


def _show(*what: str) -> None:
    """Shows what is being measured, on a terminal; without words, nothing."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{printable(': '.join(what))[:100]}", end="", file=sys.stderr, flush=True)


def _fail(sentence: str, status: int) -> int:
    print(f"mattecore bench: {printable(sentence)}", file=sys.stderr, flush=True)
    return status
