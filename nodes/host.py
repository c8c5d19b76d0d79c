"""What the nodes ask of the ComfyUI they run in.

ComfyUI has imported its modules before it asks a pack for anything, so they are taken from where it put them. An import
statement would do worse outside ComfyUI, where ``nodes`` may be any folder of that name.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def registered_nodes() -> Mapping[str, object]:
    """Returns ComfyUI's node registry as it stands, empty outside ComfyUI."""
    registry: Mapping[str, object] = getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {})
    return registry


def max_resolution() -> int:
    """Returns the largest picture side ComfyUI allows; outside ComfyUI the value it has had since 2024."""
    return int(getattr(sys.modules.get("nodes"), "MAX_RESOLUTION", 16384))


def sampler_names() -> list[str]:
    """Returns the samplers of the running ComfyUI, none outside it."""
    return list(getattr(_k_sampler(), "SAMPLERS", []))


def scheduler_names() -> list[str]:
    """Returns the schedulers of the running ComfyUI, none outside it."""
    return list(getattr(_k_sampler(), "SCHEDULERS", []))


def custom_nodes_folders(pack: Path) -> list[Path]:
    """Returns the folders ComfyUI loads packs from: those it names, and the one ``pack`` lies in if it is one.

    ``pack`` is the path ComfyUI imported it by, links kept: a checkout elsewhere may be linked into custom_nodes.
    """
    folders = [pack.parent] if pack.parent.name == "custom_nodes" else []
    folder_paths = sys.modules.get("folder_paths")
    if folder_paths is not None:
        try:
            named = folder_paths.get_folder_paths("custom_nodes")
        except KeyError:
            named = []
        folders += [Path(folder) for folder in named]
    return list(dict.fromkeys(folders))


def _k_sampler() -> Any:
    return getattr(sys.modules.get("comfy.samplers"), "KSampler", None)
