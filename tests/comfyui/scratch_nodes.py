"""Nodes for the tests: a Stable Diffusion 1.5 small enough for milliseconds, arrays in and out, hooks that act."""

from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import folder_paths
import numpy as np
import torch
from nodes import interrupt_processing

UNET = {
    **{"image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 32, "context_dim": 32},
    **{"num_res_blocks": [1, 1], "channel_mult": [1, 2], "transformer_depth": [1, 1], "transformer_depth_middle": 1},
    **{"transformer_depth_output": [1, 1, 1, 1], "use_spatial_transformer": True, "use_linear_in_transformer": False},
    **{"adm_in_channels": None, "use_temporal_attention": False, "legacy": False},
}


class _Vae:
    """Means of 8 x 8 pixels, and back."""

    def encode(self, pixels):
        height, width = pixels.shape[1] // 8 * 8, pixels.shape[2] // 8 * 8
        top, left = pixels.shape[1] % 8 // 2, pixels.shape[2] % 8 // 2
        planes = pixels[:, top : top + height, left : left + width, :3].movedim(-1, 1)
        means = torch.nn.functional.avg_pool2d(planes, 8) * 2 - 1
        return torch.cat([means, means.mean(1, keepdim=True)], 1)

    def decode(self, samples):
        planes = (samples[:, :3] / 8 + 0.5).clamp(0, 1)
        return planes.repeat_interleave(8, 2).repeat_interleave(8, 3).movedim(1, -1)


class AnyType(str):
    """A type that fits every other."""

    __slots__ = ()

    def __ne__(self, other):
        return False


ANYTHING = AnyType("*")


class _Node:
    """A node with pairs of its inputs' names and types in INPUTS; what it does is in ``run``."""

    FUNCTION = "run"
    CATEGORY = "test"
    INPUTS = ()

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": dict(cls.INPUTS)}


class TinyModel(_Node):
    RETURN_TYPES = ("MODEL", "CLIP", "VAE", "CONDITIONING", "CONDITIONING")
    INPUTS = (("seed", ("INT", {"default": 1})),)

    def run(self, seed):
        device = comfy.model_management.get_torch_device()
        with torch.inference_mode(False):
            model = comfy.supported_models.SD15(UNET).get_model({}, device=device)
            generator = torch.Generator().manual_seed(seed)
            for weight in model.diffusion_model.parameters():
                weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
        patcher = comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=torch.device("cpu"))
        prompts = [[[torch.randn(1, 77, 32, generator=generator), {}]] for _ in range(2)]
        return (patcher, "clip", _Vae(), *prompts)


class Array(_Node):
    """An array of a file as IMAGE, MASK or whatever."""

    RETURN_TYPES = (ANYTHING,)
    INPUTS = (("file", ("STRING", {})),)

    def run(self, file):
        return (torch.from_numpy(np.load(file)),)


class Keep(_Node):
    """Writes what arrives as NAME_0.npy, NAME_1.npy, ... into the output folder."""

    RETURN_TYPES = ()
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    INPUTS = (("value", (ANYTHING,)), ("name", ("STRING", {})))

    def run(self, value, name):
        for i, tensor in enumerate(value):
            np.save(Path(folder_paths.get_output_directory()) / f"{name[0]}_{i}.npy", tensor.cpu().numpy())
        return {"ui": {}}


class Hook(_Node):
    """A hook that presses the interrupt button once the latent is there."""

    RETURN_TYPES = ("DETAILER_HOOK",)

    def run(self):
        return (self,)

    def post_encode(self, latent):
        interrupt_processing()
        return latent


class LinearSchedule(_Node):
    """A SCHEDULER_FUNC."""

    RETURN_TYPES = ("SCHEDULER_FUNC",)

    def run(self):
        return (lambda model, sampler_name, steps: torch.linspace(1, 0, steps + 1),)


NODE_CLASS_MAPPINGS = {f"Test{node.__name__}": node for node in (TinyModel, Array, Keep, Hook, LinearSchedule)}
