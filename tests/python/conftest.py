"""Tensors and devices for the tests of the stages."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """Each device. Without a GPU the case skips, but fails where MATTECORE_REQUIRE_CUDA=1 says there must be one."""
    if request.param == "cuda":
        from mattecore import _native

        usable = torch.cuda.is_available() and bool(_native.load().cuda_devices())
        if not usable and os.environ.get("MATTECORE_REQUIRE_CUDA") == "1":
            pytest.fail("MATTECORE_REQUIRE_CUDA=1, but torch or this build of mattecore has no GPU")
        if not usable:
            pytest.skip("no GPU that torch and this build of mattecore can use")
    return str(request.param)


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """torch.set_num_threads, undone afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture(scope="session")
def red_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of Box, for which what is red is the subject: 1 where red is far above green, 0 where it is not."""
    from safetensors.torch import save_file

    from mattecore.networks.box import Box, BoxConfig

    tensors = {name: value for name, value in Box(BoxConfig(width=8)).state_dict().items() if value.is_floating_point()}
    for name in ("up1.block.conv.weight", "alpha.weight"):
        tensors[name].zero_()
    tensors["up1.block.conv.weight"][0, -3:, 1, 1] = torch.tensor([1.0, -1.0, 0.0])  # the picture comes last
    tensors["alpha.weight"][0, 0, 1, 1] = 8.0
    tensors["alpha.bias"][0] = -8.0
    path = tmp_path_factory.mktemp("weights") / "red.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture
def disc() -> Callable[..., np.ndarray]:
    """``disc(height, width, channels)``: a soft red disc on green, 8 bits; it takes the middle, with an edge of 6 %."""

    def draw(height: int = 90, width: int = 120, channels: int = 3) -> np.ndarray:
        y, x = np.mgrid[0:height, 0:width]
        distance = np.hypot((y + 0.5) / height - 0.5, (x + 0.5) / width - 0.5)
        alpha = np.clip((0.33 - distance) / 0.06 + 0.5, 0, 1)[..., None]
        colours = alpha * np.array([220, 20, 40]) + (1 - alpha) * np.array([30, 160, 60])
        values = np.concatenate([colours, np.full((height, width, 1), 255)], 2)[..., :channels]
        return values.round().astype(np.uint8)

    return draw
