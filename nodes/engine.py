"""The one place where the nodes meet the installed mattecore package."""

import importlib
from pathlib import Path
from typing import Any

from ..python import mattecore as checkout
from ..python.mattecore import reinstall

FOLDER = Path(__file__).absolute().parent.parent


def module(name: str) -> Any:
    """Returns ``mattecore.NAME`` of the installed package; raises RuntimeError where that cannot run these nodes."""
    trouble = problem()
    if trouble:
        raise RuntimeError(trouble)
    return importlib.import_module(f"mattecore.{name}")


def problem() -> str | None:
    """Returns what keeps the installed mattecore from running these nodes and the command that mends it, or None."""
    reason = _reason()
    return reason and f"{reason}; run this and restart ComfyUI: {reinstall.command(FOLDER)}"


def _reason() -> str | None:
    try:
        package = importlib.import_module("mattecore")
        version = package.__version__
    except (ImportError, AttributeError):  # AttributeError: any folder called mattecore can be imported
        return "mattecore is not installed in the Python that runs ComfyUI"
    if version != checkout.__version__:
        return f"mattecore {version} is installed, but the nodes in {FOLDER} are of version {checkout.__version__}"
    try:
        importlib.import_module("mattecore._native").load()
    except ImportError as error:
        # The sentence ends with a command for the folder that was built, which need not be this one.
        return str(error).partition("; build it")[0]
    return None
