"""RMBG-1.4 (IS-Net) at its size, 1024 x 1024, beside the plain eager network of the original node and OpenVINO.

OpenVINO gets the network exported to ONNX, two threads, the latency hint, and the precision the row names.
"""

import importlib
import tempfile

import torch
from harness import networks
from harness.case import Call, Case, Maker

_KEYS = "rmbg-1.4_model.pth.txt"
_SIZE = 1024
_THREADS = 2


def _picture() -> torch.Tensor:
    return torch.rand(1, 3, _SIZE, _SIZE, generator=torch.Generator().manual_seed(1)) - 0.5


def _ours(precision: str) -> Call:
    from mattecore.networks.loading import load

    network, picture = load(networks.file(_KEYS), precision=precision), _picture()
    return lambda: network.forward(picture, None)


def _eager() -> Call:
    module, picture = networks.eager(networks.weights(_KEYS)), _picture()

    def run() -> object:
        # As the node runs it: no no_grad there, so the graph of the gradients is kept meanwhile.
        with networks.plain_operators(), torch.enable_grad():
            module.requires_grad_(True)
            return module(picture)

    return run


def _openvino(precision: str) -> Call:
    openvino = importlib.import_module("openvino")
    core = openvino.Core()
    with tempfile.TemporaryDirectory() as folder, networks.plain_operators(), torch.no_grad():
        onnx = f"{folder}/rmbg.onnx"
        torch.onnx.export(
            networks.eager(networks.weights(_KEYS)), (_picture(),), onnx, dynamo=False, input_names=["image"]
        )
        model = core.read_model(onnx)
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": _THREADS,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    picture = _picture().numpy()
    return lambda: compiled([picture])


def _case(name: str, precision: str, peer: str, peer_call: Maker, bar: float | None = None) -> Case:
    return Case(
        name=name,
        size=f"{_SIZE} x {_SIZE}",
        threads=_THREADS,
        ours=lambda: _ours(precision),
        peer=peer,
        peer_call=peer_call,
        bar=bar,
    )


def cases() -> list[Case]:
    """What the runtime chooses by itself, and exact."""
    return [
        _case("rmbg", "auto", "eager fp32, as the node runs it", _eager, bar=5.0),
        _case("rmbg openvino", "auto", "OpenVINO bf16", lambda: _openvino("bf16"), bar=1.0),
        _case("rmbg exact openvino", "exact", "OpenVINO fp32", lambda: _openvino("f32")),
    ]
