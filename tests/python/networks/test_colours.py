"""What a picture's own colours say of an alpha that is in doubt."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from mattecore import _native
from mattecore.networks import operators

_native.load()

WEIGHT = torch.tensor([2.0])
SIZES = st.tuples(st.integers(1, 33), st.integers(1, 33))


def by_colours(logits: Tensor, picture: Tensor, weight: Tensor = WEIGHT) -> Tensor:
    return operators.by_colours(logits, picture, weight)


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def blocks(seed: int, height: int, width: int) -> Tensor:
    """A picture [1,3,H,W] of a few colours with grain."""
    coarse = torch.rand((1, 3, 4, 4), generator=torch.Generator().manual_seed(seed))
    large = torch.nn.functional.interpolate(coarse, (height, width), mode="nearest")
    return (large + 0.03 * random(seed + 1, 1, 3, height, width)).clamp(0, 1)


def halved(x: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels of [H,W,C], of what is left of them at the right and below."""
    height, width = x.shape[:2]
    sums = np.zeros(((height + 1) // 2, (width + 1) // 2, x.shape[2]))
    counts = np.zeros_like(sums)
    for dy in range(2):
        for dx in range(2):
            part = x[dy::2, dx::2]
            sums[: part.shape[0], : part.shape[1]] += part
            counts[: part.shape[0], : part.shape[1]] += 1
    return sums / counts


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def as_described(logits: Tensor, picture: Tensor) -> Tensor:
    """The same from the header's words, in float64: a colour's eight nodes by their coordinates, in a table."""
    own = logits[0, 0].double().numpy()
    r, g, b = np.moveaxis(halved(picture[0].permute(1, 2, 0).double().numpy()), 2, 0)
    at = np.stack([(r + g + b) / 3, r - g, (r + g) / 2 - b], -1).reshape(-1, 3) / 0.08
    # The hues' nodes begin at -1, which is no whole number of steps.
    at[:, 1:] += 1 / 0.08
    low = np.floor(at)
    corners = [np.array([k >> 2 & 1, k >> 1 & 1, k & 1]) for k in range(8)]
    shares = np.stack([np.where(corner, at - low, 1 - (at - low)).prod(1) for corner in corners], 1)
    _, numbers = np.unique(np.concatenate([low + corner for corner in corners]), axis=0, return_inverse=True)
    node_of = numbers.reshape(8, -1).T
    mean = halved(sigmoid(own)[..., None])[..., 0].ravel().clip(1e-6, 1 - 1e-6)
    first, said = np.log(mean / (1 - mean)), np.zeros(len(at))
    for _ in range(8):
        alpha = sigmoid(first + 2 * said)
        inside, outside = (np.bincount(node_of.ravel(), (shares * a[:, None]).ravel()) for a in (alpha, 1 - alpha))
        ratio = np.log((inside / (inside.sum() + 1e-6) + 1e-4) / (outside / (outside.sum() + 1e-6) + 1e-4))
        said = (shares * ratio[node_of]).sum(1)
    shape = (own.shape[0] + 1) // 2, (own.shape[1] + 1) // 2
    holes, count = ndimage.label((first + 2 * said <= 0).reshape(shape))
    edge = {*holes[0], *holes[-1], *holes[:, 0], *holes[:, -1]}
    for hole in set(range(1, count + 1)) - edge:
        if mean[holes.ravel() == hole].mean() > 0.5:
            said[holes.ravel() == hole] = np.maximum(said[holes.ravel() == hole], 1.5)
    half = torch.from_numpy(said).view(1, 1, *shape)
    whole = torch.nn.functional.interpolate(half, own.shape, mode="bilinear")
    return torch.sigmoid(logits.double() + 2 * whole).float()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), size=SIZES, scale=st.sampled_from([0.3, 2.0, 10.0]))
def test_as_described(seed: int, size: tuple[int, int], scale: float) -> None:
    logits, picture = random(seed, 1, 1, *size) * scale, blocks(seed, *size)
    found = by_colours(logits, picture)
    # Eight rounds, each of which may double a difference of the last places.
    torch.testing.assert_close(found, as_described(logits, picture), rtol=0, atol=1e-3)


def test_colours_cut_no_hole_where_the_network_found_the_subject() -> None:
    """A ring before a table of the colour that is inside the ring: a hole only if the network says so."""
    y, x = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    away = torch.hypot(y - 23.5, x - 23.5)
    ring = (away > 8) & (away < 16)
    picture = torch.where(
        ring, torch.tensor([0.9, 0.9, 0.9]).view(3, 1, 1), torch.tensor([0.5, 0.3, 0.1]).view(3, 1, 1)
    )
    for inside, wanted in ((0.3, 0.9), (-0.3, 0.0)):
        logits = torch.where(ring, 4.0, torch.where(away <= 8, inside, -4.0))
        alpha = by_colours(logits[None, None], picture[None])[0, 0]
        assert (alpha[away < 6] > 0.9).all() == (wanted > 0.5)
        assert (alpha[away < 6] < 0.1).all() == (wanted < 0.5)
        assert alpha[away > 18].max() < 0.01


def test_colours_without_a_weight_have_no_say() -> None:
    logits = random(1, 1, 1, 21, 34) * 3
    torch.testing.assert_close(by_colours(logits, blocks(1, 21, 34), torch.zeros(1)), torch.sigmoid(logits))


def test_a_picture_of_one_colour_says_nothing() -> None:
    logits = random(1, 1, 1, 21, 34) * 3
    found = by_colours(logits, torch.full((1, 3, 21, 34), 0.4))
    torch.testing.assert_close(found, torch.sigmoid(logits), rtol=0, atol=1e-4)  # the nodes' counts, in float32


def test_doubts_follow_the_colours() -> None:
    """Half of a red square on blue is found: its other half and the ground follow, but for what is certain."""
    picture = torch.zeros(1, 3, 40, 40)
    picture[:, 2] = 1
    picture[:, :, 10:30, 10:30] = torch.tensor([1.0, 0, 0]).view(3, 1, 1)
    logits = torch.full((1, 1, 40, 40), -0.2)
    logits[..., 10:30, 10:20] = 3
    logits[..., :, :5] = -4
    logits[..., 35:, 35:] = 20
    alpha = by_colours(logits, picture)[0, 0]
    assert alpha[11:29, 11:29].min() > 0.99
    assert alpha[:8].max() < 0.01
    assert alpha[36:, 36:].min() > 0.99


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 20)])
def test_same_bytes_for_any_batch_and_number_of_threads(size: tuple[int, int]) -> None:
    logits, pictures = random(5, 4, 1, *size), torch.cat([blocks(seed, *size) for seed in range(4)])
    wanted = torch.cat([by_colours(logits[k : k + 1], pictures[k : k + 1]) for k in range(4)])
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            assert torch.equal(by_colours(logits, pictures), wanted)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_colours_beyond_all_are_taken_for_the_nearest(value: float) -> None:
    logits, picture = random(2, 1, 1, 9, 9), blocks(2, 9, 9)
    picture[0, 1, 3:5, 3:5] = value
    nearest = picture.clone()
    nearest[0, 1, 3:5, 3:5] = 1 if value > 0 else 0
    assert torch.equal(by_colours(logits, picture), by_colours(logits, nearest))


def test_other_types_and_layouts() -> None:
    logits, picture = random(2, 1, 1, 9, 8), blocks(2, 9, 8)
    wanted = by_colours(logits, picture)
    assert torch.equal(by_colours(logits.double(), picture.contiguous(memory_format=torch.channels_last)), wanted)


def test_shapes_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"shapes \[1, 1, 4, 5\] and \[1, 3, 5, 4\]; wanted \[B,1,H,W\] and \[B,3,H,W\]"
    ):
        by_colours(torch.rand(1, 1, 4, 5), torch.rand(1, 3, 5, 4))
    with pytest.raises(ValueError, match=r"shapes \[0, 1, 4, 5\]"):
        by_colours(torch.rand(0, 1, 4, 5), torch.rand(0, 3, 4, 5))


@pytest.mark.parametrize("certain", [-60.0, -9.0, 9.0, 60.0])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), size=SIZES)
def test_where_all_is_certain_nothing_changes(certain: float, seed: int, size: tuple[int, int]) -> None:
    """One of the two has next to no colours, and its sums less what rounding takes may be less than nothing."""
    alpha = by_colours(torch.full((1, 1, *size), certain), blocks(seed, *size))
    assert ((alpha > 0.9) if certain > 0 else (alpha < 0.1)).all()
