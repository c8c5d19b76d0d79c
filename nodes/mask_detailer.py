"""`MaskDetailerPipe`: samples the masked part of a picture again, larger, and pastes it back."""

from collections.abc import Mapping
from typing import Any

from . import basic_pipe as pipes
from . import host, schedulers

# Inputs of later versions of the original. Workflows saved with one of those carry them.
_LATER_INPUTS = {
    "bbox_fill": ("BOOLEAN", {"default": False, "label_on": "enabled", "label_off": "disabled"}),
    "contour_fill": ("BOOLEAN", {"default": True, "label_on": "enabled", "label_off": "disabled"}),
    "scheduler_func_opt": ("SCHEDULER_FUNC",),
}


class _WithLaterInputs(dict[str, Any]):
    """Inputs that know later ones when asked by name, and show none of them.

    ComfyUI drops constants for inputs that it does not find here, and shows the user what it finds by going through.
    """

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in _LATER_INPUTS

    def __missing__(self, name: str) -> Any:
        return _LATER_INPUTS[name]


class MaskDetailerPipe:
    """`MaskDetailerPipe`, with the original's inputs to the last key."""

    RETURN_TYPES = ("IMAGE", "IMAGE", "IMAGE", "BASIC_PIPE", "BASIC_PIPE")
    RETURN_NAMES = ("image", "cropped_refined", "cropped_enhanced_alpha", "basic_pipe", "refiner_basic_pipe_opt")
    OUTPUT_IS_LIST = (False, True, True, False, False)
    FUNCTION = "doit"
    CATEGORY = "ImpactPack/Detailer"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        max_resolution = host.max_resolution()
        return {
            "required": {
                "image": ("IMAGE",),
                "mask": ("MASK",),
                "basic_pipe": ("BASIC_PIPE",),
                "guide_size": ("FLOAT", {"default": 384, "min": 64, "max": max_resolution, "step": 8}),
                "guide_size_for": ("BOOLEAN", {"default": True, "label_on": "mask bbox", "label_off": "crop region"}),
                "max_size": ("FLOAT", {"default": 1024, "min": 64, "max": max_resolution, "step": 8}),
                "mask_mode": ("BOOLEAN", {"default": True, "label_on": "masked only", "label_off": "whole"}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF}),
                "steps": ("INT", {"default": 20, "min": 1, "max": 10000}),
                "cfg": ("FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}),
                "sampler_name": (host.sampler_names(),),
                "scheduler": (host.scheduler_names() + schedulers.AYS,),
                "denoise": ("FLOAT", {"default": 0.5, "min": 0.0001, "max": 1.0, "step": 0.01}),
                "feather": ("INT", {"default": 5, "min": 0, "max": 100, "step": 1}),
                "crop_factor": ("FLOAT", {"default": 3.0, "min": 1.0, "max": 10, "step": 0.1}),
                "drop_size": ("INT", {"min": 1, "max": max_resolution, "step": 1, "default": 10}),
                "refiner_ratio": ("FLOAT", {"default": 0.2, "min": 0.0, "max": 1.0}),
                "batch_size": ("INT", {"default": 1, "min": 1, "max": 100}),
                "cycle": ("INT", {"default": 1, "min": 1, "max": 10, "step": 1}),
            },
            "optional": _WithLaterInputs(
                {
                    "refiner_basic_pipe_opt": ("BASIC_PIPE",),
                    "detailer_hook": ("DETAILER_HOOK",),
                    "inpaint_model": ("BOOLEAN", {"default": False, "label_on": "enabled", "label_off": "disabled"}),
                    "noise_mask_feather": ("INT", {"default": 20, "min": 0, "max": 100, "step": 1}),
                }
            ),
        }

    @classmethod
    def VALIDATE_INPUTS(cls, scheduler: Any) -> bool | str:
        # Having this, ComfyUI leaves the list of schedulers to us; None: it comes through a wire.
        return scheduler is None or schedulers.refusal(scheduler) or True

    def doit(
        self,
        image: Any,
        mask: Any,
        basic_pipe: Any,
        guide_size: float,
        guide_size_for: bool,
        max_size: float,
        mask_mode: bool,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        feather: int,
        crop_factor: float,
        drop_size: int,
        refiner_ratio: float,
        batch_size: int,
        cycle: int = 1,
        refiner_basic_pipe_opt: Any = None,
        detailer_hook: Any = None,
        inpaint_model: bool = False,
        noise_mask_feather: int = 0,
        **kwargs: Any,
    ) -> Any:
        # Now and not above: the node shows itself without torch too, and says what is missing.
        from . import detailer
        from .detailer_hook import Hook
        from .detailer_sampling import Refiner

        options = detailer.Options(
            guide_size=guide_size,
            guide_size_for=guide_size_for,
            max_size=max_size,
            mask_mode=mask_mode,
            seed=seed,
            steps=steps,
            cfg=cfg,
            sampler_name=sampler_name,
            scheduler=scheduler,
            denoise=denoise,
            feather=feather,
            crop_factor=crop_factor,
            drop_size=drop_size,
            batch_size=batch_size,
            cycle=cycle,
            inpaint_model=inpaint_model,
            noise_mask_feather=noise_mask_feather,
            **_later_options(kwargs),
        )
        pipe = pipes.unpack(basic_pipe, "basic_pipe")
        refiner = None
        if refiner_basic_pipe_opt is not None:
            refiner = Refiner(pipes.unpack(refiner_basic_pipe_opt, "refiner_basic_pipe_opt"), refiner_ratio)
        detailer.check_image(image)
        masks = None if mask is None else detailer.masks_of(mask)
        hook = Hook(detailer_hook)
        result = detailer.detail(image, self._pairs(image, masks), pipe, refiner, hook, options).filled()
        return result.images.to(image.device), result.refined, result.alphas, basic_pipe, refiner_basic_pipe_opt

    def _pairs(self, image: Any, masks: Any) -> list[Any]:
        """Returns each image's masks: here the one's, all of them."""
        if len(image) > 1:
            raise ValueError(
                f"MaskDetailerPipe works on one image, and this batch holds {len(image)}; use "
                "MattecoreMaskDetailerBatch, which pairs each image with its mask"
            )
        return [masks]


class MaskDetailerBatch(MaskDetailerPipe):
    """`MattecoreMaskDetailerBatch`: the same on a batch, image i with mask i, or one mask for all images.

    Each image comes out as it would alone, with the same seed; ``batch_size`` variants of one image follow each other.
    """

    CATEGORY = "mattecore"

    def _pairs(self, image: Any, masks: Any) -> list[Any]:
        if masks is None or len(masks) == 1:
            return [masks] * len(image)
        if len(masks) != len(image):
            raise ValueError(f"there are {len(image)} images and {len(masks)} masks; wanted one mask for each, or one")
        return [masks[i : i + 1] for i in range(len(masks))]


def _later_options(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what later versions' inputs ask for; refuses, by name, what is wired to inputs that nobody knows."""
    unknown = [name for name, value in inputs.items() if name not in _LATER_INPUTS and value is not None]
    if unknown:
        raise ValueError(f"MaskDetailerPipe has no input called {' or '.join(unknown)}; take the wire off")
    contour_fill = inputs.get("contour_fill")
    fill = "box" if inputs.get("bbox_fill") else "soft" if contour_fill is not None and not contour_fill else "contour"
    return {"fill": fill, "scheduler_function": inputs.get("scheduler_func_opt")}
