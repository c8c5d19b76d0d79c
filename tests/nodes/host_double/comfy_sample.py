"""A double of comfy.sample: a sampler that finds a picture of one grey, the seed's, and notes what it is given."""

from types import SimpleNamespace

import torch

calls: list[SimpleNamespace] = []

# What a sampler that stops early still has on it; the detailer shows the last picture without.
LEFT_OVER = 0.25


def grey(seed):
    """The level of the picture that sampling with this seed finds: an 8-bit value, so that nothing rounds it."""
    return (seed * 37 % 251) / 255


def fix_empty_latent_channels(model, latent_image):
    return latent_image


def prepare_noise(latent_image, seed, noise_inds=None):
    return torch.randn(latent_image.shape, generator=torch.Generator().manual_seed(seed))


def sample_custom(
    model,
    noise,
    cfg,
    sampler,
    sigmas,
    positive,
    negative,
    latent_image,
    noise_mask=None,
    callback=None,
    disable_pbar=False,
    seed=None,
):
    calls.append(SimpleNamespace(**{name: value for name, value in locals().items() if name != "callback"}))
    model.events.append("sample")
    steps = len(sigmas) - 1
    found = torch.full_like(latent_image, grey(seed))
    for step in range(steps):
        callback(step, found if step == steps - 1 else latent_image, latent_image, steps)
    return found + LEFT_OVER
