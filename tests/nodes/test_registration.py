"""What ComfyUI gets from the door, and what its log says."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORIGINAL = [
    *("LayerMask: RemBgUltra", "LayerMask: RmBgUltra V2", "LayerMask: BiRefNetUltra"),
    *("easy imageRemBg", "MaskDetailerPipe"),
]
OWN = [
    *("MattecoreRemBgUltra", "MattecoreRmBgUltraV2", "MattecoreBiRefNetUltra"),
    *("MattecoreImageRemBg", "MattecoreMaskDetailerPipe"),
]
BESIDE = ["MattecoreMaskDetailerBatch", "MattecoreToBasicPipe", "MattecoreFromBasicPipe"]


@pytest.fixture(autouse=True)
def default_mode(monkeypatch):
    monkeypatch.delenv("MATTECORE_IDS", raising=False)


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, logger="mattecore")
    return caplog


def test_the_door_exports_three_names_and_a_folder_that_exists(host, installed, load_pack):
    pack = load_pack()
    assert set(pack.__all__) == {"NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"}
    assert {name for name in vars(pack) if not name.startswith("_")} == {*pack.__all__, "nodes", "python"}
    assert (ROOT / pack.WEB_DIRECTORY).is_dir()


def test_no_other_pack(host, installed, load_pack, log):
    pack = load_pack()
    assert set(pack.NODE_CLASS_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE}
    assert set(pack.NODE_DISPLAY_NAME_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE}
    assert [record.levelname for record in log.records] == ["INFO"]
    assert "all 5 original node ids are mattecore's" in log.text


def test_every_own_id_is_the_original_s_class_and_has_a_help_page(host, installed, load_pack):
    classes = load_pack().NODE_CLASS_MAPPINGS
    for own, original in zip(OWN, ORIGINAL, strict=True):
        assert classes[own] is classes[original]
    for own in (*OWN, *BESIDE):
        assert (ROOT / "web" / "docs" / f"{own}.md").read_text(encoding="utf-8").startswith("# ")


def test_an_original_id_s_help_page_is_its_own_id_s(comfyui, load_pack):
    load_pack()
    for own, original in zip(OWN, ORIGINAL, strict=True):
        answer = comfyui.pages[f"/extensions/{ROOT.name}/docs/{original}.md"]
        assert asyncio.run(answer(None)) == (ROOT / "web" / "docs" / f"{own}.md").read_text(encoding="utf-8")


def test_another_pack_loaded_before(host, installed, load_pack, log):
    theirs = type("MaskDetailerPipe", (), {"RELATIVE_PYTHON_MODULE": "custom_nodes.ComfyUI-Impact-Pack"})
    host.registry["MaskDetailerPipe"] = theirs
    pack = load_pack()
    assert set(pack.NODE_CLASS_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE} - {"MaskDetailerPipe"}
    assert "MaskDetailerPipe: ComfyUI-Impact-Pack" in log.text


def test_another_pack_loaded_after(host, installed, load_pack, log):
    (host.custom_nodes / "ComfyUI-Easy-Use").mkdir()
    (host.custom_nodes / "ComfyUI-Easy-Use" / "__init__.py").touch()
    pack = load_pack()
    assert set(pack.NODE_CLASS_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE} - {"easy imageRemBg"}
    assert "easy imageRemBg: ComfyUI-Easy-Use" in log.text


def test_our_own_classes_in_the_registry_are_no_other_pack(host, installed, load_pack):
    host.registry.update(load_pack().NODE_CLASS_MAPPINGS)
    assert set(load_pack().NODE_CLASS_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE}


def test_override_takes_all(host, installed, load_pack, monkeypatch):
    host.registry["MaskDetailerPipe"] = object
    monkeypatch.setenv("MATTECORE_IDS", "override")
    assert set(load_pack().NODE_CLASS_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE}


def test_off_takes_none(host, installed, load_pack, monkeypatch, log):
    monkeypatch.setenv("MATTECORE_IDS", "off")
    assert set(load_pack().NODE_CLASS_MAPPINGS) == {*OWN, *BESIDE}
    assert "nobody" in log.text


def test_a_misspelt_mode_is_said_and_taken_as_defer(host, installed, load_pack, monkeypatch, log):
    monkeypatch.setenv("MATTECORE_IDS", "always")
    assert set(load_pack().NODE_CLASS_MAPPINGS) == {*ORIGINAL, *OWN, *BESIDE}
    assert "MATTECORE_IDS is 'always'" in log.text


def test_outside_custom_nodes_no_neighbour_is_searched(no_host, installed, load_pack, tmp_path, monkeypatch):
    work = tmp_path / "work"
    (work / "ComfyUI-Impact-Pack").mkdir(parents=True)
    (work / "ComfyUI-Impact-Pack" / "__init__.py").touch()
    (work / "mattecore").symlink_to(ROOT)
    assert "MaskDetailerPipe" in load_pack(work / "mattecore").NODE_CLASS_MAPPINGS


def test_a_linked_checkout_sees_the_neighbours_of_the_link(no_host, installed, load_pack, tmp_path):
    custom_nodes = tmp_path / "custom_nodes"
    (custom_nodes / "ComfyUI-Impact-Pack").mkdir(parents=True)
    (custom_nodes / "ComfyUI-Impact-Pack" / "__init__.py").touch()
    (custom_nodes / "mattecore").symlink_to(ROOT)
    assert "MaskDetailerPipe" not in load_pack(custom_nodes / "mattecore").NODE_CLASS_MAPPINGS


# ComfyUI's own way of importing a pack, in a Python of its own; -S keeps the installed mattecore out of sight.
START = """
import importlib.util, logging, sys
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
path = sys.argv[1]
spec = importlib.util.spec_from_file_location(path.replace(".", "_x_"), path + "/__init__.py")
pack = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = pack
spec.loader.exec_module(pack)
assert len(pack.NODE_CLASS_MAPPINGS) == 13, pack.NODE_CLASS_MAPPINGS
try:
    pack.NODE_CLASS_MAPPINGS["easy imageRemBg"]().remove("RMBG-1.4", None, "Hide", "ComfyUI")
except RuntimeError as error:
    print(error)
"""


def start(site: Path | None) -> tuple[str, str]:
    """Returns what the node says and what the log says in a Python that sees only ``site``."""
    environment = {"PYTHONPATH": str(site)} if site else {}
    process = subprocess.run(
        [sys.executable, "-S", "-c", START, str(ROOT)], env=environment, cwd="/", capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr
    return process.stdout.strip(), process.stderr.strip()


def package(site: Path, version: str, load: str = "") -> Path:
    """Writes a mattecore of ``version`` whose native module does ``load``."""
    (site / "mattecore").mkdir(parents=True)
    (site / "mattecore" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    if load:
        (site / "mattecore" / "_native.py").write_text(f"def load():\n    {load}\n")
    return site


def this_version() -> str:
    import mattecore

    return mattecore.__version__


def assert_says_how_to_mend(said: tuple[str, str], reason: str) -> None:
    """The log's first line and the node's error are one sentence each: the reason and the command."""
    node, log = said
    mend = f"run this and restart ComfyUI: {sys.executable} {ROOT / 'install.py'}"
    assert len(node.splitlines()) == 1
    assert reason in node
    assert node.endswith(mend)
    first, second = log.splitlines()
    assert first.startswith("ERROR ")
    assert reason in first
    assert first.endswith(mend)
    assert second.startswith("INFO ")


def test_not_installed():
    assert_says_how_to_mend(start(None), "mattecore is not installed")


def test_a_folder_called_mattecore_is_not_an_installation(tmp_path):
    (tmp_path / "mattecore").mkdir()
    assert_says_how_to_mend(start(tmp_path), "mattecore is not installed")


def test_another_version_installed(tmp_path):
    assert_says_how_to_mend(start(package(tmp_path, "0.0.1")), "mattecore 0.0.1 is installed, but the nodes in")


def test_a_native_module_that_refuses_to_load(tmp_path):
    reason = "mattecore was built for torch 2.7.0, and this is 2.13.0"
    sentence = f"{reason}; build it again with: python /elsewhere/install.py"
    site = package(tmp_path, this_version(), f"raise ImportError({sentence!r})")
    assert_says_how_to_mend(start(site), f"{reason}; run this")


# --- once every pack has been imported


@pytest.fixture
def start_server(comfyui, load_pack, monkeypatch):
    """Imports the pack, then, after ``meanwhile``, what ComfyUI does until its server has started."""

    def run(meanwhile=lambda registry: None):
        registry = comfyui.modules["nodes"].NODE_CLASS_MAPPINGS
        pack = load_pack()
        registry.update(pack.NODE_CLASS_MAPPINGS)
        meanwhile(registry)
        (started,) = comfyui.on_startup
        asyncio.run(started(None))
        return registry, pack.NODE_CLASS_MAPPINGS["MattecoreImageRemBg"]

    return run


THEIRS = type("imageRemBg", (), {"RELATIVE_PYTHON_MODULE": "custom_nodes.a-fork"})


def test_nothing_is_said_where_all_came_as_expected(start_server, log):
    registry, ours = start_server()
    assert registry["easy imageRemBg"] is ours
    assert len(log.records) == 1


def test_a_pack_that_takes_an_id_after_us_keeps_it_and_is_named(start_server, log):
    registry, ours = start_server(lambda registry: registry.update({"easy imageRemBg": THEIRS}))
    assert registry["easy imageRemBg"] is THEIRS
    assert registry["MattecoreImageRemBg"] is ours
    assert "a-fork registered easy imageRemBg after us" in log.records[-1].getMessage()
    assert log.records[-1].levelname == "WARNING"


def test_override_holds_against_a_pack_that_comes_after_us(start_server, log, monkeypatch):
    monkeypatch.setenv("MATTECORE_IDS", "override")
    registry, ours = start_server(lambda registry: registry.update({"easy imageRemBg": THEIRS}))
    assert registry["easy imageRemBg"] is ours
    assert "easy imageRemBg is ours, not a-fork's" in log.records[-1].getMessage()


def test_an_id_left_to_a_pack_that_does_not_register_it_becomes_ours(comfyui, start_server, log):
    (comfyui.folder / "custom_nodes" / "ComfyUI-Easy-Use").mkdir()
    (comfyui.folder / "custom_nodes" / "ComfyUI-Easy-Use" / "__init__.py").touch()
    registry, ours = start_server()
    assert registry["easy imageRemBg"] is ours
    assert comfyui.modules["nodes"].NODE_DISPLAY_NAME_MAPPINGS["easy imageRemBg"] == "Image Remove Bg"
    assert "no pack registered easy imageRemBg after all" in log.records[-1].getMessage()


def test_off_leaves_ids_to_nobody(start_server, monkeypatch):
    monkeypatch.setenv("MATTECORE_IDS", "off")
    registry, _ = start_server()
    assert set(registry) == {*OWN, *BESIDE}


@pytest.mark.parametrize("name", ["mattecore", "my-clone"])
@pytest.mark.parametrize("mode", ["importlib", "prepend"])
def test_pytest_can_collect_a_checkout_of_any_name(tmp_path, name, mode):
    checkout = tmp_path / name
    (checkout / "tests").mkdir(parents=True)
    (checkout / "tests" / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    (checkout / "pytest.ini").write_text(f"[pytest]\naddopts = --import-mode={mode} -p no:cacheprovider\n")
    for part in ("__init__.py", "nodes", "python"):
        (checkout / part).symlink_to(ROOT / part)
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests"], cwd=checkout, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout + process.stderr
