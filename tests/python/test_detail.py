"""Segments beside OpenCV's contours, blurred masks beside torch's convolution, pasting beside torch's arithmetic."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from mattecore import detail

cv2 = pytest.importorskip("cv2")


def crop_by_hand(width, height, box, factor):
    """The original's arithmetic, one axis after the other, in Python's floats."""

    def axis(begin, length, limit):
        size = length * factor
        start = int(begin + length / 2 - size / 2)
        if start < 0:
            return 0, int(min(limit, size))
        if start + size > limit:
            return int(max(0, limit - size)), limit
        return start, int(min(limit, start + size))

    left, right = axis(box[0], box[2] - box[0], width)
    top, bottom = axis(box[1], box[3] - box[1], height)
    return left, top, right, bottom


def segments_by_opencv(mask, crop_factor, drop_size):
    """(box, crop, filled mask of the crop) of each contour without a parent, in OpenCV's order."""
    contours, hierarchy = cv2.findContours(mask.astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    height, width = mask.shape
    found = []
    for i, contour in enumerate(contours):
        if hierarchy[0][i][3] != -1:
            continue
        x, y, w, h = cv2.boundingRect(contour)
        if w <= drop_size or h <= drop_size:
            continue
        box = (x, y, x + w, y + h)
        crop = crop_by_hand(width, height, box, crop_factor)
        filled = np.zeros((height, width), np.uint8)
        cv2.drawContours(filled, [contour], -1, 1, cv2.FILLED)
        found.append((box, crop, filled[crop[1] : crop[3], crop[0] : crop[2]]))
    return found


def random_mask(generator, side=100):
    """Noise, or blobs with holes and islands; many touch the borders."""
    height, width = generator.integers(1, side, 2)
    if generator.random() < 0.5:
        return generator.random((height, width)) < generator.random()
    mask = np.zeros((height, width), np.uint8)
    for _ in range(generator.integers(1, 12)):
        centre = [int(v) for v in generator.integers(-5, side, 2)]
        axes = [int(v) for v in generator.integers(1, side // 2, 2)]
        thick = int(generator.choice([-1, 1, 2, 5]))
        cv2.ellipse(mask, centre, axes, int(generator.integers(180)), 0, 360, int(generator.integers(2)), thick)
    return mask.astype(bool)


@pytest.mark.parametrize("seed", range(400))
def test_segments_are_opencv_s_outer_contours(seed):
    generator = np.random.default_rng(seed)
    shape = random_mask(generator)
    soft = torch.from_numpy(shape * (generator.random(shape.shape) * 0.99 + 0.01)).float()
    crop_factor = float(generator.choice([1.0, 1.3, 3.0, 10.0]))
    drop_size = int(generator.choice([1, 2, 10]))
    wanted = segments_by_opencv(shape, crop_factor, drop_size)
    (segments,) = detail.find_segments(soft[None], crop_factor, drop_size)
    assert [(s.bbox, s.crop_region) for s in segments] == [(box, crop) for box, crop, _ in wanted]
    for segment, (box, crop, filled) in zip(segments, wanted, strict=True):
        assert np.array_equal(detail.segment_mask(soft, segment).numpy(), filled)
        cropped = soft[crop[1] : crop[3], crop[0] : crop[2]].numpy()
        assert np.array_equal(detail.segment_mask(soft, segment, "soft").numpy(), cropped * filled)
        boxed = np.zeros_like(filled)
        boxed[box[1] - crop[1] : box[3] - crop[1], box[0] - crop[0] : box[2] - crop[0]] = 1
        assert np.array_equal(detail.segment_mask(soft, segment, "box").numpy(), boxed)


def test_drop_size_asks_for_more_in_both_directions():
    mask = torch.zeros(40, 60)
    mask[2:12, 2:13] = 1  # 11 wide, 10 high
    mask[20:31, 2:12] = 1  # 10 wide, 11 high
    mask[20:31, 30:41] = 1  # 11 wide, 11 high
    assert [s.bbox for s in detail.find_segments(mask, 1.0, 10)[0]] == [(30, 20, 41, 31)]
    assert len(detail.find_segments(mask, 1.0, 9)[0]) == 3


def test_values_count_from_one_255th():
    just_enough = np.float32(1) / np.float32(255)
    mask = torch.zeros(1, 9, 9)
    mask[0, 2:5, 2:5] = float(just_enough)
    assert len(detail.find_segments(mask, 1.0, 1)[0]) == 1
    mask[0, 2:5, 2:5] = float(np.nextafter(just_enough, np.float32(0)))
    assert detail.find_segments(mask, 1.0, 1) == [[]]


def test_values_beyond_1_are_solid_and_below_0_nothing():
    mask = torch.zeros(9, 20)
    mask[2:5, 2:5] = 1.005
    mask[2:5, 12:15] = -0.5
    ((segment,),) = detail.find_segments(mask, 1.0, 1)
    assert segment.bbox == (2, 2, 5, 5)
    assert torch.equal(detail.segment_mask(mask, segment, "soft"), torch.ones(3, 3))


def test_500_blobs_come_from_the_last_to_the_first():
    mask = torch.zeros(100, 400)
    for i in range(500):
        y, x = divmod(i, 50)
        mask[y * 10 : y * 10 + 3, x * 8 : x * 8 + 3] = 1
    (segments,) = detail.find_segments(mask, 3.0, 2)
    assert [s.bbox for s in segments] == [
        (x * 8, y * 10, x * 8 + 3, y * 10 + 3) for y in reversed(range(10)) for x in reversed(range(50))
    ]


@pytest.mark.parametrize(
    ("box", "factor", "wanted"),
    [
        ((0, 0, 40, 30), 1.0, (0, 0, 40, 30)),
        ((10, 10, 13, 13), 1.5, (9, 9, 13, 13)),  # 4.5 pixels from 9.25: cut at both ends
        ((0, 5, 3, 8), 3.0, (0, 2, 9, 11)),  # moved inside at the left
        ((1, 5, 4, 8), 3.1, (0, 1, 9, 10)),  # -2.15 is cut to -2 and only then moved
        ((37, 27, 40, 30), 3.0, (31, 21, 40, 30)),  # moved inside at the right and below
        ((10, 0, 20, 30), 10.0, (0, 0, 40, 30)),  # the whole picture
    ],
)
def test_crop_regions_are_moved_inside_before_they_are_cut(box, factor, wanted):
    mask = torch.zeros(30, 40)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    ((segment,),) = detail.find_segments(mask, factor, 1)
    assert segment.crop_region == wanted == crop_by_hand(40, 30, box, factor)


def test_segments_that_are_none_of_the_mask_are_refused():
    mask = torch.zeros(20, 20)
    mask[5:10, 5:10] = 1
    ((segment,),) = detail.find_segments(mask, 2.0, 1)
    for wrong, message in [
        (segment._replace(crop_region=detail.Box(0, 0, 21, 20)), "wanted a segment of this mask"),
        (segment._replace(bbox=detail.Box(5, 5, 5, 10)), "wanted a segment of this mask"),
        (segment._replace(first_column=10), "wanted a segment of this mask"),
        (segment._replace(crop_region=detail.Box(-9, 0, 20, 20)), "wanted a segment of this mask"),
    ]:
        with pytest.raises(ValueError, match=message):
            detail.segment_mask(mask, wrong)
    with pytest.raises(ValueError, match="has nothing in row 5, column 5"):
        detail.segment_mask(torch.zeros(20, 20), segment)
    with pytest.raises(ValueError, match="the fill is 'round'; wanted contour, soft or box"):
        detail.segment_mask(mask, segment, "round")
    with pytest.raises(ValueError, match=r"the crop factor is 0\.5; wanted 1 or more"):
        detail.find_segments(mask, 0.5, 1)
    with pytest.raises(ValueError, match="NaN"):
        detail.find_segments(mask.fill_(math.nan), 1.0, 1)


# --- blurring


def blur_by_torch(mask, radius):
    """Blurs as torchvision's GaussianBlur(2 * radius + 1, sigma=10) does, by the Impact Pack's rule for small masks."""
    size, shorter = 2 * radius + 1, min(mask.shape)
    if shorter <= size:
        size = shorter // 2 + (shorter // 2 + 1) % 2
    if size < 3:
        return mask
    reach = size // 2
    x = torch.linspace(-reach, reach, steps=size)
    kernel = torch.exp(-0.5 * (x / 10.0).pow(2))
    kernel = kernel / kernel.sum()
    square = torch.mm(kernel[:, None], kernel[None, :])
    padded = F.pad(mask[None, None], (reach, reach, reach, reach), mode="reflect")
    return F.conv2d(padded, square[None, None])[0, 0]


@pytest.mark.parametrize("radius", [1, 2, 5, 20, 47, 100])
@pytest.mark.parametrize("size", [(1, 1), (3, 50), (4, 4), (5, 9), (40, 41), (97, 211), (202, 230)])
def test_blur_mask_is_torchvision_s(radius, size):
    generator = torch.Generator().manual_seed(radius)
    mask = torch.rand(size, generator=generator)
    # torch adds up to 40,401 products in float, whose rounding piles up
    assert torch.allclose(detail.blur_mask(mask, radius), blur_by_torch(mask, radius), rtol=0, atol=1e-5)


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 9, 20, 30, 77, 100])
def test_the_inside_of_a_blurred_mask_is_torchvision_s_to_the_last_bit(radius):
    """DifferentialDiffusion compares it with 1; it is above for some radii and below for others."""
    ones = torch.ones(2 * radius + 10, 2 * radius + 7)
    assert torch.equal(detail.blur_mask(ones, radius), blur_by_torch(ones, radius))


def test_the_inside_of_a_blurred_mask_lies_on_both_sides_of_1():
    inside = [float(detail.blur_mask(torch.ones(90, 90), radius)[45, 45]) for radius in (2, 5)]
    assert inside[1] < 1 < inside[0]


def test_radius_0_copies():
    mask = torch.rand(7, 9)
    blurred = detail.blur_mask(mask, 0)
    assert torch.equal(blurred, mask)
    assert blurred.data_ptr() != mask.data_ptr()
    with pytest.raises(ValueError, match="the radius is -1 pixels; wanted 0 or more"):
        detail.blur_mask(mask, -1)


def test_blurred_masks_are_the_impact_pack_s(golden):
    """The alpha of a run of the original: radius 5, two boxes, to a few roundings of 1/2^24."""
    data = golden("detailer__alpha")
    mask = torch.from_numpy(data["mask"])
    (segments,) = detail.find_segments(mask, 3.0, 10)
    alphas = [detail.blur_mask(detail.segment_mask(mask, segment), 5).numpy() for segment in segments]
    for alpha, wanted in zip(sorted(alphas, key=lambda a: a.shape, reverse=True), ("alpha_0", "alpha_1"), strict=True):
        assert alpha.shape == data[wanted].shape
        assert np.abs(alpha - data[wanted]).max() <= 1e-6


# --- pasting


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (17, 33)])
def test_blend_is_torch_s_arithmetic(channels, size, random):
    image = torch.rand(2, *size, channels, generator=random)
    patch = torch.rand(2, *size, channels, generator=random)
    mask = torch.rand(2, *size, generator=random)
    m = mask[..., None]
    assert torch.equal(detail.blend(image, patch, mask), (1 - m) * image + m * patch)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_join_alpha_changes_no_value(channels, random):
    image = torch.rand(2, 5, 7, channels, generator=random)
    mask = torch.rand(2, 5, 7, generator=random)
    joined = detail.join_alpha(image, mask)
    assert torch.equal(joined[..., :3], image[..., :3].expand(2, 5, 7, 3))
    assert torch.equal(joined[..., 3], mask)
