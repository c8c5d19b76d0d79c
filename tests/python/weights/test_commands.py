"""The verbs of ``mattecore weights``, as a user meets them."""

import importlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mattecore import cli
from mattecore.commands.weights import VERBS
from mattecore.commands.weights.bar import progress_bar
from mattecore.weights import folders, manifest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def comfyui(tmp_path, monkeypatch) -> Path:
    """A ComfyUI to put weights in."""
    folder = tmp_path / "ComfyUI"
    (folder / "models").mkdir(parents=True)
    (folder / "folder_paths.py").touch()
    monkeypatch.setenv("COMFYUI_DIR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def known(host, tmp_path, monkeypatch) -> Iterator[None]:
    """A user with an empty home, and a manifest of two: ``tiny``, which ``host`` has, and ``by-hand``."""
    rows = []
    for name, source in (("tiny", "huggingface:me/it/m.bin"), ("by-hand", None)):
        place = host.place if source else "rmbg/by-hand.pth"
        file = {"file": "m.bin", "source": source, "bytes": len(host.content), "sha256": host.sha256, "places": [place]}
        rows.append(
            {
                "name": name,
                "family": "isnet",
                "mean": [0.5] * 3,
                "std": [1] * 3,
                "size": [64, 64],
                "divisor": 1,
                "licence": {"name": "L-1", "commercial": "Not for commercial use."},
                "files": [file],
            }
        )
    (tmp_path / "manifest.json").write_text(json.dumps({"weights": rows}))
    monkeypatch.setattr(
        importlib.import_module("mattecore.weights.manifest"), "_path", lambda: tmp_path / "manifest.json"
    )
    monkeypatch.setenv("HF_ENDPOINT", host.url)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    manifest.cache_clear()
    yield
    manifest.cache_clear()


@pytest.fixture
def run(capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs ``mattecore weights ...``; returns the status, what it said, and what it complained of in at most a line."""

    def command(*arguments: object) -> tuple[int, str, str]:
        status = cli.main(["weights", *map(str, arguments)])
        said, complained = capsys.readouterr()
        assert len(complained.splitlines()) == (0 if status == 0 else 1)
        return status, said, complained

    return command


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_list(run, comfyui, host):
    status, said, _ = run("list")
    assert status == 0
    tiny, by_hand = said.splitlines()[1:]
    assert tiny.split()[:5] == ["tiny", "isnet", "1", "MB", "no"]
    assert tiny.endswith("L-1      Not for commercial use.")
    assert by_hand.split()[:4] == ["by-hand", "isnet", "?", "no"]

    put(comfyui / "models" / host.place, b"xyz" * 10**6)
    assert run("list")[1].splitlines()[1].split()[:5] == ["tiny", "isnet", "3", "MB", "yes"]


def test_list_as_json(run, comfyui, host):
    path = put(comfyui / "models" / host.place, b"xyz")
    tiny, by_hand = json.loads(run("list", "--json")[1])
    assert tiny == {
        "name": "tiny",
        "family": "isnet",
        "bytes": 3,
        "licence": "L-1",
        "commercial": "Not for commercial use.",
        "found": str(path),
        "source": "huggingface:me/it/m.bin",
        "mean": [0.5, 0.5, 0.5],
        "std": [1, 1, 1],
        "size": [64, 64],
        "divisor": 1,
    }
    assert (by_hand["bytes"], by_hand["found"], by_hand["source"]) == (None, None, None)


def test_where(run, comfyui, host, tmp_path, monkeypatch):
    status, said, _ = run("where")
    assert status == 0
    assert f"  {comfyui / 'models'} (ComfyUI's models folder)\n" in said
    assert "not found: tiny, by-hand\n  get one with: mattecore weights download NAME\n" in said

    second = put(comfyui / "models" / host.place, b"xyz")
    first = put(tmp_path / "mine" / host.place, b"xy")
    monkeypatch.setenv("MATTECORE_MODELS", str(tmp_path / "mine"))
    status, said, _ = run("where", "TINY")
    assert status == 0
    assert f"  tiny: {first} (2 bytes, used)\n  tiny: {second} (3 bytes, not used, the one above comes first)\n" in said
    assert "by-hand" not in said


def test_where_as_json(run, comfyui, host):
    path = put(comfyui / "models" / host.place, b"xyz")
    facts = json.loads(run("where", "--json")[1])
    assert facts["found"] == [{"name": "tiny", "path": str(path), "bytes": 3, "used": True}]
    assert facts["missing"] == ["by-hand"]
    assert facts["notes"] == []
    assert {"folder": str(comfyui / "models"), "reason": "ComfyUI's models folder", "exists": True} in facts["looked"]


def test_where_of_a_name_that_is_not_here(capsys):
    assert cli.main(["weights", "where", "tiny"]) == 1
    assert "not found: tiny" in capsys.readouterr().out


def test_download_says_the_licence_then_fetches_into_comfyui(run, comfyui, host):
    status, said, complained = run("download", "tiny")
    path = comfyui / "models" / host.place
    assert status == 0
    assert complained == ""  # no progress bar where there is no terminal
    assert said.splitlines() == [
        "tiny: licence L-1. Not for commercial use.",
        f"to {path}",
        f"tiny is here and whole: {path}",
    ]
    assert path.read_bytes() == host.content
    assert run("download", "tiny")[1] == f"tiny is here already: {path}\n"
    assert len(host.requests) == 1


def test_a_file_that_another_pack_has_is_not_fetched_again(run, comfyui, host, tmp_path, monkeypatch):
    path = put(tmp_path / "mine" / host.place, host.content)
    monkeypatch.setenv("MATTECORE_MODELS", str(tmp_path / "mine"))
    assert run("download", "tiny")[1] == f"tiny is here already: {path}\n"
    assert host.requests == []


@pytest.mark.parametrize("mine", [True, False])
def test_without_comfyui_it_lands_where_a_search_finds_it(run, host, tmp_path, monkeypatch, mine):
    if mine:
        monkeypatch.setenv("MATTECORE_MODELS", str(tmp_path / "mine"))
    path = (tmp_path / "mine" if mine else folders.own_models()) / host.place
    assert run("download", "tiny")[1].splitlines()[-1] == f"tiny is here and whole: {path}"
    assert f"tiny: {path} (1280000 bytes, used)" in run("where", "tiny")[1]
    assert str(tmp_path) in str(path)


def test_download_elsewhere_and_from_a_mirror(run, comfyui, host, hosts, tmp_path):
    mirror = hosts()
    assert run("download", "tiny", "--to", tmp_path / "there", "--mirror", mirror.url)[0] == 0
    assert (tmp_path / "there" / host.place).read_bytes() == host.content
    assert (len(mirror.requests), len(host.requests)) == (1, 0)


def test_a_broken_file_is_replaced_with_overwrite_alone(run, comfyui, host):
    path = put(comfyui / "models" / host.place, b"xyz")
    status, _, complained = run("download", "tiny")
    assert status == 1
    trouble = f"{path} has 3 bytes, not 1280000: a broken download, or another version"
    assert complained == f"mattecore weights: {trouble}; delete it, or fetch it again with --overwrite\n"
    assert run("download", "tiny", "--overwrite")[0] == 0
    assert path.read_bytes() == host.content


@pytest.mark.parametrize(
    ("name", "environ", "said"),
    [
        ("tiny", {"MATTECORE_OFFLINE": "1"}, "MATTECORE_OFFLINE is set, so tiny is not fetched"),
        ("by-hand", {}, "by-hand has no address to fetch it from; place it in the models folder as rmbg/by-hand.pth"),
        ("tiny", {"COMFYUI_DIR": "/nowhere"}, "COMFYUI_DIR is /nowhere, which holds no folder_paths.py"),
    ],
)
def test_what_keeps_from_fetching_is_a_sentence(run, monkeypatch, name, environ, said):
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    status, _, complained = run("download", name)
    assert status == 1
    assert complained.startswith(f"mattecore weights: {said}")


def test_an_interrupted_download_says_that_it_goes_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    module = importlib.import_module("mattecore.commands.weights.download")
    monkeypatch.setattr(module, "download", interrupted)
    assert cli.main(["weights", "download", "tiny"]) == 130
    assert capsys.readouterr().err == "stopped; the same command goes on from here\n"


@pytest.mark.parametrize(
    "arguments", [["download", "nonsense"], ["download"], ["where", "nonsense"], [], ["list", "--x"]]
)
def test_what_is_not_understood_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["weights", *arguments])
    assert ended.value.code == 2
    complained = capsys.readouterr().err
    assert len(complained.splitlines()) == 1
    if "nonsense" in arguments:
        assert complained.endswith(": nonsense is none of the weights known here: mattecore weights list names them\n")


def test_verify(run, comfyui, host, tmp_path, capsys):
    assert (
        run("verify")[2] == "mattecore weights: no weights are here; fetch some with: mattecore weights download NAME\n"
    )
    assert "tiny is not here; fetch it with: mattecore weights download tiny" in run("verify", "tiny")[2]
    run("download", "tiny")
    assert "is in no format that is known here" in run("verify")[2]  # whole, but the host's bytes are no weights
    save_file({"x": torch.ones(1)}, tmp_path / "x.safetensors")
    assert "holds no weights that mattecore can use" in run("verify", tmp_path / "x.safetensors")[2]
    assert "there is no file nowhere.pth" in run("verify", "nowhere.pth")[2]

    keys = ROOT / "tests" / "data" / "networks" / "keys" / "vitmatte_small.safetensors.txt"
    rows = [line.split("\t") for line in keys.read_text().splitlines() if line.strip() and not line.startswith("#")]
    tensors = {name: torch.zeros(json.loads(shape), dtype=torch.float16) for name, shape, _ in rows}
    save_file(tensors, tmp_path / "good.safetensors")
    said = f"ok: {tmp_path / 'good.safetensors'} has no published SHA-256 to compare with, and fits vitmatte\n"
    assert run("verify", tmp_path / "good.safetensors") == (0, said, "")

    assert cli.main(["weights", "verify", str(tmp_path / "x.safetensors"), str(tmp_path / "good.safetensors")]) == 1
    mixed = capsys.readouterr()
    assert mixed.out == said  # one that is not right does not keep the next from being looked at
    assert len(mixed.err.splitlines()) == 1


def test_convert(run, tmp_path):
    torch.save({"x": torch.ones(2)}, tmp_path / "a.pth")
    assert run("convert", tmp_path / "a.pth") == (0, f"{tmp_path / 'a.safetensors'}\n", "")
    assert "is there already" in run("convert", tmp_path / "a.pth")[2]
    assert run("convert", tmp_path / "a.pth", "--overwrite")[0] == 0
    assert run("convert", tmp_path / "a.pth", "--output", tmp_path / "b.safetensors")[0] == 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_teaches(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["weights", *([verb] if verb else []), "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert len(said.rpartition("\n\n")[2].strip()) > 40
    assert max(map(len, said.splitlines())) <= 120


def test_names_that_the_terminal_cannot_write(tmp_path, host):
    path = put(tmp_path / "ComfyUI" / "models" / "rmbg" / "RMBG-1.4" / "model.pth", b"xyz")
    odd = path.parents[3].rename(tmp_path / "ComfyÜI☃")
    (odd / "folder_paths.py").touch()
    environ = {"COMFYUI_DIR": str(odd), "PYTHONIOENCODING": "ascii", "HOME": str(tmp_path), "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "mattecore", "weights", "where", "rmbg-1.4"]
    process = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    assert "\\u2603" in process.stdout


def test_list_and_help_load_no_torch():
    code = "import sys; from mattecore import cli; cli.main(['weights', 'list']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_bar_is_for_terminals(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_bar("tiny") as progress:
            progress(0, 0)
            progress(1 << 20, 2 << 20)
            progress(2 << 20, 2 << 20)
        assert ("tiny" in stream.getvalue()) is shown


# --- docs/weights.md ---------------------------------------------------------------------------------------------

GUIDE = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")


def guide_commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("command", guide_commands())
def test_every_command_of_the_guide_is_understood(command, monkeypatch):
    """What they do is tested above; here that they are spelled as the parser has them."""
    manifest.cache_clear()
    monkeypatch.undo()  # the names are those of the real manifest
    words = shlex.split(command)
    while "=" in words[0]:
        words.pop(0)
    assert words[:2] == ["mattecore", "weights"]
    module = importlib.import_module(f"mattecore.commands.weights.{words[2]}")
    asked = []
    monkeypatch.setattr(module, "run", lambda arguments: asked.append(arguments) or 0)
    assert cli.main(words[1:]) == 0
    assert len(asked) == 1


def test_the_guide_names_every_entry_and_its_licence(monkeypatch):
    manifest.cache_clear()
    monkeypatch.undo()
    for entry in manifest():
        assert re.search(
            rf"^\| `{re.escape(entry.name)}`.*\| {re.escape(entry.licence.name)}", GUIDE, flags=re.MULTILINE
        )
