"""mattecore: cuts things out of pictures.

The stages are modules, in the order the data flows: ``preprocess``, ``postprocess``, ``refine``, ``composite``, and
``pipeline``, which runs them; ``detail`` is what is done to parts of a picture. ``cut`` does all of it to one picture,
``cut_video`` to a video, and ``cutting`` is what it and the command line are made of.
Importing ``mattecore`` itself loads neither torch nor the native module, so that the command line answers at once and a
broken build can still be explained; a stage loads both when it is first touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cutting import cut as cut
    from .cutting import cut_video as cut_video

__version__ = "0.1.0"

_STAGES = ("preprocess", "postprocess", "refine", "composite", "pipeline", "detail", "cutting")
_FUNCTIONS = ("cut", "cut_video")


def __getattr__(name: str) -> Any:
    if name in _STAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.cutting"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_STAGES, *_FUNCTIONS])
