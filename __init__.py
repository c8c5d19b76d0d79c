"""ComfyUI's door to mattecore."""

from pathlib import Path as _Path
from typing import Any as _Any

NODE_CLASS_MAPPINGS: dict[str, _Any] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
WEB_DIRECTORY = "./web"

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]

# ComfyUI imports the folder as a package. pytest, where the folder's name is no identifier, runs this file alone, and
# then there is nothing to open.
if __package__:
    from .nodes.registration import mappings as _mappings

    NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS = _mappings(_Path(__file__).absolute().parent)
