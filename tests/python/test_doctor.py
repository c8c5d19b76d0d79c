"""The doctor, on installations with every fault it knows."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mattecore import cli, doctor

ROOT = Path(__file__).parents[2]

BUILD = {
    "MATTECORE_VERSION": "0.1.0",
    "PYTHON_VERSION": "{}.{}.0".format(*sys.version_info),
    "TORCH_CUDA": None,
    "COMPILER": "GNU 12.2.0",
    "CUDA_TOOLKIT": None,
    "CUDA_REASON": "no nvcc was found",
    "OPENCV_VERSION": "4.6.0",
    "ARCHITECTURE": "native",
    "SOURCE_DIR": str(ROOT),
    "SOURCE_DIGEST": "0" * 64,
}


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A whole installation: a build for this torch, a native module, a stage that cuts right, and an empty home."""
    import torch

    build, native, core, composite = map(ModuleType, ("_build", "_native", "_core", "composite"))
    vars(build).update(BUILD, TORCH_VERSION=torch.__version__)
    native.load = lambda: core
    core.cpu_features = lambda: ["avx2", "fma"]
    core.num_threads = lambda: 2
    core.cuda_devices = list
    composite.assemble_rgba = lambda image, mask: torch.cat([image.mul(255).floor() / 255, mask.unsqueeze(-1)], -1)
    for module in (build, native, composite):
        monkeypatch.setitem(sys.modules, f"mattecore.{module.__name__}", module)
    for name in ("COMFYUI_DIR", "MATTECORE_MODELS", "MATTECORE_IDS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    machine = ModuleType("machine")
    machine.build, machine.native, machine.core, machine.composite = build, native, core, composite
    return machine


def line(name: str) -> doctor.Line:
    (found,) = [line for line in doctor.examine().lines if line.name == name]
    return found


def test_a_whole_installation(machine, capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("\n\nmattecore works.\n")
    assert "✗" not in said
    assert line("CPU features").text == "avx2, fma"
    assert line("threads").text == "2"
    assert line("CUDA").text == "no kernels: no nvcc was found"
    assert line("OpenCV").text == "4.6.0"
    assert line("a tiny cut") == doctor.Line("a tiny cut", True, "gives the right pixels")


def test_json(machine, capsys):
    import torch

    assert cli.main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ok"] is True
    assert facts["fix"] is None
    assert facts["cut"] is True
    assert facts["torch"]["version"] == facts["torch"]["built_for"] == torch.__version__
    assert facts["cuda"] == {"toolkit": None, "reason": "no nvcc was found", "devices": []}
    assert facts["threads"] == 2
    assert len(facts["node_ids"]) == 5
    assert set(facts["node_ids"].values()) == {"mattecore"}
    assert "rmbg-1.4" in facts["weights"]["missing"]
    assert list(facts) == [
        *("ok", "fix", "mattecore", "python", "torch", "native_module", "cut", "compiler", "architecture"),
        *("cpu_features", "threads", "cuda", "opencv", "comfyui", "weights", "node_ids"),
    ]


def fails_with(capsys, sentence: str) -> None:
    """The doctor exits with 1, its last line has the sentence and the command, and --json says the same."""
    assert cli.main(["doctor"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("mattecore does not work: ")
    assert sentence in last
    assert last.count(f"{sys.executable} {ROOT / 'install.py'}") == 1
    assert cli.main(["doctor", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert last.endswith(facts["fix"])
    assert facts["ok"] is False


def test_never_built(machine, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mattecore._build", None)
    monkeypatch.setattr(doctor, "__file__", str(ROOT / "python" / "mattecore" / "doctor.py"))
    fails_with(capsys, "this mattecore was never built; build it with: ")


def test_another_torch(machine, capsys):
    machine.build.TORCH_VERSION = "2.7.0"
    fails_with(capsys, "mattecore was built for torch 2.7.0, and this is ")


def test_another_python(machine, capsys):
    machine.build.PYTHON_VERSION = "3.9.1"
    fails_with(capsys, "mattecore was built for Python 3.9.1, and this is Python ")


def test_no_torch(machine, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    fails_with(capsys, "there is no torch in ")


def test_a_broken_torch(machine, monkeypatch, tmp_path, capsys):
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.12: cannot open\\nmore of it')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch")
    fails_with(capsys, "torch cannot be imported (libcudart.so.12: cannot open); install it anew, then build mattecore")


def test_a_native_module_that_refuses(machine, capsys):
    sentence = f"it does not load; build it again with: {sys.executable} {ROOT / 'install.py'}"
    machine.native.load = lambda: (_ for _ in ()).throw(ImportError(sentence))
    fails_with(capsys, "it does not load; build it again with: ")


def test_a_cut_that_fails(machine, capsys):
    machine.composite.assemble_rgba = lambda image, mask: image.no_such_thing
    fails_with(capsys, "a cut of two pixels fails (")


def test_a_cut_that_is_wrong(machine, capsys):
    machine.composite.assemble_rgba = lambda image, mask: image
    fails_with(capsys, "a cut of two pixels gives [")


def test_a_manifest_that_is_missing(machine, monkeypatch, capsys):
    def search(**options):
        raise FileNotFoundError("no manifest.json")

    monkeypatch.setattr(doctor.weights, "search", search)
    fails_with(capsys, "weights cannot be looked for (no manifest.json); build mattecore again")


def test_a_native_module_of_an_older_version_has_unknown_facts(machine):
    del machine.core.num_threads
    assert line("threads").text == "unknown"
    assert doctor.examine().ok


def test_comfyui_its_weights_and_its_packs(machine, monkeypatch, tmp_path):
    (tmp_path / "folder_paths.py").touch()
    (tmp_path / "models" / "rmbg").mkdir(parents=True)
    (tmp_path / "models" / "rmbg" / "model.pth").write_bytes(b"half")
    (tmp_path / "custom_nodes" / "ComfyUI-Impact-Pack").mkdir(parents=True)
    (tmp_path / "custom_nodes" / "ComfyUI-Impact-Pack" / "__init__.py").touch()
    monkeypatch.setenv("COMFYUI_DIR", str(tmp_path))
    report = doctor.examine()
    assert report.facts["comfyui"] == str(tmp_path)
    assert report.facts["node_ids"]["MaskDetailerPipe"] == "ComfyUI-Impact-Pack"
    (found,) = report.facts["weights"]["found"]
    assert found == {"name": "rmbg-1.4", "path": str(tmp_path / "models" / "rmbg" / "model.pth"), "bytes": 4}
    assert "4 bytes instead of 176718373: broken download?" in line("weights found").text
    assert report.ok


@pytest.mark.parametrize(("name", "value"), [("COMFYUI_DIR", "/nowhere"), ("MATTECORE_IDS", "maybe")])
def test_a_wrong_setting_is_marked_and_the_rest_goes_on(machine, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    report = doctor.examine()
    assert [line.text.startswith(f"{name} is ") for line in report.lines if line.ok is False] == [True]
    assert report.ok


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✓ torch"), ("ascii", "+ torch")])
def test_marks_are_ones_the_terminal_can_write(machine, encoding, mark):
    assert mark in doctor.text(doctor.examine(), encoding)


def test_without_torch_nothing_but_sentences(tmp_path):
    environment = {"PYTHONPATH": str(ROOT / "python"), "HOME": str(tmp_path)}
    command = [sys.executable, "-S", "-m", "mattecore", "doctor"]
    process = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 1
    assert process.stderr == ""
    assert "there is no torch in" in process.stdout.splitlines()[-1]
