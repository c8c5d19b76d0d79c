"""DETAILER_HOOK: what others may do between the detailer's steps.

Hooks come from other packs, of any age, so each method is looked for: one that is missing leaves its value as it is.
"""

import inspect
from typing import Any, NamedTuple

from torch import Tensor


class Settings(NamedTuple):
    """What one pass through the sampler is given, in the order in which pre_ksample gets and returns it."""

    model: Any
    seed: int
    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    positive: Any
    negative: Any
    latent: Any
    denoise: float


class Hook:
    """A detailer hook, or none at all."""

    def __init__(self, hook: Any) -> None:
        self._hook = hook

    def touch_scaled_size(self, width: int, height: int) -> tuple[int, int]:
        width, height = self._call("touch_scaled_size", (width, height), width, height)
        return int(width), int(height)

    def post_upscale(self, pixels: Tensor, mask: Tensor | None) -> Tensor:
        method = getattr(self._hook, "post_upscale", None)
        if method is None:
            return pixels
        # Older hooks take the pixels alone.
        return method(pixels, mask) if _takes(method, 2) else method(pixels)

    def skips_sampling(self) -> bool:
        return bool(self._call("get_skip_sampling", False))

    def custom_sampler(self) -> Any:
        return self._call("get_custom_sampler", None)

    def post_encode(self, latent: Any) -> Any:
        return self._call("post_encode", latent, latent)

    def set_steps(self, cycle: int, cycles: int) -> None:
        self._call("set_steps", None, (cycle, cycles))

    def cycle_latent(self, latent: Any) -> Any:
        return self._call("cycle_latent", latent, latent)

    def pre_ksample(self, settings: Settings) -> Settings:
        return Settings(*self._call("pre_ksample", settings, *settings))

    def custom_noise(self, seed: int, zeros: Tensor) -> Tensor | None:
        """Returns the hook's own noise, None where it has none."""
        noise, is_touched = self._call("get_custom_noise", (zeros, False), seed, zeros, is_touched=False)
        return noise if is_touched else None

    def pre_decode(self, latent: Any) -> Any:
        return self._call("pre_decode", latent, latent)

    def post_decode(self, pixels: Tensor) -> Tensor:
        return self._call("post_decode", pixels, pixels)

    def post_paste(self, image: Tensor) -> Tensor:
        return self._call("post_paste", image, image)

    def _call(self, name: str, otherwise: Any, *arguments: Any, **named: Any) -> Any:
        method = getattr(self._hook, name, None)
        return otherwise if method is None else method(*arguments, **named)


def _takes(method: Any, count: int) -> bool:
    try:
        inspect.signature(method).bind(*[None] * count)
    except TypeError:
        return False
    return True
