"""Finds the ComfyUI that this mattecore serves, without importing it."""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ComfyUI:
    """A ComfyUI on disk."""

    folder: Path  # holds models/ and custom_nodes/
    found_by: str

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def custom_nodes(self) -> Path:
        return self.folder / "custom_nodes"


def checkout() -> Path:
    """Returns the folder that this mattecore was built from, or that it runs from where it was never built."""
    try:
        return Path(importlib.import_module(f"{__package__}._build").SOURCE_DIR)
    except (ImportError, AttributeError):
        return Path(__file__).parents[2]


def find(checkout: Path | None, environ: Mapping[str, str] = os.environ) -> ComfyUI | None:
    """Returns the ComfyUI that COMFYUI_DIR names, else the one in whose custom_nodes ``checkout`` lies, else None.

    Raises ValueError where COMFYUI_DIR names a folder that is no ComfyUI.
    """
    named = environ.get("COMFYUI_DIR")
    if named:
        folder = Path(named).expanduser().absolute()
        if not (folder / "folder_paths.py").is_file():
            raise ValueError(
                f"COMFYUI_DIR is {named}, which holds no folder_paths.py; set it to the folder of ComfyUI's main.py"
            )
        return ComfyUI(folder, "COMFYUI_DIR")
    if checkout is not None and checkout.parent.name == "custom_nodes":
        return ComfyUI(checkout.parent.parent, "the place of this checkout")
    return None
