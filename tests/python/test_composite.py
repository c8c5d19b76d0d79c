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
