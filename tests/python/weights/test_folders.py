"""Each system keeps such folders elsewhere."""

from pathlib import Path

import pytest

from mattecore.weights import folders

HOME = Path("/home/me")


@pytest.mark.parametrize(
    ("platform", "environ", "models", "cache"),
    [
        ("linux", {}, ".local/share/mattecore/models", ".cache/mattecore"),
        (
            "linux",
            {"XDG_DATA_HOME": "relative", "XDG_CACHE_HOME": ""},
            ".local/share/mattecore/models",
            ".cache/mattecore",
        ),
        ("linux", {"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"}, "/d/mattecore/models", "/c/mattecore"),
        ("darwin", {}, "Library/Application Support/mattecore/models", "Library/Caches/mattecore"),
        ("win32", {}, "AppData/Local/mattecore/models", "AppData/Local/mattecore/cache"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/mattecore/models", "/local/mattecore/cache"),
    ],
)
def test_where_each_system_keeps_them(monkeypatch, platform, environ, models, cache):
    monkeypatch.setattr(folders.sys, "platform", platform)
    assert folders.own_models(environ, HOME) == HOME / models
    assert folders.models(environ, HOME) == HOME / models
    assert folders.cache(environ, HOME) == HOME / cache


def test_mattecore_models_comes_first():
    environ = {"MATTECORE_MODELS": "/mine"}
    assert folders.models(environ, HOME) == Path("/mine")
    assert folders.own_models(environ, HOME) != Path("/mine")
