"""Who has which node id in ComfyUI.

mattecore answers to five ids of its own, always, and to the five ids of the packs it stands in for only where no
installed pack owns them: ComfyUI lets the pack imported last silently replace a node of the same id, and that must not
happen to a pack the user installed on purpose. Ownership is looked up in ComfyUI's registry and in the folders beside
ours, because the other pack may be imported after us.

Standard library only; ComfyUI is not imported, what is known of it is passed in.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

OURS = "mattecore"

# Original id -> our own id for the same node, in the order of the five nodes.
OWN_IDS: dict[str, str] = {
    "LayerMask: RemBgUltra": "MattecoreRemBgUltra",
    "LayerMask: RmBgUltra V2": "MattecoreRmBgUltraV2",
    "LayerMask: BiRefNetUltra": "MattecoreBiRefNetUltra",
    "easy imageRemBg": "MattecoreImageRemBg",
    "MaskDetailerPipe": "MattecoreMaskDetailerPipe",
}

# The packs the ids come from, by the name of their folder or of their pyproject.toml, spelled as _plain() spells it.
_PACK_IDS: dict[str, tuple[str, ...]] = {
    "comfyuilayerstyle": ("LayerMask: RemBgUltra", "LayerMask: RmBgUltra V2"),
    "comfyuilayerstyleadvance": ("LayerMask: BiRefNetUltra",),
    "comfyuieasyuse": ("easy imageRemBg",),
    "comfyuiimpactpack": ("MaskDetailerPipe",),
}

Mode = Literal["defer", "override", "off"]

# Limits of the search in other packs' sources: it runs while ComfyUI starts, and people have a hundred packs.
_SEARCH_SECONDS = 2.0
_MAX_FILE_BYTES = 1 << 20
_MAX_FILES_PER_PACK = 500
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "web", "js"})


def mode(environ: Mapping[str, str] = os.environ) -> Mode:
    """Returns what MATTECORE_IDS asks for ("defer" where it is unset or empty); raises ValueError on any other word."""
    value = environ.get("MATTECORE_IDS", "").strip().lower() or "defer"
    if value not in get_args(Mode):
        raise ValueError(
            f"MATTECORE_IDS is {value!r}, which is none of {', '.join(get_args(Mode))}; correct or remove the variable"
        )
    return cast(Mode, value)


@dataclass(frozen=True)
class Owners:
    """What the look-up found: ``by_id`` maps an original id to the name of the other pack that owns it."""

    by_id: Mapping[str, str]
    unsearched: tuple[str, ...] = ()  # packs whose sources there was no time to read


@dataclass(frozen=True)
class Assignment:
    """Which original ids mattecore takes, and who has each of the five."""

    mode: Mode
    taken: tuple[str, ...]
    has: Mapping[str, str | None]  # original id -> OURS, another pack, or None where nobody has it
    unsearched: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Returns one line for the log that says who has the ids."""
        if len(self.taken) == len(self.has):
            who = f"all {len(self.has)} original node ids are mattecore's"
        else:
            by_owner: dict[str | None, list[str]] = {}
            for node_id, owner in self.has.items():
                by_owner.setdefault(owner, []).append(node_id)
            who = "original node ids: " + "; ".join(
                f"{', '.join(ids)}: {owner or 'nobody'}" for owner, ids in by_owner.items()
            )
        line = f"{who}; mattecore's own five are always there (MATTECORE_IDS={self.mode})"
        if self.unsearched:
            line += f"; no time was left to look into {', '.join(self.unsearched)}"
        return line


def assign(chosen: Mode, owners: Owners) -> Assignment:
    """Decides which original ids mattecore registers: the free ones, all (override) or none (off)."""
    if chosen == "override":
        taken = tuple(OWN_IDS)
    elif chosen == "off":
        taken = ()
    else:
        taken = tuple(node_id for node_id in OWN_IDS if node_id not in owners.by_id)
    has = {node_id: OURS if node_id in taken else owners.by_id.get(node_id) for node_id in OWN_IDS}
    return Assignment(chosen, taken, has, owners.unsearched)


def find_owners(
    custom_nodes: Sequence[Path],
    registered: Mapping[str, object],
    our_package: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Owners:
    """Looks up which of the original ids belong to another pack.

    ``custom_nodes`` are the folders ComfyUI loads packs from, ``registered`` its NODE_CLASS_MAPPINGS as it stands, and
    ``our_package`` the name under which our own pack is imported, whose classes do not count. A folder is known as a
    pack's by its name, by the name in its pyproject.toml, or by Python sources that map the id to a class; the sources
    are read for at most two seconds altogether. Folders that ComfyUI does not load (``.disabled``, no ``__init__.py``)
    and copies of mattecore are passed over.
    """
    owners: dict[str, str] = {}
    for node_id in OWN_IDS:
        node = registered.get(node_id)
        if node is not None and not _belongs_to(node, our_package):
            owners[node_id] = pack_of(node)

    packs = [pack for folder in custom_nodes for pack in _packs(folder)]
    for pack in packs:
        for name in (_plain(pack.name), _plain(_project_name(pack))):
            for node_id in _PACK_IDS.get(name, ()):
                owners.setdefault(node_id, pack.name)

    deadline = clock() + _SEARCH_SECONDS
    unsearched = []
    for pack in packs:
        missing = [node_id for node_id in OWN_IDS if node_id not in owners]
        if not missing:
            break
        found = _mapped_ids(pack, missing, lambda: clock() > deadline)
        if found is None:
            unsearched.append(pack.name)
            continue
        for node_id in found:
            owners[node_id] = pack.name
    return Owners(owners, tuple(unsearched))


def _belongs_to(node: object, package: str) -> bool:
    module = getattr(node, "__module__", "")
    return module == package or module.startswith(f"{package}.")


def pack_of(node: object) -> str:
    """Returns the folder name of the pack a registered class came from, as ComfyUI notes it on the class."""
    noted = getattr(node, "RELATIVE_PYTHON_MODULE", None) or getattr(node, "__module__", "")
    return str(noted).removeprefix("custom_nodes.") or "another pack"


def _plain(name: str) -> str:
    """Returns a pack's name without case, separators and the branch that GitHub's ZIP files add."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"-(main|master)$", "", name.lower()))


def _packs(custom_nodes: Path) -> Iterator[Path]:
    """Yields what ComfyUI would import from a custom_nodes folder, sorted by name, copies of mattecore left out."""
    try:
        entries = sorted(custom_nodes.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.lower().endswith(".disabled"):
            continue
        if (entry / "__init__.py").is_file():
            if not (entry / "python" / "mattecore" / "node_ids.py").is_file():
                yield entry
        elif entry.suffix == ".py" and entry.is_file():
            yield entry


def _project_name(pack: Path) -> str:
    """Returns the name in the [project] table of a pack's pyproject.toml, "" where there is none."""
    try:
        text = (pack / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    project = re.search(r"^\[project\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    name = re.search(r"^name\s*=\s*[\"']([^\"']*)[\"']", project[1], re.MULTILINE) if project else None
    return name[1] if name else ""


def _mapped_ids(pack: Path, node_ids: Sequence[str], out_of_time: Callable[[], bool]) -> list[str] | None:
    """Returns those of ``node_ids`` that a pack's sources map to a class, or None where time ran out before the end.

    Mapped means ``"id": Name`` in a dict or ``...MAPPINGS["id"] =``. The id alone is not enough: packs call each
    other's nodes by id, and display names are strings.
    """
    quoted = {node_id: rf"[\"']{re.escape(node_id)}[\"']" for node_id in node_ids}
    patterns = {
        node_id: re.compile(rf"{text}\s*:\s*[A-Za-z_]|CLASS_MAPPINGS\s*\[\s*{text}\s*\]\s*=(?!=)".encode())
        for node_id, text in quoted.items()
    }
    found: list[str] = []
    for source in _sources(pack):
        if out_of_time():
            return None
        try:
            with source.open("rb") as stream:
                text = stream.read(_MAX_FILE_BYTES)
        except OSError:
            continue
        found += [node_id for node_id, pattern in patterns.items() if node_id not in found and pattern.search(text)]
        if len(found) == len(node_ids):
            break
    return found


def _sources(pack: Path) -> Iterator[Path]:
    """Yields a pack's Python files, the ones near its root first, up to a limit."""
    if pack.is_file():
        yield pack
        return
    left = _MAX_FILES_PER_PACK
    folders = [pack]
    while folders:
        below: list[Path] = []
        for folder in folders:
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name not in _SKIPPED_FOLDERS:
                        below.append(Path(entry.path))
                elif entry.name.endswith(".py"):
                    if left == 0:
                        return
                    left -= 1
                    yield Path(entry.path)
        folders = below
