"""The door to the native module ``_core``."""

import functools
import importlib
from pathlib import Path
from types import ModuleType

from . import reinstall


@functools.cache
def load() -> ModuleType:
    """Returns ``mattecore._core``, built for the torch that is running.

    Raises ImportError with one sentence, what is wrong and the command that mends it, where there is no native module,
    where it was built for another torch (TorchScript and the C++ of torch fit one version only), or for another
    processor.
    """
    try:
        build = importlib.import_module("mattecore._build")
    except ImportError:
        checkout = Path(__file__).parents[2]
        raise ImportError(f"mattecore has no native module; build it with: {reinstall.command(checkout)}") from None
    command = reinstall.command(build.SOURCE_DIR)
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"mattecore needs torch {build.TORCH_VERSION}, and torch cannot be imported: {error}"
        ) from None
    if torch.__version__ != build.TORCH_VERSION:
        raise ImportError(
            f"mattecore was built for torch {build.TORCH_VERSION} and torch {torch.__version__} is running; "
            f"build it again with: {command}"
        )
    try:
        return importlib.import_module("mattecore._core")
    except ImportError as error:
        raise ImportError(
            f"mattecore's native module does not load ({error}); build it again with: {command}"
        ) from None
