"""``mattecore compare`` as a user meets it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mattecore import cli
from mattecore.cutting import models


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disc: Callable) -> Path:
    """A folder with a picture and one that is cut short."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(disc()).save("photo.jpg", quality=95)
    Path("short.jpg").write_bytes(Path("photo.jpg").read_bytes()[:1500])
    Path("broken.safetensors").write_bytes(b"no weights")
    return tmp_path


@pytest.fixture
def mattecore(red_weights: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process, with methods of the tests' network; returns status, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        methods = () if "--methods" in words else ("--methods", f"{red_weights}+none,{red_weights}+guided")
        status = cli.main(["compare", *methods, *words])
        out, err = capfd.readouterr()
        return status, out, err

    return run


def test_a_page_beside_the_picture(mattecore):
    status, out, err = mattecore("photo.jpg")
    assert (status, out) == (0, "photo.compare.html\n")
    first, second = err.splitlines()
    assert first.startswith("mattecore compare: 1/2 red.safetensors + none: ")
    assert second.startswith("mattecore compare: 2/2 red.safetensors + guided: ")
    text = Path("photo.compare.html").read_text(encoding="utf-8")
    assert 'alt="photo.jpg cut out by red.safetensors + guided"' in text
    assert "Where they differ most along the edge" in text
    assert {path.name for path in Path().iterdir()} >= {"photo.jpg", "photo.compare.html"}
    assert not list(Path().glob(".*"))


def test_a_sheet(mattecore):
    assert mattecore("photo.jpg", "--format", "png")[:2] == (0, "photo.compare.png\n")
    assert mattecore("photo.jpg", "-o", "other.PNG")[:2] == (0, "other.PNG\n")
    with Image.open("photo.compare.png") as one, Image.open("other.PNG") as other:
        assert one.format == other.format == "PNG"
        assert one.width == other.width > 900


def test_what_is_not_here_is_named_and_the_rest_is_compared(mattecore, red_weights, monkeypatch):
    for name in ("HOME", "XDG_DATA_HOME", "MATTECORE_MODELS", "COMFYUI_DIR"):
        monkeypatch.setenv(name, str(Path().absolute()) if "HOME" in name else "")
    monkeypatch.setattr(models.comfyui, "find", lambda checkout: None)
    words = f"{red_weights}+none,{red_weights}+vitmatte,broken.safetensors+none"
    status, _, err = mattecore("photo.jpg", "--methods", words)
    assert status == 0
    sentence = "the weights vitmatte-small are not here; fetch them with: mattecore weights download vitmatte-small"
    assert f"mattecore compare: left out: {sentence}\n" in err
    text = Path("photo.compare.html").read_text(encoding="utf-8")
    assert f"<p>Left out: {sentence}</p>" in text
    assert "<p>broken.safetensors + none failed: " in text


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["none.jpg"], 2, "there is no file none.jpg"),
        (["."], 2, "there is no file ."),
        (["short.jpg"], 2, "short.jpg is damaged or not whole"),
        (["broken.safetensors"], 2, "broken.safetensors is no picture that can be read here"),
        (["photo.jpg"], 2, "photo.compare.html is there already; --overwrite makes it anew"),
        (["photo.jpg", "-o", "a.pdf"], 2, "the output is a.pdf; wanted a name that ends in .html or .png"),
        (["photo.jpg", "-o", "a.png", "--format", "html"], 2, "the output is a.png; wanted a name that ends in .html"),
        (["photo.jpg", "-o", "no/a.html"], 2, "there is no folder no for a.html; make it, or give another --output"),
        (["photo.jpg", "--overwrite", "--device", "cuda:99"], 1, "no method could cut photo.jpg"),
        (["photo.jpg", "--overwrite", "--device", "gpu"], 2, "device is 'gpu'; wanted auto, cpu, cuda or cuda:NUMBER"),
        (["photo.jpg", "--overwrite", "--methods", "gided"], 2, "there is no model 'gided'"),
        (["photo.jpg", "--overwrite", "--methods", "broken.safetensors+none"], 1, "no method could cut photo.jpg"),
        (["short.jpg", "-o", "photo.compare.html", "--overwrite"], 2, "short.jpg is damaged or not whole"),
    ],
)
def test_what_fails_is_one_sentence_and_leaves_what_was_there(mattecore, words, status, sentence):
    Path("photo.compare.html").write_text("mine")
    before = {path.name for path in Path().iterdir()}
    found, out, err = mattecore(*words)
    assert (found, out) == (status, "")
    assert f"mattecore compare: {sentence}" in err
    assert "Traceback" not in err
    assert Path("photo.compare.html").read_text() == "mine"
    assert {path.name for path in Path().iterdir()} == before


def test_the_picture_itself_is_never_the_output(mattecore):
    Path("photo.jpg").rename("photo.png")
    before = Path("photo.png").read_bytes()
    status, _, err = mattecore("photo.png", "-o", "photo.png", "--overwrite")
    assert (status, err) == (2, "mattecore compare: photo.png is the picture itself; give another --output\n")
    assert Path("photo.png").read_bytes() == before


def test_overwrite_makes_it_anew(mattecore):
    Path("photo.compare.html").write_text("old")
    assert mattecore("photo.jpg", "--overwrite")[0] == 0
    assert Path("photo.compare.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_that_cannot_be_written_is_said_and_leaves_nothing(mattecore, monkeypatch):
    def full(*names: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    before = {path.name for path in Path().iterdir()}
    status, out, err = mattecore("photo.jpg")
    assert (status, out) == (1, "")
    assert err.endswith("mattecore compare: photo.compare.html cannot be written: No space left on device\n")
    assert {path.name for path in Path().iterdir()} == before


def test_a_hostile_name(mattecore):
    name = "<img src=x onerror=alert(1)>\x1b[31m.jpg"
    Path("photo.jpg").rename(name)
    status, _, err = mattecore(name, "-o", "page.html")
    assert status == 0
    assert "\x1b" not in err
    text = Path("page.html").read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
