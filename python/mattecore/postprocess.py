"""Network output -> mask: levels and conversions. Shapes and errors are those of :mod:`mattecore.preprocess`."""

from torch import Tensor

from . import _native
from ._checks import tensor

_core = _native.load()


def normalize_min_max(mask: Tensor) -> Tensor:
    """Returns each float32 mask stretched to 0..1 by its own extremes; one of a single value becomes 0.

    A mask with NaN or infinite values is a ``ValueError``: the network that made it is broken.
    """
    return _core.normalize_min_max(tensor(mask, "mask"))


def histogram_remap(mask: Tensor, black_point: float, white_point: float) -> Tensor:
    """Returns a float32 mask with ``black_point`` mapped to 0, ``white_point`` to 1, clipped.

    Black is held at least 0.001 below white, so crossed points make an almost hard threshold just below white.
    """
    return _core.histogram_remap(tensor(mask, "mask"), black_point, white_point)


def brighten(mask: Tensor, factor: float) -> Tensor:
    """Returns a uint8 mask multiplied by ``factor``, cut towards zero and clipped, as Pillow's brightness does."""
    return _core.brighten(tensor(mask, "mask"), factor)


def image_to_mask(image: Tensor) -> Tensor:
    """Returns the first channel of a uint8 image as a float32 mask ``[B,H,W]``, 0..1."""
    return _core.image_to_mask(tensor(image, "image"))
