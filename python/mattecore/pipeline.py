"""The stages in order: image -> network -> mask -> refined edge -> RGBA, a batch a call.

network = mattecore.networks.loading.load(Path("models/rmbg/RMBG-1.4/model.pth"))
cut = cut_out(image, network, "rmbg_ultra", GuidedFilterEdge(detail_range=3, black_point=0.01, white_point=0.99))
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from torch import Tensor

from . import _native
from ._checks import tensor

if TYPE_CHECKING:
    from ._core import ClosedFormEdge, GuidedFilterEdge, Network, VitmatteEdge

__all__ = ["ClosedFormEdge", "CutOut", "GuidedFilterEdge", "Mask", "VitmatteEdge", "cut_out", "find_mask"]

_core = _native.load()

if not TYPE_CHECKING:
    ClosedFormEdge, GuidedFilterEdge, VitmatteEdge = _core.ClosedFormEdge, _core.GuidedFilterEdge, _core.VitmatteEdge

Recipe = Literal["rmbg_ultra", "birefnet_ultra", "image_rem_bg", "image_rem_bg_2", "soft"]
"""Whose look a cut-out has: how the picture is resized for the network, what becomes of its map, and of the colours.

``rmbg_ultra`` is LayerStyle's for RMBG (a hard mask), ``birefnet_ultra`` its for BiRefNet; ``image_rem_bg`` Easy-Use's
(a soft mask, colours premultiplied), ``image_rem_bg_2`` its for RMBG-2.0; ``soft`` is no original's: the network's map
as it is.
"""

Progress = Callable[[float], object]
"""Gets the fraction done, 0..1. Raising in it ends the work; so does returning False."""


class Mask(NamedTuple):
    """What :func:`find_mask` returns."""

    values: Tensor  # float32 [B,H,W] on the CPU, every value a multiple of 1/255
    unrefined: list[int]  # pictures whose mask gave closed-form matting no certain foreground, or no background


class CutOut(NamedTuple):
    """What :func:`cut_out` returns."""

    rgba: Tensor  # float32 [B,H,W,4] on the CPU, every value a multiple of 1/255
    mask: Tensor  # float32 [B,H,W], its fourth channel
    unrefined: list[int]  # pictures whose mask gave closed-form matting no certain foreground, or no background


def find_mask(
    image: Tensor,
    network: "Network",
    recipe: Recipe,
    edge: "ClosedFormEdge | GuidedFilterEdge | VitmatteEdge | None" = None,
    *,
    progress: Progress | None = None,
) -> Mask:
    """Finds the subject of images as :func:`cut_out` does, and returns its mask alone."""
    return Mask(*_core.find_mask(tensor(image, "image"), network, recipe, edge, progress))


def cut_out(
    image: Tensor,
    network: "Network",
    recipe: Recipe,
    edge: "ClosedFormEdge | GuidedFilterEdge | VitmatteEdge | None" = None,
    *,
    progress: Progress | None = None,
    done: Callable[[int, Tensor], object] | None = None,
) -> CutOut:
    """Cuts the subject out of images ``[B,H,W,C]`` or ``[H,W,C]``, each by itself, and refines its edge.

    Floats 0..1 of any precision or uint8, on any device; grey is repeated, an alpha channel ignored. ``network`` is one
    that :func:`mattecore.networks.loading.load` returns, or of a Python class derived from ``_core.Network``. The
    progress has one step a picture for the network and, with an ``edge``, one more; ``done`` gets each picture's number
    and ``[1,H,W,4]`` as soon as it is there. Memory beyond the result does not depend on the number of pictures.
    """
    return CutOut(*_core.cut_out(tensor(image, "image"), network, recipe, edge, progress, done))
