"""What is shown of a comparison, on a page and on a sheet alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .. import preprocess
from ..cutting.cutter import Box
from ..cutting.memory import in_words
from ..pictures import Picture
from ..pictures.write import in_type
from .run import Failure, Result
from .zooms import places

TIMING = (
    "Times are from picture to picture, without reading and writing files. Each network had cut the picture once "
    "before; loading it is given by itself. Memory is what the process took beside the loaded networks, at the highest."
)


class Column(NamedTuple):
    """A picture under a name, with the lines beneath it."""

    name: str
    pixels: Tensor  # uint8 [H,W,3|4]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """One picture, what each method made of it, and where these differ."""

    name: str  # the picture's
    columns: tuple[Column, ...]  # the picture itself first
    zooms: tuple[Box, ...]
    facts: tuple[str, ...]  # the machine; what was left out
    icc: bytes | None  # the profile of all colours

    @property
    def size(self) -> tuple[int, int]:
        """Returns height and width."""
        height, width = self.columns[0].pixels.shape[:2]
        return height, width


def compared(
    name: str, picture: Picture, results: Sequence[Result], failures: Sequence[Failure], facts: Sequence[str]
) -> Comparison:
    """Puts together what is shown."""
    own = _colours(in_type(picture.pixels, torch.uint8))
    height, width = own.shape[:2]
    columns = [Column("the picture", own, (f"{width} x {height} pixels",))]
    columns += [Column(result.method.name, result.pixels, _lines(result)) for result in results]
    failed = [f"{failure.method.name} failed: {failure.message}" for failure in failures]
    zooms = places(result.alpha for result in results)
    return Comparison(name, tuple(columns), tuple(zooms), (*facts, *failed), picture.icc)


def overview(pixels: Tensor, longest: int) -> Tensor:
    """Returns a picture whose longer side is ``longest`` pixels at most."""
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return pixels
    return preprocess.resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)), "lanczos")


def enlargement(side: int, room: int) -> int:
    """Returns how many times a window's pixels are enlarged, a whole number, to fill the room there is."""
    return max(1, room // side)


def in_seconds(seconds: float) -> str:
    """Returns a time for people."""
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _lines(result: Result) -> tuple[str, ...]:
    network, edge, colours = map(in_seconds, result.seconds)
    refined = f"edge {edge}, " if result.method.refine != "none" else ""
    lines = [f"{in_seconds(result.seconds.total)}: network {network}, {refined}colours {colours}"]
    if result.loading:
        lines.append(f"loading {in_seconds(result.loading)}")
    lines.append(f"{result.arithmetic}" + ("" if result.memory is None else f", {in_words(result.memory)}"))
    return (*lines, result.note) if result.note else tuple(lines)


def _colours(pixels: Tensor) -> Tensor:
    """Returns grey as RGB, with the alpha that it has."""
    if pixels.shape[2] > 2:
        return pixels
    return torch.cat([pixels[..., :1].expand(-1, -1, 3), pixels[..., 1:]], 2)
