"""Tensors and devices for the tests of the stages."""

import os
from collections.abc import Callable, Iterator

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
