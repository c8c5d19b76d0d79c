"""``mattecore weights verify``: are the files what they should be?"""

import argparse
from pathlib import Path

from ...weights import Found, WeightsError, manifest
from . import fail, search
from .bar import progress_bar

HELP = "check weights: size, SHA-256, and that the tensors fit a network"
EPILOG = """
Each file is read as a whole. Its SHA-256 is compared with the published one, or
with the one written down beside it when it was fetched or converted
(NAME.sha256). The exit status is 1 where a file is not right or there is none.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="*",
        metavar="NAME|FILE",
        help="weights as `weights list` names them, or files; without, all found",
    )


def run(arguments: argparse.Namespace) -> int:
    from ...weights.verify import verify

    status = 0
    for path, found in _files(arguments.what):
        entry, expected = (found.entry, found.expected) if found else (None, None)
        try:
            with progress_bar(path.name) as progress:
                said = verify(path, entry, expected, progress=progress)
        except WeightsError as error:
            status = fail(str(error))
        else:
            print(f"ok: {path} {said}", flush=True)
    return status


def _files(what: list[str]) -> list[tuple[Path, Found | None]]:
    """Returns the files that are meant, with what a search found of those that were given by name."""
    names = [entry.name for entry in manifest()]
    everything = search().found if not what or set(names).intersection(what) else ()
    files: list[tuple[Path, Found | None]] = []
    for one in what or names:
        found = [(row.path, row) for row in everything if row.entry.name == one]
        if one in names and what and not found:
            raise WeightsError(f"{one} is not here; fetch it with: mattecore weights download {one}")
        files += found if one in names else [(Path(one), None)]
    if not files:
        raise WeightsError("no weights are here; fetch some with: mattecore weights download NAME")
    return files
