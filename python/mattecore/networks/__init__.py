"""The networks, defined so that TorchScript can script them and so that the public checkpoints' names fit.

    network = build({name: tensor.shape for name, tensor in checkpoint.items()})
    load_weights(network.module, checkpoint)
    alpha = network.module(image)

All are for inference alone: no dropout, no gradients, no heads that only a training's losses read.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mattecore import _native
from mattecore.networks import birefnet, box, isnet, vitmatte
from mattecore.networks.state_dict import Shapes, StateDictError

__all__ = ["Network", "StateDictError", "build", "canonical_names", "load_weights"]


class Network(NamedTuple):
    module: nn.Module
    family: str  # a key of _FAMILIES
    config: isnet.ISNetConfig | birefnet.BiRefNetConfig | vitmatte.VITMatteConfig | box.BoxConfig


@dataclass(frozen=True)
class _Family:
    title: str
    mark: str  # a tensor that tells the family from everything else
    unused: str  # matches the names of a checkpoint's tensors that inference does without
    config_from_state_dict: Callable[[Shapes], Any]
    module: Callable[[Any], nn.Module]


_FAMILIES = {
    "isnet": _Family(
        "IS-Net (RMBG-1.4)",
        "stage1.rebnconvin.conv_s1.weight",
        isnet.UNUSED,
        isnet.config_from_state_dict,
        isnet.ISNet,
    ),
    "birefnet": _Family(
        "BiRefNet",
        "decoder.decoder_block4.conv_in.weight",
        birefnet.UNUSED,
        birefnet.config_from_state_dict,
        birefnet.BiRefNet,
    ),
    "vitmatte": _Family(
        "VITMatte",
        "backbone.embeddings.position_embeddings",
        vitmatte.UNUSED,
        vitmatte.config_from_state_dict,
        vitmatte.VITMatte,
    ),
    "box": _Family(
        "Box",
        "up1.block.conv.weight",
        box.UNUSED,
        box.config_from_state_dict,
        box.Box,
    ),
}


def build(shapes: Shapes, device: str | torch.device = "cpu") -> Network:
    """Find the network that a checkpoint's names and shapes are for and make it, its weights not yet filled in.

    The names may be those of any supported file, see canonical_names. Raises StateDictError, a ValueError, for a
    checkpoint of none of the families and for the first tensor that is missing, has another shape, or has no place, and
    ImportError where there is no native module, whose operators the networks call.
    """
    _native.load()
    shapes = {ours: shapes[name] for name, ours in canonical_names(shapes).items()}
    name, family = _find_family(shapes)
    try:
        config = family.config_from_state_dict(shapes)
        with torch.device("meta"):
            module = family.module(config)
        _check_shapes(module, shapes, family.unused)
    except StateDictError as error:
        raise StateDictError(f"this looks like {family.title}, but {error}") from None
    module = module.to_empty(device=device).eval().requires_grad_(False)
    for buffer_name, buffer in module.named_buffers():
        if _is_counter(buffer_name):
            buffer.zero_()
    return Network(module, name, config)


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put a checkpoint's tensors themselves, not copies, into a module that build made for their shapes."""
    wanted = module.state_dict().keys()
    names = canonical_names(tensors)
    used = {names[name]: tensor for name, tensor in tensors.items() if names[name] in wanted}
    _check_shapes(module, {name: tensor.shape for name, tensor in used.items()}, unused="")
    module.load_state_dict(used, strict=False, assign=True)


def canonical_names(names: Iterable[str]) -> dict[str, str]:
    """Map each name in a file to ours: without the prefixes of training wrappers, and in Hugging Face's terms."""
    ours = {name: re.sub(r"^(?:_orig_mod\.|module\.)+", "", name) for name in names}
    if "backbone.pos_embed" in ours.values():
        ours = {name: vitmatte.hugging_face_name(stripped) for name, stripped in ours.items()}
    return ours


def _find_family(shapes: Shapes) -> tuple[str, _Family]:
    for name, family in _FAMILIES.items():
        if family.mark in shapes:
            return name, family
    known = ", ".join(family.title for family in _FAMILIES.values())
    seen = f"{len(shapes)} tensors, the first {next(iter(shapes))}" if shapes else "no tensors"
    raise StateDictError(f"this checkpoint is of none of the networks {known}: it holds {seen}")


def _check_shapes(module: nn.Module, shapes: Shapes, unused: str) -> None:
    expected = {name: list(tensor.shape) for name, tensor in module.state_dict().items()}
    for name, shape in expected.items():
        if name in shapes and list(shapes[name]) != shape:
            raise StateDictError(f"tensor {name} has shape {list(shapes[name])}, not {shape}")
        if name not in shapes and not _is_counter(name):
            raise StateDictError(f"tensor {name} {shape} is missing")
    for name in shapes:
        if name not in expected and not re.match(unused, name):
            raise StateDictError(f"tensor {name} {list(shapes[name])} has no place in it")


def _is_counter(name: str) -> bool:
    """Batches seen in training: in most files, needed by none."""
    return name.endswith(".num_batches_tracked")
