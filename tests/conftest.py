"""What every test folder shares: the golden files of the originals and the build folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
def build_dir() -> Path:
    """The folder mattecore was built in: MATTECORE_BUILD_DIR, which scripts/test.sh sets, or build/dev."""
    folder = Path(os.environ.get("MATTECORE_BUILD_DIR", ROOT / "build" / "dev"))
    assert (folder / "CMakeCache.txt").exists(), f"{folder} is no build folder: build with scripts/setup.sh"
    return folder
