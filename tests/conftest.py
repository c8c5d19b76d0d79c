"""What every test folder shares: the originals' golden files, checkpoints drawn from a formula, the build folder."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
NETWORKS = ROOT / "tests" / "data" / "networks"


@pytest.fixture(scope="session")
def golden() -> Callable:
    """Loads ``tests/data/golden/NAME.npz`` as a dictionary of arrays (README.md there)."""
    import numpy as np

    def load(name: str) -> dict:
        with np.load(ROOT / "tests" / "data" / "golden" / f"{name}.npz") as file:
            arrays = {key: file[key] for key in file.files}
        for key in [key for key in arrays if key.endswith("_of")]:
            wanted = key.removesuffix("_of")
            arrays[wanted] = load(str(arrays.pop(key)))[wanted]
        return arrays

    return load


@pytest.fixture(scope="session")
def canned(golden: Callable) -> Callable:
    """``canned(family)``: a network that gives stored maps in turn, as the goldens ``node_*`` were made; VITMatte's is
    a formula of its input. ``seen`` holds the inputs.
    """
    import numpy as np
    import torch

    from mattecore import _native

    core = _native.load()
    normal = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    preparations = {
        "isnet": core.Preparation("isnet", [0.5] * 3, [1.0] * 3, 1024, 1024, 32),
        "birefnet": core.Preparation("birefnet", *normal, 1024, 1024, 32),
        "vitmatte": core.Preparation("vitmatte", [0.5] * 3, [0.5] * 3, 0, 0, 32),
    }
    stored = {
        "isnet": torch.from_numpy(golden("canned__rmbg_prob")["in_prob"].astype(np.float32) / 1024),
        "birefnet": torch.from_numpy(golden("canned__birefnet_logit")["in_logit"].astype(np.float32) / 16),
    }

    class Canned(core.Network):
        def __init__(self, family: str, maps: torch.Tensor | None = None) -> None:
            super().__init__(preparations[family])
            self.maps = stored.get(family) if maps is None else maps
            self.seen: list[torch.Tensor] = []

        def forward(self, image: torch.Tensor, progress: Callable) -> torch.Tensor:
            progress(0.0)
            self.seen.append(image.clone())
            progress(0.5)
            if self.maps is None:
                return image[:, 3:4] / 2 + (image[:, :1] + 1) / 4
            return self.maps[(len(self.seen) - 1) % len(self.maps)][None, None]

    return Canned


@pytest.fixture(scope="session")
def drawing() -> ModuleType:
    """tests/data/networks/drawn_weights.py, as the scripts beside the goldens use it."""
    spec = importlib.util.spec_from_file_location("drawn_weights", NETWORKS / "drawn_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def drawn(drawing: ModuleType) -> Callable:
    """``drawn(keys)``: the checkpoint of a table in tests/data/networks/keys, at full size."""
    import torch

    def draw(keys: str) -> dict[str, torch.Tensor]:
        weights = drawing.drawn_weights(NETWORKS / "keys" / keys)
        return {name: torch.from_numpy(value) for name, value in weights.items()}

    return draw


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """The folder mattecore was built in: MATTECORE_BUILD_DIR, which scripts/test.sh sets, or build/dev."""
    folder = Path(os.environ.get("MATTECORE_BUILD_DIR", ROOT / "build" / "dev"))
    assert (folder / "CMakeCache.txt").exists(), f"{folder} is no build folder: build with scripts/setup.sh"
    return folder
