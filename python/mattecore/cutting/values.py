"""Pictures' values as numbers 0..1, and back."""

import torch
from torch import Tensor

from ..pictures.picture import FULL_SCALE


def own_colours(pixels: Tensor) -> Tensor:
    """Returns a picture without its alpha: RGB, or grey."""
    return pixels[..., :3] if pixels.shape[2] > 2 else pixels[..., :1]


def floats(pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Returns a picture's colours as float32 RGB 0..1, and its alpha where it has one."""
    values = pixels.float().div_(FULL_SCALE[pixels.dtype]) if pixels.dtype in FULL_SCALE else pixels
    return own_colours(values).expand(-1, -1, 3), values[..., -1] if values.shape[2] in (2, 4) else None


def whole_numbers(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns values 0..1 in the steps of a type, in one that torch can calculate in: uint8, int32 or float32."""
    scale = FULL_SCALE.get(dtype)
    if scale is None:
        return values
    return (values * scale).round_().clamp_(0, scale).to(torch.uint8 if dtype == torch.uint8 else torch.int32)
