"""Image + mask -> better alpha: trimaps, guided filter, closed-form matting, mask tools.

Masks, trimaps and alphas are float32 ``[B,H,W]`` or ``[H,W]`` unless a function says otherwise; one of a batch never
depends on its neighbours. Shapes and errors are those of :mod:`mattecore.preprocess`.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import Tensor

from . import _native
from ._checks import tensor

_core = _native.load()

Progress = Callable[[float], object]
"""Gets the fraction done, 0..1, at least every 50 ms. Raising in it ends the work; so does returning False."""

Shape = Literal["box", "ellipse"]


class ClosedForm(NamedTuple):
    """What :func:`closed_form` returns."""

    alpha: Tensor
    residuals: list[list[float]]  # of each picture, |r| / |b| after each iteration


def gaussian_blur(mask: Tensor, size: int) -> Tensor:
    """Returns a float32 or float64 mask blurred as ``cv2.GaussianBlur(mask, (size, size), 0)`` does, ``size`` odd."""
    return _core.gaussian_blur(tensor(mask, "mask"), size)


def trimap_from_mask(mask: Tensor, erode_size: int, dilate_size: int) -> Tensor:
    """Returns the uint8 trimap (0, 127, 255) that the original nodes give to VITMatte.

    Foreground is a value of 1.0 (or 255 in uint8) and nothing less; it is eroded and dilated five times with boxes of
    the given sizes. A box of even size reaches farther up and left, as OpenCV's does.
    """
    return _core.trimap_from_mask(tensor(mask, "mask"), erode_size, dilate_size)


def fix_trimap(mask: Tensor, black_point: float, white_point: float) -> Tensor:
    """Returns 1 above ``white_point``, 0 below ``black_point``, else 0.5."""
    return _core.fix_trimap(tensor(mask, "mask"), black_point, white_point)


def trimap_from_alpha(
    alpha: Tensor, foreground_threshold: float = 0.95, background_threshold: float = 0.05, grow_px: int = 8
) -> Tensor:
    """Returns a trimap 0, 0.5, 1 from a soft alpha: unknown ``grow_px`` to either side of the edge."""
    return _core.trimap_from_alpha(tensor(alpha, "alpha"), foreground_threshold, background_threshold, grow_px)


def guided_filter(guide: Tensor, mask: Tensor, radius_px: int, eps: float) -> Tensor:
    """Returns the mask smoothed along the edges of the guide, a float32 image of its size; not clipped.

    The numbers of ``cv2.ximgproc.guidedFilter(guide, mask, radius_px, eps)``: boxes of side ``2 * radius_px + 1``; a
    guide of one channel is a true grey one. Below an eps of 0.01 OpenCV's colour filter gives flat places up; ours does
    not (docs/differences.md).
    """
    return _core.guided_filter(tensor(guide, "guide"), tensor(mask, "mask"), radius_px, eps)


def fast_guided_filter(guide: Tensor, mask: Tensor, radius_px: int, eps: float, subsample: int) -> Tensor:
    """Returns nearly what :func:`guided_filter` does, from guide and mask shrunk by ``subsample``, much sooner."""
    return _core.fast_guided_filter(tensor(guide, "guide"), tensor(mask, "mask"), radius_px, eps, subsample)


def closed_form(
    image: Tensor,
    trimap: Tensor,
    *,
    epsilon: float = 1e-6,
    tolerance: float = 1e-7,
    max_iterations: int = 500,
    progress: Progress | None = None,
) -> ClosedForm:
    """Returns the alpha of closed-form matting, with the known pixels of the trimap exactly 0 and 1.

    Levin, Lischinski and Weiss 2008, as the original nodes call pymatting's ``estimate_alpha_cf``: epsilon is theirs,
    ten times pymatting's own. ``image`` is float32 or float64, and a single channel counts as three equal ones;
    ``trimap`` and alpha are float32. A trimap value >= 0.9 is foreground, <= 0.1 background, the rest unknown. One
    without unknown pixels comes back as it is; otherwise a missing foreground or background is a ``ValueError``.
    """
    image, trimap = tensor(image, "image"), tensor(trimap, "trimap")
    return ClosedForm(*_core.closed_form(image, trimap, epsilon, tolerance, max_iterations, progress))


def grow(mask: Tensor, radius_px: int, shape: Shape = "ellipse") -> Tensor:
    """Returns the mask with every pixel raised to the largest value within ``radius_px``."""
    return _core.grow(tensor(mask, "mask"), radius_px, shape)


def shrink(mask: Tensor, radius_px: int, shape: Shape = "ellipse") -> Tensor:
    """Returns the mask with every pixel lowered to the smallest value within ``radius_px``."""
    return _core.shrink(tensor(mask, "mask"), radius_px, shape)


def feather(mask: Tensor, sigma_px: float) -> Tensor:
    """Returns the mask blurred by a Gaussian of the standard deviation ``sigma_px``."""
    return _core.feather(tensor(mask, "mask"), sigma_px)


def fill_holes(mask: Tensor) -> Tensor:
    """Returns the mask with what is darker than all around it raised to the darkest place it would spill over."""
    return _core.fill_holes(tensor(mask, "mask"))


def keep_largest_component(mask: Tensor, threshold: float = 0.5) -> Tensor:
    """Returns the mask with everything set to 0 but the largest set of connected pixels above ``threshold``."""
    return _core.keep_largest_component(tensor(mask, "mask"), threshold)
