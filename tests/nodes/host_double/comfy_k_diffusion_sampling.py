"""A double of comfy.k_diffusion.sampling: one sampler that returns the noise path it is given."""

from types import SimpleNamespace


def BrownianTreeNoiseSampler(x, sigma_min, sigma_max, seed=None, cpu=False):  # noqa: N802
    return SimpleNamespace(sigma_min=float(sigma_min), sigma_max=float(sigma_max), seed=seed, cpu=cpu)


def sample_dpmpp_2m_sde(model, x, sigmas, noise_sampler=None, **options):
    return noise_sampler
