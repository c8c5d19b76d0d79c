"""``mattecore weights VERB``, each verb a module here, made as those of ``mattecore.commands``."""

import argparse
import importlib
import io
import sys

from ... import comfyui
from ...weights import Entry, SearchResult, manifest
from ...weights import search as search_everywhere

HELP = "list, find, fetch, check and convert the networks' weights"
VERBS = ("list", "where", "download", "verify", "convert", "export")

_EPILOG = """
Weights are files of their own, with licences of their own; only the small
network builtin comes with mattecore. Files that other packs have placed in
ComfyUI's folders are used where they lie. For the RMBG nodes, for example:

  mattecore weights list                  what there is, and under which licence
  mattecore weights where rmbg-1.4        is it here already, and where was it looked for
  mattecore weights download rmbg-1.4     fetch it
  mattecore weights verify                check all that is here
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    verbs = parser.add_subparsers(dest="weights_verb", metavar="VERB", required=True)
    for name in VERBS:
        verb = importlib.import_module(f"{__name__}.{name}")
        verb_parser = verbs.add_parser(
            name,
            help=verb.HELP,
            description=f"mattecore weights {name}: {verb.HELP}.",
            epilog=verb.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_arguments(verb_parser)
        verb_parser.set_defaults(run_weights=verb.run, parser=verb_parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the verb; what is wrong with the user's files, settings or network is said in one sentence."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold what the terminal cannot write
    try:
        status: int = arguments.run_weights(arguments)
    except ValueError as error:
        return fail(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return status


def fail(sentence: str) -> int:
    """Says what went wrong and returns the exit status for it."""
    sys.stdout.flush()
    print(f"mattecore weights: {sentence}", file=sys.stderr)
    return 1


def entry(name: str) -> Entry:
    """Returns the entry of a name that was given on the command line."""
    found = next((entry for entry in manifest() if entry.name == name.lower()), None)
    if found is None:
        raise argparse.ArgumentTypeError(f"{name} is none of the weights known here: mattecore weights list names them")
    return found


def search() -> SearchResult:
    """Looks for weights wherever this machine may have them."""
    return search_everywhere(comfyui=comfyui.find(comfyui.checkout()))
