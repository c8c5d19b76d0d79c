"""``mattecore weights where``: what was looked at, what was found, and which file wins."""

import argparse
import json

from ...weights import Found, SearchResult, manifest
from . import entry, search

HELP = "show where weights are looked for, which were found, and which file is used"
EPILOG = """
Folders are looked into in the order shown, and the first file of a name is the
one that is used. To add a folder of your own before all others, set
MATTECORE_MODELS to it; COMFYUI_DIR names a ComfyUI that mattecore does not lie
in. With names, the exit status is 1 where one of them is not found.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", type=entry, metavar="NAME", help="only these, as `weights list` names them")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    result = search()
    wanted = [entry.name for entry in arguments.names or manifest()]
    found = [one for one in result.found if one.entry.name in wanted]
    missing = [name for name in wanted if result.first(name) is None]
    if arguments.json:
        print(json.dumps(_facts(result, found, missing), indent=2))
    else:
        _print(result, found, missing)
    return 1 if arguments.names and missing else 0


def _facts(result: SearchResult, found: list[Found], missing: list[str]) -> dict[str, object]:
    return {
        "looked": [{"folder": str(row.folder), "reason": row.reason, "exists": row.exists} for row in result.looked],
        "found": [
            {
                "name": row.entry.name,
                "path": str(row.path),
                "bytes": row.bytes,
                "used": row is result.first(row.entry.name),
            }
            for row in found
        ],
        "missing": missing,
        "notes": list(result.notes),
    }


def _print(result: SearchResult, found: list[Found], missing: list[str]) -> None:
    print("looked in")
    for place in result.looked:
        print(f"  {place.folder} ({place.reason})" + ("" if place.exists else ": not there"))
    print("found" if found else "found nothing")
    for one in found:
        used = "used" if one is result.first(one.entry.name) else "not used, the one above comes first"
        print(f"  {one.entry.name}: {one.path} ({one.bytes} bytes, {used})")
    if missing:
        print(f"not found: {', '.join(missing)}")
        print("  get one with: mattecore weights download NAME")
    for note in result.notes:
        print(f"note: {note}")
