"""A double of the ComfyUI modules the nodes look at, and the door opened as ComfyUI opens it."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """ComfyUI with an empty registry, one custom_nodes folder and two samplers."""
    custom_nodes = tmp_path / "ComfyUI" / "custom_nodes"
    custom_nodes.mkdir(parents=True)
    nodes = ModuleType("nodes")
    nodes.NODE_CLASS_MAPPINGS = {}
    nodes.MAX_RESOLUTION = 8192
    folder_paths = ModuleType("folder_paths")
    folder_paths.get_folder_paths = {"custom_nodes": [str(custom_nodes)]}.__getitem__
    samplers = ModuleType("comfy.samplers")
    samplers.KSampler = SimpleNamespace(SAMPLERS=["euler", "ddim"], SCHEDULERS=["normal", "karras"])
    for name, module in {"nodes": nodes, "folder_paths": folder_paths, "comfy.samplers": samplers}.items():
        monkeypatch.setitem(sys.modules, name, module)
    return SimpleNamespace(registry=nodes.NODE_CLASS_MAPPINGS, custom_nodes=custom_nodes)


@pytest.fixture
def sampling_host(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """ComfyUI with what MaskDetailerPipe asks of it: each module of host_double/ under its real name, made anew."""
    modules = {}
    for path in sorted((Path(__file__).parent / "host_double").glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[path.stem])
        real_name = path.stem.replace("comfy_k_diffusion_", "comfy.k_diffusion.").replace("comfy_", "comfy.")
        monkeypatch.setitem(sys.modules, real_name, modules[path.stem])
    return SimpleNamespace(**modules)


@pytest.fixture
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ComfyUI in this process."""
    for name in ("nodes", "folder_paths", "comfy.samplers"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A mattecore of this folder's version that loads; its ``load`` may be replaced."""
    import mattecore

    native = ModuleType("mattecore._native")
    native.load = lambda: ModuleType("mattecore._core")
    monkeypatch.setitem(sys.modules, "mattecore", mattecore)
    monkeypatch.setitem(sys.modules, "mattecore._native", native)
    return native


@pytest.fixture
def load_pack() -> Iterator[Callable[[Path], ModuleType]]:
    """Imports a pack as ComfyUI does: under its path, dots replaced, from its ``__init__.py``."""
    names: list[str] = []

    def load(path: Path = ROOT) -> ModuleType:
        name = str(path).replace(".", "_x_")
        names.append(name)
        spec = importlib.util.spec_from_file_location(name, path / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    yield load
    for loaded in [loaded for loaded in sys.modules if loaded.startswith(tuple(names or [" "]))]:
        del sys.modules[loaded]


@pytest.fixture
def comfyui(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A ComfyUI (comfyui_double.py) that the cut-out nodes can run in, and no weights but those in its folders."""
    spec = importlib.util.spec_from_file_location("comfyui_double", Path(__file__).with_name("comfyui_double.py"))
    assert spec is not None
    assert spec.loader is not None
    double = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(double)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MATTECORE_MODELS", "XDG_DATA_HOME", "MATTECORE_IDS"):
        monkeypatch.delenv(name, raising=False)
    return double.installed(tmp_path / "ComfyUI", monkeypatch)


@pytest.fixture
def pack(comfyui: Any, load_pack: Callable[..., ModuleType]) -> ModuleType:
    """The pack in that ComfyUI, around the installed mattecore."""
    return load_pack()


@pytest.fixture
def networks(pack: ModuleType, canned: Callable, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Networks of stored outputs in place of loaded ones, by their weights' names; ``asked`` lists what was loaded."""
    stored = {
        "rmbg-1.4": canned("isnet"),
        "rmbg-2.0": canned("birefnet"),
        "birefnet-ep480": canned("birefnet"),
        "vitmatte-small": canned("vitmatte"),
        "vitmatte-base": canned("vitmatte"),
        "asked": [],
    }

    def load(names: tuple[str, ...], device: Any, *, fetch: bool = False) -> Any:
        stored["asked"].append((names[0], str(device), fetch))
        return stored[names[0]]

    monkeypatch.setattr(sys.modules[f"{pack.__name__}.nodes.networks"], "load", load)
    return stored


@pytest.fixture
def run(pack: ModuleType, networks: dict[str, Any]) -> Callable[..., tuple[Any, Any]]:
    """Runs a cut-out node by its id on pictures, with the editor's defaults for what a test does not set, on the CPU.

    The networks' stored outputs come from the first one on, or, without ``rewind``, from the next one.
    """

    def run(node_id: str, pictures: Any, *, rewind: bool = True, **settings: Any) -> tuple[Any, Any]:
        for name in networks.keys() - {"asked"} if rewind else ():
            networks[name].seen.clear()
        node = pack.NODE_CLASS_MAPPINGS[node_id]
        (argument, _), *widgets = node.INPUT_TYPES()["required"].items()
        given = {
            name: kind[0] if isinstance(kind, (list, tuple)) else more[0]["default"] for name, (kind, *more) in widgets
        }
        given |= {"device": "cpu"} if "device" in given else {}
        result = getattr(node(), node.FUNCTION)(**{argument: pictures, **given, **settings})
        return result["result"] if isinstance(result, dict) else result

    return run


@pytest.fixture
def photo(golden: Callable) -> Any:
    """A picture [1,97,141,3]."""
    import torch

    return torch.from_numpy(golden("node_RemBgUltra__00_coffee_f")["in_image"])
