"""What a subject is laid on."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from .. import preprocess, refine
from ..pictures import PictureError, open_picture
from .values import floats

Backdrop = Callable[[Tensor, Tensor], Tensor]
"""Gives the colours behind a subject, float32 RGB of the size of its picture or of one pixel, from the picture's own
[H,W,3] and the subject's mask [H,W]."""

# The standard deviation of a blurred background, as a share of the picture's longer side.
_BLUR = 0.015
# What a pixel of the subject counts in it: hardly anything, or the subject would glow, but where all is subject, all.
_SEEN_THROUGH = 1e-3


def backdrop(of: tuple[int, int, int] | Path | Literal["transparent", "blur"]) -> Backdrop | None:
    """Returns what draws a background, None for none. A picture is opened here, once, before any work is done."""
    if of == "transparent":
        return None
    if of == "blur":
        return blurred
    if isinstance(of, Path):
        picture = _opened(of)
        return lambda colours, mask: covering(picture, *colours.shape[:2])
    colour = torch.tensor(of, dtype=torch.float32) / 255
    return lambda colours, mask: colour


def blurred(colours: Tensor, mask: Tensor) -> Tensor:
    """Returns the picture out of focus, without the subject in it."""
    sigma_px = max(1.0, _BLUR * max(mask.shape))
    weighed = torch.empty(4, *mask.shape)
    counts = torch.sub(1 + _SEEN_THROUGH, mask, out=weighed[3])
    torch.mul(colours.permute(2, 0, 1), counts, out=weighed[:3])
    sums = refine.feather(weighed, sigma_px)
    return sums[:3].div_(sums[3]).permute(1, 2, 0)


def _opened(path: Path) -> Tensor:
    """Returns a picture as [H,W,3] uint8, on white."""
    try:
        colours, alpha = floats(open_picture(path).pixels)
    except PictureError as error:
        raise PictureError(f"the background {path} can't be used: {error}") from error
    if alpha is not None:
        colours = torch.lerp(torch.ones(()), colours, alpha[..., None])
    return preprocess.to_u8(colours)


def covering(picture: Tensor, height: int, width: int) -> Tensor:
    """Returns the middle of a picture, as much of it as has the shape wanted, in the size wanted."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    kept_height = min(picture.shape[0], max(1, round(height / scale)))
    kept_width = min(picture.shape[1], max(1, round(width / scale)))
    top, left = (picture.shape[0] - kept_height) // 2, (picture.shape[1] - kept_width) // 2
    kept = picture[top : top + kept_height, left : left + kept_width]
    return preprocess.resize(kept, height, width, "lanczos").float() / 255
