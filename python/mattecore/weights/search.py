"""Looks for weights in every place where people already have them, so that nobody needs a second copy.

The places are those of the packs mattecore stands in for and of their neighbours, on every base path: a folder given by
the caller, MATTECORE_MODELS, the folders registered in a running ComfyUI, its models folder, the folders named in its
extra_model_paths.yaml, the packs' own folders, the user's own models folder, and the caches of rembg and
transparent-background. File and folder names are compared without case, as they would be on the systems most of the
packs were written on.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..comfyui import ComfyUI
from . import folders
from .manifest import Entry, WeightsFile, manifest

# Names that say nothing about the network, so that the folder must: "model.pth" is RMBG-1.4 in rmbg/ only.
GENERIC = frozenset({"model.pth", "model.safetensors", "pytorch_model.bin"})

_MODELS = "models folder"
_EXTRA_PATHS = "extra_model_paths.yaml"


@dataclass(frozen=True)
class Looked:
    """A folder that was looked into, and why."""

    folder: Path
    reason: str
    exists: bool


@dataclass(frozen=True)
class Found:
    """A file with known weights. Its content has not been read: ``expected`` says what the manifest knows of it."""

    entry: Entry
    path: Path
    bytes: int
    expected: WeightsFile


@dataclass(frozen=True)
class SearchResult:
    looked: tuple[Looked, ...]
    found: tuple[Found, ...]
    notes: tuple[str, ...]  # one sentence each on what could not be looked at

    def first(self, name: str) -> Found | None:
        """Returns the file to use for the entry ``name``: the first one found, in the order of the search."""
        return next((found for found in self.found if found.entry.name == name), None)


@dataclass(frozen=True)
class _Base:
    """A folder to look in: one of ComfyUI's for ``key``, or with None any other, mostly with a folder per key in it."""

    folder: Path
    key: str | None
    reason: str


def search(
    explicit: Path | None = None,
    *,
    comfyui: ComfyUI | None = None,
    folder_paths: Any = None,
    environ: Mapping[str, str] = os.environ,
    home: Path | None = None,
) -> SearchResult:
    """Looks for every file of the manifest and returns what was looked at and what was found, best place first.

    ``explicit`` is a folder, or a file whose name the manifest knows; ``folder_paths`` is ComfyUI's module of that name
    where it runs in this process. Raises ValueError where ``explicit`` does not exist.
    """
    notes: list[str] = []
    bases: list[_Base] = []
    found: dict[Path, Found] = {}
    if explicit is not None:
        if not explicit.exists():
            raise ValueError(f"there is no file or folder {explicit}; give the path of a weights file or of its folder")
        if explicit.is_file():
            named = [one for one in _found(_Base(explicit.parent, None, "given"), _Folders()) if one.path == explicit]
            found.update((one.path, one) for one in named)
            if not named:
                notes.append(f"{explicit.name} is no file name of the manifest; rename it to one that is listed there")
        else:
            bases.append(_Base(explicit, None, "given"))
    if environ.get("MATTECORE_MODELS"):
        bases.append(_Base(Path(environ["MATTECORE_MODELS"]).expanduser(), None, "MATTECORE_MODELS"))
    if folder_paths is not None:
        bases += _registered(folder_paths)
    if comfyui is not None:
        bases.append(_Base(comfyui.models, None, f"ComfyUI's {_MODELS}"))
        bases += _extra_model_paths(comfyui.folder / _EXTRA_PATHS, notes)
        bases += _pack_folders(comfyui.custom_nodes)
    home = home or Path.home()
    bases.append(_Base(folders.own_models(environ, home), None, "mattecore's own models folder"))
    bases += [_Base(home / folder, None, folder) for folder in (".u2net", ".transparent-background")]

    listings = _Folders()
    looked: dict[Path, Looked] = {}
    for base in bases:
        looked.setdefault(base.folder, Looked(base.folder, base.reason, base.folder.is_dir()))
        for one in _found(base, listings):
            found.setdefault(one.path, one)
    return SearchResult(tuple(looked.values()), tuple(found.values()), tuple(notes))


def _found(base: _Base, listings: "_Folders") -> Iterator[Found]:
    for entry in manifest():
        for file in entry.files:
            for parts in _relative_places(file, base):
                for path in listings.matches(base.folder, parts):
                    yield Found(entry, path, path.stat().st_size, file)


def _relative_places(file: WeightsFile, base: _Base) -> Iterator[Sequence[str]]:
    """Yields where ``file`` may lie below a base, as path parts.

    In a models folder that is the place as written. A folder that is a key's own, or has a name from the place, holds
    it without the parts in front; and so may any other folder, unless the name of the file then says nothing.
    """
    for place in file.places:
        parts = place.split("/")
        if base.key is not None:
            if parts[0].casefold() == base.key.casefold():
                yield parts[1:]
            continue
        yield parts
        names = [part.casefold() for part in parts[:-1]]
        if base.folder.name.casefold() in names:
            yield parts[names.index(base.folder.name.casefold()) + 1 :]
        elif len(parts) > 2 or parts[-1] not in GENERIC:
            yield parts[1:]


def _registered(folder_paths: Any) -> Iterator[_Base]:
    """Yields the folders of a running ComfyUI that carry one of our keys, then its models folder."""
    ours = {place.split("/")[0].casefold() for entry in manifest() for file in entry.files for place in file.places}
    for key, (registered, *_) in folder_paths.folder_names_and_paths.items():
        if key.casefold() in ours:
            for folder in registered:
                yield _Base(Path(folder), key, f"ComfyUI's key {key}")
    yield _Base(Path(folder_paths.models_dir), None, f"ComfyUI's {_MODELS}")


def _extra_model_paths(path: Path, notes: list[str]) -> list[_Base]:
    """Returns the folders that extra_model_paths.yaml adds, under the keys it gives them."""
    if not path.is_file():
        return []
    try:
        import yaml
    except ImportError:
        notes.append(f"{path} was not read, since this Python has no PyYAML; install it or set MATTECORE_MODELS")
        return []
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return [base for section in sections.values() if section for base in _section_bases(section, path.parent)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        what = str(error).splitlines()[0]
        notes.append(f"{path} was not read: {what}; correct the file as extra_model_paths.yaml.example shows")
        return []


def _section_bases(section: Mapping[str, Any], beside: Path) -> Iterator[_Base]:
    base_path = section.get("base_path")
    root = beside / os.path.expandvars(os.path.expanduser(base_path)) if base_path else beside
    for key, value in section.items():
        if key not in ("base_path", "is_default"):
            for line in filter(None, map(str.strip, str(value).split("\n"))):
                yield _Base(root / line, key, f"{_EXTRA_PATHS}, {key}")
    if base_path:
        # People give a whole models folder as base and name only the keys that ComfyUI knows.
        yield _Base(root, None, f"{_EXTRA_PATHS}, base_path")


def _pack_folders(custom_nodes: Path) -> Iterator[_Base]:
    """Yields the folders of LayerStyle, which also looks for RMBG-1.4/model.pth in its own."""
    if custom_nodes.is_dir():
        for pack in sorted(custom_nodes.iterdir()):
            if pack.name.casefold().startswith("comfyui_layerstyle"):
                yield _Base(pack, None, pack.name)


class _Folders:
    """Finds files without regard to case, reading each folder once."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, list[str]]] = {}

    def matches(self, folder: Path, parts: Sequence[str]) -> Iterator[Path]:
        """Yields the files at ``parts`` below ``folder``; several where names differ in case alone, the exact first."""
        if not parts:
            if folder.is_file():
                yield folder
            return
        names = self._listing(folder).get(parts[0].casefold(), [])
        for name in sorted(names, key=lambda name: (name != parts[0], name)):
            yield from self.matches(folder / name, parts[1:])

    def _listing(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._names:
            by_plain_name: dict[str, list[str]] = {}
            try:
                for name in os.listdir(folder):
                    by_plain_name.setdefault(name.casefold(), []).append(name)
            except OSError:
                pass  # not there, or not a folder, or not ours to read: nothing can be found in it
            self._names[folder] = by_plain_name
        return self._names[folder]
