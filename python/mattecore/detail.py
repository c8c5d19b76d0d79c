"""Parts of a picture: found in a mask, cut out, softened at their edges, pasted back.

Pictures and masks here are float32 on the CPU. Shapes and errors are those of :mod:`mattecore.preprocess`.
"""

from typing import Literal, NamedTuple

from torch import Tensor

from . import _native
from ._checks import tensor

_core = _native.load()

Fill = Literal["contour", "soft", "box"]


class Box(NamedTuple):
    """Columns ``left`` to ``right - 1`` of rows ``top`` to ``bottom - 1``."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


class Segment(NamedTuple):
    """One connected part of a mask, by its place; :func:`segment_mask` draws it."""

    bbox: Box
    crop_region: Box
    first_column: int


def find_segments(mask: Tensor, crop_factor: float, drop_size: int) -> list[list[Segment]]:
    """Returns, for each mask of a batch (or the one), its parts that can be seen from beyond its borders.

    A part is made of pixels >= 1/255 that touch, corners included, and is wider and higher than ``drop_size``. The crop
    region is ``crop_factor`` times the box, moved inside the picture. The part that begins last in reading order comes
    first: the order in which OpenCV's ``findContours`` returns outer contours, and with it the Impact Pack.
    """
    found = _core.find_segments(tensor(mask, "mask"), crop_factor, drop_size)
    return [[Segment(Box(*bbox), Box(*crop), column) for bbox, crop, column in segments] for segments in found]


def segment_mask(mask: Tensor, segment: Segment, fill: Fill = "contour") -> Tensor:
    """Returns the segment's own mask in its crop region, ``[h,w]``, from the mask ``[H,W]`` it was found in.

    ``contour`` is 1 on it, its holes and what lies in them; ``soft`` the mask's values there; ``box`` 1 in its box.
    """
    return _core.segment_mask(tensor(mask, "mask"), segment, fill)


def blur_mask(mask: Tensor, radius_px: int) -> Tensor:
    """Returns the mask softened by torchvision's ``GaussianBlur(2 * radius_px + 1, sigma=10)``, its very sum included.

    The kernel of a mask it does not fit into shrinks to half the shorter side; 0 leaves the mask as it is.
    """
    return _core.blur_mask(tensor(mask, "mask"), radius_px)


def blend(image: Tensor, patch: Tensor, mask: Tensor) -> Tensor:
    """Returns ``(1 - mask) * image + mask * patch``."""
    return _core.blend(tensor(image, "image"), tensor(patch, "patch"), tensor(mask, "mask"))


def join_alpha(image: Tensor, mask: Tensor) -> Tensor:
    """Returns RGBA with the image's colours and the mask as alpha, no value changed."""
    return _core.join_alpha(tensor(image, "image"), tensor(mask, "mask"))
