"""From a file of weights to a network that runs: read, recognised, scripted, lowered by the core, and kept.

network = load(Path("models/rmbg/model.safetensors"))
alpha = network.forward(image, None)
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mattecore import _native
from mattecore.atomic import replacing
from mattecore.networks import Network, StateDictError, build, canonical_names, graphs, load_weights
from mattecore.networks.state_dict import Shapes
from mattecore.weights.error import WeightsError
from mattecore.weights.lookup import lookup
from mattecore.weights.reader import read

if TYPE_CHECKING:
    from mattecore import _core

Colours = tuple[float, float, float]


@dataclass(frozen=True)
class Preparation:
    """How pictures 0..1 go into a network: minus mean, by std, resized to (height, width) or, None, as they are."""

    mean: Colours
    std: Colours
    size: tuple[int, int] | None


# What a family's published weights were made for.
PREPARATIONS = {
    "isnet": Preparation(mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0), size=(1024, 1024)),
    "birefnet": Preparation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), size=(1024, 1024)),
    "vitmatte": Preparation(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), size=None),
    "box": Preparation(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), size=(192, 192)),
}


def load(
    file: Path,
    device: torch.device | str = "cpu",
    precision: str = "",
    preparation: Preparation | None = None,
) -> "_core.Network":
    """Return the network whose weights file holds, from this process's cache where it is loaded already.

    precision is auto, exact, bf16 or fp16; "" takes MATTECORE_PRECISION. preparation is what the manifest says of the
    file where none is given, else that of the family. Raises WeightsError, a ValueError of one sentence, for a file
    that is none, or holds another network; no half-loaded network is left.
    """
    core = _native.load()
    device = torch.device(device)
    precision = core.precision(precision, device)
    key = cache_key(file, device, precision, preparation)
    return core.cached_network(key, lambda: _load(file.resolve(), device, precision, preparation))


def cache_key(
    file: Path,
    device: torch.device | str = "cpu",
    precision: str = "",
    preparation: Preparation | None = None,
) -> str:
    """Return the name under which load keeps a network; a file that was replaced is another one."""
    device = torch.device(device)
    precision = _native.load().precision(precision, device)
    file = file.resolve()
    try:
        stat = file.stat()
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}; give the path of a weights file") from None
    identity = f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}"
    return f"{file} {identity} {device} {precision} {preparation}"


def export(file: Path, output: Path, *, overwrite: bool = False) -> None:
    """Write the network whose weights file holds, and these, as one TorchScript file, whole or not at all.

    Raises WeightsError where output is there already and overwrite is not set.
    """
    if output.exists() and not overwrite:
        raise WeightsError(f"{output} is there already; give another name, or --overwrite")
    tensors = read(file)
    network = _recognised(file, tensors)
    load_weights(network.module, tensors)
    with replacing(output) as written:
        torch.jit.save(_scripted(network, prepared(file)), written.name)


def prepared(file: Path) -> Preparation | None:
    """Return how the manifest says that pictures go into the network of a file; None where it does not know it."""
    entry = lookup(file)
    return Preparation(entry.mean, entry.std, entry.size) if entry else None


def _recognised(file: Path, tensors: dict[str, Tensor]) -> Network:
    """Make the network that a file's tensors are for, of shapes alone."""
    try:
        return build(_shapes(tensors), device="meta")
    except StateDictError as error:
        raise WeightsError(f"{file}: {error}") from None


def _shapes(tensors: dict[str, Tensor]) -> Shapes:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _load(file: Path, device: torch.device, precision: str, preparation: Preparation | None) -> "_core.Network":
    tensors = read(file)
    preparation = preparation or prepared(file)
    graph = graphs.kept(_shapes(tensors), preparation, lambda: archive(_recognised(file, tensors), preparation))
    names = canonical_names(tensors)
    weights = {names[name]: tensor for name, tensor in tensors.items()}
    return _native.load().load_network(graph, weights, device, precision)


def archive(network: Network, preparation: Preparation | None = None) -> bytes:
    """Script a network into a TorchScript archive: of shapes alone, where it was built on the device meta."""
    buffer = io.BytesIO()
    torch.jit.save(_scripted(network, preparation), buffer)
    return buffer.getvalue()


def _scripted(network: Network, preparation: Preparation | None) -> torch.jit.ScriptModule:
    """Script a network together with what the core asks of it: network::Preparation."""
    module, preparation = network.module, preparation or PREPARATIONS[network.family]
    facts = {
        "family": network.family,
        "mean": list(preparation.mean),
        "std": list(preparation.std),
        "size": list(preparation.size or (0, 0)),
        "divisor": network.config.divisor,
        "bf16_suffices": network.config.bf16_suffices,
    }
    for name, fact in facts.items():
        setattr(module, name, fact)
    scripted: torch.jit.ScriptModule = torch.jit.script(module)
    return scripted
