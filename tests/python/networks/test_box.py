"""The network of our own: found by its file, and the same through the runtime as in Python."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mattecore import _native
from mattecore.networks import StateDictError, box, build
from mattecore.networks.loading import PREPARATIONS, load

core = _native.load()
NATIVE_BF16 = pytest.mark.skipif(not core.multiplies_bf16(), reason="this processor does not multiply bf16")


@pytest.fixture(scope="module")
def module() -> box.Box:
    """Weights whose alpha takes all values, unlike those a network begins with."""
    torch.manual_seed(7)
    module = box.Box(box.BoxConfig(width=32)).eval()
    for name, value in module.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.3, 0.9)
        elif name == "alpha.weight":
            value.mul_(4)
    return module


@pytest.fixture(scope="module")
def file(module: box.Box, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("weights") / "box.safetensors"
    tensors = {k: v.half() if v.dim() == 4 else v for k, v in module.state_dict().items()}
    save_file({k: v.contiguous() for k, v in tensors.items() if not k.endswith("num_batches_tracked")}, path)
    module.load_state_dict({k: v.float() for k, v in tensors.items()})
    return path


def picture(height: int, width: int) -> Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(height * width))


def test_it_is_known_by_its_tensors(file: Path) -> None:
    preparation = load(file).preparation
    assert preparation.family == "box"
    assert (preparation.height, preparation.width) == PREPARATIONS["box"].size
    assert preparation.mean == list(PREPARATIONS["box"].mean)


def test_its_width_is_read_from_the_file() -> None:
    shapes = {k: tuple(v.shape) for k, v in box.Box(box.BoxConfig(width=8)).state_dict().items()}
    assert build(shapes).config == box.BoxConfig(width=8)
    with pytest.raises(StateDictError, match=r"this looks like Box, but tensor stem\.conv\.weight is missing"):
        build({name: shape for name, shape in shapes.items() if name != "stem.conv.weight"})


def test_its_logits_need_no_operator_of_ours_in_python(module: box.Box) -> None:
    """So that it trains anywhere, and exports to formats that do not know them (benchmarks/cases/cut.py)."""
    traced = torch.jit.trace_module(module, {"logit": picture(32, 32)})
    assert "mattecore::" not in str(traced.logit.inlined_graph)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (33, 47), (97, 64), (128, 128)])
def test_exact_is_what_python_computes(module: box.Box, file: Path, size: tuple[int, int]) -> None:
    x = picture(*size)
    found = load(file, precision="exact").forward(x, None)
    assert found.shape == (1, 1, *size)
    assert 0 <= found.min() <= found.max() <= 1
    torch.testing.assert_close(found, module(x), rtol=0, atol=1e-4)  # sums in another order, through 33 layers


@NATIVE_BF16
@pytest.mark.parametrize("size", [(33, 47), (192, 160)])
def test_auto_is_close_to_exact(file: Path, size: tuple[int, int]) -> None:
    """The policy's limits: a mean of 1/255, and 4/255 on 99 % of the pixels."""
    x = picture(*size)
    exact: Any = load(file, precision="exact").forward(x, None)
    levels = (load(file, precision="auto").forward(x, None) - exact).abs().flatten() * 255
    assert exact.std() > 0.01
    assert levels.mean() <= 1
    assert levels.kthvalue(int(levels.numel() * 0.99)).values <= 4


@pytest.mark.parametrize("precision", ["exact", pytest.param("auto", marks=NATIVE_BF16)])
@pytest.mark.parametrize("size", [(1, 1), (33, 47), (192, 160)])
def test_same_bytes_for_any_batch_and_number_of_threads(file: Path, precision: str, size: tuple[int, int]) -> None:
    network = load(file, precision=precision)
    pictures = torch.cat([picture(*size).roll(shift, 3) + 0.1 * shift for shift in range(3)])
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(network.forward(pictures, None))
            found.append(torch.cat([network.forward(one[None], None) for one in pictures]))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(found[0], other) for other in found)
