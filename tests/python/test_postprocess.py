"""Levels and masks against numpy, Pillow and the originals."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from mattecore import postprocess, preprocess

REMAPS = [(0.01, 0.99), (0.3, 0.6), (0.5, 0.5), (0.98, 0.02)]


# --- normalize_min_max


def test_normalize_min_max_stretches_each_mask_by_itself(random):
    masks = torch.rand(3, 61, 47, generator=random) * torch.tensor([0.1, 1.0, 300.0]).view(3, 1, 1) - 5
    result = postprocess.normalize_min_max(masks)
    for mask, stretched in zip(masks, result, strict=True):
        assert torch.equal(stretched, (mask - mask.min()) / (mask.max() - mask.min()))
        assert stretched.min() == 0
        assert stretched.max() == 1


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0, -3.0])
def test_normalize_min_max_makes_a_mask_of_one_value_0(value):
    assert torch.equal(postprocess.normalize_min_max(torch.full((1, 5, 7), value)), torch.zeros(1, 5, 7))


@pytest.mark.parametrize(("bad", "said"), [(torch.nan, "nan"), (torch.inf, "inf"), (-torch.inf, "-inf")])
@pytest.mark.parametrize("place", [0, 17, 34])
def test_normalize_min_max_refuses_a_broken_mask_and_says_which(bad, said, place):
    masks = torch.rand(3, 5, 7)
    masks[1].view(-1)[place] = bad
    with pytest.raises(ValueError, match=rf"mask 1 reaches from .*{said}.*; wanted finite values"):
        postprocess.normalize_min_max(masks)


@pytest.mark.parametrize("size", [(33, 47), (96, 96), (150, 61), (5, 2)], ids=str)
def test_easy_imageRemBg_mask(size, golden):  # noqa: N802 (the node's name)
    """The original's postprocessing. Small results leave torch's kernel for small results, which adds in another order
    (test_preprocess.py): one step in fewer than 2e-3 of the values, where cutting makes a step of it.
    """
    recorded = golden(f"easy_postprocess__{size[0]}x{size[1]}")
    mask = preprocess.interpolate(torch.from_numpy(recorded["in_x"])[0], *size)
    result = preprocess.to_u8(postprocess.normalize_min_max(mask))[0].numpy().astype(int)
    off = np.abs(result - recorded["out_out"])
    assert off.max() <= 1
    assert (off > 0).mean() < 2e-3


@pytest.mark.parametrize("name", ["astro", "coffee_f"])
def test_layerstyle_rmbg_mask(name, golden):
    """LayerStyle's RMBG(): 0..255 is multiplied by 255 again, so its mask is 255 from 1/255 on and 0 below."""
    recorded = golden(f"RMBG_canned__{name}")
    probability = torch.from_numpy(golden("canned__rmbg_prob")["in_prob"][:1].astype(np.float32) / 1024)
    mask = preprocess.interpolate(probability, *recorded["out_mask"].shape)
    eight_bit = preprocess.to_u8(postprocess.normalize_min_max(mask))
    result = preprocess.to_u8(eight_bit.float())[0]
    assert set(np.unique(recorded["out_mask"])) == {0, 255}
    np.testing.assert_array_equal(result.numpy(), recorded["out_mask"])


def test_layerstyle_rmbg_mask_of_a_constant_network_output_is_empty(golden):
    recorded = golden("RMBG_canned__constant")
    mask = preprocess.interpolate(torch.full((1, 1024, 1024), 0.25), *recorded["out_mask"].shape)
    result = preprocess.to_u8(postprocess.normalize_min_max(mask))[0]
    np.testing.assert_array_equal(result.numpy(), recorded["out_mask"])


@pytest.mark.parametrize("name", ["astro", "coffee_f"])
def test_layerstyle_birefnet_mask(name, golden):
    """BiRefNetRemoveBackground after its network. One step in fewer than 1e-3 of the pixels: torch's sigmoid rounds by
    processor, and cutting makes a step of it.
    """
    recorded = golden(f"birefnet_canned__{name}")
    logit = torch.from_numpy(golden("canned__birefnet_logit")["in_logit"][:1].astype(np.float32) / 16)
    mask = preprocess.interpolate(logit.sigmoid(), *recorded["out_mask"].shape, align_corners=True)
    result = postprocess.brighten(preprocess.to_u8(mask), 1.01)[0].numpy().astype(int)
    off = np.abs(result - recorded["out_mask"])
    assert off.max() <= 1
    assert (off > 0).mean() < 1e-3


# --- histogram_remap


@pytest.mark.parametrize(("black", "white"), REMAPS)
def test_histogram_remap_is_the_originals(black, white, golden):
    recorded = golden(f"histogram_remap__{black}_{white}")
    result = postprocess.histogram_remap(torch.from_numpy(recorded["in_x"]), black, white)
    np.testing.assert_array_equal(result.numpy(), recorded["out_out"])


def test_histogram_remap_keeps_nan_and_clips_infinity():
    result = postprocess.histogram_remap(torch.tensor([[torch.nan, torch.inf, -torch.inf, 0.5]]), 0.0, 1.0)
    assert result[0, 0].isnan()
    assert result[0, 1:].tolist() == [1, 0, 0.5]


@pytest.mark.parametrize(("black", "white"), [(torch.nan, 1.0), (0.0, torch.nan), (-torch.inf, 1.0), (0.0, torch.inf)])
def test_histogram_remap_refuses_points_that_are_no_numbers(black, white):
    with pytest.raises(ValueError, match=rf"black_point is {black:g} and white_point {white:g}; wanted finite numbers"):
        postprocess.histogram_remap(torch.zeros(1, 2, 2), black, white)


def test_every_point_of_histogram_remap_changes_its_output(random):
    mask = torch.rand(1, 20, 20, generator=random)
    plain = postprocess.histogram_remap(mask, 0.1, 0.9)
    assert not torch.equal(plain, postprocess.histogram_remap(mask, 0.2, 0.9))
    assert not torch.equal(plain, postprocess.histogram_remap(mask, 0.1, 0.8))


# --- brighten


def test_brighten_is_the_originals(golden):
    recorded = golden("brightness__u8")
    result = postprocess.brighten(torch.from_numpy(recorded["in_u8"]), 1.01)
    np.testing.assert_array_equal(result.numpy(), recorded["out_out"])


@pytest.mark.parametrize("factor", [0.0, 0.01, 1 / 3, 0.5, 1.0, 1.01, 1.5, 2.0, 254.9, 1e30])
def test_brighten_is_pillows(factor):
    mask = torch.arange(256, dtype=torch.uint8).view(16, 16)
    wanted = ImageEnhance.Brightness(Image.fromarray(mask.numpy())).enhance(factor)
    np.testing.assert_array_equal(postprocess.brighten(mask, factor).numpy(), np.asarray(wanted))


@pytest.mark.parametrize("factor", [-0.5, -torch.inf, torch.nan, torch.inf, 1e39])
def test_brighten_refuses_factors_below_0_and_beyond_float(factor):
    with pytest.raises(ValueError, match=r"factor is .*; wanted"):
        postprocess.brighten(torch.zeros(1, 2, 2, dtype=torch.uint8), factor)


# --- image_to_mask


@pytest.mark.parametrize("name", ["image2mask__l", "image2mask__rgb", "image2mask__rgba"])
def test_image_to_mask_is_the_originals(name, golden):
    recorded = golden(name)
    image = torch.from_numpy(recorded["in_u8"])
    result = postprocess.image_to_mask(image if image.dim() == 3 else image[..., None])
    np.testing.assert_array_equal(result[None].numpy(), recorded["out_out"])
