"""BiRefNet at 1024 x 1024, Swin-L and lite (Swin-T), beside the plain eager network in fp32; and its first load.

The eager network calls torchvision's deformable convolution, as the original does. Lite is shown beside a faster one
too, which samples with torch's threaded grid_sample. The load is beside what the legacy node does before its first
picture: it builds the backbone and reads its own file, builds the network and reads that.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from harness import networks, torchvision
from harness.case import Call, Case
from torch import Tensor

_GENERAL, _LITE = "birefnet_general.safetensors.txt", "birefnet_lite.safetensors.txt"
_LEGACY = "birefnet_legacy_ep480.pth.txt"
_SIZE = 1024
_THREADS = 2


def _picture() -> torch.Tensor:
    return torch.randn(1, 3, _SIZE, _SIZE, generator=torch.Generator().manual_seed(1))


def _ours(keys: str) -> Call:
    from mattecore.networks.loading import load

    network, picture = load(networks.file(keys)), _picture()
    return lambda: network.forward(picture, None)


def _eager(keys: str, **operators: Callable[..., Tensor]) -> Call:
    module, picture = networks.eager(networks.weights(keys)), _picture()

    def run() -> object:
        with networks.plain_operators(**operators), torch.no_grad():
            return module(picture)

    return run


def _our_load() -> Call:
    from mattecore import _native
    from mattecore.networks.loading import load

    file, core = networks.pickled(_LEGACY), _native.load()

    def run() -> object:
        core.drop_networks("")
        return load(file)

    return run


def _original_load() -> Call:
    backbone, file = networks.pickled(_LEGACY, "bb."), networks.pickled(_LEGACY)
    shapes = networks.shapes(_LEGACY)

    def run() -> object:
        from mattecore.networks import build, load_weights

        module = build(shapes).module
        for parameter in module.parameters():  # what constructors and timm's initialisation write
            torch.nn.init.trunc_normal_(parameter, std=0.02)
        module.get_submodule("bb").load_state_dict(torch.load(backbone, weights_only=True), strict=False)
        load_weights(module, torch.load(file, weights_only=True))
        return module

    return run


def _case(name: str, keys: str, memory_bar: float | None = None) -> Case:
    return Case(
        name=name,
        size=f"{_SIZE} x {_SIZE}",
        threads=_THREADS,
        ours=lambda: _ours(keys),
        peer="eager fp32",
        peer_call=lambda: _eager(keys, deform_conv2d=torchvision.deform_conv2d),
        bar=5.0,
        memory_bar=memory_bar,
        at_least=3,
    )


def cases() -> list[Case]:
    """Time and memory of both sizes, and the load."""
    lite = _case("birefnet lite", _LITE)
    return [
        _case("birefnet", _GENERAL, memory_bar=2.0),
        lite,
        replace(
            lite,
            name="birefnet lite, sampling",
            peer="eager fp32, grid_sample",
            peer_call=lambda: _eager(_LITE),
            bar=None,
        ),
        Case(
            name="birefnet first load",
            size="849 MB",
            threads=_THREADS,
            ours=_our_load,
            peer="build, read the backbone, read all",
            peer_call=_original_load,
            bar=3.0,
            at_least=3,
        ),
    ]
