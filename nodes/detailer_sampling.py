"""Latents through ComfyUI's samplers as MaskDetailerPipe takes them: part of a longer schedule, in one or two stages.

The schedule is that of floor(steps / denoise) steps, of which the last ``steps`` are run. With a refiner, its model
runs the last ``refiner_ratio`` of those on what the first has left noisy.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import core_nodes, schedulers
from .basic_pipe import BasicPipe
from .detailer_hook import Settings

SchedulerFunction = Callable[[Any, str, int], Tensor]
"""SCHEDULER_FUNC: the sigmas for a model, a sampler's name and a number of steps."""

# Their schedules end in two equal noise levels; ComfyUI drops the last but one.
_DROP_PENULTIMATE = ("dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2")
# Samplers that draw noise along a Brownian path between the schedule's ends, and whether that is made on the CPU.
_BROWNIAN = {
    f"{name}{suffix}": suffix == "" for name in ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde") for suffix in ("", "_gpu")
}
# What FLUX workflows put in the place of a negative prompt.
_PLACEHOLDER = "NegativePlaceholder"


@dataclass(frozen=True)
class Refiner:
    """The second stage: its pipe and the share of the steps it gets."""

    pipe: BasicPipe
    ratio: float

    def is_whole(self) -> bool:
        """Tells whether all is there that the second stage needs; the original goes on in one without."""
        model, clip, _, positive, negative = self.pipe
        return all(part is not None for part in (model, clip, positive, negative))


def sample(
    settings: Settings,
    latent: dict[str, Any],
    refiner: Refiner | None,
    *,
    noise: Tensor | None = None,
    sampler: Any = None,
    scheduler_function: SchedulerFunction | None = None,
) -> dict[str, Any]:
    """Returns ``latent`` (not ``settings.latent``, which is for hooks to see) with new samples.

    ``noise`` stands in for the seed's, ``sampler`` for the one of ``settings.sampler_name``.
    """
    refusal = None if scheduler_function else schedulers.refusal(settings.scheduler)
    if refusal:
        raise ValueError(refusal)
    steps = math.floor(settings.steps / settings.denoise)
    start = steps - settings.steps

    def stage(model: Any, prompts: tuple[Any, Any], latent: Any, start: int, end: int, **how: Any) -> dict[str, Any]:
        sigmas = (
            scheduler_function(model, settings.sampler_name, steps).clone()
            if scheduler_function
            else _sigmas(model, "" if sampler else settings.sampler_name, settings.scheduler, steps)
        )
        return _run(model, prompts, latent, sigmas, start, end, settings, sampler=sampler, **how)

    prompts = (settings.positive, settings.negative)
    if refiner is None or not refiner.is_whole():
        return stage(settings.model, prompts, latent, start, steps, noise=noise)
    switch = start + math.floor(settings.steps * (1.0 - refiner.ratio))
    noisy = stage(settings.model, prompts, latent, start, switch, noise=noise, leave_noise=True)
    if "noise_mask" in latent:
        # Outside of the mask the refiner starts from the picture itself.
        (noisy,) = core_nodes.call(
            "LatentCompositeMasked",
            destination=latent,
            source=noisy,
            x=0,
            y=0,
            resize_source=False,
            mask=latent["noise_mask"],
        )
    pipe = refiner.pipe
    return stage(pipe.model, (pipe.positive, pipe.negative), noisy, switch, steps + 1, add_noise=False)


def _run(
    model: Any,
    prompts: tuple[Any, Any],
    latent: dict[str, Any],
    schedule: Tensor,
    start: int,
    end: int,
    settings: Settings,
    *,
    sampler: Any,
    noise: Tensor | None = None,
    add_noise: bool = True,
    leave_noise: bool = False,
) -> dict[str, Any]:
    """Runs the steps from ``start`` to ``end`` of a schedule."""
    sigmas = schedule
    if end < len(schedule) - 1:
        sigmas = schedule[: end + 1]
        if not leave_noise:
            sigmas[-1] = 0
    if start >= len(sigmas) - 1:
        return latent
    sigmas = sigmas[start:]

    comfy_sample = core_nodes.module("comfy.sample")
    samples = comfy_sample.fix_empty_latent_channels(model, latent["samples"])
    if noise is None:
        if add_noise:
            noise = comfy_sample.prepare_noise(samples, settings.seed, latent.get("batch_index"))
        else:
            noise = torch.zeros(samples.shape, dtype=samples.dtype, layout=samples.layout)
    last: dict[str, Tensor] = {}
    how = {
        "callback": core_nodes.module("latent_preview").prepare_callback(model, len(sigmas) - 1, last),
        "disable_pbar": not core_nodes.module("comfy.utils").PROGRESS_BAR_ENABLED,
        "seed": settings.seed,
    }
    if sampler is None:
        sampler = _sampler(settings.sampler_name, schedule)
    positive, negative = prompts
    mask = latent.get("noise_mask")
    if isinstance(negative, str) and negative == _PLACEHOLDER:
        (guided,) = core_nodes.call("FluxGuidance", conditioning=positive, guidance=settings.cfg)
        (guider,) = core_nodes.call("BasicGuider", model=model, conditioning=guided)
        result = guider.sample(noise, samples, sampler, sigmas, denoise_mask=mask, **how)
    else:
        result = comfy_sample.sample_custom(
            model, noise, settings.cfg, sampler, sigmas, positive, negative, samples, noise_mask=mask, **how
        )
    if leave_noise or "x0" not in last:
        result = result.to(core_nodes.module("comfy.model_management").intermediate_device())
    else:
        # The last picture the model believed in, and not where the sampler stopped: not all end at no noise.
        result = model.model.process_latent_out(last["x0"].cpu())
    return {**latent, "samples": result}


def _sigmas(model: Any, sampler_name: str, scheduler: str, steps: int) -> Tensor:
    """Returns the noise levels of a schedule of ``steps`` steps."""
    drops = sampler_name in _DROP_PENULTIMATE
    count = steps + drops
    gits_coefficient = schedulers.gits_coefficient(scheduler)
    if scheduler in schedulers.AYS:
        (sigmas,) = core_nodes.call(
            "AlignYourStepsScheduler", model_type=scheduler.removeprefix("AYS "), steps=count, denoise=1.0
        )
    elif gits_coefficient is not None:
        (sigmas,) = core_nodes.call("GITSScheduler", coeff=gits_coefficient, steps=count, denoise=1.0)
    elif scheduler == schedulers.LTXV:
        (sigmas,) = core_nodes.call(
            "LTXVScheduler", steps=count, max_shift=2.05, base_shift=0.95, stretch=True, terminal=0.1
        )
    else:
        sigmas = core_nodes.module("comfy.samplers").calculate_sigmas(
            model.get_model_object("model_sampling"), scheduler, count
        )
    return torch.cat([sigmas[:-2], sigmas[-1:]]) if drops else sigmas


def _sampler(name: str, schedule: Tensor) -> Any:
    """Returns ComfyUI's sampler, the Brownian ones with a path over the whole schedule.

    Left alone they would lay it over the steps that are run, and draw other noise for each ``denoise``.
    """
    samplers = core_nodes.module("comfy.samplers")
    if name not in _BROWNIAN:
        return samplers.sampler_object(name)
    k_diffusion = core_nodes.module("comfy.k_diffusion.sampling")
    function = getattr(k_diffusion, f"sample_{name}")

    def run(model: Any, x: Tensor, sigmas: Tensor, **options: Any) -> Tensor:
        seed = (options.get("extra_args") or {}).get("seed")
        options["noise_sampler"] = k_diffusion.BrownianTreeNoiseSampler(
            x, schedule[schedule > 0].min(), schedule.max(), seed=seed, cpu=_BROWNIAN[name]
        )
        return function(model, x, sigmas, **options)

    return samplers.KSAMPLER(run)
