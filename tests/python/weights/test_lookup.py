"""Which entry a file belongs to, and that large files are hashed once."""

import hashlib
import importlib
import json
import os
from pathlib import Path

import pytest

from mattecore.weights import digest, lookup
from mattecore.weights.manifest import manifest


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def put(path: Path, content: bytes = b"xyz") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def published(monkeypatch, content: bytes, name: str) -> None:
    """Makes ``content`` be what ``name`` was published with."""
    module = importlib.import_module("mattecore.weights.lookup")
    entry = next(entry for entry in manifest() if entry.name == name)
    file = type(entry.files[0])(**{**vars(entry.files[0]), "sha256": hashlib.sha256(content).hexdigest()})
    changed = type(entry)(**{**vars(entry), "files": (file, *entry.files[1:])})
    monkeypatch.setattr(module, "manifest", lambda: tuple(changed if row is entry else row for row in manifest()))


def test_the_content_decides_before_the_name(tmp_path, cache, monkeypatch):
    published(monkeypatch, b"xyz", "birefnet-hr")
    assert lookup(put(tmp_path / "rmbg" / "model.pth"), cache=cache).name == "birefnet-hr"
    assert lookup(put(tmp_path / "anything"), cache=cache).name == "birefnet-hr"
    assert lookup(put(tmp_path / "rmbg" / "model.pth", b"other"), cache=cache).name == "rmbg-1.4"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("rmbg/model.pth", "rmbg-1.4"),
        ("anywhere/RMBG-1.4.pth", "rmbg-1.4"),
        ("rmbg/RMBG-2.0/model.safetensors", "rmbg-2.0"),
        ("RMBG-2.0/model.safetensors", "rmbg-2.0"),
        ("anywhere/birefnet-EP480.PTH", "birefnet-ep480"),
        ("vitmatte/model.safetensors", "vitmatte-small"),
        ("vitmatte/vitmatte-base-composition-1k/model.safetensors", "vitmatte-base"),
        ("anywhere/model.pth", None),
        ("anywhere/mine.safetensors", None),
    ],
)
def test_else_the_name_and_its_folders(tmp_path, cache, place, name):
    entry = lookup(put(tmp_path / place), cache=cache)
    assert (entry and entry.name) == name


def test_a_file_is_hashed_once(tmp_path, cache, monkeypatch):
    path = put(tmp_path / "a.pth")
    wanted = hashlib.sha256(b"xyz").hexdigest()
    assert digest.remembered(path, cache) == wanted
    monkeypatch.setattr(digest, "compute", lambda *_: pytest.fail("hashed again"))
    assert digest.remembered(path, cache) == wanted


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_is_hashed_again(tmp_path, cache, change):
    path = put(tmp_path / "a.pth")
    digest.remembered(path, cache)
    if change == "content":
        put(path, b"longer")
    else:
        put(path, b"abc")
        os.utime(path, ns=(1, 1))
    assert digest.remembered(path, cache) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_changes_while_it_is_hashed_is_not_remembered(tmp_path, cache):
    path = put(tmp_path / "a.pth")
    digest.remembered(path, cache, progress=lambda done, total: os.utime(path, ns=(1, 1)))
    assert not (cache / "sha256.json").exists()


def test_files_that_are_gone_leave_the_cache(tmp_path, cache):
    gone, there = put(tmp_path / "gone.pth"), put(tmp_path / "there.pth")
    digest.remembered(gone, cache)
    gone.unlink()
    digest.remembered(there, cache)
    assert list(json.loads((cache / "sha256.json").read_text())) == [str(there)]
    assert [path.name for path in cache.iterdir()] == ["sha256.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"PATH": 3}', '{"PATH": [3, 4, 5]}', "\0\xff"])
def test_a_broken_cache_is_made_anew(tmp_path, cache, text):
    path = put(tmp_path / "a.pth")
    put(cache / "sha256.json", text.replace("PATH", str(path)).encode("latin-1"))
    assert digest.remembered(path, cache) == hashlib.sha256(b"xyz").hexdigest()
    assert str(path) in json.loads((cache / "sha256.json").read_text())


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    cache = put(tmp_path / "a file")
    assert digest.remembered(put(tmp_path / "a.pth"), cache) == hashlib.sha256(b"xyz").hexdigest()


def test_hashing_reports_and_can_be_cancelled(tmp_path):
    path = put(tmp_path / "a.pth", bytes(3 << 20))
    told = []
    digest.compute(path, lambda done, total: told.append((done, total)))
    assert told == [(1 << 20, 3 << 20), (2 << 20, 3 << 20), (3 << 20, 3 << 20)]

    def cancel(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        digest.compute(path, cancel)
