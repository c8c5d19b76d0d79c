"""A picture in memory: its values and what a file says about them."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

# What the largest value of a type stands for; floats are 0..1.
FULL_SCALE: dict[torch.dtype, int] = {torch.uint8: 255, torch.uint16: 65535}
_CHANNELS = (1, 2, 3, 4)


class PictureError(ValueError):
    """A picture that cannot be read or written. The message is for the user as it stands."""


@dataclass(frozen=True)
class Picture:
    """Values as they are seen, upright, and what belongs to them."""

    pixels: Tensor  # uint8, uint16 or float32 0..1 [H,W,C]: grey, grey and alpha, RGB, or RGBA; colours straight
    icc: bytes | None = None  # the profile of RGB colours; None: sRGB, as far as anybody knows
    exif: bytes | None = None  # what it says of the taking, and nothing that shows the picture
    dpi: tuple[float, float] | None = None

    def replaced(self, pixels: Tensor) -> "Picture":
        """Returns other values with the same facts; what says something about colours goes where there are none."""
        return dataclasses.replace(self, pixels=pixels, icc=self.icc if pixels.shape[2] > 2 else None)


def open_picture(image: Any) -> Picture:
    """Returns what one means by an image: a Picture, a path, a tensor or array [H,W] or [H,W,C], Pillow's Image."""
    if isinstance(image, Picture):
        return image
    if isinstance(image, (str, Path)):
        from .read import read

        return read(Path(image))
    if isinstance(image, np.ndarray):
        image = torch.from_numpy(np.ascontiguousarray(image))
    if isinstance(image, Tensor):
        return Picture(_checked(image))
    if hasattr(image, "getexif") and hasattr(image, "tobytes"):
        from .read import from_pillow

        return from_pillow(image, "the image")
    wanted = "a path, a torch.Tensor, a numpy array or an Image of Pillow"
    raise TypeError(f"the image is a {type(image).__name__}; wanted {wanted}")


def _checked(image: Tensor) -> Tensor:
    """Returns an image as values [H,W,C] on the CPU."""
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.shape[2] not in _CHANNELS or 0 in pixels.shape:
        raise ValueError(f"the image's shape is {list(image.shape)}; wanted [H,W] or [H,W,C] with 1 to 4 channels")
    if pixels.is_floating_point():
        return pixels.detach().to("cpu", torch.float32)
    if pixels.dtype not in FULL_SCALE:
        raise ValueError(f"the image's type is {image.dtype}; wanted uint8, uint16 or floats 0..1")
    return pixels.cpu()
