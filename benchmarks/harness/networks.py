"""Networks for the benchmarks: random weights, our runtime, and the same network in plain eager torch as a peer."""

import contextlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional

_KEYS = Path(__file__).parents[2] / "tests" / "data" / "networks" / "keys"

# Eager networks and their weights are big beside ours: this many threads of torch's are what a case pins anyway.


def shapes(keys: str) -> dict[str, list[int]]:
    """Returns a public checkpoint's tensors by name, from its table in tests/data/networks/keys."""
    rows = (line.split("\t") for line in (_KEYS / keys).read_text().splitlines() if line and not line.startswith("#"))
    return {name: [int(size) for size in shape.strip("[]").split(",") if size.strip()] for name, shape, _ in rows}


def weights(keys: str) -> dict[str, Tensor]:
    """Draws weights that keep a signal's size from layer to layer, the same ones each time."""
    generator = torch.Generator().manual_seed(0)
    return {name: _drawn(name, shape, generator) for name, shape in shapes(keys).items()}


def _drawn(name: str, shape: list[int], generator: torch.Generator) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith("relative_position_index"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith("running_var"):
        return torch.rand(shape, generator=generator) * 0.5 + 0.75
    if "table" in name or "rel_pos" in name or "position_embeddings" in name:
        return torch.randn(shape, generator=generator) * 0.02
    if len(shape) >= 2:
        return torch.randn(shape, generator=generator) / math.sqrt(math.prod(shape[1:]))
    if name.endswith("weight"):
        return torch.rand(shape, generator=generator) * 0.4 + 0.8
    return torch.randn(shape, generator=generator) * 0.05


def file(keys: str) -> Path:
    """Writes the weights to a file, once a machine, and returns it."""
    from safetensors.torch import save_file

    path = (
        Path(tempfile.gettempdir())
        / f"mattecore-benchmarks-{os.getuid()}"
        / Path(keys).with_suffix(".safetensors").name
    )
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        save_file(weights(keys), part)
        part.rename(path)
    return path


def eager(keys: str) -> nn.Module:
    """Returns the network in eager torch, in fp32, with these weights; call it within plain_operators."""
    from mattecore.networks import build, load_weights

    drawn = weights(keys)
    module = build({name: tensor.shape for name, tensor in drawn.items()}).module
    load_weights(module, drawn)
    return module


@contextlib.contextmanager
def plain_operators() -> Iterator[None]:
    """Puts torch's own operators in the place of ours in the networks' definitions."""
    from mattecore.networks import birefnet, isnet

    with contextlib.ExitStack() as stack:
        for module, plain in ((isnet, _PLAIN), (birefnet, _PLAIN)):
            for name, function in plain.items():
                if hasattr(module, name):
                    stack.enter_context(mock.patch.object(module, name, function))
        yield


def _half(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def _stretch(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=align_corners)


_PLAIN: Mapping[str, object] = {"half": _half, "stretch": _stretch}
