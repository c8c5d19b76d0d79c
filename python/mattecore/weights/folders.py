"""The user's own folders, where each system keeps such things."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def models(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """Returns the folder for weights where there is no ComfyUI to keep them: MATTECORE_MODELS, else our own."""
    named = environ.get("MATTECORE_MODELS")
    return Path(named).expanduser() if named else own_models(environ, home)


def own_models(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """Returns the models folder that is ours whatever MATTECORE_MODELS says."""
    if sys.platform == "win32":
        base = _named(environ, "LOCALAPPDATA", home, "AppData/Local")
    elif sys.platform == "darwin":
        base = (home or Path.home()) / "Library" / "Application Support"
    else:
        base = _named(environ, "XDG_DATA_HOME", home, ".local/share")
    return base / "mattecore" / "models"


def cache(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """Returns the folder for what can be found out again."""
    if sys.platform == "win32":
        return _named(environ, "LOCALAPPDATA", home, "AppData/Local") / "mattecore" / "cache"
    if sys.platform == "darwin":
        return (home or Path.home()) / "Library" / "Caches" / "mattecore"
    return _named(environ, "XDG_CACHE_HOME", home, ".cache") / "mattecore"


def _named(environ: Mapping[str, str], variable: str, home: Path | None, otherwise: str) -> Path:
    """Returns the folder that ``variable`` names; a relative one is ignored, as the XDG rules want it."""
    named = environ.get(variable, "")
    return Path(named) if os.path.isabs(named) else (home or Path.home()) / otherwise
