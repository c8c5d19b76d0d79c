"""A double of comfy.samplers: names, and schedules that fall from 10 to 0 in equal steps."""

import torch


class KSampler:
    SAMPLERS = ("euler", "ddim", "dpm_2", "dpmpp_2m_sde")
    SCHEDULERS = ("normal", "karras")


class KSAMPLER:
    def __init__(self, sampler_function, extra_options=None, inpaint_options=None):
        self.sampler_function = sampler_function


def sampler_object(name):
    return name


def calculate_sigmas(model_sampling, scheduler_name, steps):
    return torch.linspace(10, 0, steps + 1)
