"""The refine stage against the originals' recorded results, plain formulas in numpy and what must always hold."""

import itertools
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from mattecore import refine

SIZES = [(1, 1), (1, 37), (23, 1), (2, 3), (31, 64), (45, 29)]


def as_tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def eight_bit(alpha: np.ndarray) -> np.ndarray:
    """The originals' way: cut off, not rounded."""
    return (alpha.astype(np.float32) * np.float32(255)).clip(0, 255).astype(np.uint8)


def settings(recorded: dict) -> dict:
    return json.loads(str(recorded["params"]))


def noise(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=generator)


def disc(height: int, width: int, softness: float = 1.0) -> np.ndarray:
    """A disc in the middle with an edge `softness` pixels wide: the alpha of a drawn picture."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    return ((min(height, width) * 0.3 - distance) / softness + 0.5).clip(0, 1)


def drawn(height: int, width: int, softness: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A textured orange disc on a textured blue ground, and its alpha."""
    y, x = np.mgrid[:height, :width]
    stripes = (0.08 * np.sin(x / 3) * np.cos(y / 4))[..., None]
    alpha = disc(height, width, softness)[..., None]
    foreground, background = stripes + np.array([0.9, 0.5, 0.1]), np.flip(stripes, 0) + np.array([0.1, 0.3, 0.8])
    image = alpha * foreground + (1 - alpha) * background
    return torch.from_numpy(image).float(), torch.from_numpy(alpha[..., 0]).float()


PER_PICTURE = {
    "gaussian_blur": lambda image, mask: refine.gaussian_blur(mask, 9),
    "trimap_from_mask": lambda image, mask: refine.trimap_from_mask((mask * 1.5).clamp(0, 1), 2, 3),
    "fix_trimap": lambda image, mask: refine.fix_trimap(mask, 0.3, 0.8),
    "trimap_from_alpha": lambda image, mask: refine.trimap_from_alpha(mask, 0.9, 0.1, 3),
    "guided_filter": lambda image, mask: refine.guided_filter(image, mask, 5, 0.01),
    "fast_guided_filter": lambda image, mask: refine.fast_guided_filter(image, mask, 8, 0.01, 4),
    "closed_form": lambda image, mask: refine.closed_form(image, mask).alpha,
    "grow": lambda image, mask: refine.grow(mask, 4),
    "shrink": lambda image, mask: refine.shrink(mask, 4, "box"),
    "feather": lambda image, mask: refine.feather(mask, 2.0),
    "fill_holes": lambda image, mask: refine.fill_holes(mask),
    "keep_largest_component": lambda image, mask: refine.keep_largest_component(mask),
}


@pytest.mark.parametrize("run", PER_PICTURE.values(), ids=PER_PICTURE)
def test_a_batch_in_another_order_gives_the_results_in_that_order(run, random):
    pictures = [drawn(40, 53, softness) for softness in (1.0, 6.0, 12.0)] + [drawn(40, 53, 4.0)]
    image = torch.stack([p[0] for p in pictures]) + noise(random, 4, 40, 53, 3) / 8
    mask = torch.stack([p[1] for p in pictures])
    order = [2, 0, 3, 1]
    assert torch.equal(run(image[order], mask[order]), run(image, mask)[order])


# --- gaussian_blur

MASK_EDGE_DETAIL = {
    "astro_d2_0.01_0.99": 11,
    "astro_d8_0.01_0.99": 41,
    "batch3_d2_0.01_0.99": 11,
    "coffee_f_d1_0.05_0.9": 7,
    "gray_d3_0.2_0.8": 17,
    "tall_d1_0.01_0.99": 7,
}


def blurred(recorded: dict, size: int) -> torch.Tensor:
    """What mask_edge_detail does first: 8 bits, divided in float32, then a blur in float64."""
    mask = eight_bit(recorded["in_mask"]).astype(np.float32) / 255
    return refine.gaussian_blur(as_tensor(mask).double(), size)


@pytest.mark.parametrize(("name", "size"), MASK_EDGE_DETAIL.items(), ids=MASK_EDGE_DETAIL)
def test_gaussian_blur_is_mask_edge_details(name, size, golden):
    recorded = golden(f"mask_edge_detail__{name}")
    detail_range = settings(recorded)["detail_range"]
    assert size == (5 * detail_range + 1) // 2 * 2 + 1
    if "out_blurred" not in recorded:
        pytest.skip("the blurred mask of this one is not kept")
    # Two sums of up to 41 products in another order: some hundred roundings of 2^-53.
    np.testing.assert_allclose(blurred(recorded, size).numpy(), recorded["out_blurred"], rtol=0, atol=1e-12)


def gaussian_weights(sigma: float, radius: int) -> np.ndarray:
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


# What OpenCV 5 has instead for the smallest sizes.
TABLE = {
    3: np.array([1, 2, 1]) / 4,
    5: np.array([1, 4, 6, 4, 1]) / 16,
    7: np.array([2, 7, 14, 18, 14, 7, 2]) / 64,
    9: np.array([4, 13, 30, 51, 60, 51, 30, 13, 4]) / 256,
}


def mirrored_convolution(mask: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """By rows and columns, in float64; beyond the borders the mask is mirrored and its edge not repeated."""
    radius = len(weights) // 2
    for axis in (0, 1):
        n = mask.shape[axis]
        period = max(1, 2 * (n - 1))
        position = np.arange(-radius, n + radius) % period
        position = np.minimum(position, period - position) if n > 1 else position
        padded = mask.take(position, axis)
        mask = sum(w * padded.take(np.arange(i, i + n), axis) for i, w in enumerate(weights))
    return mask


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("size", [3, 5, 7, 9, 11, 41, 255])
def test_gaussian_blur_is_the_formula_with_mirrored_borders(size, height, width, random):
    mask = noise(random, height, width)
    weights = TABLE.get(size, gaussian_weights(0.3 * ((size - 1) / 2 - 1) + 0.8, size // 2))
    wanted = mirrored_convolution(mask.double().numpy(), weights)
    np.testing.assert_allclose(refine.gaussian_blur(mask.double(), size).numpy(), wanted, rtol=0, atol=1e-12)
    # float: two passes of up to 255 products, each rounded to 2^-24.
    np.testing.assert_allclose(refine.gaussian_blur(mask, size).numpy(), wanted, rtol=0, atol=2e-6)


def test_gaussian_blur_of_size_1_is_a_copy_and_an_even_size_is_refused():
    mask = torch.rand(3, 5)
    assert torch.equal(refine.gaussian_blur(mask, 1), mask)
    for size in (0, 2, -3):
        with pytest.raises(ValueError, match=f"odd size of at least 1, not {size}"):
            refine.gaussian_blur(mask, size)


# --- trimap_from_mask


@pytest.mark.parametrize("name", ["e10_d4", "e1_d1", "e2_d3", "e6_d6", "e7_d255"])
def test_trimap_from_mask_is_generate_VITMatte_trimap(name, golden):  # noqa: N802 (their name)
    recorded = golden(f"generate_VITMatte_trimap__{name}")
    chosen = settings(recorded)
    result = refine.trimap_from_mask(as_tensor(recorded["in_mask"]), chosen["erode"], chosen["dilate"])
    np.testing.assert_array_equal(result[0].numpy(), recorded["out_u8"])


def extreme_within(mask: np.ndarray, reach: tuple[int, int], pick: Callable) -> np.ndarray:
    """The largest or smallest value from reach[0] pixels up and left to reach[1] down and right, within the picture."""
    before, after = reach
    result = np.empty_like(mask)
    for y, x in np.ndindex(mask.shape):
        result[y, x] = pick(mask[max(0, y - before) : y + after + 1, max(0, x - before) : x + after + 1])
    return result


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("erode", "dilate"), [(1, 1), (2, 3), (3, 2), (6, 5), (1, 64)])
def test_trimap_from_mask_is_five_boxes_and_what_is_outside_does_not_count(erode, dilate, height, width, random):
    foreground = (noise(random, height, width) > 0.02) & (noise(random, height, width) > 0.0)
    foreground[height // 2 :, : width // 2] = False
    eroded, dilated = (
        extreme_within(foreground.numpy(), (5 * (k // 2), 5 * k - 5 - 5 * (k // 2)), pick)
        for k, pick in ((erode, np.min), (dilate, np.max))
    )
    wanted = np.where(eroded, 255, np.where(dilated, 127, 0))
    for mask in (foreground.float(), foreground.to(torch.uint8) * 255):
        np.testing.assert_array_equal(refine.trimap_from_mask(mask, erode, dilate).numpy(), wanted)


def test_trimap_from_mask_reaches_farther_up_and_left_with_an_even_box():
    mask = torch.zeros(81, 81)
    mask[40, 40] = 1
    rows = refine.trimap_from_mask(mask, 1, 6).nonzero()
    assert rows.min(0).values.tolist() == [40 - 10, 40 - 10]  # the dilated pixel itself sees 15 up and 10 down
    assert rows.max(0).values.tolist() == [40 + 15, 40 + 15]


@pytest.mark.parametrize("k", [1, 6, 255])
def test_a_border_does_not_eat_into_a_full_mask_nor_grow_an_empty_one(k):
    assert refine.trimap_from_mask(torch.ones(2, 13, 17), k, k).eq(255).all()
    assert refine.trimap_from_mask(torch.zeros(2, 13, 17), k, k).eq(0).all()


def test_foreground_is_one_and_nothing_less():
    values = torch.tensor([[0.0, 0.5, 0.9999, 1.0, 1.5, 300.0]])
    assert refine.trimap_from_mask(values[0, :, None, None], 1, 1).flatten().tolist() == [0, 0, 0, 255, 255, 255]
    eight = torch.tensor([0, 1, 127, 254, 255], dtype=torch.uint8)
    assert refine.trimap_from_mask(eight[:, None, None], 1, 1).flatten().tolist() == [0, 0, 0, 0, 255]


@pytest.mark.parametrize(("erode", "dilate"), [(0, 1), (1, 0), (-5, 3)])
def test_a_box_without_a_pixel_is_refused(erode, dilate):
    with pytest.raises(ValueError, match=f"erode and dilate are {erode} and {dilate}, at least 1 is wanted"):
        refine.trimap_from_mask(torch.zeros(3, 3), erode, dilate)


# --- fix_trimap, trimap_from_alpha


@pytest.mark.parametrize("name", MASK_EDGE_DETAIL)
def test_fix_trimap_is_mask_edge_details(name, golden):
    recorded = golden(f"mask_edge_detail__{name}")
    chosen = settings(recorded)
    soft = blurred(recorded, MASK_EDGE_DETAIL[name])
    result = refine.fix_trimap(soft, chosen["black_point"], chosen["white_point"])
    assert result.dtype == torch.float32
    np.testing.assert_array_equal(result.numpy() * 2, recorded["out_trimap_x2"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fix_trimap_leaves_the_points_themselves_unknown(dtype):
    below, above = torch.tensor(-math.inf, dtype=dtype), torch.tensor(math.inf, dtype=dtype)
    black, white = torch.tensor(0.1, dtype=dtype), torch.tensor(0.7, dtype=dtype)
    mask = torch.stack([black.nextafter(below), black, white, white.nextafter(above)])[None]
    assert refine.fix_trimap(mask, 0.1, 0.7).tolist() == [[0, 0.5, 0.5, 1]]
    assert refine.fix_trimap(torch.tensor([[0.4, 0.5, 0.6]], dtype=dtype), 0.5, 0.5).tolist() == [[0, 0.5, 1]]


def test_fix_trimap_refuses_a_black_point_above_the_white_one():
    with pytest.raises(ValueError, match=r"the black point is 0\.7, at most the white point 0\.6 is wanted"):
        refine.fix_trimap(torch.zeros(3, 3), 0.7, 0.6)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("grow", [0, 1, 5, 70])
def test_trimap_from_alpha_asks_all_pixels_within_reach(grow, height, width, random):
    alpha = torch.from_numpy(disc(height, width, 9)).float() + noise(random, height, width) * 0.06 - 0.03
    least, most = (extreme_within(alpha.numpy(), (grow, grow), pick) for pick in (np.min, np.max))
    wanted = np.where(least >= np.float32(0.95), 1, np.where(most <= np.float32(0.05), 0, 0.5))
    np.testing.assert_array_equal(refine.trimap_from_alpha(alpha, grow_px=grow).numpy(), wanted)


def test_trimap_from_alpha_gives_a_hard_edge_a_band():
    alpha = torch.zeros(40, 60)
    alpha[:, 30:] = 1
    assert refine.trimap_from_alpha(alpha, grow_px=8)[0].tolist() == [0.0] * 22 + [0.5] * 16 + [1.0] * 22


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 0.5, 3), r"the background threshold is 0\.5, less than the foreground threshold 0\.5 is wanted"),
        ((0.4, 0.6, 3), r"the background threshold is 0\.6, less than the foreground threshold 0\.4 is wanted"),
        ((0.9, 0.1, -1), "grow_px is -1, at least 0 is wanted"),
    ],
)
def test_trimap_from_alpha_refuses_thresholds_that_cross(arguments, message):
    with pytest.raises(ValueError, match=message):
        refine.trimap_from_alpha(torch.zeros(3, 3), *arguments)


# --- guided_filter


@pytest.mark.parametrize("name", ["astro_r1", "astro_r3", "batch3_r2", "coffee_f_r4", "gray_r9", "tall_r3", "tiny_r5"])
def test_guided_filter_is_guided_filter_alpha(name, golden):
    """LayerStyle's guided_filter_alpha(image, mask, filter_radius); float32 there and here, in another order."""
    recorded = golden(f"guided_filter_alpha__{name}")
    radius = (settings(recorded)["filter_radius"] + 1) // 2 * 2 + 1
    mask = as_tensor(eight_bit(recorded["in_mask"]).astype(np.float32) / 255)
    result = refine.guided_filter(as_tensor(recorded["in_image"]), mask, radius, 0.015).numpy()
    np.testing.assert_allclose(result, recorded["out_alpha"], rtol=0, atol=1e-4)  # issue 4's bar
    # In 8 bits as the nodes cut them a last bit moves all that is 1 - 1e-7, of which masks are full; rounded it cannot.
    ours, theirs = eight_bit(result).astype(int), eight_bit(recorded["out_alpha"]).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    rounded = [np.rint(alpha.clip(0, 1) * 255) for alpha in (result, recorded["out_alpha"])]
    assert (rounded[0] == rounded[1]).mean() >= 0.999


def box_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Over the first two axes, mirrored beyond the borders with the edge repeated, in float64."""
    padded = np.pad(values, [(radius, radius)] * 2 + [(0, 0)] * (values.ndim - 2), "symmetric")
    for axis in (0, 1):
        sums = np.cumsum(padded, axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        n = values.shape[axis]
        padded = sums.take(np.arange(n) + 2 * radius + 1, axis) - sums.take(np.arange(n), axis)
    return padded / (2 * radius + 1) ** 2


def guided_filter_by_the_book(guide: torch.Tensor, mask: torch.Tensor, radius: int, eps: float) -> np.ndarray:
    i, p = guide.double().numpy(), mask.double().numpy()[..., None]
    mean_i, mean_p = box_mean(i, radius), box_mean(p, radius)
    outer = i[..., :, None] * i[..., None, :]
    covariance = box_mean(outer, radius) - mean_i[..., :, None] * mean_i[..., None, :]
    with_mask = box_mean(i * p, radius) - mean_i * mean_p
    a = np.linalg.solve(covariance + eps * np.eye(i.shape[-1]), with_mask[..., None])[..., 0]
    b = mean_p[..., 0] - (a * mean_i).sum(-1)
    return (box_mean(a, radius) * i).sum(-1) + box_mean(b, radius)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("radius", [0, 1, 7, 41, 200])
@pytest.mark.parametrize("channels", [1, 3])
def test_guided_filter_is_the_book_for_any_size_and_radius(radius, height, width, channels, random):
    guide, mask = noise(random, height, width, channels), noise(random, height, width)
    result = refine.guided_filter(guide, mask, radius, 0.01).numpy()
    np.testing.assert_allclose(result, guided_filter_by_the_book(guide, mask, radius, 0.01), rtol=0, atol=1e-4)


@pytest.mark.parametrize("radius", [3, 64])
def test_guided_filter_keeps_its_accuracy_where_the_guide_is_bright_and_nearly_flat(radius, random):
    """Variances of 1e-6 beside means of 1: running sums of squares in float alone would lose them."""
    guide, mask = 1 - noise(random, 300, 420, 3) / 500, noise(random, 300, 420)
    result = refine.guided_filter(guide, mask, radius, 1e-4).numpy()
    np.testing.assert_allclose(result, guided_filter_by_the_book(guide, mask, radius, 1e-4), rtol=0, atol=1e-4)


FILTERS = {
    "guided_filter": refine.guided_filter,
    "fast_guided_filter": lambda guide, mask, radius, eps: refine.fast_guided_filter(guide, mask, radius, eps, 3),
}
either_filter = pytest.mark.parametrize("run", FILTERS.values(), ids=FILTERS)


@either_filter
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("radius", [1, 9, 100])
def test_a_constant_mask_stays_constant(run, value, radius, random):
    result = run(noise(random, 43, 57, 3), torch.full((43, 57), value), radius, 0.01)
    assert (result - value).abs().max() <= 5e-6  # a is 0 but for the rounding of means, a few 2^-24 / eps^0.5


@either_filter
def test_a_constant_guide_gives_the_mean_of_the_means(run, random):
    mask = noise(random, 42, 57)
    result = run(torch.full((42, 57, 3), 0.7), mask, 6, 0.01)
    assert torch.allclose(result.mean(), mask.mean(), atol=0.03)
    assert result.std() < mask.std() / 5


@either_filter
@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_picture_gives_the_mirrored_result(run, axis, random):
    """Sums run from the other end then: a few roundings of 2^-24, times a of some 1 / eps' root."""
    guide, mask = noise(random, 42, 57, 3), noise(random, 42, 57)
    result = run(guide.flip(axis), mask.flip(axis), 5, 0.01)
    assert (result.flip(axis) - run(guide, mask, 5, 0.01)).abs().max() <= 1e-5


def test_a_transposed_picture_gives_the_transposed_result(random):
    guide, mask = noise(random, 42, 57, 3), noise(random, 42, 57)
    result = refine.guided_filter(guide.transpose(0, 1), mask.T, 5, 0.01)
    assert (result.T - refine.guided_filter(guide, mask, 5, 0.01)).abs().max() <= 1e-5


@either_filter
def test_the_result_is_linear_in_the_mask(run, random):
    guide, mask, other = noise(random, 42, 57, 3), noise(random, 42, 57), noise(random, 42, 57)
    result = run(guide, 3 * mask - 2 * other + 1, 5, 0.01)
    apart = 3 * run(guide, mask, 5, 0.01) - 2 * run(guide, other, 5, 0.01) + 1
    assert (result - apart).abs().max() <= 3e-5  # the rounding above, for masks up to 4


@either_filter
def test_a_guide_scaled_by_two_wants_eps_scaled_by_four(run, random):
    """Powers of two round alike, so the bytes are the same."""
    guide, mask = noise(random, 42, 57, 3), noise(random, 42, 57)
    assert torch.equal(run(guide * 2, mask, 5, 0.25), run(guide, mask, 5, 0.0625))


@either_filter
def test_the_alpha_of_a_guide_does_not_count(run, random):
    guide, mask = noise(random, 2, 42, 57, 4), noise(random, 2, 42, 57)
    result = run(guide, mask, 5, 0.01)
    assert torch.equal(result, run(guide[..., :3], mask, 5, 0.01))
    guide[..., 3] = torch.nan
    assert torch.equal(run(guide, mask, 5, 0.01), result)


@either_filter
def test_a_grey_guide_is_three_equal_channels_with_a_third_of_eps(run, random):
    guide, mask = noise(random, 42, 57, 1), noise(random, 42, 57)
    of_three = run(guide.expand(42, 57, 3), mask, 5, 0.03)
    assert (run(guide, mask, 5, 0.01) - of_three).abs().max() <= 1e-5


def test_radius_0_and_hardly_any_eps_give_the_mask(random):
    guide, mask = noise(random, 20, 30, 3), noise(random, 20, 30)
    assert (refine.guided_filter(guide, mask, 0, 1e-6) - mask).abs().max() <= 1e-6  # no variance in one pixel: b is p


def test_an_edge_of_the_guide_is_kept_and_noise_on_either_side_smoothed(random):
    guide = torch.zeros(60, 80, 3)
    guide[:, 40:] = 0.8
    clean = (guide[..., 0] > 0.5).float()
    mask = clean + (noise(random, 60, 80) - 0.5) / 5
    result = refine.guided_filter(guide, mask, 6, 1e-4)
    assert (result - clean).abs().max() < 0.05
    assert (result - clean).abs().mean() < (mask - clean).abs().mean() / 5


@pytest.mark.parametrize(("subsample", "recorded"), [(2, 0.000485), (3, 0.001425), (4, 0.002256), (7, 0.003594)])
def test_the_fast_guided_filter_is_near_the_exact_one(subsample, recorded):
    image, alpha = drawn(180, 230, 3.0)
    mask = (alpha > 0.5).float()
    exact, fast = (
        refine.guided_filter(image, mask, 14, 0.01),
        refine.fast_guided_filter(image, mask, 14, 0.01, subsample),
    )
    assert (exact - fast).abs().mean() <= recorded * 1.01


def test_the_fast_guided_filter_at_full_size_is_the_exact_one(random):
    guide, mask = noise(random, 42, 57, 3), noise(random, 42, 57)
    exact = refine.guided_filter(guide, mask, 5, 0.01)
    assert (refine.fast_guided_filter(guide, mask, 5, 0.01, 1) - exact).abs().max() <= 1e-5


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("subsample", [2, 5, 100])
def test_the_fast_guided_filter_takes_pictures_smaller_than_its_steps(subsample, height, width, random):
    result = refine.fast_guided_filter(noise(random, height, width, 3), noise(random, height, width), 9, 0.1, subsample)
    assert result.shape == (height, width)
    assert result.isfinite().all()
    assert result.min() > -0.5
    assert result.max() < 1.5


@either_filter
@pytest.mark.parametrize(
    ("radius", "eps", "message"),
    [
        (-1, 0.01, "radius_px is -1, at least 0 is wanted"),
        (3, 0.0, "eps is 0, more than 0 is wanted"),
        (3, -0.5, "eps is -0.5, more than 0 is wanted"),
        (3, math.nan, "eps is nan, more than 0 is wanted"),
        (3, math.inf, "eps is inf"),
    ],
)
def test_a_radius_or_eps_out_of_range_is_refused(run, radius, eps, message):
    with pytest.raises(ValueError, match=message):
        run(torch.zeros(5, 7, 3), torch.zeros(5, 7), radius, eps)


@pytest.mark.parametrize("subsample", [0, -2])
def test_a_subsample_below_1_is_refused(subsample):
    with pytest.raises(ValueError, match=rf"subsample is {subsample}"):
        refine.fast_guided_filter(torch.zeros(5, 7, 3), torch.zeros(5, 7), 3, 0.01, subsample)


@either_filter
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_in_guide_and_mask(run, value):
    for place in (0, 1):
        inputs = [torch.zeros(5, 7, 3), torch.zeros(5, 7)]
        inputs[place].view(-1)[11] = value
        with pytest.raises(ValueError, match="guided_filter: guide or source holds NaN, infinity or a huge value"):
            run(*inputs, 2, 0.01)


# --- closed_form

# The bar is one step of 8 bits on 99.9 % of the pixels: both stop at |r| < 1e-7 |b|, which on grey pictures, whose
# covariance is singular, leaves up to 1e-2 to the exact solution. What the goldens show is 1e-5 at most; 1e-4 are held.
STEP = 1 / 255


@pytest.mark.parametrize("name", MASK_EDGE_DETAIL)
def test_closed_form_is_mask_edge_detail(name, golden):
    """LayerStyle's mask_edge_detail(image, mask, detail_range, black_point, white_point), from the blur on."""
    recorded = golden(f"mask_edge_detail__{name}")
    chosen = settings(recorded)
    soft = blurred(recorded, MASK_EDGE_DETAIL[name])
    trimap = refine.fix_trimap(soft, chosen["black_point"], chosen["white_point"])
    alpha = refine.closed_form(as_tensor(recorded["in_image"]), trimap).alpha.numpy()
    known = trimap.numpy() != 0.5
    np.testing.assert_array_equal(alpha[known], trimap.numpy()[known])
    np.testing.assert_array_equal(recorded["out_alpha"][known], trimap.numpy()[known])
    difference = np.abs(alpha - recorded["out_alpha"])
    assert (difference[~known] <= STEP).mean() >= 0.999
    assert difference.max() <= 1e-4


def stroke_trimap(height: int, width: int, band: int) -> torch.Tensor:
    """Foreground within the disc, background without, `band` pixels on either side of its edge unknown."""
    return refine.trimap_from_alpha(torch.from_numpy(disc(height, width)).float(), grow_px=band)


def dense_closed_form(image: np.ndarray, trimap: np.ndarray, epsilon: float = 1e-6) -> np.ndarray:
    """Levin's Laplacian window by window, and the known pixels' columns moved to the right side, in float64."""
    height, width = trimap.shape
    laplacian = np.zeros((trimap.size, trimap.size))
    for y, x in itertools.product(range(height - 2), range(width - 2)):
        pixels = np.add.outer(np.arange(y, y + 3) * width, np.arange(x, x + 3)).ravel()
        colours = np.broadcast_to(image, (*trimap.shape, 3)).reshape(-1, 3)[pixels].astype(np.float64)
        centred = colours - colours.mean(0)
        inverse = np.linalg.inv(centred.T @ centred + epsilon * np.eye(3))
        laplacian[np.ix_(pixels, pixels)] += np.eye(9) - 1 / 9 - centred @ inverse @ centred.T
    values = trimap.ravel()
    unknown = (values > 0.1) & (values < 0.9)
    alpha = (values >= 0.9).astype(np.float64)
    right = -laplacian[np.ix_(unknown, ~unknown)] @ alpha[~unknown]
    alpha[unknown] = np.linalg.solve(laplacian[np.ix_(unknown, unknown)], right).clip(0, 1)
    return alpha.reshape(trimap.shape)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(3, 11), (11, 3), (14, 21), (23, 24)])
def test_closed_form_is_the_dense_solution_of_small_systems(height, width, channels, random):
    image = noise(random, height, width, channels)
    trimap = torch.full((height, width), 0.5)
    trimap[: height // 3] = 1
    trimap[height - height // 3 :] = 0
    if width > 3:
        trimap[:, : width // 5] = 0
    alpha = refine.closed_form(image, trimap, tolerance=1e-10).alpha
    wanted = dense_closed_form(image.numpy(), trimap.numpy())
    np.testing.assert_allclose(alpha.numpy(), wanted, rtol=0, atol=1e-5)  # float32 out, conditions of up to 1e4


def test_closed_form_of_a_smooth_picture_is_the_dense_solution():
    image, _ = drawn(24, 30, 8.0)
    trimap = stroke_trimap(24, 30, 3)
    wanted = dense_closed_form(image.numpy(), trimap.numpy())
    # Windows of nearly one colour: the smallest eigenvalues are some 1e-5, so float32 colours and 1e-10 leave 1e-4.
    np.testing.assert_allclose(
        refine.closed_form(image, trimap, tolerance=1e-10).alpha.numpy(), wanted, rtol=0, atol=1e-4
    )


def test_closed_form_takes_the_same_picture_in_doubles():
    image, _ = drawn(60, 80, 8.0)
    trimap = stroke_trimap(60, 80, 6)
    of_floats, of_doubles = (refine.closed_form(i, trimap) for i in (image, image.double()))
    assert torch.equal(of_floats.alpha, of_doubles.alpha)
    assert of_floats.residuals == of_doubles.residuals


def test_closed_form_recovers_the_alpha_a_picture_was_made_of():
    """Two colours, of which alpha is a linear function of the picture: the method is exact there, down to epsilon."""
    alpha = torch.from_numpy(disc(90, 110, 12)).float()
    image = alpha[..., None] * torch.tensor([0.9, 0.5, 0.1]) + (1 - alpha[..., None]) * torch.tensor([0.1, 0.3, 0.8])
    trimap = refine.trimap_from_alpha(alpha, grow_px=1)
    result = refine.closed_form(image, trimap).alpha
    assert (result - alpha).abs().mean() <= 1e-3
    assert (result - alpha).abs().max() <= 0.02


@pytest.mark.parametrize("value", [0.0, 0.05, 0.1, 0.9, 0.95, 1.0])
def test_a_trimap_with_nothing_unknown_comes_back_as_it_is(value, random):
    """Where the originals raise. One side may be missing then."""
    result = refine.closed_form(noise(random, 9, 12, 3), torch.full((9, 12), value))
    assert result.alpha.eq(round(value)).all()
    assert result.residuals == [[]]
    hard = torch.from_numpy(disc(9, 12) > 0.5).float()
    assert torch.equal(refine.closed_form(noise(random, 9, 12, 3), hard).alpha, hard)


@pytest.mark.parametrize(
    ("known", "missing"), [(None, "foreground"), (0.0, "foreground"), (0.05, "foreground"), (0.95, "background")]
)
def test_a_trimap_without_one_side_is_refused_by_the_name_of_that_side(known, missing, random):
    trimap = torch.full((9, 12), 0.5)
    if known is not None:
        trimap[2:4] = known
    with pytest.raises(ValueError, match=f"no known {missing}"):
        refine.closed_form(noise(random, 9, 12, 3), trimap)


def test_one_bad_trimap_of_a_batch_is_enough(random):
    trimap = stroke_trimap(30, 40, 3).repeat(2, 1, 1)
    trimap[1] = trimap[1].clamp(max=0.5)
    with pytest.raises(ValueError, match="no known foreground"):
        refine.closed_form(noise(random, 2, 30, 40, 3), trimap)


@pytest.mark.parametrize("kind", ["drawn", "noise", "constant", "grey"])
def test_the_whole_picture_from_one_stroke_each(kind, random):
    image, _ = drawn(70, 90, 4.0)
    if kind == "noise":
        image = noise(random, 70, 90, 3)
    elif kind == "constant":
        image = torch.full((70, 90, 3), 0.4)
    elif kind == "grey":
        image = image[..., :1].expand(70, 90, 3)
    trimap = torch.full((70, 90), 0.5)
    trimap[33:37, 40:50] = 1
    trimap[2:4, 5:85] = 0
    alpha, [residuals] = refine.closed_form(image, trimap)
    assert residuals[-1] <= 1e-7
    assert alpha[33:37, 40:50].eq(1).all()
    assert alpha[2:4, 5:85].eq(0).all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert alpha.isfinite().all()
    if kind == "drawn":
        assert alpha[32:38, 38:52].mean() > alpha[:8].mean() + 0.5


def test_a_constant_picture_spreads_the_known_values_evenly():
    """Nothing tells the sides apart, so alpha falls from one to the other along the line, the same in every row."""
    trimap = torch.full((20, 40), 0.5)
    trimap[:, :5] = 1
    trimap[:, -5:] = 0
    alpha = refine.closed_form(torch.full((20, 40, 3), 0.4), trimap, tolerance=1e-10).alpha
    assert (alpha.diff(dim=1) <= 1e-6).all()
    assert (alpha - alpha[:1]).abs().max() <= 1e-3
    assert (alpha + alpha.flip(1) - 1).abs().max() <= 1e-4


@pytest.mark.parametrize("axis", [0, 1])
def test_closed_form_of_a_mirrored_picture_is_the_mirrored_alpha(axis):
    image, _ = drawn(61, 80, 6.0)
    trimap = stroke_trimap(61, 80, 6)
    result = refine.closed_form(image.flip(axis), trimap.flip(axis), tolerance=1e-10).alpha.flip(axis)
    # The solver's grids lie differently; both stop near the one solution.
    assert (result - refine.closed_form(image, trimap, tolerance=1e-10).alpha).abs().max() <= 1e-4


def test_exchanging_the_sides_gives_the_rest_to_one():
    image, _ = drawn(61, 80, 6.0)
    trimap = stroke_trimap(61, 80, 6)
    exchanged = refine.closed_form(image, 1 - trimap, tolerance=1e-10).alpha
    assert (1 - exchanged - refine.closed_form(image, trimap, tolerance=1e-10).alpha).abs().max() <= 1e-4


def test_closed_form_of_a_picture_scaled_by_two_wants_epsilon_scaled_by_four():
    image, _ = drawn(61, 80, 6.0)
    trimap = stroke_trimap(61, 80, 6)
    scaled = refine.closed_form(image * 2, trimap, epsilon=4e-6, tolerance=1e-10).alpha
    assert (scaled - refine.closed_form(image, trimap, tolerance=1e-10).alpha).abs().max() <= 1e-4


def test_one_channel_is_three_equal_ones_to_closed_form():
    image, trimap = drawn(30, 40, 4.0)[0][..., :1], stroke_trimap(30, 40, 4)
    assert torch.equal(
        refine.closed_form(image, trimap).alpha, refine.closed_form(image.expand(-1, -1, 3), trimap).alpha
    )
    for epsilon in (1e-6, 1e-3):
        wanted = dense_closed_form(image.numpy(), trimap.numpy(), epsilon)
        alpha = refine.closed_form(image, trimap, epsilon=epsilon, tolerance=1e-10).alpha.numpy()
        np.testing.assert_allclose(alpha, wanted, rtol=0, atol=1e-5)


def test_the_alpha_of_the_picture_does_not_count_for_closed_form(random):
    image, _ = drawn(30, 40, 4.0)
    trimap = stroke_trimap(30, 40, 4)
    with_alpha = torch.cat([image, noise(random, 30, 40, 1)], -1)
    assert torch.equal(refine.closed_form(with_alpha, trimap).alpha, refine.closed_form(image, trimap).alpha)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 12), (12, 1), (2, 12), (12, 2)])
def test_where_no_window_fits_unknown_pixels_become_a_half(height, width, random):
    """Where the originals raise."""
    trimap = torch.full((height, width), 0.5)
    trimap[-1, -1] = 0
    trimap[0, 0] = 1
    result = refine.closed_form(noise(random, height, width, 3), trimap).alpha
    assert torch.equal(result, trimap)


def test_unknown_pixels_that_no_foreground_reaches_become_background(random):
    """Where the originals, with no foreground in any window, raise."""
    trimap = torch.zeros(30, 40)
    trimap[20:25, 20:30] = 0.5
    trimap[2:4, 2:4] = 1
    alpha = refine.closed_form(noise(random, 30, 40, 3), trimap).alpha
    assert torch.equal(alpha, (trimap == 1).float())


def test_thresholds_of_the_trimap_are_those_of_pymatting(random):
    trimap = torch.tensor([0.0, 0.1, 0.10001, 0.5, 0.89999, 0.9, 1.0]).repeat_interleave(3).expand(9, 21).contiguous()
    alpha = refine.closed_form(noise(random, 9, 21, 3), trimap).alpha
    assert alpha[:, :6].eq(0).all()
    assert alpha[:, 15:].eq(1).all()
    assert alpha[:, 6:15].std() > 0
    unsaid = trimap.where((trimap <= 0.1) | (trimap >= 0.9), torch.tensor(0.5))
    assert torch.equal(alpha, refine.closed_form(noise(random.manual_seed(7), 9, 21, 3), unsaid).alpha)


def test_residuals_are_a_list_for_each_picture_and_fall_below_the_tolerance(random):
    image, _ = drawn(60, 80, 6.0)
    images = torch.stack([image, noise(random, 60, 80, 3), image])
    trimaps = stroke_trimap(60, 80, 6).repeat(3, 1, 1)
    trimaps[2] = (trimaps[2] > 0.6).float()
    loose, tight = (refine.closed_form(images, trimaps, tolerance=t).residuals for t in (1e-3, 1e-9))
    for residuals, tolerance in ((loose, 1e-3), (tight, 1e-9)):
        assert len(residuals) == 3
        assert residuals[2] == []
        for of_one in residuals[:2]:
            assert of_one[-1] <= tolerance
            assert all(r > tolerance for r in of_one[:-1])
    assert all(len(a) < len(b) for a, b in zip(loose[:2], tight[:2], strict=True))
    assert loose[0] == tight[0][: len(loose[0])]


def test_closed_form_says_when_the_iterations_do_not_suffice():
    image, _ = drawn(60, 80, 6.0)
    with pytest.raises(RuntimeError, match="did not reach a relative residual of 1e-12 in 2 iterations"):
        refine.closed_form(image, stroke_trimap(60, 80, 6), max_iterations=2, tolerance=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"epsilon": 0.0}, {"epsilon": -1.0}, {"epsilon": math.nan}, {"tolerance": 0.0}, {"max_iterations": 0}]
)
def test_settings_of_closed_form_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))}.*wanted numbers above 0"):
        refine.closed_form(torch.zeros(5, 7, 3), torch.ones(5, 7), **wrong)


def big_problem() -> tuple[torch.Tensor, torch.Tensor]:
    image, _ = drawn(200, 260, 9.0)
    return image.repeat(2, 1, 1, 1), stroke_trimap(200, 260, 30).repeat(2, 1, 1)


def test_progress_gets_fractions_that_rise_from_0_to_1():
    fractions = []
    problem = big_problem()
    with_progress = refine.closed_form(*problem, progress=fractions.append)
    assert len(fractions) >= 2
    assert all(0 <= f <= 1 for f in fractions)
    assert all(a <= b for a, b in itertools.pairwise(fractions))
    assert fractions[-1] > 0.5
    assert torch.equal(with_progress.alpha, refine.closed_form(*problem).alpha)


class StopItError(Exception):
    pass


@pytest.mark.parametrize("at", [0, 1])
def test_what_progress_raises_ends_the_work_and_comes_through(at):
    calls = []

    def stop(fraction: float) -> None:
        calls.append(fraction)
        if len(calls) > at:
            raise StopItError("enough")

    with pytest.raises(StopItError, match="enough"):
        refine.closed_form(*big_problem(), progress=stop)
    assert len(calls) == at + 1


def test_progress_that_returns_false_cancels():
    with pytest.raises(RuntimeError, match="closed-form matting was cancelled"):
        refine.closed_form(*big_problem(), progress=lambda fraction: False)


@pytest.mark.parametrize("answer", [None, True, 0, "", 1.0])
def test_any_other_answer_of_progress_goes_on(answer):
    image, _ = drawn(30, 40, 4.0)
    assert refine.closed_form(image, stroke_trimap(30, 40, 4), progress=lambda fraction: answer).alpha.shape == (30, 40)


def test_a_progress_that_cannot_be_called_is_a_type_error():
    image, _ = drawn(30, 40, 4.0)
    with pytest.raises(TypeError):
        refine.closed_form(image, stroke_trimap(30, 40, 4), progress=3)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_refused_with_its_place(value):
    image, _ = drawn(30, 40, 4.0)
    trimap = stroke_trimap(30, 40, 4)
    bad = image.clone()
    bad[7, 11, 2] = value
    with pytest.raises(ValueError, match=f"image holds {value} at row 7, column 11; finite values are wanted"):
        refine.closed_form(bad, trimap)
    trimap[7, 11] = value
    with pytest.raises(ValueError, match=f"trimap holds {value} at row 7, column 11; finite values are wanted"):
        refine.closed_form(image, trimap)


# --- grow, shrink


def largest_within(mask: np.ndarray, radius: int, shape: str) -> np.ndarray:
    result = np.full_like(mask, -np.inf)
    height, width = mask.shape
    for dy in range(-min(radius, height - 1), min(radius, height - 1) + 1):
        reach = radius if shape == "box" else round(math.sqrt(radius**2 - dy**2))
        for dx in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            to = np.s_[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
            of = np.s_[max(0, dy) : height - max(0, -dy), max(0, dx) : width - max(0, -dx)]
            result[to] = np.maximum(result[to], mask[of])
    return result


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("shape", ["box", "ellipse"])
@pytest.mark.parametrize("radius", [0, 1, 2, 7, 90])
def test_grow_and_shrink_are_the_extremes_within_reach(radius, shape, height, width, random):
    mask = noise(random, height, width) * 1.5 - 0.2
    wanted = largest_within(mask.numpy(), radius, shape)
    np.testing.assert_array_equal(refine.grow(mask, radius, shape).numpy(), wanted)
    wanted = -largest_within(-mask.numpy(), radius, shape)
    np.testing.assert_array_equal(refine.shrink(mask, radius, shape).numpy(), wanted)


@pytest.mark.parametrize("tool", [refine.grow, refine.shrink])
def test_a_disc_is_what_grow_and_shrink_use_unless_told(tool, random):
    mask = noise(random, 31, 42)
    assert torch.equal(tool(mask, 5), tool(mask, 5, "ellipse"))
    assert not torch.equal(tool(mask, 5), tool(mask, 5, "box"))
    with pytest.raises(ValueError, match="the shape is 'disc'; wanted box or ellipse"):
        tool(mask, 5, "disc")
    with pytest.raises(ValueError, match="radius_px is -1, at least 0 is wanted"):
        tool(mask, -1)


# --- feather


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5, 30.0])
def test_feather_is_a_gaussian_cut_off_at_four_sigma(sigma, height, width, random):
    mask = noise(random, height, width)
    wanted = mirrored_convolution(mask.double().numpy(), gaussian_weights(sigma, (round(sigma * 8 + 1) | 1) // 2))
    # float weights and sums over up to 241 pixels, twice.
    np.testing.assert_allclose(refine.feather(mask, sigma).numpy(), wanted, rtol=0, atol=2e-6)


def test_feather_of_0_is_a_copy_and_of_less_is_refused():
    mask = torch.rand(3, 5)
    assert torch.equal(refine.feather(mask, 0.0), mask)
    for sigma in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"sigma_px is {sigma:g}"):
            refine.feather(mask, sigma)


def test_feather_leaves_a_constant_mask_as_it_is():
    assert (refine.feather(torch.full((20, 30), 0.7), 6.0) - 0.7).abs().max() <= 1e-6  # weights sum to 1 within 2^-21


# --- fill_holes


def filled(mask: np.ndarray) -> np.ndarray:
    """Water stands nowhere higher than the lowest way to the border: lowered until nothing changes any more."""
    result = np.full_like(mask, np.inf)
    result[[0, -1]], result[:, [0, -1]] = mask[[0, -1]], mask[:, [0, -1]]
    while True:
        beside = np.pad(result, 1, constant_values=np.inf)
        least = np.minimum.reduce([result, beside[:-2, 1:-1], beside[2:, 1:-1], beside[1:-1, :-2], beside[1:-1, 2:]])
        lower = np.maximum(mask, least)
        if (lower == result).all():
            return result
        result = lower


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("levels", [2, 4, 1000])
def test_fill_holes_is_the_lowest_way_to_the_border(levels, height, width, random):
    mask = (noise(random, height, width) * levels).floor() / levels
    np.testing.assert_array_equal(refine.fill_holes(mask).numpy(), filled(mask.numpy()))


def test_fill_holes_makes_a_ring_a_disc_and_keeps_its_soft_rim():
    whole = torch.from_numpy(disc(60, 80, 5)).float()
    ring = whole.clone()
    ring[24:37, 33:48] = 0.2
    assert torch.equal(refine.fill_holes(ring), whole)
    assert torch.equal(refine.fill_holes(whole), whole)


def test_fill_holes_leaves_what_is_open_to_the_border():
    mask = torch.ones(9, 9)
    mask[4, 4:] = 0
    assert torch.equal(refine.fill_holes(mask), mask)
    mask[4, 8] = 1
    assert refine.fill_holes(mask).eq(1).all()


def test_a_gap_over_a_corner_does_not_open_a_hole():
    mask = torch.zeros(5, 5)
    mask[1, 2] = mask[2, 1] = mask[2, 3] = mask[3, 2] = 1
    assert refine.fill_holes(mask)[2, 2] == 1


# --- keep_largest_component


def largest_component(mask: np.ndarray, threshold: float) -> np.ndarray:
    left, best = {(int(y), int(x)) for y, x in np.argwhere(mask > np.float32(threshold))}, set()
    for start in sorted(left):
        if start not in left:
            continue
        component, waiting = set(), [start]
        left.discard(start)
        while waiting:
            y, x = waiting.pop()
            component.add((y, x))
            for step in itertools.product((-1, 0, 1), repeat=2):
                neighbour = (y + step[0], x + step[1])
                if neighbour in left:
                    left.discard(neighbour)
                    waiting.append(neighbour)
        if len(component) > len(best):
            best = component
    result = np.zeros_like(mask)
    for place in best:
        result[place] = mask[place]
    return result


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.75, 0.9])
def test_keep_largest_component_is_a_flood_fill(threshold, height, width, random):
    mask = noise(random, height, width)
    result = refine.keep_largest_component(mask, threshold)
    np.testing.assert_array_equal(result.numpy(), largest_component(mask.numpy(), threshold))


def test_of_two_components_as_large_the_first_stays():
    mask = torch.zeros(7, 9)
    mask[1:3, 5:8] = 0.6
    mask[4:7, 1:3] = 0.9
    result = refine.keep_largest_component(mask)
    assert result[1:3, 5:8].eq(0.6).all()
    assert result.count_nonzero() == 6


def test_components_connect_over_corners_and_nothing_above_the_threshold_leaves_nothing():
    mask = torch.eye(6)
    assert torch.equal(refine.keep_largest_component(mask), mask)
    assert refine.keep_largest_component(mask, 1.0).eq(0).all()
    assert refine.keep_largest_component(torch.full((4, 4), 0.5), 0.5).eq(0).all()
