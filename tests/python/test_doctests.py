"""The examples in the docstrings, run as a reader would."""

import doctest
import importlib
import pkgutil

import pytest

import mattecore

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(mattecore.__path__, "mattecore.")
    if not found.name.endswith(("__main__", "._core"))
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.failed == 0
    if name in ("mattecore.preprocess", "mattecore.composite"):
        assert result.attempted > 0, "the examples are gone, or doctest no longer finds them"
