"""One picture at a time: the network's mask, its edge, its colours and what it is laid on."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from .. import composite, pipeline
from ..pictures import Picture, PictureError, open_picture
from . import models
from .backdrop import backdrop
from .memory import BYTES_A_PIXEL
from .options import Options
from .values import floats, own_colours, whole_numbers

if TYPE_CHECKING:
    from .._core import Network

Progress = Callable[[float], object]
"""Gets the fraction done, 0..1. Raising in it ends the work; so does returning False."""

Steady = Callable[[Tensor, Tensor], Tensor]

# Below this a mask's values are its noise, not the subject.
_SUBJECT = 0.02
# Bytes of weights above which networks do not run beside each other: the box has a few million, others 100 and more.
_LARGE = 32 * 2**20


class Box(NamedTuple):
    """A part of a picture, in pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Returns what picks the box out of a tensor [H,W,...]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class CutOut:
    """What a picture became. Values are of the picture's own type: uint8, uint16 or float32 0..1."""

    picture: Picture  # RGBA with straight colours, RGB over a background, or the mask alone as grey
    mask: Tensor  # float32 [H,W], 0..1, of the whole picture
    box: Box  # what was kept of it
    note: str  # what to know of it: one sentence, or nothing

    @property
    def pixels(self) -> Tensor:
        """Returns the result [H,W,4|3|1]."""
        return self.picture.pixels

    def save(self, path: str | Path) -> None:
        """Writes it as the ending of ``path`` says (png, webp, tif), whole or not at all."""
        from ..pictures.write import encode, format_of, write

        write(encode(self.picture, format_of(Path(path))), Path(path))


class Cutter:
    """Cuts pictures out by one set of options; networks are loaded with the first, and once.

    Any number of threads may use it at the same time.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.model = models.find(self.options.model)
        # Looked for now, so that weights that are not here are said before any work.
        self._vitmatte = models.find_vitmatte(self.options.refine) if self.options.refine in models.VITMATTES else None
        self._points = {} if self.options.refine == "none" else self.options.points(self.model.edge_defaults)
        self._backdrop = backdrop(self.options.backdrop())
        self.device = _device(self.options.device)
        self._loading = threading.Lock()
        self._turn = threading.Lock()

    def cut(self, image: Any, progress: Progress | None = None, steady: Steady | None = None) -> CutOut:
        """Returns the subject of an image: a Picture, a path, a tensor or array [H,W] or [H,W,C], or Pillow's Image.

        What is transparent already stays so; the network sees it on white. ``steady`` makes the mask that is used of
        the colours, float32 [H,W,3], and the mask that was found.
        """
        picture = open_picture(image)
        mask, note = self._mask(picture.pixels, progress)
        if steady is not None:
            mask = steady(floats(picture.pixels)[0], mask)
        box = self._box(mask)
        result = self._composed(picture.pixels, mask)[box.part].to(picture.pixels.dtype).contiguous()
        return CutOut(picture.replaced(result), mask, box, note)

    def load(self) -> None:
        """Loads the networks now, where that has not been done."""
        with self._loading:
            _ = self._network, self._edge

    @property
    def alone(self) -> bool:
        """Says whether the networks are large enough to be run one picture at a time, on all threads."""
        return self.device != "cpu" or self._network.weight_bytes > _LARGE or self._vitmatte is not None

    def bytes_for(self, height: int, width: int) -> int:
        """Returns about how much memory a picture takes from file to file, beside the networks."""
        return BYTES_A_PIXEL * height * width

    @cached_property
    def _network(self) -> "Network":
        return self.model.load(self.device, self.options.precision)

    @cached_property
    def _edge(self) -> Any:
        options = self.options
        if options.refine == "none":
            return None
        if options.refine == "guided":
            return pipeline.GuidedFilterEdge(detail_range=int(options.edge("detail_range")), **self._points)
        if self._vitmatte is None:
            return pipeline.ClosedFormEdge(detail_range=int(options.edge("detail_range")), **self._points)
        return pipeline.VitmatteEdge(
            self._vitmatte.load(self.device, options.precision),
            erode_size=int(options.edge("detail_erode")),
            dilate_size=int(options.edge("detail_dilate")),
            max_megapixels=options.edge("max_megapixels"),
            **self._points,
        )

    def _mask(self, pixels: Tensor, progress: Progress | None) -> tuple[Tensor, str]:
        """Returns the refined mask, float32 [H,W], and what to know of it."""
        own_alpha = None
        seen = pixels
        if pixels.dtype != torch.uint8 or pixels.shape[2] in (2, 4):
            seen, own_alpha = floats(pixels)
        if own_alpha is not None:
            seen = torch.lerp(torch.ones(()), seen, own_alpha[..., None])
        self.load()
        with self._turn if self.alone else contextlib.nullcontext():
            found = pipeline.find_mask(seen, self._network, "soft", self._edge, progress=progress)
        mask = found.values[0]
        note = _note(mask, bool(found.unrefined))
        return mask if own_alpha is None else mask * own_alpha, note

    def _box(self, mask: Tensor) -> Box:
        """Returns what is kept of a picture."""
        if not self.options.crop:
            return Box(0, 0, mask.shape[1], mask.shape[0])
        box = _around(mask > _SUBJECT, self.options.margin)
        if box is None:
            raise PictureError("no subject was found in the picture, so there is nothing to crop to; leave crop out")
        return box

    def _composed(self, pixels: Tensor, mask: Tensor) -> Tensor:
        """Returns the result for the whole picture [H,W,4|3|1], in its type's steps.

        Where nothing of the background shines through, that are the picture's own values, to the bit.
        """
        dtype = pixels.dtype
        if self.options.mask_only:
            return whole_numbers(mask[..., None], dtype)
        behind = None if self._backdrop is None else self._backdrop(floats(pixels)[0], mask)  # first: it takes the most
        result = composite.lift(own_colours(pixels), mask, clean=self.options.foreground)
        if behind is None:
            return result
        subject, _ = floats(result)
        laid = torch.lerp(behind.expand_as(subject), subject, mask[..., None])
        del behind, subject  # each as large as what follows makes
        return whole_numbers(laid, dtype)


def _device(wanted: str) -> str:
    """Returns where networks run."""
    if wanted == "cpu":
        return wanted
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda" if gpus else "cpu"
    if int(wanted.partition(":")[2] or 0) >= gpus:
        there = f"this torch sees {gpus} GPUs" if gpus else "this torch sees no GPU"
        raise ValueError(f"device is {wanted!r}, and {there}; wanted auto, cpu or a GPU that is there")
    return wanted


def _note(mask: Tensor, unrefined: bool) -> str:
    """Returns what to know of a mask that hardly anyone wanted."""
    if not (mask > _SUBJECT).any():
        return "no subject was found"
    if (mask > 1 - _SUBJECT).all():
        return "no background was found, so nothing was cut away"
    return "the mask has no certain subject or no certain background, so its edge was not refined" if unrefined else ""


def _around(where: Tensor, margin: int = 0) -> Box | None:
    """Returns the smallest box that holds all of the pixels that are True, and a margin; None where none is."""
    rows, columns = where.any(1).nonzero()[:, 0], where.any(0).nonzero()[:, 0]
    if not len(rows):
        return None
    height, width = where.shape
    left, right = max(0, int(columns[0]) - margin), min(width, int(columns[-1]) + 1 + margin)
    top, bottom = max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + 1 + margin)
    return Box(left, top, right, bottom)
