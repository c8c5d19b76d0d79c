"""VITMatte small at 1, 2 and 16 megapixels, beside transformers' own in eager fp32.

At 4096 x 4096 the peer would ask for 103 GB at once, so its 2 megapixels stand there and only our memory is judged.
"""

import importlib

import torch
from harness import networks
from harness.case import Call, Case

_KEYS = "vitmatte_small.safetensors.txt"
_THREADS = 2


def _picture(height: int, width: int) -> torch.Tensor:
    return torch.randn(1, 4, height, width, generator=torch.Generator().manual_seed(1))


def _ours(height: int, width: int) -> Call:
    from mattecore.networks.loading import load

    network, picture = load(networks.file(_KEYS)), _picture(height, width)
    return lambda: network.forward(picture, None)


def _transformers(height: int, width: int) -> Call:
    transformers = importlib.import_module("transformers")
    config = transformers.VitMatteConfig.from_json_file(networks.DATA / "vitmatte_small.config.json")
    model = transformers.VitMatteForImageMatting(config).eval()
    model.load_state_dict(networks.weights(_KEYS), strict=False)
    picture = _picture(height, width)

    def run() -> object:
        with torch.no_grad():
            return model(pixel_values=picture).alphas

    return run


def _case(height: int, width: int) -> Case:
    return Case(
        name="vitmatte small",
        size=f"{width} x {height}",
        threads=_THREADS,
        ours=lambda: _ours(height, width),
        peer="transformers eager fp32",
        peer_call=lambda: _transformers(height, width),
        bar=5.0,
        memory_bar=8.0 if height * width > 1 << 20 else None,
        at_least=3,
    )


def cases() -> list[Case]:
    """1 and 2 megapixels, and what the original cannot."""
    return [
        _case(1024, 1024),
        _case(1216, 1728),
        Case(
            name="vitmatte small in 6 GiB",
            size="4096 x 4096",
            threads=_THREADS,
            ours=lambda: _ours(4096, 4096),
            peer="transformers at 1728 x 1216",
            peer_call=lambda: _transformers(1216, 1728),
            allowed_mib=6144.0,
            allowed="6 GiB",
            at_least=1,
        ),
    ]
