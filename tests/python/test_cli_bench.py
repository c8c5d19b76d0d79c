"""``mattecore bench``: its table, its JSON, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mattecore import bench, cli, doctor


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("broken.safetensors").write_bytes(b"no weights")
    return tmp_path


@pytest.fixture
def mattecore(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        status = cli.main(["bench", "--quick", *words])
        out, err = capfd.readouterr()
        return status, out, err

    return run


def test_the_figures_and_what_could_not_be_measured(mattecore, red_weights):
    threads = torch.get_num_threads()
    names = ("--model", str(red_weights), "--model", "broken.safetensors")
    status, out, err = mattecore(*names, "--json", "figures.json")
    assert status == 1
    assert err.startswith("mattecore bench: broken.safetensors: ")
    assert err.count("\n") == 1  # no terminal, no progress
    assert torch.get_num_threads() == threads

    figures = json.loads(Path("figures.json").read_text())
    assert set(figures) == {"machine", "picture", "quick", "networks", "failed"}
    assert set(figures["machine"]) == {
        *("mattecore", "processor", "cpu_features", "cores", "threads", "torch", "cuda_devices", "device", "precision"),
    }
    assert figures["machine"]["threads"] == threads
    assert figures["picture"] == {"width": 1000, "height": 1000}
    assert figures["quick"] is True
    (failed,) = figures["failed"]
    assert failed["name"] == "broken.safetensors"
    (network,) = figures["networks"]
    assert set(network) == {
        *("name", "family", "input", "arithmetic", "loading_seconds", "seconds", "pictures_a_second", "memory_bytes"),
    }
    assert (network["name"], network["family"]) == (str(red_weights), "box")
    assert network["input"] == {"width": 192, "height": 192}
    assert set(network["seconds"]) == {"1", str(threads)}
    assert min(*network["seconds"].values(), network["pictures_a_second"], network["loading_seconds"]) > 0
    # One picture of a megapixel alone holds more while it is cut.
    assert network["memory_bytes"] is None or network["memory_bytes"] > 10e6

    head, row = out.split("\n\n")[1].splitlines()
    assert head.split()[0] == "network"
    assert row.startswith(f"{red_weights}  ")
    assert "192 x 192" in row
    assert f"processor: {figures['machine']['processor']}\n" in out


def test_by_itself_it_measures_all_that_is_here(mattecore, monkeypatch):
    seen = []

    def measured(name: str, *rest: object) -> bench.Row:
        seen.append(name)
        return bench.Row(name, "box", 384, 384, "bf16", 0.5, {1: 0.25, 2: 0.125}, 3.0, 100 << 20)

    monkeypatch.setattr("mattecore.cutting.models.here", lambda: ["red", "builtin"])
    monkeypatch.setattr("mattecore.cutting.models.find", lambda name: None)
    monkeypatch.setattr(bench, "measured", measured)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    status, out, err = mattecore()
    assert (status, err) == (0, "")
    assert seen == ["red", "builtin"]
    assert "3.00 a second" in out.splitlines()[-1]
    assert "100 MiB" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--json", "there.json"], "there.json is there already; --overwrite makes it anew"),
        (["--json", "no/a.json"], "no/a.json would lie in no, which is not there; wanted the name of a file"),
        (["--json", "."], ". is a folder; wanted the name of a file"),
        (["--model", "rmbg"], "there is no model 'rmbg'"),
        (["--device", "gpu"], "device is 'gpu'; wanted auto, cpu, cuda or cuda:NUMBER"),
    ],
)
def test_what_cannot_be_begun_ends_with_2_and_one_sentence(mattecore, words, sentence):
    Path("there.json").write_text("mine")
    status, out, err = mattecore(*words)
    assert (status, out) == (2, "")
    assert err.startswith(f"mattecore bench: {sentence}")
    assert err.count("\n") == 1
    assert Path("there.json").read_text() == "mine"


def test_figures_that_cannot_be_written_leave_what_was_there(mattecore, monkeypatch):
    def full(*names: object) -> None:
        raise OSError(28, "No space left on device")

    Path("there.json").write_text("mine")
    monkeypatch.setattr("os.replace", full)
    status, _, err = mattecore("--model", "broken.safetensors", "--json", "there.json", "--overwrite")
    assert status == 1
    assert err.endswith("mattecore bench: there.json cannot be written: No space left on device\n")
    assert Path("there.json").read_text() == "mine"
    assert len(list(Path().iterdir())) == 2


def test_an_installation_that_does_not_work_is_not_measured(mattecore, monkeypatch):
    report = doctor.Report({"fix": "it was never built; build it"}, (), "it was never built; build it")
    monkeypatch.setattr(doctor, "examine", lambda: report)
    assert mattecore() == (1, "", "mattecore bench: it was never built; build it\n")


def test_the_picture_has_a_subject_and_is_the_same_every_time():
    pixels = bench.picture().pixels
    assert pixels.shape == (1000, 1000, 3)
    assert torch.equal(pixels, bench.picture().pixels)
    middle, corner = pixels[450:550, 450:550].float().mean((0, 1)), pixels[:50, :50].float().mean((0, 1))
    assert middle[0] > corner[0] + 50  # red
    assert corner[2] > middle[2] + 20  # blue
