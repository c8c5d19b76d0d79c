"""`MaskDetailerPipe`: samples the masked part of a picture again, larger, and pastes it back."""

from typing import Any

from . import engine, host

# Schedules of NVIDIA's "Align Your Steps", which the original offers beside ComfyUI's own.
_AYS_SCHEDULERS = ["AYS SDXL", "AYS SD1", "AYS SVD"]


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
                "scheduler": (host.scheduler_names() + _AYS_SCHEDULERS,),
                "denoise": ("FLOAT", {"default": 0.5, "min": 0.0001, "max": 1.0, "step": 0.01}),
                "feather": ("INT", {"default": 5, "min": 0, "max": 100, "step": 1}),
                "crop_factor": ("FLOAT", {"default": 3.0, "min": 1.0, "max": 10, "step": 0.1}),
                "drop_size": ("INT", {"min": 1, "max": max_resolution, "step": 1, "default": 10}),
                "refiner_ratio": ("FLOAT", {"default": 0.2, "min": 0.0, "max": 1.0}),
                "batch_size": ("INT", {"default": 1, "min": 1, "max": 100}),
                "cycle": ("INT", {"default": 1, "min": 1, "max": 10, "step": 1}),
            },
            "optional": {
                "refiner_basic_pipe_opt": ("BASIC_PIPE",),
                "detailer_hook": ("DETAILER_HOOK",),
                "inpaint_model": ("BOOLEAN", {"default": False, "label_on": "enabled", "label_off": "disabled"}),
                "noise_mask_feather": ("INT", {"default": 20, "min": 0, "max": 100, "step": 1}),
            },
        }

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
        return engine.run(
            "MaskDetailerPipe",
            image=image,
            mask=mask,
            basic_pipe=basic_pipe,
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
            refiner_ratio=refiner_ratio,
            batch_size=batch_size,
            cycle=cycle,
            refiner_basic_pipe_opt=refiner_basic_pipe_opt,
            detailer_hook=detailer_hook,
            inpaint_model=inpaint_model,
            noise_mask_feather=noise_mask_feather,
        )
