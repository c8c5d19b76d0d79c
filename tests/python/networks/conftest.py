"""Networks with weights drawn from a formula, and what the originals computed with them: tests/data/networks."""

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


def facts_of(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def load(drawn: Callable) -> Callable[[str], Golden]:
    def load_golden(name: str) -> Golden:
        facts = facts_of(name)
        arrays = np.load(DATA / f"{name}.npz")
        weights = drawn(facts["keys"])
        network = build({key: value.shape for key, value in weights.items()})
        load_weights(network.module, weights)
        x, y = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["y"])
        return Golden(name, network, weights, x, y, facts["fp32_vs_fp64_max"], facts["modules"])

    return load_golden


@pytest.fixture(scope="session", params=GOLDENS)
def golden_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def shapes(golden_name: str, drawing: ModuleType) -> dict[str, tuple[int, ...]]:
    """Every tensor of a public checkpoint, counters and index tables included."""
    return {key: shape for key, shape, _ in drawing.read_keys(DATA / "keys" / facts_of(golden_name)["keys"])}


@pytest.fixture(scope="module")
def golden(golden_name: str, load: Callable[[str], Golden]) -> Golden:
    return load(golden_name)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield
