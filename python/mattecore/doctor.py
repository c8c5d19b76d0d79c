"""Finds out whether this installation works, and what to do where it does not.

Every look is guarded: a doctor that falls over what it is to find is no help. So nothing here raises, not even with a
torch that cannot be imported.
"""

import importlib
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import __version__, comfyui, node_ids, reinstall, weights

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One line of the report. ``ok`` is None where a fact is neither good nor bad."""

    name: str
    ok: bool | None
    text: str


@dataclass(frozen=True)
class Report:
    """What was found. ``facts`` is what ``--json`` prints, and keeps its keys from version to version."""

    facts: dict[str, Any]
    lines: tuple[Line, ...]
    fix: str | None  # the sentence that mends it, None where the main job works

    @property
    def ok(self) -> bool:
        return self.fix is None


class _LookError(Exception):
    """Carries the sentence that says why a look gave nothing."""


class _Notes:
    """The lines of a report as they come together."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.troubles: list[str] = []

    def tell(self, name: str, text: str, ok: bool | None = None) -> None:
        self.lines.append(Line(name, ok, text))

    def fail(self, name: str, sentence: str) -> None:
        """Notes what keeps the main job from working."""
        self.troubles.append(sentence)
        self.tell(name, sentence, ok=False)

    def check(self, name: str, look: Callable[[], tuple[T, str]]) -> T | None:
        """Notes what ``look`` finds and returns its fact, None where it finds what keeps the main job from working."""
        try:
            fact, text = look()
        except _LookError as trouble:
            self.fail(name, str(trouble))
            return None
        self.tell(name, text, ok=True)
        return fact


def examine(environ: Mapping[str, str] = os.environ) -> Report:
    """Looks at everything the main job needs, and does a tiny cut with it."""
    notes = _Notes()
    build = _build()
    checkout = comfyui.checkout()

    notes.tell("mattecore", f"{__version__} in {Path(__file__).parent}")
    notes.tell("Python", f"{platform.python_version()} ({sys.executable})")
    torch = notes.check("torch", _torch) or {"version": None, "build": None}
    notes.check("built for", lambda: _built_for(build, torch["version"]))
    core = notes.check("native module", _core)
    cut = core is not None and notes.check("a tiny cut", _cut) is not None
    machine = _machine(build, core, notes)
    host = _comfyui(checkout, environ, notes)
    found_weights = _weights(host, environ, notes)
    owners = _owners(host, environ, notes)
    facts = {
        "ok": not notes.troubles,
        "fix": _fix(notes.troubles, checkout),
        "mattecore": {
            "version": __version__,
            "folder": str(Path(__file__).parent),
            "source_dir": build.get("SOURCE_DIR"),
            "source_digest": build.get("SOURCE_DIGEST"),
        },
        "python": {
            "version": platform.python_version(),
            "built_for": build.get("PYTHON_VERSION"),
            "executable": sys.executable,
        },
        "torch": {**torch, "built_for": build.get("TORCH_VERSION"), "built_for_cuda": build.get("TORCH_CUDA")},
        "native_module": core is not None,
        "cut": cut,
        **machine,
        "comfyui": str(host.folder) if host else None,
        "weights": found_weights,
        "node_ids": owners,
    }
    return Report(facts, tuple(notes.lines), facts["fix"])


def text(report: Report, encoding: str) -> str:
    """Lays a report out for reading, with marks that ``encoding`` can write."""
    marks = {True: "✓", False: "✗", None: " "}
    try:
        "".join(marks.values()).encode(encoding)
    except UnicodeEncodeError:
        marks = {True: "+", False: "x", None: " "}
    width = max(len(line.name) for line in report.lines)
    body, before = [], ""
    for line in report.lines:
        name = line.name if line.name != before else ""
        body.append(f"{marks[line.ok]} {name:<{width}}  {line.text}")
        before = line.name
    end = "mattecore works." if report.fix is None else f"mattecore does not work: {report.fix}"
    return "\n".join([*body, "", end]).encode(encoding, errors="replace").decode(encoding)


def _build() -> dict[str, Any]:
    """Returns the constants CMake wrote at build time, none where this mattecore was never built."""
    try:
        return dict(vars(importlib.import_module(f"{__package__}._build")))
    except ImportError:
        return {}


def _torch() -> tuple[dict[str, str | None], str]:
    try:
        torch = importlib.import_module("torch")
        version, cuda, hip = torch.__version__, torch.version.cuda, torch.version.hip
    except Exception as error:  # whatever a broken torch raises: ImportError, OSError of a missing library, ...
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            raise _LookError(
                f"there is no torch in {sys.executable}; install torch there, then build mattecore"
            ) from None
        raise _LookError(
            f"torch cannot be imported ({_first_line(error)}); install it anew, then build mattecore"
        ) from None
    kind = f"ROCm {hip}" if hip else f"CUDA {cuda}" if cuda else "CPU"
    return {"version": str(version), "build": kind}, f"{version} ({kind} build)"


def _built_for(build: Mapping[str, Any], torch: str | None) -> tuple[bool, str]:
    if not build:
        raise _LookError("this mattecore was never built; build it")
    python, running = str(build["PYTHON_VERSION"]), platform.python_version()
    if python.split(".")[:2] != running.split(".")[:2]:
        raise _LookError(f"mattecore was built for Python {python}, and this is Python {running}; build it again")
    if torch not in (None, build["TORCH_VERSION"]):
        raise _LookError(f"mattecore was built for torch {build['TORCH_VERSION']}, and this is {torch}; build it again")
    return True, f"Python {python}, torch {build['TORCH_VERSION']}"


def _core() -> tuple[Any, str]:
    try:
        core = importlib.import_module(f"{__package__}._native").load()
    except Exception as error:  # ImportError by contract, but what a foreign binary raises is its own affair
        raise _LookError(_first_line(error)) from None
    return core, "loads"


def _cut() -> tuple[bool, str]:
    """Puts a picture of two pixels and a mask together, as the last stage of every node does."""
    try:
        torch = importlib.import_module("torch")
        composite = importlib.import_module(f"{__package__}.composite")
        image = torch.tensor([[[[1.0, 0.5, 0.0], [0.0, 0.25, 1.0]]]])
        alpha = torch.tensor([[[1.0, 0.0]]])
        got = composite.assemble_rgba(image, alpha)
        wanted = torch.tensor([[[[255, 127, 0, 255], [0, 63, 255, 0]]]]) / 255
    except Exception as error:  # the cut is there to find out what can go wrong
        raise _LookError(f"a cut of two pixels fails ({_first_line(error)}); build mattecore again") from None
    if got.shape != wanted.shape or not torch.equal(got, wanted):
        raise _LookError(
            f"a cut of two pixels gives {got.tolist()} instead of {wanted.tolist()}; build mattecore again"
        )
    return True, "gives the right pixels"


def _machine(build: Mapping[str, Any], core: Any, notes: _Notes) -> dict[str, Any]:
    """Notes what the module was compiled with and for, and what it uses of this machine."""
    compiler, architecture, toolkit = (build.get(key) for key in ("COMPILER", "ARCHITECTURE", "CUDA_TOOLKIT"))
    features: list[str] = _ask(lambda: list(core.cpu_features()), [])
    threads: int | None = _ask(lambda: int(core.num_threads()), None)
    devices: list[str] = _ask(lambda: list(core.cuda_devices()), [])
    notes.tell("compiler", compiler or "unknown")
    notes.tell("architecture", architecture or "unknown")
    notes.tell("CPU features", ", ".join(features) or ("none beyond the baseline" if core else "unknown"))
    notes.tell("threads", "unknown" if threads is None else str(threads))
    reason = build.get("CUDA_REASON")
    notes.tell("CUDA", f"kernels built with toolkit {toolkit}" if toolkit else f"no kernels: {reason or 'unknown'}")
    notes.tell("CUDA devices", ", ".join(devices) or "none")
    notes.tell("OpenCV", build.get("OPENCV_VERSION") or "not built in; the five nodes do not need it")
    return {
        "compiler": compiler,
        "architecture": architecture,
        "cpu_features": features,
        "threads": threads,
        "cuda": {"toolkit": toolkit, "reason": reason, "devices": devices},
        "opencv": build.get("OPENCV_VERSION"),
    }


def _comfyui(checkout: Path, environ: Mapping[str, str], notes: _Notes) -> comfyui.ComfyUI | None:
    try:
        host = comfyui.find(checkout, environ)
    except ValueError as error:
        notes.tell("ComfyUI", str(error), ok=False)
        return None
    found = host and f"{host.folder} (found by {host.found_by})"
    notes.tell("ComfyUI", found or "not found; set COMFYUI_DIR to its folder to have its weights looked at")
    return host


def _weights(host: comfyui.ComfyUI | None, environ: Mapping[str, str], notes: _Notes) -> dict[str, Any]:
    """Notes where weights were looked for and which were found."""
    try:
        result = weights.search(comfyui=host, environ=environ)
        missing = [entry.name for entry in weights.manifest() if result.first(entry.name) is None]
    except Exception as error:  # a manifest that is not there or not whole: nothing can be cut without it
        notes.fail("weights", f"weights cannot be looked for ({_first_line(error)}); build mattecore again")
        return {"looked": [], "found": [], "missing": []}
    for place in result.looked:
        there = "" if place.exists else ": not there"
        notes.tell("weights looked for", f"{place.folder} ({place.reason}){there}")
    for found in result.found:
        wrong = found.expected.bytes not in (None, found.bytes)
        size = f"{found.bytes} bytes" + (f" instead of {found.expected.bytes}: broken download?" if wrong else "")
        notes.tell("weights found", f"{found.entry.name}: {found.path} ({size})", ok=False if wrong else None)
    if not result.found:
        notes.tell("weights found", "none; mattecore weights download fetches them")
    for note in result.notes:
        notes.tell("weights", note)
    return {
        "looked": [{"folder": str(row.folder), "reason": row.reason, "exists": row.exists} for row in result.looked],
        "found": [{"name": row.entry.name, "path": str(row.path), "bytes": row.bytes} for row in result.found],
        "missing": missing,
    }


def _owners(host: comfyui.ComfyUI | None, environ: Mapping[str, str], notes: _Notes) -> dict[str, str | None]:
    """Notes who has each original node id in the ComfyUI that was found."""
    try:
        mode = node_ids.mode(environ)
    except ValueError as error:
        notes.tell("node ids", f"{error}; until then it is taken as defer", ok=False)
        mode = "defer"
    folders = [host.custom_nodes] if host else []
    assignment = node_ids.assign(mode, node_ids.find_owners(folders, {}, ""))
    for node_id, owner in assignment.has.items():
        notes.tell("node id", f"{node_id}: {owner or 'nobody'}")
    return dict(assignment.has)


def _fix(troubles: list[str], checkout: Path) -> str | None:
    """Returns the sentence that mends the first trouble, with the command where it is not already in it."""
    if not troubles:
        return None
    command = reinstall.command(checkout)
    there = (checkout / "install.py").is_file() and "install.py" not in troubles[0]
    return f"{troubles[0]} with: {command}" if there else troubles[0]


def _ask(look: Callable[[], T], unknown: T) -> T:
    """Returns what a look at the native module gives, ``unknown`` where a module of another version has no answer."""
    try:
        return look()
    except Exception:
        return unknown


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
