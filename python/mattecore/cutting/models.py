"""From the name of a network to one that is loaded: where the user has its weights, else the one that comes along."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import comfyui
from ..weights import Entry, SearchResult, WeightsError, manifest, search

if TYPE_CHECKING:
    from .._core import Network
    from .options import Precision

# What `auto` takes, the first that is here: how well they cut pictures of any kind, before what they take of time.
STRENGTH = (
    *("birefnet-general", "birefnet-hr", "rmbg-2.0", "birefnet-dynamic", "birefnet-hr-matting", "birefnet-matting"),
    *("birefnet-lite-2k", "birefnet-lite", "birefnet-ep480", "birefnet-dis-ep580", "birefnet-portrait"),
    *("rmbg-1.4", "isnet-general-use"),
)
# The stronger network that may be fetched and used without conditions.
STRONGER = "birefnet-general"
VITMATTES = {"vitmatte": ("vitmatte-small", "vitmatte-base"), "vitmatte-base": ("vitmatte-base",)}


class MissingError(WeightsError):
    """Weights that are known and are not here. The message says how to fetch them."""


@dataclass(frozen=True)
class Model:
    """Weights that are here, under the name they were asked for or found by."""

    name: str
    file: Path
    entry: Entry | None  # None: not of the manifest

    @property
    def edge_defaults(self) -> dict[str, float]:
        """Returns which options of the edge have another value with it where the user does not say."""
        return {"black_point": 0.1, "white_point": 0.55} if self.name == "builtin" else {}  # its masks are hazy

    def load(self, device: str, precision: "Precision") -> "Network":
        """Returns the network, from this process's cache where it is loaded already."""
        from ..networks import loading

        entry = self.entry
        preparation = loading.Preparation(entry.mean, entry.std, entry.size) if entry else None
        return loading.load(self.file, device, "" if precision == "auto" else precision, preparation)

    @property
    def note(self) -> str:
        """Returns what to say of it in one line."""
        if self.name == "builtin":
            return f"builtin, a small network to begin with; a stronger one: mattecore weights download {STRONGER}"
        licence = f"; licence {self.entry.licence.name}. {self.entry.licence.commercial}" if self.entry else ""
        return f"{self.name}, {self.file}{licence}"


def find(name: str) -> Model:
    """Returns the model of a name: auto, builtin, one of `mattecore weights list`, or the path of a weights file.

    Raises WeightsError, one sentence, for a name that nobody knows, and MissingError for weights that are not here.
    """
    if name == "builtin":
        return _builtin()
    if name == "auto":
        return _first(_search(), STRENGTH) or _builtin()
    known = [entry.name for entry in manifest()]
    if name in known:
        return _first(_search(), (name,)) or _missing(name)
    path = Path(name)
    if path.is_file():
        return Model(path.name, path, None)
    like = difflib.get_close_matches(name, ["auto", "builtin", *known], n=1, cutoff=0.4)
    meant = f"; did you mean {like[0]}?" if like else ""
    raise WeightsError(f"there is no model {name!r}, nor a file of that name (mattecore weights list shows all){meant}")


def here() -> list[str]:
    """Returns the names of the networks that are here, the strongest first; the last is builtin."""
    found = _search()
    return [*(name for name in STRENGTH if found.first(name)), "builtin"]


def find_vitmatte(refine: str) -> Model:
    """Returns the VITMatte that refines edges."""
    names = VITMATTES[refine]
    return _first(_search(), names) or _missing(names[0])


def _builtin() -> Model:
    from ..weights.builtin import builtin

    return Model("builtin", builtin(), None)


def _search() -> SearchResult:
    return search(comfyui=comfyui.find(comfyui.checkout()))


def _first(result: SearchResult, names: tuple[str, ...]) -> Model | None:
    found = next(filter(None, map(result.first, names)), None)
    return Model(found.entry.name, found.path, found.entry) if found else None


def _missing(name: str) -> Model:
    raise MissingError(f"the weights {name} are not here; fetch them with: mattecore weights download {name}")
