"""The command line: ``mattecore VERB ...``, each verb a module of ``mattecore.commands``."""

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from . import __version__
from .commands import VERBS
from .commands.cut.show import printable

_NUMBERS = {int: "a whole number", float: "a number"}


class Parser(argparse.ArgumentParser):
    """Ends with 2 and one sentence where something is not understood, with what may have been meant."""

    def error(self, message: str) -> NoReturn:
        self._end(f"{message} ({self.prog} --help lists them)")

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """Ends, as :meth:`error` does, for words that nothing took."""
        option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
        if option is None:
            self.error(f"{words[0]!r} is one too many, or apart from the others; wanted names one after another")
        known = [known for action in self._actions for known in action.option_strings]
        self.error(f"there is no option {option}{_meant(option, known)}")

    def _end(self, sentence: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(sentence)}\n")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            if action.type not in _NUMBERS:  # the type's own sentence
                self._end(error.message)
            self.error(f"{_name(action)} is {arg_string!r}; wanted {_NUMBERS[action.type]}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            *known, last = action.choices
            meant = _meant(value, action.choices)
            self.error(f"{_name(action)} is {value!r}; wanted {', '.join(known)} or {last}{meant}")


def _name(action: argparse.Action) -> str:
    return action.option_strings[-1] if action.option_strings else str(action.metavar)


def _meant(word: str, known: Iterable[str]) -> str:
    like = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {like[0]}?" if like else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the verb that ``argv`` names (the process's own arguments by default) and returns its exit status."""
    parser = Parser(prog="mattecore", description="Cuts things out of pictures.")
    parser.add_argument("--version", action="version", version=f"mattecore {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        verb = importlib.import_module(f"{__package__}.commands.{name}")
        verb_parser = verbs.add_parser(name, help=verb.HELP, description=f"mattecore {name}: {verb.HELP}.")
        verb.add_arguments(verb_parser)
        verb_parser.set_defaults(run=verb.run, parser=verb_parser)
    arguments, left = parser.parse_known_args(argv)
    if left:
        arguments.parser.refuse(left)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, as in "mattecore doctor | head", has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return status
