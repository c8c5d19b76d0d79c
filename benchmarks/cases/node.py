"""Whole nodes: what they take beside their network, and their second run beside a Python node that reads its weights
each time, as the originals do.

The weights are drawn from a formula at full size. The Python node reads the same file with torch.load, builds the same
module and runs it in float32, eagerly and without autograd, on the same two cores; its pixel work is torch's own.

A node's time beside its network is the pipeline with a network that answers at once; 20 times that must not exceed the
whole, which is 5 %.
"""

import importlib.util
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from harness import pictures
from harness.case import Call, Case

_NETWORKS = Path(__file__).parents[2] / "tests" / "data" / "networks"
_ONE_MEGAPIXEL = (1024, 1024)
_FOLDER = tempfile.TemporaryDirectory(prefix="mattecore-bench-")


def _drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drawn_weights", _NETWORKS / "drawn_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _weights_file(keys: str) -> Path:
    drawn = _drawing().drawn_weights(_NETWORKS / "keys" / f"{keys}.txt")
    path = Path(_FOLDER.name) / f"{keys}.pth"
    torch.save({name: torch.from_numpy(value) for name, value in drawn.items()}, path)
    return path


def _picture(height: int, width: int) -> torch.Tensor:
    return pictures.draw(height, width).picture.reshape(1, height, width, 3)


def _node(keys: str, recipe: Any) -> Call:
    """What a node does in its second run, ComfyUI's own business aside."""
    from mattecore import pipeline
    from mattecore.networks import loading

    path, picture = _weights_file(keys), _picture(*_ONE_MEGAPIXEL)
    return lambda: pipeline.cut_out(picture, loading.load(path), recipe)


def _reloading_node(keys: str) -> Call:
    from mattecore.networks import build, load_weights

    path, picture = _weights_file(keys), _picture(*_ONE_MEGAPIXEL)

    def call() -> tuple[torch.Tensor, torch.Tensor]:
        weights = torch.load(path, weights_only=True)
        network = build({name: tensor.shape for name, tensor in weights.items()})
        load_weights(network.module, weights)
        with torch.no_grad():
            small = torch.nn.functional.interpolate(picture.permute(0, 3, 1, 2), (1024, 1024), mode="bilinear")
            mask = network.module(small - 0.5)
            mask = torch.nn.functional.interpolate(mask, picture.shape[1:3], mode="bilinear")[:, 0]
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            return torch.cat([picture, mask[..., None]], 3), mask

    return call


def _beside_its_network(keys: str, recipe: Any) -> Call:
    """The pipeline around a network that gives the map it gave before."""
    from mattecore import _native, pipeline
    from mattecore.networks import loading

    core = _native.load()
    picture = _picture(*_ONE_MEGAPIXEL)
    real = loading.load(_weights_file(keys))
    height, width = real.preparation.height, real.preparation.width
    answer = real.forward(torch.zeros(1, 3, height, width), None)

    class Instant(core.Network):  # type: ignore[misc, name-defined]
        def forward(self, image: torch.Tensor, progress: Any) -> torch.Tensor:
            return answer

    network = Instant(real.preparation)
    return lambda: pipeline.cut_out(picture, network, recipe)


def _video(frames: int) -> Call:
    """A batch of small frames through an instant network: memory is the pipeline's own."""
    from mattecore import _native, pipeline

    core = _native.load()
    answer = torch.linspace(0, 1, 1024 * 1024).reshape(1, 1, 1024, 1024)

    class Instant(core.Network):  # type: ignore[misc, name-defined]
        def forward(self, image: torch.Tensor, progress: Any) -> torch.Tensor:
            return answer

    network = Instant(core.Preparation("isnet", [0.5] * 3, [1.0] * 3, 1024, 1024, 1))
    batch = _picture(512, 512).repeat(frames, 1, 1, 1)
    edge = pipeline.GuidedFilterEdge(detail_range=3, black_point=0.01, white_point=0.99)
    return lambda: pipeline.cut_out(batch, network, "rmbg_ultra", edge)


def _second_run(name: str, keys: str, recipe: Any, bar: float) -> Case:
    return Case(
        name=f"node {name}, second run",
        size="{1} x {0}".format(*_ONE_MEGAPIXEL),
        threads=2,
        ours=lambda: _node(keys, recipe),
        peer="a Python node that reads its weights and runs eager float32",
        peer_call=lambda: _reloading_node(keys),
        bar=bar,
        at_least=2,
    )


def _share(name: str, keys: str, recipe: Any) -> Case:
    return Case(
        name=f"node {name}, beside its network",
        size="{1} x {0}".format(*_ONE_MEGAPIXEL),
        threads=2,
        ours=lambda: _beside_its_network(keys, recipe),
        peer="5 % of the whole node",
        peer_call=lambda: _node(keys, recipe),
        peer_factor=0.05,
        bar=1.0,
    )


def _cases() -> Iterator[Case]:
    rmbg, birefnet = "rmbg-1.4_model.pth", "birefnet_legacy_ep480.pth"
    yield _share("RmBgUltra V2", rmbg, "rmbg_ultra")
    yield _share("imageRemBg", rmbg, "image_rem_bg")
    yield _share("BiRefNetUltra", birefnet, "birefnet_ultra")
    yield _second_run("imageRemBg", rmbg, "image_rem_bg", 4.0)
    yield _second_run("BiRefNetUltra", birefnet, "birefnet_ultra", 6.0)
    # The result, five float32 values a pixel, and 64 MiB for the work on one frame.
    frames = 100
    yield Case(
        name="node video",
        size=f"{frames} x 512 x 512",
        threads=2,
        ours=lambda: _video(frames),
        peer="ours on 10 frames, ten times",
        peer_call=lambda: _video(10),
        peer_factor=10.0,
        memory_bar=1.0,
        allowed_mib=frames * 512 * 512 * 5 * 4 / 2**20 + 64,
        allowed="the result and 64 MiB",
    )


def cases() -> list[Case]:
    """The bars of the four cut-out nodes."""
    return list(_cases())
