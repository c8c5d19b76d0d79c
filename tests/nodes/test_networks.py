"""How the nodes come by their networks: found, fetched, loaded once, given back when ComfyUI asks for memory."""

import contextlib
import importlib
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mattecore import _native

OFF = (6, 6, 0.01, 0.99, False, "cpu", 2.0)

core = _native.load()


# By names of the manifest: the tensors, and how their file is written.
WEIGHTS = {
    "rmbg-1.4": ("rmbg-1.4_model.pth.txt", torch.save),
    "rmbg-2.0": ("birefnet_general.safetensors.txt", save_file),  # it is a BiRefNet
    "vitmatte-small": ("vitmatte_small.safetensors.txt", torch.save),
}


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory, drawn) -> Callable[[str], Path]:
    """A file of drawn weights under a name of the manifest."""
    folder = tmp_path_factory.mktemp("weights")

    @cache
    def made(name: str) -> Path:
        file = folder / name
        keys, save = WEIGHTS[name]
        save(drawn(keys), file)
        return file

    return made


@pytest.fixture
def place(comfyui, weights_file):
    """Puts a file where a user has it."""

    def put(name: str, where: str) -> Path:
        path = comfyui.folder / "models" / where
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(weights_file(name), path)
        return path

    core.drop_networks("")
    yield put
    core.drop_networks("")


@pytest.fixture
def modules(pack):
    return {name: sys.modules[f"{pack.__name__}.nodes.{name}"] for name in ("networks", "memory")}


@pytest.fixture
def node(pack):
    return pack.NODE_CLASS_MAPPINGS["MattecoreRmBgUltraV2"]()


LISTENING: list[list[str]] = []


def hook(event: str, arguments: tuple) -> None:
    if LISTENING and event == "open":
        LISTENING[-1].append(str(arguments[0]))


sys.addaudithook(hook)  # there is no taking it away


@contextlib.contextmanager
def opened_files() -> Iterator[list[str]]:
    """Lists the files that Python opens meanwhile."""
    LISTENING.append([])
    try:
        yield LISTENING[-1]
    finally:
        LISTENING.pop()


def resident_mib() -> float:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) / 1024


def test_a_network_is_found_loaded_once_and_known_to_comfyui(node, comfyui, place, photo, caplog):
    caplog.set_level(logging.INFO, logger="mattecore")
    path = place("rmbg-1.4", "RMBG/rmbg-1.4/MODEL.pth")  # case is no matter
    for _ in range(2):
        image, _ = node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    assert image.shape == (1, 97, 141, 4)
    assert len(core.loaded_networks()) == 1
    (patcher,) = comfyui.loaded
    assert patcher.model_size() == patcher.loaded_size() == core.loaded_networks()[0][1] > 40 << 20
    assert type(patcher.model).__name__ == "MattecoreNetwork"
    assert [record.getMessage() for record in caplog.records if "licence" in record.getMessage()] == [
        f"mattecore: rmbg-1.4, {path}; licence bria-rmbg-1.4. "
        "Not for commercial use; a commercial licence has to be agreed with BRIA."
    ]


def test_rmbg_2_end_to_end(pack, comfyui, place, photo, caplog):
    caplog.set_level(logging.INFO, logger="mattecore")
    path = place("rmbg-2.0", "RMBG/RMBG-2.0/model.safetensors")
    remove = pack.NODE_CLASS_MAPPINGS["MattecoreImageRemBg"]().remove
    image, mask = remove("RMBG-2.0", photo, "Hide", "x")["result"]
    assert torch.equal(image[..., :3], (photo * 255).to(torch.uint8) / 255)
    assert torch.equal(image[..., 3], mask)
    assert len(mask.unique()) > 2
    assert len(comfyui.loaded) == len(core.loaded_networks()) == 1
    assert f"rmbg-2.0, {path}; licence bria-rmbg-2.0. Not for commercial use" in caplog.text
    with opened_files() as opened:
        again = remove("RMBG-2.0", photo, "Hide", "x")["result"]
    assert opened == []
    assert torch.equal(again[0], image)


def test_the_second_run_opens_no_file(node, place, photo):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    place("vitmatte-small", "vitmatte/pytorch_model.bin")
    settings = ("VITMatte", 6, 6, 0.01, 0.99, True, "cpu", 2.0)
    first = node.rmbg_ultra_v2(photo, *settings)
    with opened_files() as opened:
        second = node.rmbg_ultra_v2(photo, *settings)
    assert opened == []
    assert torch.equal(first[0], second[0])


def test_free_model_gives_the_memory_back(node, comfyui, place, photo):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    comfyui.modules["comfy.model_management"].unload_all_models()
    before = resident_mib()
    wanted = node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    held = sum(size for _, size in core.loaded_networks()) / 2**20
    loaded = resident_mib()
    comfyui.modules["comfy.model_management"].unload_all_models()
    assert core.loaded_networks() == []
    assert comfyui.loaded == []
    assert loaded - before > 0.8 * held  # the measurement sees the network ...
    assert resident_mib() - before < 0.2 * held  # ... and sees it go
    assert torch.equal(node.rmbg_ultra_v2(photo, "VITMatte", *OFF)[0], wanted[0])
    assert len(comfyui.loaded) == 1


def test_networks_on_the_cpu_beside_a_gpu_go_too_and_count_no_bytes_there(comfyui, modules, place, photo, node):
    comfyui.device = torch.device("cuda")
    path = place("vitmatte-small", "vitmatte/pytorch_model.bin")
    modules["networks"].load(modules["networks"].VITMATTE_SMALL, torch.device("cpu"))
    (patcher,) = comfyui.loaded
    assert patcher.model_size() == 0
    assert [key for key, _ in core.loaded_networks() if key.startswith(str(path))]
    comfyui.modules["comfy.model_management"].unload_all_models()
    assert core.loaded_networks() == []


def test_a_network_the_core_dropped_by_itself_counts_no_bytes(node, comfyui, place, photo):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    core.drop_networks("")
    assert comfyui.loaded[0].loaded_size() == 0


def test_weights_under_a_registered_key(node, comfyui, tmp_path, weights_file, photo):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.link(weights_file("rmbg-1.4"), elsewhere / "RMBG-1.4.pth")
    comfyui.modules["folder_paths"].folder_names_and_paths["rembg"] = ([str(elsewhere)], {".pth"})
    assert node.rmbg_ultra_v2(photo, "VITMatte", *OFF)[0].shape == (1, 97, 141, 4)
    core.drop_networks("")


def test_missing_weights_are_one_line_with_the_file_the_folders_and_the_command(node, comfyui, tmp_path, photo):
    registered = tmp_path / "registered"
    comfyui.modules["folder_paths"].folder_names_and_paths["rmbg"] = ([str(registered)], {".pth"})
    with pytest.raises(FileNotFoundError) as raised:
        node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert sentence.startswith("the weights rmbg-1.4 are not here: there is no rmbg/RMBG-1.4/model.pth or ")
    models = comfyui.folder / "models"
    for folder in (registered, models, tmp_path / ".u2net"):
        assert str(folder) in sentence
    command = shlex.split(sentence.rpartition("get them with: ")[2])
    assert command == [sys.executable, *f"-m mattecore weights download rmbg-1.4 --to {models}".split()]


@pytest.mark.parametrize("method", ["VITMatte(local)", "vitmatte-base-composition-1k", "VITMatte"])
def test_vitmatte_is_fetched_unless_local(method, node, place, photo, comfyui, monkeypatch):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    fetched = []
    download = importlib.import_module("mattecore.weights.download")

    def fetch(entry, models, *, progress):
        fetched.append(entry.name)
        progress(0, 0)
        progress(1, 4)
        progress(4, 4)
        assert models == comfyui.folder / "models"
        return place("vitmatte-small", "vitmatte/pytorch_model.bin")

    monkeypatch.setattr(download, "download", fetch)
    settings = (method, 6, 6, 0.01, 0.99, True, "cpu", 2.0)
    if method == "VITMatte(local)":
        with pytest.raises(FileNotFoundError, match="the weights vitmatte-small are not here"):
            node.rmbg_ultra_v2(photo, *settings)
        assert fetched == []
        return
    node.rmbg_ultra_v2(photo, *settings)
    assert fetched == ["vitmatte-base" if "base" in method else "vitmatte-small"]
    bar = comfyui.bars[0]
    assert (bar.total, [value for value, _, _ in bar.updates]) == (4, [1, 4])


def test_a_download_can_be_interrupted(node, place, photo, comfyui, monkeypatch):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")

    def fetch(entry, models, *, progress):
        comfyui.interrupt_at = 0
        progress(1, 4)

    monkeypatch.setattr(importlib.import_module("mattecore.weights.download"), "download", fetch)
    with pytest.raises(BaseException) as raised:
        node.rmbg_ultra_v2(photo, "VITMatte", 6, 6, 0.01, 0.99, True, "cpu", 2.0)
    assert type(raised.value).__name__ == "InterruptProcessingException"


def test_a_file_that_is_no_weights_is_one_line_with_its_name(node, comfyui, photo):
    path = comfyui.folder / "models" / "rmbg" / "RMBG-1.4" / "model.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError) as raised:
        node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert core.loaded_networks() == []


def test_an_interrupt_is_felt_inside_a_network(node, comfyui, place, photo):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    whole = comfyui.asked
    assert whole > 50  # once an operator
    comfyui.asked, comfyui.interrupt_at = 0, whole // 2
    with pytest.raises(BaseException) as raised:
        node.rmbg_ultra_v2(photo, "VITMatte", *OFF)
    assert type(raised.value).__name__ == "InterruptProcessingException"
    assert comfyui.asked == whole // 2


def test_a_batch_through_a_real_network_is_its_pictures_one_by_one(node, place, photo):
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    batch = torch.cat([photo, photo.flip(1)])
    together = node.rmbg_ultra_v2(batch, "GuidedFilter", *OFF[:4], True, *OFF[5:])
    singles = [node.rmbg_ultra_v2(one[None], "GuidedFilter", *OFF[:4], True, *OFF[5:]) for one in batch]
    assert torch.equal(together[0], torch.cat([single[0] for single in singles]))
    assert torch.equal(together[1], torch.cat([single[1] for single in singles]))


def test_exact_and_fast_precision_agree(node, place, photo, monkeypatch):
    """bf16 against float32 through a network of drawn weights, whose masks are no pictures."""
    place("rmbg-1.4", "rmbg/RMBG-1.4/model.pth")
    masks = []
    for precision in ("exact", "bf16"):
        monkeypatch.setenv("MATTECORE_PRECISION", precision)
        masks.append(node.rmbg_ultra_v2(photo, "VITMatte", *OFF)[1])
    assert (masks[0] != masks[1]).float().mean() < 0.01


def test_the_original_s_weights_come_first_and_others_stand_in(comfyui, modules):
    networks, models = modules["networks"], comfyui.folder / "models"
    for place, names in (
        ("rmbg/isnet-general-use.pth", networks.RMBG),
        ("BiRefNet/General.safetensors", networks.BIREFNET),
    ):
        (models / place).parent.mkdir(parents=True, exist_ok=True)
        (models / place).touch()
        assert networks._find(names)[1] == models / place
    for place, names in (
        ("rmbg/RMBG-1.4/model.pth", networks.RMBG),
        ("BiRefNet/BiRefNet-ep480.pth", networks.BIREFNET),  # alone: without the ImageNet file of its backbone
    ):
        (models / place).parent.mkdir(parents=True, exist_ok=True)
        (models / place).touch()
        assert networks._find(names)[1] == models / place
