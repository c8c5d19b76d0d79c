"""Every command and every line of Python in docs/cut.md is run, in its order, beside pictures and a video."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "cut.md").read_text(encoding="utf-8")

# What a command needs to be quick: a network of the tests.
NETWORK_OPTIONS = {
    "cut": "--model NETWORK",
    "compare": "--methods NETWORK+none,NETWORK+guided",
    "bench": "--model NETWORK",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "photos" / "deep").mkdir(parents=True)
    for name in ("photo.jpg", "photos/cup.jpg", "photos/deep/cup.jpg"):
        shutil.copy(ROOT / "docs" / "pictures" / "coffee.jpg", folder / name)
    return folder


def test_the_commands_work_and_leave_what_they_say(folder: Path, red_weights: Path, clip: Callable[..., Path]) -> None:
    """Each in a process of its own, as written, but with a network of the tests, which needs no seconds."""
    shutil.move(clip("clip.mp4", frames=3, sound="aac"), folder / "clip.mp4")
    commands = [line.partition(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) > 12
    network = shlex.quote(str(red_weights))
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in commands:
        words = command
        for verb, options in NETWORK_OPTIONS.items():
            words = words.replace(f"mattecore {verb}", f"mattecore {verb} {options}".replace("NETWORK", network))
        done = subprocess.run(words, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in (
        "photo.cut.png",
        "cup.webp",
        "photos.cut/deep/cup.png",
        "shop/photo.png",
        "masks/deep/cup.png",
        "e.tif",
        "photo.compare.html",
        "photo.compare.png",
        "figures.json",
        "clip.cut.mov",
        "clip.cut.webm",
        "clip.cut.mp4",
        "clip.cut/000003.png",
    ):
        assert name in written
    with Image.open(folder / "masks" / "cup.png") as mask:
        assert mask.mode == "L"


def test_the_python_runs(folder: Path, red_weights: Path) -> None:
    (code,) = blocks("python")
    code = code.replace('background="white"', f'background="white", model={str(red_weights)!r}')
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "torch.Size([400, 600]) Box(left=0, top=0, right=600, bottom=400)" in result.stdout


def test_every_option_is_one_of_the_commands() -> None:
    said = "".join(
        subprocess.run(
            [sys.executable, "-m", "mattecore", verb, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for verb in ("cut", "compare", "bench")
    )
    options = set(re.findall(r"`(--[a-z-]+)`", TEXT))
    assert options - {option for option in options if option in said} == set()
