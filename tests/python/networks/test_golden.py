"""Our networks against the originals' own outputs, inside and out."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from mattecore.networks import birefnet, build, isnet, vitmatte

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

UNUSED = "|".join((isnet.UNUSED, birefnet.UNUSED, vitmatte.UNUSED))
FAMILIES = {"rmbg": "isnet", "vitmatte_small": "vitmatte", "vitmatte_base": "vitmatte"}  # the others are BiRefNet

# Recorded modules that have no module of ours to compare: activations, poolings and dropouts that are plain functions
# here, heads that only training reads, and convolutions that are merged or split so that their maps never exist.
ABSENT = re.compile(
    rf"{UNUSED}|side[2-6]|decoder\.(gdt_convs_pred|conv_ms_spvn)_\d.*"
    r"|.*\b(relu\w*|pool\d*|dropout|pos_drop|pool_in|upsample\w*)"
    r"|decoder\.(conv_out1(\.0)?|ipt_blk1(\.conv1|\.conv_out)?)|.*\.dec_att\.conv1"
)


def test_names_and_shapes(golden_name: str, shapes: dict[str, tuple[int, ...]]) -> None:
    network = build(shapes)
    ours = {key: tuple(tensor.shape) for key, tensor in network.module.state_dict().items()}
    assert ours == {key: shape for key, shape in shapes.items() if not re.match(UNUSED, key)}
    assert network.family == FAMILIES.get(golden_name, "birefnet")
    assert not network.module.training
    assert not any(parameter.requires_grad for parameter in network.module.parameters())


def test_output(golden: Any) -> None:
    torch.testing.assert_close(golden.network.module(golden.x), golden.y, rtol=0, atol=golden.tolerance)


def test_inner_modules(golden: Any) -> None:
    """Go through the recorded modules in the order they ran: the first that differs is where to look."""
    outputs: dict[str, Tensor] = {}
    module = golden.network.module
    ours = {path for path, _ in module.named_modules()}
    paths = [path for path in golden.modules if not ABSENT.fullmatch(path)]
    assert not set(paths) - ours

    def keep_first(path: str, y: Tensor) -> None:
        outputs.setdefault(path, y)

    hooks = [
        module.get_submodule(path).register_forward_hook(lambda _module, _x, y, path=path: keep_first(path, y))
        for path in paths
    ]
    module(golden.x)
    for hook in hooks:
        hook.remove()

    for path in paths:
        expected = golden.modules[path]
        seen = as_recorded(outputs[path], expected["shape"]).flatten()
        scale = 1e-3 * max(expected["std"], 1e-3)
        figures = torch.tensor([seen.mean(), seen.std(correction=0), *seen[:4], *seen[-4:]])
        recorded = torch.tensor([expected["mean"], expected["std"], *expected["first"], *expected["last"]])
        torch.testing.assert_close(figures, recorded, rtol=1e-3, atol=scale, msg=lambda m, at=path: f"{at}: {m}")


@pytest.fixture(scope="module")
def scripted(golden: Any) -> torch.jit.ScriptModule:
    return torch.jit.script(golden.network.module)


def test_scripted(golden: Any, scripted: torch.jit.ScriptModule) -> None:
    for _ in range(2):  # the second run is of the graph that the first one's shapes optimised
        torch.testing.assert_close(scripted(golden.x), golden.y, rtol=0, atol=golden.tolerance)


def test_batch_equals_singles(golden: Any) -> None:
    pictures = torch.cat((golden.x, golden.x.flip(3), 0.5 * golden.x.flip(2)))[:, :, :96, :160].contiguous()
    together = golden.network.module(pictures)
    alone = torch.cat([golden.network.module(picture.unsqueeze(0)) for picture in pictures])
    torch.testing.assert_close(together, alone, rtol=0, atol=golden.tolerance)


def test_other_sizes(golden: Any, scripted: torch.jit.ScriptModule) -> None:
    divisor = golden.network.config.divisor
    for height, width in ((1, 1), (5, 2)):
        picture = golden.x[:, :, : height * divisor, : width * divisor].contiguous()
        eager = golden.network.module(picture)
        assert eager.shape == (1, 1, *picture.shape[2:])
        assert eager.isfinite().all()
        torch.testing.assert_close(scripted(picture), eager, rtol=0, atol=golden.tolerance)


def test_input_is_not_changed(golden: Any) -> None:
    picture = golden.x[:, :, :64, :96].contiguous()
    before = picture.clone()
    first = golden.network.module(picture)
    assert torch.equal(picture, before)
    assert torch.equal(golden.network.module(picture), first)


def as_recorded(y: Tensor, shape: list[int]) -> Tensor:
    """Rearrange our token maps [B,H,W,C] as the originals', [B,HW,C] or [B,C,H,W]."""
    if list(y.shape) != shape and y.dim() == 4 and len(shape) == 4:
        y = y.permute(0, 3, 1, 2)
    return y.reshape(shape)
