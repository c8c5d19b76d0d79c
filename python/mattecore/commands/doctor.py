"""``mattecore doctor``: does this installation work, and if not, what mends it?"""

import argparse
import json
import sys

from .. import doctor

HELP = "say what is installed, whether it works, and what mends it where it does not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Prints the report; returns 0 only where the main job works."""
    report = doctor.examine()
    if arguments.json:
        print(json.dumps(report.facts, indent=2))
    else:
        print(doctor.text(report, sys.stdout.encoding or "ascii"))
    return 0 if report.ok else 1
