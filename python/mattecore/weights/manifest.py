"""The table of known weights, read from ``weights/manifest.json``."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Licence:
    name: str
    commercial: str  # one plain sentence on commercial use


@dataclass(frozen=True)
class WeightsFile:
    """One file that holds the weights of an entry."""

    file: str  # its name at the source
    source: str | None  # "huggingface:OWNER/REPOSITORY/PATH", None where it has to be placed by hand
    bytes: int | None
    sha256: str | None
    places: tuple[str, ...]  # below a models folder, "/" between; the first part is also ComfyUI's key for the folder


@dataclass(frozen=True)
class Entry:
    """One set of weights: a network's family and how pictures go into it."""

    name: str
    family: str  # isnet, birefnet-legacy, birefnet, vitmatte or box
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: tuple[int, int] | None  # height and width of the network's input, None for the picture's own
    divisor: int  # the input's sides are padded to multiples of it
    licence: Licence
    files: tuple[WeightsFile, ...]

    @property
    def download(self) -> WeightsFile | None:
        """The file to fetch for it, to lie at its first place; None where it can only be placed by hand."""
        return next((file for file in self.files if file.source is not None), None)


@functools.cache
def manifest() -> tuple[Entry, ...]:
    """Returns every known set of weights, in the order of the file; the same name occurs once."""
    rows = json.loads(_path().read_text(encoding="utf-8"))["weights"]
    return tuple(_entry(row) for row in rows)


def _path() -> Path:
    """Returns the installed manifest, or the checkout's where the package runs from its sources."""
    installed = Path(__file__).with_name("manifest.json")
    return installed if installed.is_file() else Path(__file__).parents[3] / "weights" / "manifest.json"


def _entry(row: dict[str, Any]) -> Entry:
    files = tuple(WeightsFile(**{**file, "places": tuple(file["places"])}) for file in row["files"])
    tuples = {key: row[key] and tuple(row[key]) for key in ("mean", "std", "size")}
    return Entry(**{**row, **tuples, "files": files, "licence": Licence(**row["licence"])})
