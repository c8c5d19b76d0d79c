"""A double of ComfyUI's nodes: those that the detailer calls, of the old schema and of the new."""

from types import SimpleNamespace

import torch

MAX_RESOLUTION = 8192


class Model:
    """A MODEL; ``events`` tells what was done with it and what was made of it."""

    def __init__(self, name="model", events=None, model_options=None):
        self.name = name
        self.events = [] if events is None else events
        self.model_options = model_options or {}
        self.model = SimpleNamespace(process_latent_out=lambda latent: latent)

    def get_model_object(self, name):
        assert name == "model_sampling"


class Vae:
    """A VAE that is a mean over 8 x 8 pixels, and back."""

    def __init__(self, fails_with=None):
        self.fails_with = fails_with
        self.encoded = []
        self.tiled = 0

    def encode(self, pixels):
        self.encoded.append(pixels)
        height, width = pixels.shape[1] // 8 * 8, pixels.shape[2] // 8 * 8
        planes = pixels[:, :height, :width].movedim(-1, 1)
        means = torch.nn.functional.avg_pool2d(planes, 8)
        return torch.cat([means, means[:, :1]], 1)

    def decode(self, samples):
        if self.fails_with:
            raise self.fails_with
        return samples[:, :3].repeat_interleave(8, 2).repeat_interleave(8, 3).movedim(1, -1)

    def decode_tiled(self, samples, tile_x, tile_y):
        assert (tile_x, tile_y) == (64, 64)
        self.tiled += 1
        self.fails_with = None
        return self.decode(samples)


class VAEEncode:
    FUNCTION = "encode"

    def encode(self, vae, pixels):
        return ({"samples": vae.encode(pixels)},)


class InpaintModelConditioning:
    FUNCTION = "encode"

    def encode(self, positive, negative, pixels, vae, mask, noise_mask=True):
        assert noise_mask
        marked = [[[c, {**extra, "concat_mask": mask}] for c, extra in prompts] for prompts in (positive, negative)]
        return (*marked, {"samples": vae.encode(pixels), "noise_mask": mask})


class LatentCompositeMasked:
    FUNCTION = "composite"

    def composite(self, destination, source, x, y, resize_source, mask=None):
        assert (x, y, resize_source) == (0, 0, False)
        return ({**destination, "samples": source["samples"], "composited": True},)


class DifferentialDiffusion:
    """Of the newer schema: a classmethod under another name, and a result to be unwrapped."""

    FUNCTION = "EXECUTE_NORMALIZED"

    @classmethod
    def EXECUTE_NORMALIZED(cls, model, strength=1.0):  # noqa: N802
        return SimpleNamespace(result=(Model("differential", model.events, {"denoise_mask_function": cls}),))


def schedule(name, *inputs):
    """A scheduler node that writes its inputs into the noise levels."""

    def get_sigmas(self, **given):
        assert tuple(given) == inputs, given
        levels = torch.linspace(5, 0, given["steps"] + 1)
        levels[0] = float(given.get("coeff", 0)) + 100 + len(str(given.get("model_type", "")))
        return (levels,)

    return type(name, (), {"FUNCTION": "get_sigmas", "get_sigmas": get_sigmas})


class FluxGuidance:
    FUNCTION = "append"

    def append(self, conditioning, guidance):
        return ([[c, {**extra, "guidance": guidance}] for c, extra in conditioning],)


class BasicGuider:
    FUNCTION = "get_guider"

    def get_guider(self, model, conditioning):
        def sample(noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed):
            model.events.append(("guided", conditioning[0][1]["guidance"]))
            callback(0, latent_image, latent_image, 1)
            return latent_image

        return (SimpleNamespace(sample=sample),)


NODE_CLASS_MAPPINGS = {
    node.__name__: node
    for node in (
        VAEEncode,
        InpaintModelConditioning,
        LatentCompositeMasked,
        DifferentialDiffusion,
        FluxGuidance,
        BasicGuider,
        schedule("AlignYourStepsScheduler", "model_type", "steps", "denoise"),
        schedule("GITSScheduler", "coeff", "steps", "denoise"),
        schedule("LTXVScheduler", "steps", "max_shift", "base_shift", "stretch", "terminal"),
    )
}
