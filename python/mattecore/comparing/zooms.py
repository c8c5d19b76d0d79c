"""Where the methods differ most along the edge."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from ..cutting.cutter import Box

# A window's side: as much of the picture's longer one, within what can be shown enlarged.
_SHARE, _LEAST, _MOST = 1 / 12, 32, 128
# By how much the alphas along one line through a window's middle must differ to be seen.
_SEEN = 0.02


def places(alphas: Iterable[Tensor], most: int = 3) -> list[Box]:
    """Returns the windows in which the uint8 alphas [H,W] of one picture differ most, worst first; none overlap.

    A pixel counts by how far its alphas lie apart, and by how sharp an edge one of them has there: that a network sees
    something as the subject and another does not is a matter of its outline, not of its size. It counts the more the
    nearer it lies to the window's middle. There are fewer windows, or none, where the rest is as good as the same.
    """
    lowest, highest, edge = _extremes(alphas)
    difference = (highest - lowest) * edge
    height, width = difference.shape
    side = min(height, width, max(_LEAST, min(_MOST, round(max(height, width) * _SHARE))))
    half = (side + 1) // 2
    sums = _window_sums(_window_sums(difference, half), side - half + 1) / half**2  # a pixel in the middle counts once
    found: list[Box] = []
    while len(found) < most:
        worst = int(sums.argmax())
        top, left = divmod(worst, sums.shape[1])
        if sums[top, left] <= _SEEN * side / 2:
            break
        found.append(Box(left, top, left + side, top + side))
        sums[max(0, top - side + 1) : top + side, max(0, left - side + 1) : left + side] = 0
    return found


def _extremes(alphas: Iterable[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Returns of each pixel the lowest and highest alpha, and by how much one alpha at most varies within 3 x 3."""
    lowest = highest = edge = None
    for alpha in alphas:
        values = alpha.float() / 255
        here = _largest_around(values) + _largest_around(-values)
        lowest = values if lowest is None else torch.minimum(lowest, values)
        highest = values if highest is None else torch.maximum(highest, values)
        edge = here if edge is None else torch.maximum(edge, here)
    if lowest is None or highest is None or edge is None:
        raise ValueError("there are no alphas; wanted those of one method or more")
    return lowest, highest, edge


def _largest_around(values: Tensor) -> Tensor:
    return functional.max_pool2d(values[None], 3, stride=1, padding=1)[0]


def _window_sums(values: Tensor, side: int) -> Tensor:
    """Returns the sum of each window that lies within, at its upper left corner."""
    table = functional.pad(values.double().cumsum(0).cumsum(1), (1, 0, 1, 0))
    return table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
