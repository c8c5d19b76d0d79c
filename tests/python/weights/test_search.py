"""Weights are found wherever the packs put them."""

import builtins
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from mattecore.comfyui import ComfyUI
from mattecore.weights import SearchResult, folders, search


@pytest.fixture
def yaml(monkeypatch):
    """A PyYAML that reads the part of YAML that is JSON."""
    module = ModuleType("yaml")
    module.YAMLError = ValueError
    module.safe_load = json.loads
    monkeypatch.setitem(sys.modules, "yaml", module)


def put(path: Path, size: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def look(tmp_path: Path, **options) -> SearchResult:
    options.setdefault("environ", {})
    return search(comfyui=ComfyUI(tmp_path, "test"), home=tmp_path / "home", **options)


def names(result: SearchResult) -> list[str]:
    return [found.entry.name for found in result.found]


@pytest.fixture(autouse=True)
def linux(monkeypatch):
    """The user's own folders as Linux has them, on whatever system this runs."""
    monkeypatch.setattr(folders.sys, "platform", "linux")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("models/rmbg/model.pth", "rmbg-1.4"),
        ("models/rmbg/RMBG-1.4/model.pth", "rmbg-1.4"),
        ("custom_nodes/ComfyUI_LayerStyle/RMBG-1.4/model.pth", "rmbg-1.4"),
        ("models/rembg/RMBG-1.4.pth", "rmbg-1.4"),
        ("models/RMBG/RMBG-1.4/model.safetensors", "rmbg-1.4"),
        ("models/RMBG/RMBG-2.0/model.safetensors", "rmbg-2.0"),
        ("models/rembg/RMBG-2.0/model.safetensors", "rmbg-2.0"),
        ("models/rembg/isnet-general-use.pth", "isnet-general-use"),
        ("models/vitmatte/model.safetensors", "vitmatte-small"),
        ("models/vitmatte/pytorch_model.bin", "vitmatte-small"),
        ("models/vitmatte-base-composition-1k/pytorch_model.bin", "vitmatte-base"),
        ("models/BiRefNet/BiRefNet-ep480.pth", "birefnet-ep480"),
        ("models/BiRefNet/pth/BiRefNet-general-epoch_244.pth", "birefnet-general"),
        ("models/BiRefNet/General-Lite.safetensors", "birefnet-lite"),
        ("models/RMBG/BiRefNet/BiRefNet-HR.safetensors", "birefnet-hr"),
        ("models/background_removal/birefnet.safetensors", "birefnet-general"),
        ("models/Rembg/rmbg-1.4.PTH", "rmbg-1.4"),
        ("models/birefnet/BIREFNET-EP480.pth", "birefnet-ep480"),
        ("home/.u2net/isnet-general-use.pth", "isnet-general-use"),
        ("home/.local/share/mattecore/models/rmbg/RMBG-1.4/model.pth", "rmbg-1.4"),
    ],
)
def test_every_place(tmp_path, place, name):
    path = put(tmp_path / place)
    result = look(tmp_path)
    assert [(found.entry.name, found.path, found.bytes) for found in result.found] == [(name, path, 3)]
    assert result.first(name) == result.found[0]


@pytest.mark.parametrize("place", ["models/model.pth", "models/other/model.safetensors", "models/vitmatte/model.onnx"])
def test_a_name_that_says_nothing_needs_its_folder(tmp_path, place):
    put(tmp_path / place)
    assert look(tmp_path).found == ()


def test_folders_that_differ_in_case_are_both_looked_into(tmp_path):
    put(tmp_path / "models" / "rmbg" / "model.pth")
    put(tmp_path / "models" / "RMBG" / "RMBG-2.0" / "model.safetensors")
    assert sorted(names(look(tmp_path))) == ["rmbg-1.4", "rmbg-2.0"]


def test_a_folder_with_a_file_s_name_is_no_file(tmp_path):
    (tmp_path / "models" / "rembg" / "RMBG-1.4.pth").mkdir(parents=True)
    assert look(tmp_path).found == ()


@pytest.mark.parametrize(
    "place", ["RMBG-1.4.pth", "RMBG-1.4/model.pth", "rmbg/model.pth", "vitmatte-small-composition-1k/model.safetensors"]
)
def test_mattecore_models_may_be_laid_out_either_way(tmp_path, place):
    path = put(tmp_path / "mine" / place)
    result = look(tmp_path, environ={"MATTECORE_MODELS": str(tmp_path / "mine")})
    assert [found.path for found in result.found] == [path]


def test_mattecore_models_may_be_the_folder_of_one_network(tmp_path):
    path = put(tmp_path / "vitmatte" / "model.safetensors")
    assert look(tmp_path, environ={"MATTECORE_MODELS": str(path.parent)}).found[0].entry.name == "vitmatte-small"


def test_the_order_is_given_then_variable_then_comfyui(tmp_path):
    in_models = put(tmp_path / "models" / "rembg" / "RMBG-1.4.pth")
    in_variable = put(tmp_path / "variable" / "RMBG-1.4.pth")
    given = put(tmp_path / "given" / "RMBG-1.4.pth")
    environ = {"MATTECORE_MODELS": str(tmp_path / "variable")}
    result = look(tmp_path, explicit=given.parent, environ=environ)
    assert [found.path for found in result.found] == [given, in_variable, in_models]
    assert result.first("rmbg-1.4").path == given


def test_a_given_file_leaves_its_neighbours_alone(tmp_path):
    given = put(tmp_path / "given" / "RMBG-1.4.pth")
    put(tmp_path / "given" / "BiRefNet-ep480.pth")
    assert [found.path for found in look(tmp_path, explicit=given).found] == [given]


def test_a_given_file_of_an_unknown_name_is_said(tmp_path):
    result = look(tmp_path, explicit=put(tmp_path / "mine.pth"))
    assert result.found == ()
    assert result.notes[0].startswith("mine.pth is no file name of the manifest")


def test_a_given_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^there is no file or folder .*nowhere; give the path"):
        look(tmp_path, explicit=tmp_path / "nowhere")


def test_the_folders_of_a_running_comfyui(tmp_path):
    registered = put(tmp_path / "disk" / "matting" / "model.pth")
    in_models = put(tmp_path / "base" / "BiRefNet" / "General.safetensors")
    put(tmp_path / "loras" / "RMBG-1.4.pth")
    folder_paths = SimpleNamespace(
        folder_names_and_paths={
            "RMBG": ([str(registered.parent)], {".pth"}),
            "loras": ([str(tmp_path / "loras")], set()),
        },
        models_dir=str(tmp_path / "base"),
    )
    result = search(folder_paths=folder_paths, environ={}, home=tmp_path)
    assert [found.path for found in result.found] == [registered, in_models]
    assert (registered.parent, "ComfyUI's key RMBG") in [(place.folder, place.reason) for place in result.looked]


def test_extra_model_paths(tmp_path, yaml, monkeypatch):
    monkeypatch.setenv("DISK", str(tmp_path / "disk"))
    put(tmp_path / "disk" / "sub" / "model.pth")
    put(tmp_path / "disk" / "other" / "RMBG-2.0" / "model.safetensors")
    put(tmp_path / "disk" / "birefnet" / "BiRefNet-ep480.pth")
    put(tmp_path / "beside" / "model.safetensors")
    sections = {
        "a": {"base_path": "$DISK", "is_default": True, "rmbg": "sub\nother\n"},
        "b": {"vitmatte": "beside"},
        "empty": None,
    }
    (tmp_path / "extra_model_paths.yaml").write_text(json.dumps(sections))
    result = look(tmp_path)
    assert names(result) == ["rmbg-1.4", "rmbg-2.0", "birefnet-ep480", "vitmatte-small"]
    assert result.notes == ()


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": [1]}', '{"a": 1}'])
def test_a_broken_extra_model_paths_is_said(tmp_path, yaml, text):
    (tmp_path / "extra_model_paths.yaml").write_text(text)
    put(tmp_path / "models" / "rmbg" / "model.pth")
    result = look(tmp_path)
    assert names(result) == ["rmbg-1.4"]
    (note,) = result.notes
    assert "extra_model_paths.yaml was not read: " in note
    assert len(note.splitlines()) == 1


def test_without_pyyaml_it_is_said_that_the_file_was_not_read(tmp_path, monkeypatch):
    (tmp_path / "extra_model_paths.yaml").write_text("{}")
    importing = builtins.__import__

    def without_yaml(name, *arguments, **options):
        if name == "yaml":
            raise ImportError(name)
        return importing(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_yaml)
    (note,) = look(tmp_path).notes
    assert "was not read, since this Python has no PyYAML" in note


def test_the_result_lists_what_was_looked_at(tmp_path):
    (tmp_path / "models").mkdir()
    places = {place.folder: place.exists for place in look(tmp_path).looked}
    assert places == {
        tmp_path / "models": True,
        folders.own_models({}, tmp_path / "home"): False,
        tmp_path / "home" / ".u2net": False,
        tmp_path / "home" / ".transparent-background": False,
    }


def test_without_any_comfyui(tmp_path):
    assert search(environ={}, home=tmp_path).found == ()
