"""``mattecore weights download``: fetch weights, after saying under which licence they are."""

import argparse
import sys
from pathlib import Path

from ... import comfyui
from ...weights import Entry, WeightsError, digest, folders, verify
from ...weights.download import download, place
from . import entry, search
from .bar import progress_bar

HELP = "fetch weights into ComfyUI's models folder, or into your own where there is no ComfyUI"
EPILOG = """
What is here already is not fetched again. A download that breaks off goes on
where it was when the same command is given again. Every file is checked by its
SHA-256 before it gets its name.

  HF_TOKEN           your token, for weights whose licence has to be accepted
                     first (rmbg-2.0); only the host of HF_ENDPOINT gets it
  HF_ENDPOINT        where Hugging Face is, if not at https://huggingface.co
  MATTECORE_MIRROR   a mirror to ask first, as --mirror
  MATTECORE_OFFLINE  1: fetch nothing, ever (HF_HUB_OFFLINE=1 does the same)
  https_proxy, no_proxy, SSL_CERT_FILE as everywhere
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="+", type=entry, metavar="NAME", help="the weights, as `weights list` names them"
    )
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="the models folder to put them in")
    parser.add_argument("--mirror", metavar="URL", help="a mirror of Hugging Face to ask first")
    parser.add_argument("--overwrite", action="store_true", help="fetch again what is here, and replace it")


def run(arguments: argparse.Namespace) -> int:
    for wanted in arguments.names:
        if arguments.overwrite or arguments.to or not _is_here(wanted):
            _fetch(wanted, arguments)
    return 0


def _is_here(wanted: Entry) -> bool:
    found = search().first(wanted.name)
    if found is None:
        return False
    with progress_bar(found.path.name) as progress:
        sha256 = digest.remembered(found.path, progress=progress)
    identity = verify.identify(wanted, found.expected, found.path, sha256)
    if identity.ok is False:
        raise WeightsError(f"{found.path} {identity.text}; delete it, or fetch it again with --overwrite")
    print(f"{wanted.name} is here already: {found.path}")
    return True


def _fetch(wanted: Entry, arguments: argparse.Namespace) -> None:
    host = comfyui.find(comfyui.checkout())
    models = arguments.to or (host.models if host else folders.models())
    print(f"{wanted.name}: licence {wanted.licence.name}. {wanted.licence.commercial}")
    print(f"to {models / place(wanted)}", flush=True)
    try:
        with progress_bar(wanted.name) as progress:
            path = download(wanted, models, progress=progress, mirror=arguments.mirror, overwrite=arguments.overwrite)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        raise
    print(f"{wanted.name} is here and whole: {path}")
