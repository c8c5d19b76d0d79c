"""Cutting whole pictures out, from the picture to what is written: what ``mattecore cut`` does, for Python.

``Options`` says how, a ``Cutter`` keeps its networks and does it, ``cut`` is both in one call.
"""

from typing import Any

from .cutter import CutOut, Cutter, Progress
from .options import Options
from .video import VideoCut, cut_video

__all__ = ["CutOut", "Cutter", "Options", "Progress", "VideoCut", "cut", "cut_video"]


def cut(image: Any, *, progress: Progress | None = None, **options: Any) -> CutOut:
    """Cuts the subject out of an image and returns it, with its mask.

    ``image`` is a path, Pillow's Image, a tensor or array [H,W] or [H,W,C], uint8, uint16 or floats 0..1; ``options``
    are those of :class:`Options`, which the command ``mattecore cut --help`` explains. A :class:`Cutter` keeps its
    networks for many pictures.

    >>> import torch
    >>> cut(torch.zeros(2, 3, 3, dtype=torch.uint8), mask_only=True).pixels.shape
    torch.Size([2, 3, 1])
    """
    return Cutter(Options(**options)).cut(image, progress)
