"""Samples parts of a picture anew: cut out, enlarged, through the sampler, shrunk, pasted back.

The picture, the geometry and the order of steps are those of the Impact Pack's MaskDetailerPipe.
"""

import importlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import core_nodes, engine
from .basic_pipe import BasicPipe
from .detailer_hook import Hook, Settings
from .detailer_sampling import Refiner, SchedulerFunction, sample

_log = logging.getLogger("mattecore")

# The VAE's pixels for one of a latent; it makes nothing of less.
_SMALLEST_SIDE = 8
_SEEDS = 1 << 64
# The original's empty picture.
_NOTHING = (1, 64, 64, 3)


@dataclass(frozen=True)
class Options:
    """The node's settings beside the pipes."""

    guide_size: float
    guide_size_for: bool
    max_size: float
    mask_mode: bool
    seed: int
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    denoise: float
    feather: int
    crop_factor: float
    drop_size: int
    batch_size: int
    cycle: int
    inpaint_model: bool
    noise_mask_feather: int
    fill: str
    scheduler_function: SchedulerFunction | None

    def sampling_size(self, width: int, height: int, shorter_of_mask: int) -> tuple[int, int]:
        """Returns the size a crop is sampled at: enlarged until the guide size is met or max_size, never shrunk."""
        shorter = shorter_of_mask if self.guide_size_for else min(width, height)
        scale = self.guide_size / shorter if shorter > 0 else 1.0
        longest = max(int(width * scale), int(height * scale))
        if longest > self.max_size:
            scale *= self.max_size / longest
        enlarged = int(width * scale), int(height * scale)
        if scale <= 1.0 or 0 in enlarged:
            enlarged = width, height
        return max(enlarged[0], _SMALLEST_SIDE), max(enlarged[1], _SMALLEST_SIDE)


@dataclass(frozen=True)
class _Sampling:
    """What every crop is sampled with."""

    pipe: BasicPipe
    refiner: Refiner | None
    hook: Hook
    options: Options

    def in_region(self, image: Tensor, region: Any) -> "_Sampling":
        """Returns it with the prompts' masks cut to a region of the image."""
        positive, negative = (_cropped(prompts, image, region) for prompts in (self.pipe.positive, self.pipe.negative))
        return replace(self, pipe=self.pipe._replace(positive=positive, negative=negative))


class Result(NamedTuple):
    """Pictures [N,H,W,C] and the sampled crops of all of them, without and with alpha."""

    images: Tensor
    refined: list[Tensor]
    alphas: list[Tensor]

    def filled(self) -> "Result":
        """Returns it with an empty picture in each list that has none: ComfyUI runs nothing on empty lists."""
        return self._replace(
            refined=self.refined or [torch.zeros(_NOTHING)], alphas=self.alphas or [torch.zeros(_NOTHING)]
        )


def detail(
    images: Tensor,
    masks: Sequence[Tensor | None],
    pipe: BasicPipe,
    refiner: Refiner | None,
    hook: Hook,
    options: Options,
) -> Result:
    """Returns ``options.batch_size`` variants of each picture, their seeds one apart.

    Each picture of [N,H,W,C] has masks [B,H,W] of its own, or None. What this returns is the only memory of the
    pictures' size: the work is done in it.
    """
    trouble = engine.problem()
    if trouble:
        raise RuntimeError(trouble)
    sampling = _Sampling(pipe._replace(model=_with_soft_noise_mask(pipe.model, options)), refiner, hook, options)
    count, (height, width, channels) = options.batch_size, images.shape[1:]
    result = Result(torch.empty(len(images) * count, height, width, max(3, channels)), [], [])
    for n, own_masks in enumerate(masks):
        variants = result.images[n * count : (n + 1) * count]
        variants.copy_(images[n : n + 1])
        parts = [] if own_masks is None else list(_parts(own_masks, variants.shape[1:3], options))
        if not parts:
            _log.info("MaskDetailerPipe: no part of the mask is larger than drop_size; the picture stays as it is")
        for i in range(count):
            refined, alphas = _detail_one(variants[i : i + 1, ..., :3], parts, sampling, options.seed + i)
            result.refined.extend(refined)
            result.alphas.extend(alphas)
    return result


def check_image(image: Any) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"image is a {type(image).__name__}; wanted a tensor [batch, height, width, channels]")
    if image.dim() != 4 or image.shape[3] not in (1, 3, 4) or 0 in image.shape:
        raise ValueError(f"image has the shape {list(image.shape)}; wanted [batch, height, width, 3]")


def masks_of(mask: Tensor) -> Tensor:
    """Returns masks of any of the shapes that ComfyUI passes around as [B,H,W]."""
    shape = tuple(mask.shape)
    if mask.dim() not in (2, 3, 4) or (mask.dim() == 4 and shape[1] != 1) or 0 in shape:
        raise ValueError(f"mask has the shape {list(shape)}; wanted [height, width] or [batch, height, width]")
    return mask.detach().to("cpu", torch.float32).reshape(-1, *shape[-2:])


@dataclass(frozen=True)
class _Part:
    """A segment in the picture's own pixels; it draws its mask when asked."""

    mask: Tensor
    segment: Any
    fill: str
    shorter: int  # side of the segment's own box; nothing where that was laid wrong
    region: Any  # Box of the crop; may reach beyond the picture where the mask is of another shape than that

    def draw(self) -> Tensor:
        drawn = _native("detail").segment_mask(self.mask, self.segment, self.fill)
        return _of_size(drawn, self.region.height, self.region.width)


def _parts(masks: Tensor, size: torch.Size, options: Options) -> Iterator[_Part]:
    found = _native("detail").find_segments(masks, options.crop_factor, options.drop_size)
    for mask, segments in zip(masks, found, strict=True):
        for segment in segments:
            box, region = segment.bbox, segment.crop_region
            if mask.shape != size:
                box = _scaled_as_the_original(box, mask.shape, size)
                region = _scaled_into_the_picture(region, mask.shape, size)
            yield _Part(mask, segment, options.fill, min(box.width, box.height), region)


def _scaled_as_the_original(box: Any, mask_size: torch.Size, size: torch.Size) -> Any:
    """Returns a box of the mask in the picture's pixels, its right by the ratio of heights, its top by that of widths.

    Where the ratios differ, that is no place of the mask, and may be none at all.
    """
    down, across = size[0] / mask_size[0], size[1] / mask_size[1]
    return type(box)(int(box.left * across), int(box.top * across), int(box.right * down), int(box.bottom * down))


def _scaled_into_the_picture(box: Any, mask_size: torch.Size, size: torch.Size) -> Any:
    """Returns the original's box, for the same picture, as long as anything of it lies in the picture."""
    height, width = size
    scaled = _scaled_as_the_original(box, mask_size, size)
    if scaled.left < min(scaled.right, width) and scaled.top < min(scaled.bottom, height):
        return scaled
    down, across = height / mask_size[0], width / mask_size[1]
    left, top = min(int(box.left * across), width - 1), min(int(box.top * down), height - 1)
    return type(box)(left, top, max(int(box.right * across), left + 1), max(int(box.bottom * down), top + 1))


def _detail_one(image: Tensor, parts: list[_Part], sampling: _Sampling, seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """Works on one picture [1,H,W,3], in place; returns the sampled crops, largest first, without and with alpha."""
    detail, options = _native("detail"), sampling.options
    refined_crops, alpha_crops = [], []
    for i, part in enumerate(parts):
        core_nodes.throw_if_interrupted()
        mask = part.draw()
        if not mask.any():
            _log.info("MaskDetailerPipe: segment %d of %d is left out, its mask is empty", i + 1, len(parts))
            continue
        region = part.region
        crop = image[:, region.top : region.bottom, region.left : region.right]
        height, width = crop.shape[1:3]
        refined = _enhance(
            crop,
            mask if options.mask_mode else None,
            part.shorter,
            sampling.in_region(image, region),
            (seed + i) % _SEEDS,
        )
        alpha = _of_size(detail.blur_mask(mask, options.feather), height, width)[None]
        crop.copy_(detail.blend(crop, refined, alpha))
        refined_crops.append(refined)
        alpha_crops.append(detail.join_alpha(refined, alpha))
        _write_back(image, sampling.hook.post_paste(image))
    return _largest_first(refined_crops), _largest_first(alpha_crops)


def _largest_first(crops: list[Tensor]) -> list[Tensor]:
    return sorted(crops, key=lambda crop: crop.shape, reverse=True)


def _write_back(image: Tensor, pasted: Tensor) -> None:
    """Takes over what a hook made of the picture."""
    if pasted is image:
        return
    if pasted.shape != image.shape:
        raise ValueError(
            f"the detailer hook's post_paste returned a picture of the shape {list(pasted.shape)} for one of "
            f"{list(image.shape)}; wanted the same size"
        )
    image.copy_(pasted)


def _enhance(crop: Tensor, mask: Tensor | None, shorter_of_mask: int, sampling: _Sampling, seed: int) -> Tensor:
    """Returns the crop [1,h,w,3] sampled anew; ``mask`` says where noise goes, None: everywhere."""
    hook, options = sampling.hook, sampling.options
    height, width = crop.shape[1:3]
    noise_mask = None if mask is None else _native("detail").blur_mask(mask, options.noise_mask_feather)[None]
    size = hook.touch_scaled_size(*options.sampling_size(width, height, shorter_of_mask))
    _log.info("MaskDetailerPipe: a crop of %d x %d pixels is sampled at %d x %d", width, height, *size)
    pixels = hook.post_upscale(_resized(crop, *size), noise_mask)
    is_dummy = isinstance(sampling.pipe.model, str)  # "DUMMY", which some workflows pass for a model
    if not (hook.skips_sampling() or is_dummy):
        pixels = _sampled(pixels, noise_mask, sampling, seed)
    return _resized(pixels, width, height)


def _sampled(pixels: Tensor, noise_mask: Tensor | None, sampling: _Sampling, seed: int) -> Tensor:
    """Returns pixels that went through VAE, sampler and VAE."""
    pipe, hook, options = sampling.pipe, sampling.hook, sampling.options
    sampler = hook.custom_sampler()
    positive, negative, latent = _encoded(pixels, noise_mask, pipe, options.inpaint_model)
    latent = start = hook.post_encode(latent)
    for k in range(options.cycle):
        hook.set_steps(k, options.cycle)
        latent = hook.cycle_latent(latent)
        cycle_seed = (seed + k) % _SEEDS
        settings = hook.pre_ksample(
            Settings(
                pipe.model,
                cycle_seed,
                options.steps,
                options.cfg,
                options.sampler_name,
                options.scheduler,
                positive,
                negative,
                start,
                options.denoise,
            )
        )
        noise = hook.custom_noise(cycle_seed, torch.zeros(start["samples"].shape))
        latent = sample(
            settings,
            latent,
            sampling.refiner,
            noise=noise,
            sampler=sampler,
            scheduler_function=options.scheduler_function,
        )
    return hook.post_decode(_decoded(hook.pre_decode(latent), pipe.vae))


def _encoded(pixels: Tensor, noise_mask: Tensor | None, pipe: BasicPipe, inpaint: bool) -> tuple[Any, Any, Any]:
    """Returns both prompts and the latent, with its noise mask where there is one."""
    if noise_mask is None or not inpaint:
        (latent,) = core_nodes.call("VAEEncode", pixels=pixels, vae=pipe.vae)
        if noise_mask is not None:
            latent = {**latent, "noise_mask": noise_mask}
        return pipe.positive, pipe.negative, latent
    has_negative = not isinstance(pipe.negative, str)
    positive, negative, latent = core_nodes.call(
        "InpaintModelConditioning",
        positive=pipe.positive,
        negative=pipe.negative if has_negative else pipe.positive,
        vae=pipe.vae,
        pixels=pixels,
        mask=noise_mask,
        noise_mask=True,
    )
    return positive, negative if has_negative else pipe.negative, latent


def _decoded(latent: Any, vae: Any) -> Tensor:
    """Returns the latent's one picture; where the VAE fails at it, out of memory above all, decoded in tiles."""
    interrupt = core_nodes.module("comfy.model_management").InterruptProcessingException
    try:
        pixels = vae.decode(latent["samples"])
    except interrupt:
        raise
    except Exception as error:
        _log.warning("MaskDetailerPipe: the VAE could not decode in one piece (%s); it goes on in tiles", error)
        pixels = vae.decode_tiled(latent["samples"], tile_x=64, tile_y=64)
    return pixels.reshape(-1, *pixels.shape[-3:])[:1]  # a video's VAE has an axis for time


def _resized(pixels: Tensor, width: int, height: int) -> Tensor:
    """Returns pixels resized as the original does it: in 8 bits, by Pillow's Lanczos filter."""
    preprocess = _native("preprocess")
    bytes_in = preprocess.to_u8(pixels[..., :3].detach().cpu())
    return preprocess.from_u8(preprocess.resize(bytes_in, height, width, "lanczos"))


def _of_size(mask: Tensor, height: int, width: int) -> Tensor:
    return mask if mask.shape == (height, width) else _native("preprocess").interpolate(mask, height, width)


def _with_soft_noise_mask(model: Any, options: Options) -> Any:
    """Returns the model with core's differential diffusion where the noise mask is soft and the model has none yet."""
    has_one = "denoise_mask_function" in getattr(model, "model_options", {})
    if options.noise_mask_feather <= 0 or has_one or isinstance(model, str):
        return model
    return core_nodes.call("DifferentialDiffusion", model=model)[0]


def _cropped(prompts: Any, image: Tensor, region: Any) -> Any:
    """Returns a CONDITIONING with its masks cut to the region; a string, which FLUX has for one, as it is."""
    if isinstance(prompts, str):
        return prompts
    return [
        [prompt, {key: _cropped_mask(value, image, region) if key == "mask" else value for key, value in extra.items()}]
        for prompt, extra in prompts
    ]


def _cropped_mask(mask: Tensor, image: Tensor, region: Any) -> Tensor:
    """Returns a prompt's mask in the region of the picture; columns by the ratio of heights, as the original's."""
    masks = mask if mask.dim() == 3 else mask.reshape(-1, *mask.shape[-2:])
    ratios = (masks.shape[1] / image.shape[1], masks.shape[2] / image.shape[2])
    left, top, right, bottom = (round(value * ratios[i % 2]) for i, value in enumerate(region))
    cropped = masks[:, top:bottom, left:right]
    if 0 not in cropped.shape:
        return cropped
    left, top, right, bottom = (round(value * ratios[1 - i % 2]) for i, value in enumerate(region))
    return masks[:, top : max(bottom, top + 1), left : max(right, left + 1)]


def _native(stage: str) -> Any:
    """Returns a stage of the installed package."""
    return importlib.import_module(f"mattecore.{stage}")
