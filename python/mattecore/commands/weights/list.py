"""``mattecore weights list``: what there is, under which licence, and whether it is here."""

import argparse
import json

from ...weights import Entry, Found, manifest
from . import search

HELP = "show the weights that mattecore knows, their licences, and whether they are here"
EPILOG = """
The last column says in a sentence whether you may earn money with the results.
isnet-general-use is the free alternative to rmbg-1.4; it fits the same nodes.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the table as a JSON list")


def run(arguments: argparse.Namespace) -> int:
    result = search()
    rows = [(entry, result.first(entry.name)) for entry in manifest()]
    if arguments.json:
        print(json.dumps([_facts(entry, found) for entry, found in rows], indent=2))
        return 0
    table = [("name", "family", "size", "here", "licence", "commercial use")]
    for entry, found in rows:
        here = "yes" if found else "no"
        table.append(
            (entry.name, entry.family, _size(entry, found), here, entry.licence.name, entry.licence.commercial)
        )
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]) - 1)]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True)))
    return 0


def _bytes(entry: Entry, found: Found | None) -> int | None:
    """Returns the size of the file that is used, else of the one that would be fetched, None where nobody knows it."""
    if found:
        return found.bytes
    return entry.download.bytes if entry.download else None


def _size(entry: Entry, found: Found | None) -> str:
    size = _bytes(entry, found)
    return "?" if size is None else f"{size / 1e6:.0f} MB"


def _facts(entry: Entry, found: Found | None) -> dict[str, object]:
    return {
        "name": entry.name,
        "family": entry.family,
        "bytes": _bytes(entry, found),
        "licence": entry.licence.name,
        "commercial": entry.licence.commercial,
        "found": str(found.path) if found else None,
        "source": entry.download.source if entry.download else None,
        "mean": entry.mean,
        "std": entry.std,
        "size": entry.size,
        "divisor": entry.divisor,
    }
