"""MaskDetailerPipe on the host double: which crops are sampled how, and what becomes of the picture.

The double's sampler finds a picture of one grey for each seed, so the node's picture can be painted by hand.
"""

import logging
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

DEFAULTS = {
    **{
        "guide_size": 64,
        "guide_size_for": True,
        "max_size": 1024,
        "mask_mode": True,
        "seed": 7,
        "steps": 4,
        "cfg": 5.0,
    },
    **{"sampler_name": "euler", "scheduler": "normal", "denoise": 0.5, "feather": 5, "crop_factor": 2.0},
    **{"drop_size": 10, "refiner_ratio": 0.25, "batch_size": 1, "cycle": 1},
}
PROMPT = [["cond", {"pooled_output": 1}]]


@pytest.fixture
def node(sampling_host, load_pack):
    return load_pack().NODE_CLASS_MAPPINGS["MattecoreMaskDetailerPipe"]()


@pytest.fixture
def batch_node(sampling_host, load_pack):
    return load_pack().NODE_CLASS_MAPPINGS["MattecoreMaskDetailerBatch"]()


@pytest.fixture
def pipe(sampling_host):
    return (sampling_host.nodes.Model(), "clip", sampling_host.nodes.Vae(), PROMPT, PROMPT)


@pytest.fixture
def run(node, pipe):
    """Runs the node; returns its outputs by name."""

    def run(image, mask, *, on=None, using=None, **changed):
        outputs = (on or node).doit(image, mask, using or pipe, **{**DEFAULTS, **changed})
        names = ("image", "refined", "alphas", "basic_pipe", "refiner_basic_pipe")
        return SimpleNamespace(**dict(zip(names, outputs, strict=True)))

    return run


def picture(height, width, channels=3):
    return torch.rand(1, height, width, channels, generator=torch.Generator().manual_seed(height))


def boxes(height, width, *places):
    """A mask of boxes (left, top, right, bottom)."""
    mask = torch.zeros(height, width)
    for left, top, right, bottom in places:
        mask[top:bottom, left:right] = 1
    return mask


def blurred(mask, radius):
    """What torchvision's GaussianBlur(2 * radius + 1, sigma=10) makes of a mask that is larger than it."""
    if radius == 0:
        return mask
    x = torch.arange(-radius, radius + 1).float()
    kernel = torch.exp(-0.5 * (x / 10) ** 2)
    square = torch.outer(kernel, kernel) / kernel.sum() ** 2
    return F.conv2d(F.pad(mask[None, None], (radius,) * 4, mode="reflect"), square[None, None])[0, 0]


def painted(image, mask, grey, segments, seed, feather=5):
    """``image`` with segments (box, crop), pasted one after the other in the grey of seed, seed + 1, ..."""
    image = image.clone()
    for i, (box, crop) in enumerate(segments):
        own = torch.zeros_like(mask)
        own[box[1] : box[3], box[0] : box[2]] = mask[box[1] : box[3], box[0] : box[2]]
        alpha = blurred(own[crop[1] : crop[3], crop[0] : crop[2]], feather)[None, ..., None]
        part = image[:, crop[1] : crop[3], crop[0] : crop[2]]
        part.copy_((1 - alpha) * part + alpha * grey(seed + i))
    return image


TWO = [(10, 12, 40, 40), (70, 50, 100, 78)]
# Twice the box around its middle, moved inside; the box that begins last comes first.
SEGMENTS = [(TWO[1], (55, 34, 115, 90)), (TWO[0], (0, 0, 60, 56))]


def two_segments():
    return picture(90, 120), boxes(90, 120, *TWO)


def test_segments_are_pasted_one_after_the_other_from_the_last(run, sampling_host):
    image, mask = two_segments()
    before = image.clone()
    out = run(image, mask)
    wanted = painted(image, mask, sampling_host.comfy_sample.grey, SEGMENTS, 7)
    assert torch.allclose(out.image, wanted, rtol=0, atol=1e-6)
    assert torch.equal(image, before)
    assert [call.seed for call in sampling_host.comfy_sample.calls] == [7, 8]


def test_lists_are_the_crops_from_the_largest_down(run, sampling_host):
    image, mask = two_segments()
    mask[50:78, 100:110] = 1  # the first segment's box is now the larger
    out = run(image, mask)
    shapes = [tuple(crop.shape) for crop in out.refined]
    assert shapes == sorted(shapes, reverse=True) == [(1, 56, 80, 3), (1, 56, 60, 3)]
    assert [tuple(alpha.shape) for alpha in out.alphas] == [(1, 56, 80, 4), (1, 56, 60, 4)]
    for refined, alpha, seed in zip(out.refined, out.alphas, (7, 8), strict=True):
        assert torch.allclose(refined, torch.full_like(refined, sampling_host.comfy_sample.grey(seed)))
        assert torch.equal(alpha[..., :3], refined)
        assert alpha[..., 3].min() == 0
        assert alpha[..., 3].max() == pytest.approx(1, abs=1e-6)


def test_the_pipes_come_out_as_they_went_in(run, pipe):
    image, mask = two_segments()
    refiner = tuple(pipe)
    out = run(image, mask, refiner_basic_pipe_opt=refiner)
    assert out.basic_pipe is pipe
    assert out.refiner_basic_pipe is refiner


# --- masks


@pytest.mark.parametrize("mask", [torch.zeros(90, 120), None, boxes(90, 120, (5, 5, 6, 6), (20, 20, 30, 60))], ids=str)
def test_without_a_segment_the_picture_stays_and_the_lists_hold_an_empty_one(run, mask, sampling_host):
    image = picture(90, 120)
    out = run(image, mask, batch_size=2)
    assert torch.equal(out.image, torch.cat([image, image]))
    for crops in (out.refined, out.alphas):
        assert len(crops) == 1
        assert torch.equal(crops[0], torch.zeros(1, 64, 64, 3))
    assert sampling_host.comfy_sample.calls == []


def test_a_mask_of_all_is_one_segment(run, sampling_host):
    image = picture(90, 120)
    out = run(image, torch.ones(90, 120))
    assert torch.allclose(out.image, torch.full_like(image, sampling_host.comfy_sample.grey(7)), rtol=0, atol=1e-5)
    assert [tuple(crop.shape) for crop in out.refined] == [(1, 90, 120, 3)]


@pytest.mark.parametrize(
    ("box", "crop"),
    [
        ((0, 30, 30, 60), (0, 15, 60, 75)),
        ((90, 30, 120, 60), (60, 15, 120, 75)),
        ((40, 0, 70, 30), (25, 0, 85, 60)),
        ((40, 60, 70, 90), (25, 30, 85, 90)),
        ((0, 0, 30, 30), (0, 0, 60, 60)),
        ((90, 60, 120, 90), (60, 30, 120, 90)),
    ],
    ids=["left", "right", "top", "bottom", "top left", "bottom right"],
)
def test_segments_at_the_borders_get_crops_moved_inside(run, box, crop, sampling_host):
    image, mask = picture(90, 120), boxes(90, 120, box)
    out = run(image, mask)
    assert torch.allclose(
        out.image, painted(image, mask, sampling_host.comfy_sample.grey, [(box, crop)], 7), rtol=0, atol=1e-6
    )


def test_500_segments(run, sampling_host):
    places = [(8 * x, 8 * y, 8 * x + 4, 8 * y + 4) for y in range(20) for x in range(25)]
    image, mask = picture(160, 200), boxes(160, 200, *places)
    out = run(image, mask, drop_size=3, crop_factor=1.0, feather=0)
    segments = [(place, place) for place in reversed(places)]
    assert torch.equal(out.image, painted(image, mask, sampling_host.comfy_sample.grey, segments, 7, feather=0))
    assert len(out.refined) == len(out.alphas) == 500


def test_every_mask_of_a_batch_is_worked_on(run, sampling_host):
    image = picture(90, 120)
    masks = torch.stack([boxes(90, 120, place) for place in TWO])
    out = run(image, masks)
    segments = [SEGMENTS[1], SEGMENTS[0]]  # mask by mask now
    wanted = painted(image, masks.amax(0), sampling_host.comfy_sample.grey, segments, 7)
    assert torch.allclose(out.image, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(90, 120), (1, 90, 120), (1, 1, 90, 120)], ids=str)
def test_masks_of_one_picture_may_have_any_rank(run, shape):
    image, mask = two_segments()
    assert torch.equal(run(image, mask.reshape(shape)).image, run(image, mask).image)


def test_four_axes_may_hold_several_masks(run):
    image, mask = two_segments()
    masks = torch.stack([mask, boxes(90, 120, (0, 60, 30, 90))])
    assert torch.equal(run(image, masks[:, None]).image, run(image, masks).image)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64], ids=str)
def test_masks_and_pictures_of_other_precision(run, dtype):
    image, mask = (torch.round(t * 8) / 8 for t in two_segments())
    out = run(image.to(dtype), mask.to(dtype))
    assert out.image.dtype == torch.float32
    assert torch.equal(out.image, run(image, mask).image)


def test_a_mask_of_half_the_size_is_enlarged(run, sampling_host):
    image = picture(80, 120)
    out = run(image, boxes(40, 60, (10, 10, 30, 25)))
    (call,) = sampling_host.comfy_sample.calls
    left, top, right, bottom = 0, 2 * 2, 2 * 40, 2 * 32  # the mask's crop: 0, 2.5, 40, 32.5, cut
    assert tuple(call.noise_mask.shape) == (1, bottom - top, right - left)
    untouched = torch.ones(80, 120, dtype=torch.bool)
    untouched[top:bottom, left:right] = False
    assert torch.equal(out.image[0, untouched], image[0, untouched])
    assert out.image[0, 34, 40].tolist() == pytest.approx([sampling_host.comfy_sample.grey(7)] * 3, abs=1e-5)


def test_a_mask_of_another_shape_is_laid_as_the_original_lays_it(run, sampling_host):
    """Twice as wide, three times as high: the right side moves by 3, the top by 2."""
    run(picture(120, 120), boxes(40, 60, (10, 10, 22, 22)), crop_factor=1.0)
    (call,) = sampling_host.comfy_sample.calls
    assert tuple(call.noise_mask.shape) == (1, 22 * 3 - 10 * 2, 22 * 3 - 10 * 2)


def test_a_mask_of_another_shape_whose_crop_the_original_lays_outside_is_laid_right(run, sampling_host):
    """In the original the right side, by the ratio of heights, would come to lie left of the left one."""
    image = picture(40, 400)
    out = run(image, boxes(40, 40, (26, 10, 38, 30)), crop_factor=1.0)
    (call,) = sampling_host.comfy_sample.calls
    assert tuple(call.noise_mask.shape) == (1, 20, 120)
    changed = (out.image != image).any(-1)[0].nonzero()
    assert changed.min(0).values.tolist() == [10, 260]
    assert changed.max(0).values.tolist() == [29, 379]


@pytest.mark.parametrize(
    ("fill", "inside", "in_hole", "at_corner"),
    [
        ({}, 1, 1, 0),
        ({"contour_fill": True}, 1, 1, 0),
        ({"contour_fill": False}, 0.5, 0, 0),
        ({"bbox_fill": True}, 1, 1, 1),
        ({"bbox_fill": True, "contour_fill": False}, 1, 1, 1),
    ],
    ids=str,
)
def test_later_versions_fills(run, fill, inside, in_hole, at_corner):
    mask = boxes(90, 120, (30, 20, 80, 70)) * 0.5
    mask[40:50, 50:60] = 0
    mask[60:70, 70:80] = 0
    alpha = run(picture(90, 120), mask, feather=0, **fill).alphas[0][0, ..., 3]
    assert tuple(alpha.shape) == (90, 100)  # columns 5..105 of the picture
    assert alpha[25, 35 - 5] == inside
    assert alpha[45, 55 - 5] == in_hole
    assert alpha[65, 75 - 5] == at_corner


# --- sizes


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"guide_size": 80.0}, (160, 240)),  # the box is 30 x 20: four times
        ({"guide_size": 20.0}, (40, 60)),  # as large as it should be
        ({"guide_size": 10.0}, (40, 60)),  # never smaller
        ({"guide_size": 80.0, "guide_size_for": False}, (80, 120)),  # the crop is 60 x 40: twice
        ({"guide_size": 30.0, "guide_size_for": False}, (40, 60)),
        ({"guide_size": 80.0, "max_size": 120.0}, (80, 120)),
        ({"guide_size": 80.0, "max_size": 50.0}, (40, 60)),  # nor does max_size shrink
        ({"guide_size": 25.0, "crop_factor": 1.0}, (25, 37)),  # 37.5
        ({"guide_size": 30.0, "crop_factor": 10.0}, (135, 180)),  # all of the picture
    ],
    ids=str,
)
def test_crops_are_sampled_at_their_guide_size(run, pipe, settings, size):
    run(picture(90, 120), boxes(90, 120, (40, 40, 70, 60)), **settings)
    (pixels,) = pipe[2].encoded
    assert tuple(pixels.shape[1:3]) == size


def test_crops_too_small_for_the_vae_are_enlarged(run, pipe):
    image = picture(6, 300)
    out = run(image, boxes(6, 300, (0, 1, 300, 4)), drop_size=1, crop_factor=1.0, max_size=64)
    assert tuple(pipe[2].encoded[0].shape) == (1, 8, 300, 3)
    assert tuple(out.refined[0].shape) == (1, 3, 300, 3)


def test_crops_are_enlarged_in_8_bits_by_lanczos(run, pipe):
    from PIL import Image

    image, mask = two_segments()
    run(image, mask)
    left, top, right, bottom = SEGMENTS[0][1]
    crop = Image.fromarray((255 * image[0, top:bottom, left:right].numpy()).astype(np.uint8))
    pixels = pipe[2].encoded[0]
    enlarged = crop.resize(pixels.shape[1:3][::-1], Image.Resampling.LANCZOS)
    assert enlarged.size != crop.size
    assert np.array_equal(pixels[0].numpy(), np.array(enlarged, dtype=np.float32) / 255)


# --- noise


def test_masked_only_gives_the_sampler_a_noise_mask_at_the_crops_size(run, sampling_host):
    image, mask = two_segments()
    run(image, mask)
    left, top, right, bottom = SEGMENTS[0][1]
    assert torch.equal(sampling_host.comfy_sample.calls[0].noise_mask, mask[None, top:bottom, left:right])


def test_the_noise_mask_is_feathered_and_the_model_told_to_mind_it(run, sampling_host, pipe):
    image, mask = two_segments()
    run(image, mask, noise_mask_feather=9)
    left, top, right, bottom = SEGMENTS[0][1]
    wanted = blurred(mask[top:bottom, left:right], 9)
    for call in sampling_host.comfy_sample.calls:
        assert call.model.name == "differential"
    assert torch.allclose(sampling_host.comfy_sample.calls[0].noise_mask[0], wanted, rtol=0, atol=1e-5)
    assert pipe[0].name == "model"


def test_without_feathering_and_where_there_is_one_the_model_stays(run, sampling_host, pipe):
    image, mask = two_segments()
    run(image, mask, noise_mask_feather=0)
    own = sampling_host.nodes.Model("own", model_options={"denoise_mask_function": 1})
    run(image, mask, using=(own, *pipe[1:]), noise_mask_feather=20)
    assert [call.model.name for call in sampling_host.comfy_sample.calls] == ["model", "model", "own", "own"]


def test_whole_mode_has_no_noise_mask(run, sampling_host):
    image, mask = two_segments()
    out = run(image, mask, mask_mode=False, noise_mask_feather=20)
    assert all(call.noise_mask is None for call in sampling_host.comfy_sample.calls)
    wanted = painted(image, mask, sampling_host.comfy_sample.grey, SEGMENTS, 7)
    assert torch.allclose(out.image, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mask_mode", [True, False])
def test_an_inpaint_model_gets_its_conditioning_where_there_is_a_mask(run, sampling_host, mask_mode):
    image, mask = two_segments()
    run(image, mask, inpaint_model=True, mask_mode=mask_mode)
    for call in sampling_host.comfy_sample.calls:
        assert ("concat_mask" in call.positive[0][1]) == mask_mode
        assert ("concat_mask" in call.negative[0][1]) == mask_mode


def test_a_feather_of_0_pastes_with_a_hard_edge(run, sampling_host):
    image, mask = two_segments()
    out = run(image, mask, feather=0)
    wanted = painted(image, mask, sampling_host.comfy_sample.grey, SEGMENTS, 7, feather=0)
    assert torch.equal(out.image, wanted)
    assert torch.equal(out.image[0, mask == 0], image[0, mask == 0])


# --- schedules and stages


@pytest.mark.parametrize(("denoise", "steps", "total"), [(0.5, 4, 8), (1.0, 4, 4), (0.14, 7, 49), (0.34, 17, 49)])
def test_the_last_steps_of_a_longer_schedule_are_run(run, sampling_host, denoise, steps, total):
    image, mask = two_segments()
    run(image, mask, denoise=denoise, steps=steps)
    for call in sampling_host.comfy_sample.calls:
        assert torch.equal(call.sigmas, torch.linspace(10, 0, total + 1)[total - steps :])
    assert sampling_host.latent_preview.bars == [[steps, steps]] * 2


def test_some_samplers_skip_the_last_but_one_noise_level(run, sampling_host):
    image, mask = two_segments()
    run(image, mask, sampler_name="dpm_2")
    levels = torch.linspace(10, 0, 10)
    assert torch.equal(sampling_host.comfy_sample.calls[0].sigmas, torch.cat([levels[4:-2], levels[-1:]]))


@pytest.mark.parametrize(
    ("scheduler", "first"),
    [("AYS SD1", 103.0), ("AYS SDXL", 104.0), ("GITS[coeff=1.2]", 101.2), ("LTXV[default]", 100.0)],
)
def test_schedules_of_core_s_own_nodes(run, sampling_host, scheduler, first):
    image, mask = two_segments()
    run(image, mask, scheduler=scheduler, denoise=1.0)
    sigmas = sampling_host.comfy_sample.calls[0].sigmas
    assert len(sigmas) == 5
    assert float(sigmas[0]) == pytest.approx(first)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("OSS FLUX", "the scheduler 'OSS FLUX' searches its steps with the model, which mattecore does not do"),
        ("kerras", r"the scheduler 'kerras' is not known here; choose one of normal, karras, AYS SDXL"),
        ("GITS[coeff=much]", "is not known here"),
    ],
)
def test_other_schedules_are_refused_in_a_sentence(run, node, scheduler, message):
    image, mask = two_segments()
    with pytest.raises(ValueError, match=message):
        run(image, mask, scheduler=scheduler)
    assert re.search(message, node.VALIDATE_INPUTS(scheduler=scheduler))


def test_the_validator_takes_every_scheduler_that_runs(node):
    for scheduler in ("normal", "karras", "AYS SVD", "GITS[coeff=1.5]", "LTXV[default]", None):
        assert node.VALIDATE_INPUTS(scheduler=scheduler) is True


def test_a_scheduler_node_that_is_missing_is_named(run, sampling_host):
    image, mask = two_segments()
    del sampling_host.nodes.NODE_CLASS_MAPPINGS["GITSScheduler"]
    with pytest.raises(RuntimeError, match=r"this ComfyUI has no node GITSScheduler.*update ComfyUI"):
        run(image, mask, scheduler="GITS[coeff=1.2]")


def test_a_scheduler_function_replaces_the_scheduler(run, sampling_host, pipe):
    image, mask = two_segments()
    asked = []

    def schedule(model, sampler_name, steps):
        asked.append((model.name, sampler_name, steps))
        return torch.linspace(3, 0, steps + 1)

    run(image, mask, scheduler="OSS FLUX", scheduler_func_opt=schedule)
    assert asked == [("model", "euler", 8)] * 2
    assert torch.equal(sampling_host.comfy_sample.calls[0].sigmas, torch.linspace(3, 0, 9)[4:])


def test_brownian_samplers_get_a_path_over_the_whole_schedule(run, sampling_host):
    image, mask = two_segments()
    run(image, mask, sampler_name="dpmpp_2m_sde")
    call = sampling_host.comfy_sample.calls[0]
    path = call.sampler.sampler_function(call.model, call.noise, call.sigmas, extra_args={"seed": 3})
    assert (path.sigma_max, path.sigma_min, path.seed, path.cpu) == (10.0, 1.25, 3, True)


def test_seeds_go_up_with_segments_variants_and_cycles(run, sampling_host):
    image, mask = two_segments()
    out = run(image, mask, batch_size=3, cycle=3)
    seeds = [call.seed for call in sampling_host.comfy_sample.calls]
    assert seeds == [7 + i + s + k for i in range(3) for s in range(2) for k in range(3)]
    grey = sampling_host.comfy_sample.grey
    for i in range(3):
        wanted = painted(image, mask, lambda seed: grey(seed + 2), SEGMENTS, 7 + i)
        assert torch.allclose(out.image[i : i + 1], wanted, rtol=0, atol=1e-6)
    assert len(out.refined) == len(out.alphas) == 6


def test_each_cycle_goes_on_from_the_last(run, sampling_host):
    image, mask = two_segments()
    run(image, mask, cycle=2)
    first, second = sampling_host.comfy_sample.calls[:2]
    assert torch.equal(second.latent_image, torch.full_like(first.latent_image, sampling_host.comfy_sample.grey(7)))
    assert torch.equal(second.noise_mask, first.noise_mask)


def test_the_largest_seed_goes_over_to_0(run, sampling_host):
    image, mask = two_segments()
    run(image, mask, seed=2**64 - 1)
    assert [call.seed for call in sampling_host.comfy_sample.calls] == [2**64 - 1, 0]


@pytest.mark.parametrize("mask_mode", [True, False])
def test_the_refiner_runs_the_end_of_the_schedule(run, sampling_host, mask_mode):
    image = picture(90, 120)
    other = [["other", {}]]
    refiner = (sampling_host.nodes.Model("refiner"), "clip", None, other, other)
    run(image, boxes(90, 120, TWO[0]), steps=4, refiner_basic_pipe_opt=refiner, mask_mode=mask_mode)
    base, refined = sampling_host.comfy_sample.calls
    levels = torch.linspace(10, 0, 9)
    assert torch.equal(base.sigmas, levels[4:8])
    assert torch.equal(refined.sigmas, levels[7:])
    assert (base.model.name, refined.model.name) == ("model", "refiner")
    assert refined.positive == other
    assert base.noise.abs().max() > 0
    assert refined.noise.abs().max() == 0
    assert base.seed == refined.seed == 7
    # The refiner starts from what is left noisy.
    assert torch.equal(
        refined.latent_image,
        torch.full_like(base.latent_image, sampling_host.comfy_sample.grey(7)) + sampling_host.comfy_sample.LEFT_OVER,
    )


def test_a_refiner_pipe_with_a_gap_is_none(run, sampling_host):
    image, mask = two_segments()
    run(image, mask, refiner_basic_pipe_opt=(None, "clip", None, PROMPT, PROMPT))
    assert [len(call.sigmas) for call in sampling_host.comfy_sample.calls] == [5, 5]


# --- prompts


def test_a_prompt_s_mask_is_cropped_and_nothing_else(run, sampling_host, pipe):
    image, mask = two_segments()
    whole = torch.rand(1, 90, 120)
    prompt = [["cond", {"mask": whole, "area": (1, 2, 3, 4)}]]
    run(image, mask, using=(*pipe[:3], prompt, PROMPT))
    left, top, right, bottom = SEGMENTS[0][1]
    given = sampling_host.comfy_sample.calls[0].positive[0][1]
    assert torch.equal(given["mask"], whole[:, top:bottom, left:right])
    assert given["area"] == (1, 2, 3, 4)
    assert prompt[0][1]["mask"] is whole


def test_a_prompt_s_mask_may_have_two_axes(run, sampling_host, pipe):
    image, mask = two_segments()
    run(image, mask, using=(*pipe[:3], [["cond", {"mask": torch.ones(90, 120)}]], PROMPT))
    assert tuple(sampling_host.comfy_sample.calls[0].positive[0][1]["mask"].shape) == (1, 56, 60)


def test_flux_s_placeholder_goes_through_a_guider(run, sampling_host, pipe):
    image, mask = two_segments()
    run(image, mask, using=(*pipe[:4], "NegativePlaceholder"))
    assert pipe[0].events == [("guided", 5.0)] * 2
    assert sampling_host.comfy_sample.calls == []


# --- hooks


class RecordingHook:
    """Every method that the node calls, and two that it must not."""

    def __init__(self, events, **changes):
        self.events, self.changes = events, changes

    def __getattr__(self, name):
        returned = {
            "touch_scaled_size": lambda width, height: (width, height),
            "post_upscale": lambda pixels, mask: pixels,
            "get_skip_sampling": lambda: False,
            "get_custom_sampler": lambda: None,
            "post_encode": lambda latent: latent,
            "set_steps": lambda cycle: None,
            "cycle_latent": lambda latent: latent,
            "pre_ksample": lambda *settings: settings,
            "get_custom_noise": lambda seed, noise, is_touched: (noise, is_touched),
            "pre_decode": lambda latent: latent,
            "post_decode": lambda pixels: pixels,
            "post_paste": lambda image: image,
            "post_crop_region": None,
            "post_detection": None,
            **self.__dict__["changes"],
        }
        if name not in returned:
            raise AttributeError(name)

        def method(*arguments, **named):
            self.events.append(name if name != "set_steps" else (name, *arguments))
            return returned[name](*arguments, **named)

        return method


PER_CYCLE = ["cycle_latent", "pre_ksample", "get_custom_noise", "sample"]
BEFORE = ["touch_scaled_size", "post_upscale", "get_skip_sampling", "get_custom_sampler", "post_encode"]


def test_hooks_are_called_in_the_original_s_order(run, pipe):
    image, mask = two_segments()
    run(image, mask, cycle=2, detailer_hook=RecordingHook(pipe[0].events))
    segment = [
        *BEFORE,
        *(("set_steps", (0, 2)), *PER_CYCLE, ("set_steps", (1, 2)), *PER_CYCLE),
        *("pre_decode", "post_decode", "post_paste"),
    ]
    assert pipe[0].events == segment * 2


def test_a_hook_s_answers_are_used(run, sampling_host, pipe):
    image = picture(90, 120)
    seen = SimpleNamespace()

    def pre_ksample(model, seed, steps, cfg, sampler_name, scheduler, positive, negative, latent, denoise):
        seen.latent = latent
        return model, seed + 100, steps + 2, cfg + 1, "ddim", "karras", negative, positive, None, 1.0

    noise = torch.full((1, 4, 8, 8), 0.5)
    hook = RecordingHook(
        [],
        touch_scaled_size=lambda width, height: (64, 64),
        get_custom_noise=lambda seed, zeros, is_touched: (noise, True),
        cycle_latent=lambda latent: {**latent, "samples": latent["samples"] + 1},
        pre_ksample=pre_ksample,
        post_decode=lambda pixels: 1 - pixels,
        post_paste=lambda image: image.flip(1).contiguous(),
    )
    out = run(image, boxes(90, 120, TWO[0]), detailer_hook=hook, feather=0)
    (call,) = sampling_host.comfy_sample.calls
    assert tuple(pipe[2].encoded[0].shape) == (1, 64, 64, 3)
    assert (call.seed, call.cfg, call.sampler, len(call.sigmas)) == (107, 6.0, "ddim", 7)
    assert torch.equal(call.noise, noise)
    assert torch.equal(call.latent_image, seen.latent["samples"] + 1)
    left, top, right, bottom = TWO[0]
    wanted = image.clone()
    wanted[:, top:bottom, left:right] = round(255 * (1 - sampling_host.comfy_sample.grey(107))) / 255
    assert torch.allclose(out.image, wanted.flip(1), rtol=0, atol=1.01 / 255)
    assert torch.equal(out.image[:, :20], image.flip(1)[:, :20])


def test_a_hook_may_skip_sampling_or_bring_a_sampler(run, sampling_host):
    image, mask = two_segments()
    out = run(image, mask, detailer_hook=RecordingHook([], get_skip_sampling=lambda: True), feather=0)
    assert sampling_host.comfy_sample.calls == []
    assert not torch.equal(out.image, image)  # enlarged and shrunk
    run(image, mask, detailer_hook=RecordingHook([], get_custom_sampler=lambda: "mine"), sampler_name="dpm_2")
    assert sampling_host.comfy_sample.calls[0].sampler == "mine"
    assert torch.equal(sampling_host.comfy_sample.calls[0].sigmas, torch.linspace(10, 0, 9)[4:])


class OldHook:
    """Of the seed's time: no newer methods, and post_upscale with one argument."""

    def post_upscale(self, pixels):
        return 1 - pixels


def test_old_hooks_lack_methods(run, pipe):
    image, mask = two_segments()
    run(image, mask)
    run(image, mask, detailer_hook=OldHook())
    assert torch.equal(pipe[2].encoded[2], 1 - pipe[2].encoded[0])


def test_a_hook_must_not_change_the_picture_s_size(run):
    image, mask = two_segments()
    hook = RecordingHook([], post_paste=lambda image: image[:, ::2])
    with pytest.raises(ValueError, match=r"post_paste returned a picture of the shape \[1, 45, 120, 3\] for one of"):
        run(image, mask, detailer_hook=hook)


def test_a_dummy_model_is_not_sampled_with(run, sampling_host, pipe):
    image, mask = two_segments()
    run(image, mask, using=("DUMMY", *pipe[1:]), noise_mask_feather=20)
    assert sampling_host.comfy_sample.calls == []


# --- what the original crashes at


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures(run, sampling_host, channels):
    image, mask = picture(90, 120, channels), boxes(90, 120, *TWO)
    out = run(image, mask)
    colours = image[..., :3].expand(-1, -1, -1, 3)
    wanted = painted(colours, mask, sampling_host.comfy_sample.grey, SEGMENTS, 7)
    assert torch.allclose(out.image[..., :3], wanted, rtol=0, atol=1e-6)
    assert out.image.shape[3] == (4 if channels == 4 else 3)
    if channels == 4:
        assert torch.equal(out.image[..., 3], image[..., 3])
    assert {crop.shape[3] for crop in out.refined} == {3}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")
def test_masks_and_pictures_on_a_gpu(run):
    image, mask = two_segments()
    out = run(image.cuda(), mask.cuda())
    assert out.image.is_cuda
    assert torch.equal(out.image.cpu(), run(image, mask).image)


@pytest.mark.parametrize("settings", [{"crop_factor": 1.01, "drop_size": 1}, {"crop_factor": 1.0}], ids=str)
def test_a_box_that_sticks_out_of_its_crop(run, settings):
    out = run(picture(90, 120), boxes(90, 120, (10, 12, 41, 43)), **settings)
    assert out.image.isfinite().all()


# --- errors


def test_a_batch_is_refused_with_the_node_for_it(run):
    image, mask = two_segments()
    with pytest.raises(ValueError) as raised:
        run(torch.cat([image, image]), mask)
    assert str(raised.value) == (
        "MaskDetailerPipe works on one image, and this batch holds 2; use MattecoreMaskDetailerBatch, which pairs each "
        "image with its mask"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": None}, "image is a NoneType; wanted a tensor"),
        ({"image": torch.zeros(5, 7, 3)}, r"image has the shape \[5, 7, 3\]; wanted \[batch, height, width, 3\]"),
        ({"image": torch.zeros(1, 5, 7, 2)}, r"image has the shape \[1, 5, 7, 2\]"),
        ({"mask": torch.zeros(7)}, r"mask has the shape \[7\]; wanted \[height, width\]"),
        ({"mask": torch.zeros(1, 3, 5, 7)}, r"mask has the shape \[1, 3, 5, 7\]"),
        ({"mask": torch.full((90, 120), math.nan)}, "NaN"),
        (
            {"using": ("model", "clip")},
            "basic_pipe is 2 parts; wanted a BASIC_PIPE: model, clip, vae, positive, negative",
        ),
        ({"using": "pipe"}, "basic_pipe is a str; wanted a BASIC_PIPE"),
        ({"refiner_basic_pipe_opt": (1, 2, 3)}, "refiner_basic_pipe_opt is 3 parts"),
        ({"tiled_encode": 3}, "MaskDetailerPipe has no input called tiled_encode; take the wire off"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_refused_in_a_sentence(run, change, message):
    image, mask = two_segments()
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        run(**{"image": image, "mask": mask, **change})
    assert "\n" not in str(raised.value)


def test_unknown_inputs_without_a_value_do_no_harm(run):
    image, mask = two_segments()
    assert torch.equal(run(image, mask, later_opt=None).image, run(image, mask).image)


def test_an_installation_that_is_not_whole_says_so(run, installed):
    def load():
        raise ImportError("mattecore was built for torch 2.7.0; build it again with: python install.py")

    installed.load = load
    image, mask = two_segments()
    with pytest.raises(RuntimeError, match=r"mattecore was built for torch 2\.7\.0; run this and restart ComfyUI"):
        run(image, mask)


def test_a_vae_that_fails_goes_on_in_tiles_and_says_so(run, sampling_host, pipe, caplog):
    image, mask = two_segments()
    wanted = run(image, mask).image
    vae = sampling_host.nodes.Vae(fails_with=MemoryError("too large"))
    with caplog.at_level(logging.WARNING, logger="mattecore"):
        out = run(image, mask, using=(*pipe[:2], vae, *pipe[3:]))
    assert vae.tiled == 1
    assert torch.equal(out.image, wanted)
    assert "could not decode in one piece (too large)" in caplog.text


def test_an_interrupt_ends_the_work(run, sampling_host, pipe):
    image, mask = two_segments()
    interrupt = sampling_host.comfy_model_management.InterruptProcessingException
    vae = sampling_host.nodes.Vae(fails_with=interrupt())
    with pytest.raises(interrupt):
        run(image, mask, using=(*pipe[:2], vae, *pipe[3:]))
    assert vae.tiled == 0
    sampling_host.comfy_sample.calls.clear()
    sampling_host.comfy_model_management.interrupted = True
    with pytest.raises(interrupt):
        run(image, mask)
    assert sampling_host.comfy_sample.calls == []


# --- batches and pipes


def test_the_batch_node_pairs_images_and_masks(run, batch_node):
    image, mask = two_segments()
    images = torch.cat([image, image.flip(1)])
    masks = torch.stack([mask, boxes(90, 120, (50, 20, 75, 60))])
    out = run(images, masks, on=batch_node, batch_size=2)
    alone = [run(images[i : i + 1], masks[i], batch_size=2) for i in range(2)]
    assert torch.equal(out.image, torch.cat([single.image for single in alone]))
    for name in ("refined", "alphas"):
        wanted = [crop for single in alone for crop in getattr(single, name)]
        assert all(torch.equal(a, b) for a, b in zip(getattr(out, name), wanted, strict=True))


def test_the_batch_node_takes_one_mask_for_all(run, batch_node):
    image, mask = two_segments()
    images = torch.cat([image, image.flip(1), image.flip(2)])
    out = run(images, mask, on=batch_node)
    assert torch.equal(out.image, run(images, mask.expand(3, -1, -1), on=batch_node).image)
    with pytest.raises(ValueError, match="there are 3 images and 2 masks; wanted one mask for each, or one"):
        run(images, mask.expand(2, -1, -1), on=batch_node)
    assert torch.equal(run(images, None, on=batch_node).image, images)


def test_pipes_are_plain_tuples_there_and_back(sampling_host, load_pack):
    nodes = load_pack().NODE_CLASS_MAPPINGS
    parts = ("model", "clip", "vae", "positive", "negative")
    (pipe,) = nodes["MattecoreToBasicPipe"]().pack(*parts)
    assert type(pipe) is tuple
    assert pipe == parts
    assert nodes["MattecoreFromBasicPipe"]().unpack(pipe) == parts
    with pytest.raises(ValueError, match="basic_pipe is 4 parts"):
        nodes["MattecoreFromBasicPipe"]().unpack(parts[:4])


def test_later_inputs_are_known_and_not_shown(node):
    optional = node.INPUT_TYPES()["optional"]
    assert list(optional) == ["refiner_basic_pipe_opt", "detailer_hook", "inpaint_model", "noise_mask_feather"]
    assert "bbox_fill" in optional
    assert optional["contour_fill"][0] == "BOOLEAN"
    assert "wildcard" not in optional
    with pytest.raises(KeyError):
        optional["wildcard"]
