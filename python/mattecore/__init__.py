"""mattecore: cuts things out of pictures.

The stages are modules, in the order the data flows: ``preprocess``, ``postprocess``, ``refine``, ``composite``;
``detail`` is what is done to parts of a picture, and ``pipeline`` runs the stages in their order.
Importing ``mattecore`` itself loads neither torch nor the native module, so that the command line answers at once and a
broken build can still be explained; a stage loads both when it is first touched.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_STAGES = ("preprocess", "postprocess", "refine", "composite", "detail", "pipeline")


def __getattr__(name: str) -> Any:
    if name in _STAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_STAGES])
