"""Image + mask -> result. Shapes and errors are those of :mod:`mattecore.preprocess`."""

from torch import Tensor

from . import _native
from ._checks import tensor

_core = _native.load()


def assemble_rgba(image: Tensor, mask: Tensor) -> Tensor:
    """Returns float32 RGBA 0..1 of an image and a mask of its size, with straight (not premultiplied) colours.

    Both may be floats 0..1 of any precision or uint8, on the CPU or a CUDA device; all values pass through 8 bits, as
    they do in the original nodes. Grey is repeated, an alpha channel of the image dropped.

    >>> import torch
    >>> assemble_rgba(torch.ones(1, 2, 2, 3), torch.zeros(1, 2, 2))[0, 0, 0].tolist()
    [1.0, 1.0, 1.0, 0.0]
    """
    return _core.assemble_rgba(tensor(image, "image"), tensor(mask, "mask"))


def paste_on_transparent(image: Tensor, mask: Tensor) -> Tensor:
    """Returns a uint8 image pasted through a uint8 mask onto transparent black: RGBA with premultiplied colours.

    This is the look of ``easy imageRemBg``: every channel becomes round(value * mask / 255).
    """
    return _core.paste_on_transparent(tensor(image, "image"), tensor(mask, "mask"))


def mask_to_image(mask: Tensor) -> Tensor:
    """Returns float32 masks as opaque uint8 RGBA images with R = G = B = mask."""
    return _core.mask_to_image(tensor(mask, "mask"))


def lift(image: Tensor, mask: Tensor, clean: bool = True) -> Tensor:
    """Returns the subject alone: RGBA with straight colours, in the image's own type and, where opaque, own values.

    ``image`` is uint8, uint16 or float32 0..1, ``mask`` float32. Where the mask, in the type's steps, is 0, the colours
    are too; with ``clean``, those of the soft edge are the foreground's (:func:`multilevel_foreground`).

    >>> import torch
    >>> lift(torch.full((1, 2, 3), 200, dtype=torch.uint8), torch.tensor([[0.0, 1.0]])).tolist()
    [[[0, 0, 0, 0], [200, 200, 200, 255]]]
    """
    return _core.lift(tensor(image, "image"), tensor(mask, "mask"), clean)


def multilevel_foreground(image: Tensor, alpha: Tensor) -> Tensor:
    """Returns the colours of the foreground alone, float32 RGB, so that a new background shows no fringe of the old.

    Multi-level estimation (Germer, Uelwer, Conrad and Harmeling 2020), with the constants of pymatting's
    ``estimate_foreground_ml``. ``image`` is float32 with 3 or 4 channels, ``alpha`` float32 of its size.
    """
    return _core.multilevel_foreground(tensor(image, "image"), tensor(alpha, "alpha"))


def blur_fusion_foreground(image: Tensor, alpha: Tensor) -> Tensor:
    """Returns what :func:`multilevel_foreground` does by blur fusion (Forte 2021): faster and smoother."""
    return _core.blur_fusion_foreground(tensor(image, "image"), tensor(alpha, "alpha"))
