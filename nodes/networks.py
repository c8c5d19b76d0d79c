"""The networks the nodes run: found where the user has them, fetched where the original does so, loaded once."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..python.mattecore import reinstall
from . import engine, host, memory

if TYPE_CHECKING:
    import torch

# Names of weights in the manifest, the original's first; the others do the same work.
RMBG = ("rmbg-1.4", "isnet-general-use")
RMBG_2 = ("rmbg-2.0",)
BIREFNET = ("birefnet-ep480", "birefnet-dis-ep580", "birefnet-general", "birefnet-lite")
VITMATTE_SMALL = ("vitmatte-small",)
VITMATTE_BASE = ("vitmatte-base",)

_log = logging.getLogger("mattecore")
_said: set[str] = set()  # the weights whose licence the log has


def load(names: Sequence[str], device: "torch.device", *, fetch: bool = False) -> Any:
    """Returns the network with the first of the weights ``names`` that is here, from memory where it was used before.

    Where none is here, ``fetch`` has the first one downloaded into ComfyUI's models folder; otherwise it is a
    FileNotFoundError that says where was looked and what gets it.
    """
    entry, path = _find(names) or (_fetch(names[0]) if fetch else _missing(names[0]))
    if entry.name not in _said:
        _said.add(entry.name)
        _log.info("mattecore: %s, %s; licence %s. %s", entry.name, path, entry.licence.name, entry.licence.commercial)
    loading = engine.module("networks.loading")
    preparation = loading.Preparation(entry.mean, entry.std, entry.size)
    network = loading.load(path, device, preparation=preparation)
    memory.in_use(loading.cache_key(path, device, preparation=preparation), on_gpu=device.type != "cpu")
    return network


def _search() -> Any:
    checkout = engine.FOLDER
    comfyui = engine.module("comfyui").find(checkout, {})
    return engine.module("weights.search").search(comfyui=comfyui, folder_paths=host.folder_paths())


def _find(names: Sequence[str]) -> tuple[Any, Path] | None:
    result = _search()
    for name in names:
        found = result.first(name)
        if found is not None:
            return found.entry, found.path
    return None


def _entry(name: str) -> Any:
    return next(entry for entry in engine.module("weights.manifest").manifest() if entry.name == name)


def _fetch(name: str) -> tuple[Any, Path]:
    entry = _entry(name)
    models = _models_folder()
    _log.info("mattecore: %s is not here; fetching it into %s", name, models)
    bar: list[Any] = []

    def progress(done: int, total: int) -> None:
        host.check_interrupt()
        if total and not bar:
            bar.append(host.progress_bar(total))
        if bar:
            bar[0](done, None)

    return entry, engine.module("weights.download").download(entry, models, progress=progress)


def _missing(name: str) -> tuple[Any, Path]:
    entry = _entry(name)
    files = " or ".join(dict.fromkeys(place for file in entry.files for place in file.places[:1]))
    looked = ", ".join(str(one.folder) for one in _search().looked)
    words = [sys.executable, "-m", "mattecore", "weights", "download", name, "--to", str(_models_folder())]
    raise FileNotFoundError(
        f"the weights {name} are not here: there is no {files} in {looked}; get them with: {reinstall.typed(words)}"
    )


def _models_folder() -> Path:
    folder_paths = host.folder_paths()
    return Path(folder_paths.models_dir) if folder_paths is not None else engine.module("weights.folders").models()
