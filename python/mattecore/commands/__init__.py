"""The verbs of the command line, one module each, named as the verb.

A verb's module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(arguments) -> exit status``, and loads
torch no sooner than ``run``.
"""

import argparse

VERBS = ("cut", "compare", "bench", "doctor", "weights")


def add_computing_options(parser: "argparse._ActionsContainer") -> None:
    """Adds what every verb that runs networks asks: where, and in what."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1: where the networks run")
    parser.add_argument(
        "--precision", choices=("auto", "exact", "bf16", "fp16"), default="auto", help="what they compute in"
    )
