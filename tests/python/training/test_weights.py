"""The weights that come with the package: small, and better than chance on scenes that no training has seen."""

import numpy as np
import torch
import train
from generator import bank, scene

from mattecore.networks.loading import load
from mattecore.weights.builtin import builtin


def test_they_are_small() -> None:
    assert builtin().stat().st_size <= 8 << 20


def test_they_cut_out_drawn_subjects() -> None:
    network = load(builtin())
    drawn = bank.drawn(77, 16, 8)  # neither the training's seed nor the validation's
    overlaps, errors = [], []
    for index in range(12):
        image, alpha = scene.draw(drawn, 77, index, network.preparation.height)
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
        found, true = network.forward(train.normalised(pixels), None)[0, 0].numpy(), alpha / 255
        overlaps.append(((found > 0.5) & (true > 0.5)).sum() / ((found > 0.5) | (true > 0.5)).sum())
        errors.append(np.abs(found - true).mean())
    assert np.mean(overlaps) > 0.6
    assert np.mean(errors) < 0.12
