"""``mattecore weights export``: a network and its weights as one file for programs without Python."""

import argparse
from pathlib import Path

HELP = "write a network and its weights as one TorchScript file, for C++ programs without Python"
EPILOG = """
The new file holds the network, its weights in the type they were stored in, and
how pictures go into it. mattecore's C++ core runs it: see examples/cut.cpp.

  mattecore weights export models/rmbg/RMBG-1.4/model.pth
  mattecore weights export birefnet.safetensors --output birefnet.ts
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the weights: .safetensors, .pth or .bin")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the new file, FILE with the ending .ts if not given"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the new file if it is there already")


def run(arguments: argparse.Namespace) -> int:
    from ...networks.loading import export

    output = arguments.output or arguments.file.with_suffix(".ts")
    export(arguments.file, output, overwrite=arguments.overwrite)
    print(output)
    return 0
