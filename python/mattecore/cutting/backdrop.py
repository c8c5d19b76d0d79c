"""What a subject is laid on."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from .. import preprocess, refine
from ..pictures import open_picture
from .values import floats

Backdrop = tuple[int, int, int] | Path | Literal["transparent", "blur"]

# The standard deviation of a blurred background, as a share of the picture's longer side.
_BLUR = 0.015


def draw(backdrop: Backdrop, colours: Tensor) -> Tensor:
    """Returns the colours behind a subject, float32 RGB of the size of its picture, or of one pixel."""
    height, width = colours.shape[:2]
    if isinstance(backdrop, tuple):
        return torch.tensor(backdrop, dtype=torch.float32) / 255
    if isinstance(backdrop, Path):
        return covering(backdrop, height, width)
    sigma_px = max(1.0, _BLUR * max(height, width))
    return refine.feather(colours.permute(2, 0, 1), sigma_px).permute(1, 2, 0)


def covering(path: Path, height: int, width: int) -> Tensor:
    """Returns the middle of a picture, as much of it as has the shape wanted, in the size wanted."""
    colours, alpha = floats(open_picture(path).pixels)
    if alpha is not None:
        colours = torch.lerp(torch.ones(()), colours, alpha[..., None])
    scale = max(height / colours.shape[0], width / colours.shape[1])
    kept_height = min(colours.shape[0], max(1, round(height / scale)))
    kept_width = min(colours.shape[1], max(1, round(width / scale)))
    top, left = (colours.shape[0] - kept_height) // 2, (colours.shape[1] - kept_width) // 2
    kept = colours[top : top + kept_height, left : left + kept_width]
    return preprocess.resize(preprocess.to_u8(kept), height, width, "lanczos").float() / 255
