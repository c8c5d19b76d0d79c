"""One picture at a time: the network's mask, its edge, its colours and what it is laid on."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import composite, pipeline, refine
from ..pictures import Picture, open_picture
from . import models
from .memory import BYTES_A_PIXEL
from .options import Options

if TYPE_CHECKING:
    from .._core import Network

Progress = Callable[[float], object]
"""Gets the fraction done, 0..1. Raising in it ends the work; so does returning False."""

Steady = Callable[[Tensor, Tensor], Tensor]

# Below this a mask's values are its noise, not the subject.
_SUBJECT = 0.02
# Bytes of weights above which networks do not run beside each other: the box has a few million, others 100 and more.
_LARGE = 32 * 2**20
# The standard deviation of a blurred background, as a share of the picture's longer side.
_BLUR = 0.015


@dataclass(frozen=True)
class CutOut:
    """What a picture became. Values are of the picture's own type: uint8, uint16 or float32 0..1."""

    picture: Picture  # RGBA with straight colours, RGB over a background, or the mask alone as grey
    mask: Tensor  # float32 [H,W], 0..1, of the whole picture
    box: tuple[int, int, int, int]  # left, top, right, bottom of what was kept of it
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
        self._loading = threading.Lock()
        self._turn = threading.Lock()

    def cut(self, image: Any, progress: Progress | None = None, steady: Steady | None = None) -> CutOut:
        """Returns the subject of an image: a Picture, a path, a tensor or array [H,W] or [H,W,C], or Pillow's Image.

        What is transparent already stays so; the network sees it on white. ``steady`` makes the mask that is used of
        the colours, float32 [H,W,3], and the mask that was found.
        """
        picture = open_picture(image)
        colours, own_alpha = _floats(picture.pixels)
        seen = colours if own_alpha is None else torch.lerp(torch.ones(()), colours, own_alpha[..., None])
        shown = picture.pixels if picture.pixels.dtype == torch.uint8 and own_alpha is None else seen
        self.load()
        with self._turn if self.alone else contextlib.nullcontext():
            found = pipeline.cut_out(shown, self._network, "soft", self._edge, progress=progress)
        mask = found.mask[0] if own_alpha is None else found.mask[0] * own_alpha
        if steady is not None:
            mask = steady(colours, mask)
        left, top, right, bottom = box = self._box(mask)
        mine = slice(top, bottom), slice(left, right)
        result = self._composed(colours, mask)[mine]
        return CutOut(picture.replaced(_like(result, picture.pixels)), mask, box, _note(mask, bool(found.unrefined)))

    def load(self) -> None:
        """Loads the networks now, where that has not been done."""
        with self._loading:
            _ = self._network, self._edge

    @property
    def alone(self) -> bool:
        """Says whether the networks are large enough to be run one picture at a time, on all threads."""
        return self.device != "cpu" or self._network.weight_bytes > _LARGE or self.options.refine in models.VITMATTES

    def bytes_for(self, height: int, width: int) -> int:
        """Returns about how much memory a picture takes from file to file, beside the networks."""
        return BYTES_A_PIXEL[self.options.refine] * height * width

    @cached_property
    def device(self) -> str:
        """Returns where the networks run."""
        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def _network(self) -> "Network":
        return self.model.load(self.device, self.options.precision)

    @cached_property
    def _edge(self) -> Any:
        options = self.options
        if options.refine == "none":
            return None
        points = {"black_point": options.edge("black_point"), "white_point": options.edge("white_point")}
        if options.refine == "guided":
            return pipeline.GuidedFilterEdge(detail_range=int(options.edge("detail_range")), **points)
        if options.refine == "closed-form":
            return pipeline.ClosedFormEdge(detail_range=int(options.edge("detail_range")), **points)
        return pipeline.VitmatteEdge(
            models.find_vitmatte(options.refine).load(self.device, options.precision),
            erode_size=int(options.edge("detail_erode")),
            dilate_size=int(options.edge("detail_dilate")),
            max_megapixels=options.edge("max_megapixels"),
            **points,
        )

    def _box(self, mask: Tensor) -> tuple[int, int, int, int]:
        """Returns what is kept of a picture: left, top, right, bottom."""
        height, width = mask.shape
        if not self.options.crop:
            return 0, 0, width, height
        subject = mask > _SUBJECT
        if not subject.any():
            raise ValueError("no subject was found in the picture, so there is nothing to crop to; leave crop out")
        margin = self.options.margin
        rows, columns = subject.any(1).nonzero()[:, 0], subject.any(0).nonzero()[:, 0]
        left, right = int(columns[0]) - margin, int(columns[-1]) + 1 + margin
        top, bottom = int(rows[0]) - margin, int(rows[-1]) + 1 + margin
        return max(0, left), max(0, top), min(width, right), min(height, bottom)

    def _composed(self, colours: Tensor, mask: Tensor) -> Tensor:
        """Returns the result for the whole picture, float32 [H,W,4|3|1]."""
        alpha = mask[..., None]
        if self.options.mask_only:
            return alpha
        backdrop = self.options.backdrop()
        subject = colours
        if self.options.foreground:
            # Where nothing of the background shines through, the picture's own colours are the subject's.
            subject = torch.where(alpha < 1, composite.multilevel_foreground(colours, mask), colours)
        if backdrop == "transparent":
            # What was cut away is gone from the file too, not only hidden in it.
            return torch.cat([subject.where(alpha > 0, 0), alpha], 2)
        return torch.lerp(self._backdrop(colours), subject, alpha)

    def _backdrop(self, colours: Tensor) -> Tensor:
        """Returns what the subject is laid on, RGB of the picture's size or of one pixel."""
        backdrop = self.options.backdrop()
        height, width = colours.shape[:2]
        if isinstance(backdrop, tuple):
            return torch.tensor(backdrop, dtype=torch.float32) / 255
        if isinstance(backdrop, Path):
            return _floats(open_picture(backdrop).covering(height, width).pixels)[0]
        sigma = max(1.0, _BLUR * max(height, width))
        return refine.feather(colours.permute(2, 0, 1), sigma).permute(1, 2, 0)


def _note(mask: Tensor, unrefined: bool) -> str:
    if not (mask > _SUBJECT).any():
        return "no subject was found"
    if unrefined:
        return "the mask has no certain subject or no certain background, so its edge was not refined"
    return ""


def _floats(pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Returns a picture's colours as float32 RGB 0..1, and its alpha where it has one."""
    scale = {torch.uint8: 255, torch.uint16: 65535}.get(pixels.dtype, 1)
    values = pixels.float() / scale
    colours = values[..., :3] if values.shape[2] > 2 else values[..., :1].expand(-1, -1, 3)
    return colours, values[..., -1] if values.shape[2] in (2, 4) else None


def _like(values: Tensor, pixels: Tensor) -> Tensor:
    """Returns values 0..1 in the type of a picture."""
    scale = {torch.uint8: 255, torch.uint16: 65535}.get(pixels.dtype)
    if scale is None:
        return values.contiguous()
    return (values * scale).round().clamp(0, scale).to(pixels.dtype)
