"""RGBA assembly and pasting against numpy, Pillow and the originals."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from mattecore import composite, preprocess

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.uint8)


def values(generator: torch.Generator, dtype: torch.dtype, *shape: int) -> torch.Tensor:
    if dtype == torch.uint8:
        return torch.randint(0, 256, shape, dtype=dtype, generator=generator)
    return (torch.rand(shape, generator=generator) * 1.2 - 0.1).to(dtype)


def eight_bit(t: torch.Tensor) -> torch.Tensor:
    """In numpy's or, for bfloat16, torch's arithmetic."""
    return t if t.dtype == torch.uint8 else (t * 255).float().clamp(0, 255).to(torch.uint8)


def assembled(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    colours = eight_bit(image)[..., :3].expand(*image.shape[:-1], 3)
    return torch.cat([colours, eight_bit(mask)[..., None]], -1).float() / 255


# --- assemble_rgba


@pytest.mark.parametrize(("image_type", "mask_type"), list(itertools.product(DTYPES, DTYPES)))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_assemble_rgba_joins_any_types(image_type, mask_type, channels, device, random):
    image, mask = values(random, image_type, 2, 9, 33, channels), values(random, mask_type, 2, 9, 33)
    result = composite.assemble_rgba(image.to(device), mask.to(device))
    assert result.device.type == device
    assert result.dtype == torch.float32
    assert torch.equal(result.cpu(), assembled(image, mask))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_assemble_rgba_takes_any_strides_on_any_device(channels, device, random):
    image = values(random, torch.float32, 2, channels, 17, 45).to(device).permute(0, 2, 3, 1)[:, ::2, 3::3]
    mask = values(random, torch.float32, 14, 9, 2).to(device).permute(2, 1, 0)
    result = composite.assemble_rgba(image, mask)
    assert torch.equal(result, composite.assemble_rgba(image.contiguous(), mask.contiguous()))
    mask = torch.full((1, 1, 1), 0.5, device=device).expand(2, 9, 14)
    assert torch.equal(composite.assemble_rgba(image, mask), composite.assemble_rgba(image, mask.contiguous()))


def test_assemble_rgba_of_one_picture_without_a_batch(random):
    image, mask = values(random, torch.float32, 9, 33, 3), values(random, torch.float32, 9, 33)
    result = composite.assemble_rgba(image, mask)
    assert result.shape == (9, 33, 4)
    assert torch.equal(result, composite.assemble_rgba(image[None], mask[None])[0])


@pytest.mark.parametrize("name", ["l", "rgbmask"])
def test_assemble_rgba_is_the_originals_RGB2RGBA(name, golden):  # noqa: N802 (their name)
    recorded = golden(f"RGB2RGBA__{name}")
    mask = torch.from_numpy(recorded["in_mask"])
    mask = preprocess.luma(mask) if mask.dim() == 3 else mask
    result = composite.assemble_rgba(torch.from_numpy(recorded["in_rgb"]), mask)
    np.testing.assert_array_equal(result.numpy(), recorded["out_out"].astype(np.float32) / 255)


# --- paste_on_transparent


def test_paste_on_transparent_is_the_originals(golden):
    recorded = golden("easy_paste__grid")
    result = composite.paste_on_transparent(torch.from_numpy(recorded["in_rgb"]), torch.from_numpy(recorded["in_mask"]))
    np.testing.assert_array_equal(result.numpy(), recorded["out_out"])


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_paste_on_transparent_is_pillows_paste(channels, mode, random):
    """Of an opaque picture: easy imageRemBg refuses four channels; ours drops their alpha, as the other nodes do."""
    image, mask = values(random, torch.uint8, 61, 47, channels), values(random, torch.uint8, 61, 47)
    picture = Image.fromarray(image.squeeze(-1).numpy(), mode).convert("RGB")
    wanted = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    wanted.paste(picture, mask=Image.fromarray(mask.numpy()))
    np.testing.assert_array_equal(composite.paste_on_transparent(image, mask).numpy(), np.asarray(wanted))


# --- mask_to_image


def test_mask_to_image_is_the_originals_for_the_last_of_a_batch(golden):
    """The original returns that one alone; ours returns all."""
    recorded = golden("mask2image__batch")
    mask = torch.from_numpy(recorded["in_mask"])
    result = composite.mask_to_image(mask)
    assert result.shape == (*mask.shape, 4)
    np.testing.assert_array_equal(result[-1].numpy(), recorded["out_out"])
    assert torch.equal(result[0], composite.mask_to_image(mask[0]))


# --- foreground colours

FOREGROUNDS = {
    "multilevel_foreground": composite.multilevel_foreground,
    "blur_fusion_foreground": composite.blur_fusion_foreground,
}
either_foreground = pytest.mark.parametrize("estimate", FOREGROUNDS.values(), ids=FOREGROUNDS)


def soft_disc(height: int, width: int, softness: float = 9.0) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((min(height, width) * 0.3 - torch.hypot(y - height / 2, x - width / 2)) / softness + 0.5).clamp(0, 1)


def drawn(height: int = 120, width: int = 160) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A picture of an orange disc with a soft edge before blue, both with a pattern; the disc's colours; its alpha."""
    y, x = torch.meshgrid(torch.arange(height) * 1.0, torch.arange(width) * 1.0, indexing="ij")
    pattern = (0.08 * torch.sin(x / 5) * torch.cos(y / 6))[..., None]
    foreground = torch.tensor([0.9, 0.5, 0.1]) + pattern
    background = torch.tensor([0.1, 0.3, 0.8]) - pattern.flip(0)
    alpha = soft_disc(height, width)
    return alpha[..., None] * foreground + (1 - alpha[..., None]) * background, foreground, alpha


def fringe(colours: torch.Tensor, truth: torch.Tensor, alpha: torch.Tensor) -> float:
    """How far a cut-out in these colours is from the true one over any new background, on the soft edge: in 0..255."""
    edge = (alpha > 0) & (alpha < 1)
    return float((alpha[..., None] * (colours - truth))[edge].abs().mean()) * 255


@pytest.mark.parametrize(
    ("estimate", "recorded"),
    [
        pytest.param(composite.multilevel_foreground, 1.857, id="multilevel_foreground"),
        pytest.param(composite.blur_fusion_foreground, 2.517, id="blur_fusion_foreground"),
    ],
)
def test_a_cut_out_in_foreground_colours_has_hardly_a_fringe(estimate, recorded):
    """As recorded, and 1 %. The picture's own colours leave a fringe of 23.9 of 255."""
    image, truth, alpha = drawn()
    assert fringe(image, truth, alpha) > 23
    assert fringe(estimate(image, alpha), truth, alpha) <= recorded * 1.01


@either_foreground
def test_foreground_colours_are_the_pictures_where_there_is_nothing_else(estimate, random):
    """Well within the foreground, whatever its pattern; a step of 8 bits is what sweeps that stop early may leave."""
    image = torch.rand(80, 90, 3, generator=random)
    alpha = soft_disc(80, 90)
    inside = torch.nn.functional.avg_pool2d(alpha[None], 9, 1, 4)[0] == 1
    assert inside.sum() > 100
    assert (estimate(image, alpha) - image)[inside].abs().max() <= 1 / 255
    assert (estimate(image, torch.ones(80, 90)) - image).abs().max() <= 1 / 255


@either_foreground
def test_foreground_and_background_of_one_colour_have_that_colour(estimate):
    """Where they show: what alpha hides may have any."""
    image = torch.tensor([0.2, 0.5, 0.7]).expand(62, 84, 3)
    alpha = soft_disc(62, 84)
    assert fringe(estimate(image, alpha), image, alpha) <= 0.01


@either_foreground
def test_foreground_colours_lie_between_0_and_1(estimate, random):
    image = torch.rand(31, 42, 3, generator=random) * 1.5 - 0.25
    result = estimate(image, torch.rand(31, 42, generator=random))
    assert result.dtype == torch.float32
    assert result.min() >= 0
    assert result.max() <= 1


@either_foreground
@pytest.mark.parametrize("axis", [0, 1])
def test_foreground_colours_of_a_mirrored_picture_are_the_mirrored_ones(estimate, axis):
    """Nearly: the levels' pixels and the order of the sweeps lie differently. Recorded: 0.735 of 255."""
    image, _, alpha = drawn()
    mirrored = estimate(image.flip(axis), alpha.flip(axis)).flip(axis)
    assert fringe(mirrored, estimate(image, alpha), alpha) <= 0.735 * 1.01


@either_foreground
def test_foreground_colours_of_a_batch_in_another_order_come_in_that_order(estimate, random):
    image, _, alpha = drawn(40, 53)
    images = image + torch.rand(4, 40, 53, 3, generator=random) / 4
    alphas = torch.stack([alpha, alpha.flip(0), alpha.flip(1), 1 - alpha])
    order = [2, 0, 3, 1]
    assert torch.equal(estimate(images[order], alphas[order]), estimate(images, alphas)[order])


@either_foreground
def test_an_alpha_channel_of_the_picture_does_not_count_for_its_foreground(estimate, random):
    image, _, alpha = drawn(40, 53)
    with_alpha = torch.cat([image, torch.rand(40, 53, 1, generator=random)], -1)
    assert torch.equal(estimate(with_alpha, alpha), estimate(image, alpha))


@either_foreground
def test_a_grey_picture_has_no_foreground_colours(estimate):
    with pytest.raises(ValueError, match=r"image has 1 channel in \[5, 7, 1\]; wanted colours: 3 or 4"):
        estimate(torch.zeros(5, 7, 1), torch.zeros(5, 7))
