"""Image -> network input: 8-bit conversion, resizing, colours.

An *image* is ``[B,H,W,C]`` or ``[H,W,C]`` with C = 1, 3 or 4, a *mask* ``[B,H,W]`` or ``[H,W]``. Every function takes
any strides, returns a new packed tensor, uses torch's number of threads (``torch.set_num_threads``) and gives the same
bytes for any. What does not fit is a ``ValueError`` that gives the value found and the one wanted.
"""

from typing import Literal

from torch import Tensor

from . import _native
from ._checks import tensor

_core = _native.load()

Filter = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


def to_u8(image: Tensor) -> Tensor:
    """Returns an image or mask 0..1 as uint8: 255 times the value, clipped, cut towards zero; NaN gives 0.

    float32, float64, float16 or bfloat16, on the CPU or a CUDA device. The product is rounded in the tensor's own
    precision, as numpy does it in the original nodes' ``tensor2pil``.

    >>> import torch
    >>> to_u8(torch.tensor([[0.0, 0.5, 1.0, 1.7]])).tolist()
    [[0, 127, 255, 255]]
    """
    return _core.to_u8(tensor(image, "image"))


def from_u8(image: Tensor) -> Tensor:
    """Returns a uint8 image or mask as float32 0..1: the value divided by 255. :func:`to_u8` gives it back."""
    return _core.from_u8(tensor(image, "image"))


def to_rgb(image: Tensor) -> Tensor:
    """Returns a uint8 image as RGB: grey is repeated, an alpha channel dropped without blending."""
    return _core.to_rgb(tensor(image, "image"))


def luma(image: Tensor) -> Tensor:
    """Returns a uint8 image as grey ``[B,H,W]``, with Pillow's weights (0.299, 0.587, 0.114 in 16-bit fixed point)."""
    return _core.luma(tensor(image, "image"))


def resize(image: Tensor, height: int, width: int, filter: Filter = "bilinear") -> Tensor:
    """Returns a uint8 image resized with the very bytes of Pillow 12.3's ``Image.resize``.

    ``filter`` is Pillow's name in small letters. Filters but ``nearest`` are widened when shrinking (antialiased).
    RGBA is premultiplied for the while, as Pillow does.
    """
    return _core.resize(tensor(image, "image"), height, width, filter)


def interpolate(image: Tensor, height: int, width: int, align_corners: bool = False) -> Tensor:
    """Returns images ``[B,H,W,C]`` or masks ``[B,H,W]`` resized by bilinear interpolation without antialiasing.

    float32 or uint8 in, float32 out: the numbers of torch's ``F.interpolate(mode="bilinear")`` and, with
    ``align_corners=False``, of OpenCV's ``INTER_LINEAR``.
    """
    return _core.interpolate(tensor(image, "image"), height, width, align_corners)
