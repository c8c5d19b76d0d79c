"""Whole nodes: what they take beside their network, and their second run beside a Python node that reads its weights
each time, as the originals do.

The weights are drawn at full size. The Python node reads the same file, builds the same module and runs it in float32,
eagerly, with torch's own operators and without autograd, on the same two cores; its pixel work is torch's own.

A node's time beside its network is the pipeline with a network that answers at once; 20 times that must not exceed the
whole, which is 5 %.
"""

from collections.abc import Iterator
from typing import Any

import torch
from harness import networks, pictures
from harness.case import Call, Case

_RMBG, _BIREFNET = "rmbg-1.4_model.pth.txt", "birefnet_legacy_ep480.pth.txt"
_ONE_MEGAPIXEL = (1024, 1024)


def _picture(height: int, width: int) -> torch.Tensor:
    return pictures.draw(height, width).picture.reshape(1, height, width, 3)


def _node(keys: str, recipe: Any) -> Call:
    """What a node does in its second run, ComfyUI's own business aside."""
    from mattecore import pipeline
    from mattecore.networks import loading

    file, picture = networks.file(keys), _picture(*_ONE_MEGAPIXEL)
    return lambda: pipeline.cut_out(picture, loading.load(file), recipe)


def _reloading_node(keys: str) -> Call:
    file, picture = networks.file(keys), _picture(*_ONE_MEGAPIXEL)

    def call() -> tuple[torch.Tensor, torch.Tensor]:
        from safetensors.torch import load_file

        network = networks.eager(load_file(file))
        with networks.plain_operators(), torch.no_grad():
            small = torch.nn.functional.interpolate(picture.permute(0, 3, 1, 2), (1024, 1024), mode="bilinear")
            mask = network(small - 0.5)
        mask = torch.nn.functional.interpolate(mask, picture.shape[1:3], mode="bilinear")[:, 0]
        mask = (mask - mask.min()) / (mask.max() - mask.min())
        return torch.cat([picture, mask[..., None]], 3), mask

    return call


def _instant(preparation: Any, answer: torch.Tensor) -> Any:
    """Returns a network that gives this map at once."""
    from mattecore import _native

    class Instant(_native.load().Network):  # type: ignore[misc]
        def forward(self, image: torch.Tensor, progress: Any) -> torch.Tensor:
            return answer

    return Instant(preparation)


def _beside_its_network(keys: str, recipe: Any) -> Call:
    """The pipeline around a network that gives the map it gave before."""
    from mattecore import pipeline
    from mattecore.networks import loading

    real = loading.load(networks.file(keys))
    height, width = real.preparation.height, real.preparation.width
    network = _instant(real.preparation, real.forward(torch.zeros(1, 3, height, width), None))
    picture = _picture(*_ONE_MEGAPIXEL)
    return lambda: pipeline.cut_out(picture, network, recipe)


def _video(frames: int) -> Call:
    """A batch of small frames through an instant network: memory is the pipeline's own."""
    from mattecore import _native, pipeline

    preparation = _native.load().Preparation("isnet", [0.5] * 3, [1.0] * 3, 1024, 1024, 1)
    network = _instant(preparation, torch.linspace(0, 1, 1024 * 1024).reshape(1, 1, 1024, 1024))
    batch = _picture(512, 512).repeat(frames, 1, 1, 1)
    edge = pipeline.GuidedFilterEdge(detail_range=3, black_point=0.01, white_point=0.99)
    return lambda: pipeline.cut_out(batch, network, "rmbg_ultra", edge)


def _at_one_megapixel(name: str, **rest: Any) -> Case:
    return Case(name=f"node {name}", size="{1} x {0}".format(*_ONE_MEGAPIXEL), threads=2, **rest)


def _share(name: str, keys: str, recipe: Any) -> Case:
    return _at_one_megapixel(
        f"{name}, beside its network",
        ours=lambda: _beside_its_network(keys, recipe),
        peer="5 % of the whole node",
        peer_call=lambda: _node(keys, recipe),
        peer_factor=0.05,
        bar=1.0,
    )


def _second_run(name: str, keys: str, recipe: Any, bar: float) -> Case:
    return _at_one_megapixel(
        f"{name}, second run",
        ours=lambda: _node(keys, recipe),
        peer="a Python node that reads its weights and runs eager float32",
        peer_call=lambda: _reloading_node(keys),
        bar=bar,
        at_least=2,
    )


def _cases() -> Iterator[Case]:
    yield _share("RmBgUltra V2", _RMBG, "rmbg_ultra")
    yield _share("imageRemBg", _RMBG, "image_rem_bg")
    yield _share("BiRefNetUltra", _BIREFNET, "birefnet_ultra")
    yield _second_run("imageRemBg", _RMBG, "image_rem_bg", 4.0)
    yield _second_run("BiRefNetUltra", _BIREFNET, "birefnet_ultra", 6.0)
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
