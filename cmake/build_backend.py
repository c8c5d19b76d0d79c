"""The build backend: scikit-build-core, asked for one thing less.

A build must be made against the torch it will run with. Where the target environment has one, CMake finds it there even
from pip's isolated build environment (cmake/torch.cmake); naming torch among the build requirements all the same would
make pip fetch a second, perhaps newer one, of several gigabytes. Only an environment without torch gets it named, and
pip then chooses the same release for both.
"""

import os
import sysconfig
from pathlib import Path
from typing import Any

from scikit_build_core import build as _scikit
from scikit_build_core.build import (  # noqa: F401  (the hooks of PEP 517 and PEP 660)
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    return _scikit.get_requires_for_build_wheel(config_settings) + _torch_if_missing()


def get_requires_for_build_editable(config_settings: dict[str, Any] | None = None) -> list[str]:
    return _scikit.get_requires_for_build_editable(config_settings) + _torch_if_missing()


def _torch_if_missing() -> list[str]:
    folders = [Path(sysconfig.get_path(scheme)) for scheme in ("purelib", "platlib")]
    found = "MATTECORE_TORCH_ROOT" in os.environ or any(
        (folder / "torch" / "version.py").is_file() for folder in folders
    )
    return [] if found else ["torch>=2.7"]
