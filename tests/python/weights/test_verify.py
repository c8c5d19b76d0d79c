"""What is said of files that are right, and of files that are not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mattecore.weights import WeightsError, digest, manifest
from mattecore.weights.verify import identify, verify, write_beside

KEYS = Path(__file__).parents[2] / "data" / "networks" / "keys"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Callable[[str], Path]:
    """A file with the names and shapes of a public checkpoint, every tensor zeros of half the width."""

    def make(keys: str) -> Path:
        path = tmp_path_factory.mktemp("weights") / f"{keys}.safetensors"
        tensors = {}
        for line in (KEYS / keys).read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                name, shape, _ = line.split("\t")
                sides = [int(side) for side in shape.strip("[]").split(",") if side.strip()]
                tensors[name] = torch.zeros(sides, dtype=torch.float16)
        save_file(tensors, path)
        return path

    return make


def entry(name):
    return next(entry for entry in manifest() if entry.name == name)


def test_a_file_that_fits(checkpoint, cache):
    path = checkpoint("vitmatte_small.safetensors.txt")
    assert verify(path, cache=cache) == "has no published SHA-256 to compare with, and fits vitmatte"
    write_beside(path, digest.compute(path))
    said = verify(path, entry("vitmatte-small"), cache=cache)
    assert said == f"is as it was fetched or made ({path.name}.sha256), and fits vitmatte"
    with pytest.raises(WeightsError, match=r"holds weights of vitmatte, not of isnet as its name says$"):
        verify(path, entry("rmbg-1.4"), cache=cache)


def test_a_file_whose_name_says_otherwise(checkpoint, tmp_path, cache):
    path = tmp_path / "rembg" / "RMBG-1.4.safetensors"
    path.parent.mkdir()
    path.symlink_to(checkpoint("vitmatte_small.safetensors.txt"))
    with pytest.raises(WeightsError, match=r"holds weights of vitmatte, not of isnet as its name says$"):
        verify(path, cache=cache)


def test_the_legacy_birefnet_is_a_birefnet(checkpoint, cache):
    path = checkpoint("birefnet_legacy_ep480.pth.txt")
    assert verify(path, entry("birefnet-ep480"), cache=cache).endswith("and fits birefnet")


def test_tensors_that_fit_nothing(tmp_path, cache):
    save_file({"x": torch.ones(1)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"holds no weights that mattecore can use: this checkpoint is of none"):
        verify(tmp_path / "a.safetensors", cache=cache)


def test_a_file_that_changed_since_it_was_fetched(tmp_path, cache):
    save_file({"x": torch.ones(1)}, tmp_path / "a.safetensors")
    write_beside(tmp_path / "a.safetensors", "0" * 64)
    with pytest.raises(WeightsError, match=f"not {'0' * 64} as when it was fetched or made; delete it and fetch"):
        verify(tmp_path / "a.safetensors", cache=cache)


def test_the_file_is_hashed_again_whatever_the_cache_says(tmp_path, cache, checkpoint):
    path = checkpoint("rmbg-1.4_model.pth.txt")
    digest.remember(path, "0" * 64, cache)
    told = []
    verify(path, cache=cache, progress=lambda done, total: told.append(done))
    assert told[-1] == path.stat().st_size
    assert digest.remembered(path, cache) == digest.compute(path)


def published(name: str, file: str):
    return next(one for one in entry(name).files if one.file == file and (one.sha256 or one.bytes))


@pytest.mark.parametrize(
    ("name", "file", "sha256", "ok", "said"),
    [
        (
            "rmbg-1.4",
            "model.pth",
            "893c16c340b1ddafc93e78457a4d94190da9b7179149f8574284c83caebf5e8c",
            True,
            "is as pub",
        ),
        (
            "rmbg-1.4",
            "model.pth",
            "46ef7fe46f2ae284d8f1aaa24bfa5fca5ef25a34e2c7caa890a0029eb100e87f",
            True,
            "is as pub",
        ),
        ("birefnet-hr", "BiRefNet-HR.safetensors", "0" * 64, False, "has 3 bytes, not 444473596: a broken download"),
        ("rmbg-1.4", "model.pth", "0" * 64, False, "has 3 bytes, not 176718373: a broken download"),
        ("vitmatte-small", "pytorch_model.bin", "0" * 64, False, f"has the SHA-256 {'0' * 64}, not 6ec6aed4"),
        (
            "vitmatte-small",
            "pytorch_model.bin",
            "893c16c340b1ddafc93e78457a4d94190da9b7179149f8574284c83caebf5e8c",
            False,
            "is rmbg-1.4 as published, not vitmatte-small",
        ),
    ],
)
def test_what_size_and_hash_say(tmp_path, name, file, sha256, ok, said):
    path = tmp_path / "a"
    path.write_bytes(b"xyz")
    identity = identify(entry(name), published(name, file), path, sha256)
    assert identity.ok is ok
    assert identity.text.startswith(said)


@pytest.mark.parametrize("text", ["", "x", "0" * 63 + " a", "\xff"])
def test_a_note_that_cannot_be_read_is_none(tmp_path, text):
    path = tmp_path / "a"
    path.write_bytes(b"xyz")
    (tmp_path / "a.sha256").write_bytes(text.encode("latin-1"))
    assert identify(None, None, path, "0" * 64).ok is None
