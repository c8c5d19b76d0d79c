"""The zooms lie where the methods differ along the edge."""

import itertools

import pytest
import torch
from torch import Tensor

from mattecore.comparing.zooms import places
from mattecore.cutting.cutter import Box


def disc(height: int = 300, width: int = 400) -> Tensor:
    """A soft disc in the middle, uint8."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    distance = torch.hypot(y - height / 2, x - width / 2)
    return ((height / 3 - distance).clamp(-2, 2) / 4 + 0.5).mul(255).round().to(torch.uint8)


def with_bumps(alpha: Tensor, *bumps: tuple[int, int, int]) -> Tensor:
    """The alpha with squares of 6 pixels, each at (top, left), lighter or darker by a value."""
    changed = alpha.int()
    for top, left, value in bumps:
        changed[top : top + 6, left : left + 6] += value
    return changed.clamp(0, 255).to(torch.uint8)


def holds(box: Box, top: int, left: int) -> bool:
    return box.top <= top and top + 6 <= box.bottom and box.left <= left and left + 6 <= box.right


def overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def test_the_worst_places_come_first():
    bumps = [(147, 197, -250), (20, 30, 180), (270, 350, 90), (20, 350, 40)]
    found = places([disc(), with_bumps(disc(), *bumps), disc()])
    assert len(found) == 3
    for box, (top, left, _) in zip(found, bumps, strict=False):
        assert holds(box, top, left)
    assert not any(overlap(one, other) for one, other in itertools.combinations(found, 2))
    for box in found:
        assert box.right - box.left == box.bottom - box.top == 33  # a twelfth of 400
        assert (box.left >= 0, box.top >= 0, box.right <= 400, box.bottom <= 300) == (True,) * 4


def test_what_one_method_has_not_seen_at_all_is_shown_at_its_outline():
    seen = torch.zeros(300, 400, dtype=torch.uint8)
    seen[50:250, 100:300] = 255
    for box in places([seen, torch.zeros_like(seen)]):
        inside = seen[box.part]
        assert 0 < int((inside > 0).sum()) < inside.numel()


@pytest.mark.parametrize("alphas", [[disc()], [disc(), disc()], [disc(), with_bumps(disc(), (147, 197, -1))]])
def test_there_are_none_where_all_look_the_same(alphas):
    assert places(alphas) == []


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 3), (31, 200), (40, 41)])
def test_small_and_long_pictures(height, width):
    one, other = torch.zeros(2, height, width, dtype=torch.uint8)
    other[height // 2, width // 2] = 255
    found = places([one, other])
    assert len(found) == (0 if height * width == 1 else 1)  # a single pixel has no edge
    for box in found:
        assert 0 <= box.left <= width // 2 < box.right <= width
        assert 0 <= box.top <= height // 2 < box.bottom <= height


def test_the_first_window_is_the_one_that_a_plain_search_finds():
    random = torch.Generator().manual_seed(3)
    alphas = [(torch.rand(40, 45, generator=random) ** 8 * 255).to(torch.uint8) for _ in range(3)]
    values = [alpha.double() / 255 for alpha in alphas]
    span = torch.stack(values).amax(0) - torch.stack(values).amin(0)
    edge = torch.zeros(40, 45)
    for y, x in itertools.product(range(40), range(45)):
        around = [value[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] for value in values]
        edge[y, x] = max(float(part.max() - part.min()) for part in around)
    difference = span * edge
    weights = torch.tensor([min(k + 1, 32 - k, 16) / 16 for k in range(32)]).double()
    weights = weights[:, None] * weights
    sums = {
        (top, left): float((weights * difference[top : top + 32, left : left + 32]).sum())
        for top, left in itertools.product(range(9), range(14))
    }
    first = places(alphas)[0]
    # float32 differences, summed in another order
    assert sums[first.top, first.left] == pytest.approx(max(sums.values()), rel=1e-6)


def test_no_alphas_are_refused():
    with pytest.raises(ValueError, match="there are no alphas; wanted those of one method or more"):
        places([])
