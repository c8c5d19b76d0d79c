"""Networks with weights drawn from a formula, and what the originals computed with them: tests/data/networks."""

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mattecore.networks import Network, build, load_weights

DATA = Path(__file__).parents[2] / "data" / "networks"
GOLDENS = ("rmbg", "vitmatte_small", "vitmatte_base", "lite", "general", "legacy")

torch.set_num_threads(min(2, torch.get_num_threads()))


def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drawn_weights", DATA / "drawn_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def key_table(name: str) -> Path:
    return DATA / "keys" / json.loads((DATA / f"{name}.json").read_text())["keys"]


@dataclass(frozen=True)
class Golden:
    name: str
    network: Network
    weights: dict[str, Tensor]
    x: Tensor
    y: Tensor
    noise: float  # of float32 against float64 in the original
    modules: dict[str, Any]

    @property
    def tolerance(self) -> float:
        return 10 * self.noise


def load_golden(name: str) -> Golden:
    facts = json.loads((DATA / f"{name}.json").read_text())
    arrays = np.load(DATA / f"{name}.npz")
    weights = {key: torch.from_numpy(value) for key, value in drawing().drawn_weights(key_table(name)).items()}
    network = build({key: value.shape for key, value in weights.items()})
    load_weights(network.module, weights)
    x, y = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["y"])
    return Golden(name, network, weights, x, y, facts["fp32_vs_fp64_max"], facts["modules"])


@pytest.fixture(scope="session", params=GOLDENS)
def golden_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def shapes(golden_name: str) -> dict[str, tuple[int, ...]]:
    """Every tensor of a public checkpoint, counters and index tables included."""
    return {key: shape for key, shape, _ in drawing().read_keys(key_table(golden_name))}


@pytest.fixture(scope="module")
def golden(golden_name: str) -> Golden:
    return load_golden(golden_name)


@pytest.fixture(scope="session")
def load() -> Callable[[str], Golden]:
    return load_golden


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield
