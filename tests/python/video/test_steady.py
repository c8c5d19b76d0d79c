"""Masks over time: still where the picture is still, the frame's own where something moves."""

import itertools

import pytest
import torch

from mattecore.video.steady import Steady

STILL = torch.full((40, 50, 3), 0.5)


def noisy(generator: torch.Generator, count: int) -> list[torch.Tensor]:
    """Masks of 0.6 that flicker by 0.1."""
    return [(0.6 + 0.1 * torch.randn(40, 50, generator=generator)).clamp(0, 1) for _ in range(count)]


def flicker(masks: list[torch.Tensor]) -> float:
    return float(torch.stack([b - a for a, b in itertools.pairwise(masks)]).std())


def test_what_stands_still_flickers_less_the_more_stability_there_is(random):
    masks = noisy(random, 30)
    flickers = []
    for stability in (0.0, 0.3, 0.6, 1.0):
        steady = Steady(stability)
        flickers.append(flicker([steady(STILL, mask) for mask in masks][10:]))
    assert flickers == sorted(flickers, reverse=True)
    assert flickers[3] < 0.1 * flickers[0]  # differences of an average of 1 / (1 - 0.9) frames: a factor of 14


def test_no_stability_is_the_masks_themselves(random):
    steady = Steady(0)
    assert all(steady(STILL, mask) is mask for mask in noisy(random, 3))


def test_the_formula(random):
    """A frame after the first, value by value."""
    before, after = torch.rand(40, 50, 3, generator=random) * 0.05, torch.rand(40, 50, 3, generator=random) * 0.05
    first, second = noisy(random, 2)
    steady = Steady(0.8)
    steady(before, first)
    result = steady(after, second)
    difference = (after - before).abs().max(2).values
    for y, x in [(0, 0), (3, 7), (39, 49), (20, 0)]:
        window = difference[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].mean()
        still = 1 - ((window - 3 / 255) / (9 / 255)).clamp(0, 1)
        weight = 0.9 * 0.8 * still
        assert float(result[y, x]) == pytest.approx(
            float(second[y, x] + weight * (first[y, x] - second[y, x])), abs=1e-6
        )


def test_where_something_moves_the_frames_own_mask_stands():
    """A bright square wanders over a dark picture; its mask is exact, and stays exact."""
    steady = Steady(1.0)
    for index in range(20):
        colours, mask = torch.zeros(40, 50, 3), torch.zeros(40, 50)
        colours[10:30, 5 + index : 20 + index] = 1
        mask[10:30, 5 + index : 20 + index] = 1
        out = steady(colours, mask)
        moved = slice(10, 30), slice(max(0, 3 + index), 22 + index)
        edges = (out[moved] - mask[moved]).abs()
        assert edges.max() < 1e-6, index


def test_what_creeps_slower_than_the_noise_leaves_no_trail():
    """The colour rises by 1/255 a frame and the mask with it: seen once it adds up, so the mask is never far behind."""
    steady = Steady(1.0)
    for index in range(100):
        level = index / 100
        out = steady(torch.full((20, 20, 3), index / 255), torch.full((20, 20), level))
        assert level - 0.12 < float(out.mean()) <= level + 1e-6


def test_a_cut_begins_anew(random):
    steady = Steady(1.0)
    for mask in noisy(random, 10):
        steady(STILL, mask)
    mask = torch.zeros(40, 50)
    assert torch.equal(steady(1 - STILL / 4, mask), mask)


def test_stability_beyond_its_range_is_refused():
    for stability in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"stability is {stability}; wanted 0 to 1"):
            Steady(stability)
