"""The cache of scripted networks: found again, never used for anything else, and never in the way."""

import os
from pathlib import Path

import pytest
import torch

from mattecore import _native
from mattecore.networks import graphs
from mattecore.networks.loading import load
from mattecore.weights.builtin import builtin

SHAPES = {"weight": (3, 4), "bias": (3,)}


class Maker:
    """Makes graphs and counts them."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> bytes:
        self.made += 1
        return f"graph {self.made}".encode()


@pytest.fixture
def make() -> Maker:
    return Maker()


def test_a_graph_is_made_once(tmp_path: Path, make: Maker) -> None:
    assert [graphs.kept(SHAPES, None, make, tmp_path) for _ in range(3)] == [b"graph 1"] * 3
    assert graphs.kept(dict(reversed(SHAPES.items())), None, make, tmp_path) == b"graph 1"


@pytest.mark.parametrize(
    "shapes", [{"weight": (3, 4)}, {"weight": (4, 3), "bias": (3,)}, {"weigh": (3, 4), "bias": (3,)}]
)
def test_other_tensors_have_another_graph(tmp_path: Path, make: Maker, shapes: dict[str, tuple[int, ...]]) -> None:
    graphs.kept(SHAPES, None, make, tmp_path)
    assert graphs.kept(shapes, None, make, tmp_path) == b"graph 2"


def test_what_made_a_graph_is_part_of_its_name(tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs.kept(SHAPES, None, make, tmp_path)
    assert graphs.kept(SHAPES, "1024 x 1024", make, tmp_path) == b"graph 2"
    monkeypatch.setattr(torch, "__version__", "2.99")
    assert graphs.kept(SHAPES, None, make, tmp_path) == b"graph 3"
    monkeypatch.setattr(graphs, "_definitions", lambda: "others")
    assert graphs.kept(SHAPES, None, make, tmp_path) == b"graph 4"


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-1], lambda whole: whole[:-1] + b"?"])
def test_a_file_that_is_not_whole_is_made_anew(tmp_path: Path, make: Maker, damage) -> None:
    graphs.kept(SHAPES, None, make, tmp_path)
    (file,) = (tmp_path / "graphs").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert graphs.kept(SHAPES, None, make, tmp_path) == b"graph 2"
    assert graphs.kept(SHAPES, None, make, tmp_path) == b"graph 2"


def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path: Path, make: Maker) -> None:
    (tmp_path / "graphs").write_text("a file where the folder should be")
    assert [graphs.kept(SHAPES, None, make, tmp_path) for _ in range(2)] == [b"graph 1", b"graph 2"]


def test_the_graphs_that_were_asked_for_last_stay(tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_KEPT", 2)
    for number in range(2):
        graphs.kept(SHAPES, number, make, tmp_path)
    for age, file in enumerate(sorted((tmp_path / "graphs").iterdir(), key=lambda file: file.read_bytes()[32:])):
        os.utime(file, (1000 + age, 1000 + age))
    graphs.kept(SHAPES, 0, make, tmp_path)  # younger than 1 now
    graphs.kept(SHAPES, 2, make, tmp_path)
    assert sorted(file.read_bytes()[32:] for file in (tmp_path / "graphs").iterdir()) == [b"graph 1", b"graph 3"]


def test_a_network_from_the_cache_is_the_scripted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    picture = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    core = _native.load()
    core.drop_networks("")
    first = load(builtin()).forward(picture, None)
    core.drop_networks("")
    monkeypatch.setattr(torch.jit, "script", lambda module: pytest.fail("it was scripted again"))
    assert torch.equal(load(builtin()).forward(picture, None), first)
    core.drop_networks("")
