"""Which checkpoint is taken for which network, and what is said of one that fits none."""

import subprocess
import sys

import pytest
import torch

from mattecore.networks import StateDictError, build, canonical_names, load_weights

Shapes = dict[str, tuple[int, ...]]


def test_prefixes_of_wrappers(shapes: Shapes) -> None:
    wrapped = {f"_orig_mod.module.{name}": shape for name, shape in shapes.items()}
    assert build(wrapped).config == build(shapes).config
    assert list(canonical_names(wrapped).values()) == list(shapes)


def test_counters_are_not_needed(shapes: Shapes) -> None:
    kept = {name: shape for name, shape in shapes.items() if not name.endswith("num_batches_tracked")}
    assert build(kept).config == build(shapes).config


def test_missing_tensor(shapes: Shapes) -> None:
    for name in some(needed(shapes)):
        kept = {other: shape for other, shape in shapes.items() if other != name}
        with pytest.raises(StateDictError) as refusal:
            build(kept)
        one_sentence(str(refusal.value))


def test_missing_tensor_is_named(shapes: Shapes) -> None:
    name = needed(shapes)[-1]
    kept = {other: shape for other, shape in shapes.items() if other != name}
    with pytest.raises(StateDictError, match=rf"but tensor {name} \[.*\] is missing$"):
        build(kept)


def test_misshapen_tensor(shapes: Shapes) -> None:
    for name in some(needed(shapes)):
        for shape in ((*shapes[name], 1), (shapes[name][0] + 1, *shapes[name][1:]), ()):
            with pytest.raises(StateDictError) as refusal:
                build({**shapes, name: shape})
            one_sentence(str(refusal.value))


def test_misshapen_tensor_is_named(shapes: Shapes) -> None:
    name = needed(shapes)[-1]
    with pytest.raises(StateDictError, match=rf"but tensor {name} has shape \[2, 3\], not \["):
        build({**shapes, name: (2, 3)})


def test_tensor_without_a_place(shapes: Shapes) -> None:
    with pytest.raises(StateDictError, match=r"but tensor refiner\.weight \[3\] has no place in it$"):
        build({**shapes, "refiner.weight": (3,)})


def test_heads_that_do_not_share_the_channels() -> None:
    name = "bb.layers.0.blocks.0.attn.relative_position_bias_table"
    shapes = {
        "decoder.decoder_block4.conv_in.weight": (64, 3072, 3, 3),
        "bb.patch_embed.proj.weight": (192, 3, 4, 4),
        name: (529, 5),
    }
    with pytest.raises(StateDictError, match=f"tensor {name} has 5 heads for 192 channels"):
        build(shapes)


@pytest.mark.parametrize("shapes", [{}, {"model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3)}])
def test_none_of_the_families(shapes: Shapes) -> None:
    with pytest.raises(ValueError, match=r"none of the networks IS-Net .*, VITMatte, Box: it holds ") as refusal:
        build(shapes)
    one_sentence(str(refusal.value))


def test_another_backbone() -> None:
    shapes = {"decoder.decoder_block4.conv_in.weight": (64, 1024, 3, 3), "bb.patch_embed1.proj.weight": (64, 3, 7, 7)}
    with pytest.raises(StateDictError, match=r"BiRefNet, but tensor bb\.patch_embed\.proj\.weight is missing"):
        build(shapes)


def test_weights_are_taken_as_they_are() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in tiny_isnet().items()}
    weights = tiny_isnet()
    network = build(shapes)
    load_weights(network.module, weights)
    inside = dict(network.module.named_parameters())
    assert all(inside[name].data_ptr() == weights[name].data_ptr() for name in inside)
    assert not any(parameter.requires_grad for parameter in inside.values())
    del weights["side1.bias"]
    with pytest.raises(StateDictError, match=r"tensor side1\.bias \[1\] is missing"):
        load_weights(network.module, weights)


def test_neither_the_native_module_nor_other_libraries_are_needed() -> None:
    code = """
import sys
import mattecore.networks
unwanted = {"timm", "torchvision", "transformers", "kornia", "einops", "mattecore._core"} & sys.modules.keys()
assert not unwanted, unwanted
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def tiny_isnet() -> dict[str, torch.Tensor]:
    from mattecore.networks import isnet

    return isnet.ISNet(isnet.ISNetConfig(image_channels=3)).state_dict()


def needed(shapes: Shapes) -> list[str]:
    """List the tensors that the network has."""
    return [name for name in build(shapes).module.state_dict() if not name.endswith("num_batches_tracked")]


def some(names: list[str]) -> list[str]:
    """Pick a dozen names from everywhere in the network."""
    return names[:: max(1, len(names) // 12)]


def one_sentence(text: str) -> None:
    assert "\n" not in text
    assert len(text) < 300
