"""Measures how far the arithmetic of auto moves a network's result from exact, at full size, and prints a table.

The weights are drawn by the formula of tests/data/networks, the pictures are photographs. Figures are in units of 1/255
and of what becomes alpha, before its range is stretched; a pixel of RMBG flips where the mask, stretched to 0..1 as the
nodes do, is above a half in one and not in the other. The exit status is 1 where auto breaks its promise.
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mattecore import _native, preprocess
from mattecore.networks import build
from mattecore.networks.loading import PREPARATIONS, archive

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
NETWORKS = ("rmbg", "general", "legacy", "lite", "vitmatte_small", "vitmatte_base")
SIDE = 1024
# What auto promises (cpp/mattecore/network/precision.h), and of RMBG's binary mask.
MEAN, MOST, FLIPPED = 1.0, 4.0, 0.005


def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drawn_weights", DATA / "networks" / "drawn_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weights(name: str) -> dict[str, Tensor]:
    keys = json.loads((DATA / "networks" / f"{name}.json").read_text())["keys"]
    drawn = drawing().drawn_weights(DATA / "networks" / "keys" / keys)
    return {key: torch.from_numpy(value) for key, value in drawn.items()}


def pictures() -> dict[str, Tensor]:
    """uint8 [SIDE,SIDE,3]: a photograph whole, its middle enlarged, and a portrait of few pixels, enlarged."""
    coffee = torch.from_numpy(np.array(Image.open(ROOT / "docs" / "pictures" / "coffee.jpg").convert("RGB")))
    with np.load(DATA / "golden" / "easy_preprocess__astro.npz") as stored:
        portrait = torch.from_numpy(stored["in_u8"])
    shown = {"coffee": coffee, "its middle": coffee[100:300, 200:400], "portrait": portrait}
    return {name: preprocess.resize(picture, SIDE, SIDE, "lanczos") for name, picture in shown.items()}


def prepared(family: str, picture: Tensor) -> Tensor:
    """The picture as the family's networks take it; VITMatte's trimap knows what is dark and what is bright."""
    preparation = PREPARATIONS[family]
    colours = picture.float() / 255
    image = (colours - torch.tensor(preparation.mean)) / torch.tensor(preparation.std)
    if family == "vitmatte":
        brightness = colours.mean(-1, keepdim=True)
        trimap = torch.where(brightness > 0.6, 1.0, torch.where(brightness < 0.3, 0.0, 0.5))
        image = torch.cat((image, trimap), -1)
    return image.permute(2, 0, 1)[None].contiguous()


def results(name: str, precision: str, shown: dict[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """What becomes alpha, and by which arithmetic."""
    drawn = weights(name)
    network = build({key: tensor.shape for key, tensor in drawn.items()}, device="meta")
    native = _native.load().load_network(archive(network), drawn, torch.device("cpu"), precision)
    alphas = {}
    for title, picture in shown.items():
        alpha = native.forward(prepared(network.family, picture), None)[0, 0]
        alphas[title] = alpha.sigmoid() if network.family == "birefnet" else alpha
    return native.arithmetic, alphas


def stretched(alpha: Tensor) -> Tensor:
    return (alpha - alpha.min()) / (alpha.max() - alpha.min())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=NETWORKS, nargs="+", default=NETWORKS, help="these networks")
    parser.add_argument("--precision", default="auto", help="measured against exact: auto or bf16")
    arguments = parser.parse_args()
    shown, kept = pictures(), True
    print("| network | arithmetic | picture | mean | 99 % of the pixels | flipped |")
    print("|---|---|---|---:|---:|---:|")
    for name in arguments.only:
        arithmetic, seen = results(name, arguments.precision, shown)
        _, exact = results(name, "exact", shown)
        for title in shown:
            apart = 255 * (seen[title] - exact[title]).abs()
            mean, most = apart.mean().item(), apart.flatten().kthvalue(round(0.99 * apart.numel())).values.item()
            flipped = ((stretched(seen[title]) > 0.5) != (stretched(exact[title]) > 0.5)).float().mean().item()
            kept &= mean <= MEAN and most <= MOST and (name != "rmbg" or flipped <= FLIPPED)
            print(
                f"| {name} | {arithmetic} | {title} | {mean:.3f} | {most:.2f} |"
                + (f" {flipped:.3%} |" if name == "rmbg" else " |"),
                flush=True,
            )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
