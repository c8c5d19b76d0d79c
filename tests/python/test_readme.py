"""Every command and every line of Python in README.md is run, here or where the table says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Commands that this file cannot run: what runs them instead.
RUN_ELSEWHERE = {
    "scripts/test.sh": "what runs this test; .ci/run calls it",
    "python install.py": "test_packaging.py",
    "pip install .": "test_packaging.py",
    "mattecore doctor": "test_packaging.py",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    lines = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("command", [command for command in commands() if command not in RUN_ELSEWHERE])
def test_the_command_works(command: str, tmp_path: Path) -> None:
    """In this checkout, but what the user does with pictures beside some."""
    folder = tmp_path if command.startswith("mattecore ") else ROOT
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/cup.jpg"):
        shutil.copy(ROOT / "docs" / "pictures" / "coffee.jpg", tmp_path / name)
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    result = subprocess.run(command, shell=True, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_command_is_excused_that_the_readme_does_not_have() -> None:
    assert set(RUN_ELSEWHERE) <= set(commands())


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_runs(code: str, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_demo_prints_the_path_of_a_cut_out(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "cup.png"
    command = [ROOT / "scripts" / "demo.sh", "--out", out]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == str(out)

    from PIL import Image

    with Image.open(out) as picture:
        assert picture.mode == "RGBA"
        assert picture.size == (600, 400)
        assert picture.getpixel((280, 230))[3] == 255  # the cup
        assert picture.getpixel((290, 130))[3] == 255  # the coffee in it
        assert picture.getpixel((20, 380))[3] == 0  # the table
    assert [path.name for path in out.parent.iterdir()] == ["cup.png"]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
