"""``mattecore weights convert``: PyTorch's files anew as .safetensors."""

import argparse
from pathlib import Path

from .bar import progress_bar

HELP = "write a .pth or .bin anew as .safetensors: the same tensors, and no program can hide in it"
EPILOG = """
The new file lies beside the old one, where mattecore finds it; the old one
stays. No code in the old file is run.

  mattecore weights convert models/BiRefNet/BiRefNet-ep480.pth
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the .pth or .bin")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the new file, if not beside the old one")
    parser.add_argument("--overwrite", action="store_true", help="replace the new file if it is there already")


def run(arguments: argparse.Namespace) -> int:
    from ...weights.convert import convert

    with progress_bar(arguments.file.name) as progress:
        output = convert(arguments.file, arguments.output, overwrite=arguments.overwrite, progress=progress)
    print(output)
    return 0
