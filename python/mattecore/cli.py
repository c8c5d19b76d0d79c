"""The command line: ``mattecore VERB ...``, each verb a module of ``mattecore.commands``."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import VERBS


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the verb that ``argv`` names (the process's own arguments by default) and returns its exit status."""
    parser = argparse.ArgumentParser(prog="mattecore", description="Cuts things out of pictures.")
    parser.add_argument("--version", action="version", version=f"mattecore {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        verb = importlib.import_module(f"{__package__}.commands.{name}")
        verb_parser = verbs.add_parser(name, help=verb.HELP, description=f"mattecore {name}: {verb.HELP}.")
        verb.add_arguments(verb_parser)
        verb_parser.set_defaults(run=verb.run)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, as in "mattecore doctor | head", has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status
