"""Scripted networks kept in the user's cache: torch scripts a large one in half a second and reads it in a tenth.

A graph holds shapes and no weights, so it fits all files of one network. It goes by everything that made it, our
definitions and torch among it; a file that is not whole is made anew.
"""

import contextlib
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import torch

import mattecore
from mattecore.atomic import replacing
from mattecore.networks.state_dict import Shapes
from mattecore.weights import folders

_KEPT = 32  # a graph has a third of a megabyte
_DIGEST = 32  # bytes before each that tell whether it is whole


def kept(shapes: Shapes, about: object, make: Callable[[], bytes], cache: Path | None = None) -> bytes:
    """Return the graph for tensors of these shapes and what `about` prints, from the cache where it is there.

    A cache that cannot be read or written costs time and nothing else.
    """
    sizes = sorted((name, *shape) for name, shape in shapes.items())
    made_of = (mattecore.__version__, torch.__version__, _definitions(), sizes, about)
    folder = (cache or folders.cache()) / "graphs"
    file = folder / f"{hashlib.sha256(repr(made_of).encode()).hexdigest()}.pt"
    with contextlib.suppress(OSError):
        content = file.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
            file.touch()
            return content[_DIGEST:]
    graph = make()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(file) as written:
            written.write(hashlib.sha256(graph).digest() + graph)
        _forget(folder)
    return graph


def _forget(folder: Path) -> None:
    """Remove the graphs that were not asked for the longest."""
    files = sorted(folder.glob("*.pt"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[_KEPT:]:
        file.unlink(missing_ok=True)


@functools.cache
def _definitions() -> str:
    """Return a digest of the networks' definitions."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
