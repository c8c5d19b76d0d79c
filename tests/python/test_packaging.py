"""Installing as users do: pip with build isolation in an environment with nothing in it, then install.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the working tree without what is built, so that nothing here meets the developer's own build."""
    folder = tmp_path_factory.mktemp("checkout") / "mattecore"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
            (folder / name).chmod((ROOT / name).stat().st_mode)
    return folder


class Venv:
    """A virtual environment with nothing in it, and commands run inside."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.folder = folder
        self.outside = folder.parent
        constraint = folder.parent / "constraint.txt"
        import torch

        # The registry's newest torch is several gigabytes of CUDA; the one under test here is on the machine already.
        constraint.write_text(f"torch=={torch.__version__.partition('+')[0]}\n")
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("MATTECORE_", "PYTHON"))},
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(folder),
            "PIP_CONSTRAINT": str(constraint),
            "PIP_BUILD_CONSTRAINT": str(constraint),
        }

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or self.outside,
            env=self.environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    @property
    def package(self) -> Path:
        return next(self.folder.glob("lib/python*/site-packages/mattecore"))


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Venv:
    return Venv(tmp_path_factory.mktemp("clean") / "venv")


@pytest.fixture(scope="module")
def installed(venv: Venv, checkout: Path) -> Venv:
    result = venv.run("pip", "install", ".", cwd=checkout)
    assert result.returncode == 0, result.stdout
    return venv


def test_install_py_refuses_in_a_sentence_where_there_is_no_torch(tmp_path: Path, venv: Venv, checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "bare"], check=True)
    result = venv.run(str(tmp_path / "bare" / "bin" / "python"), "install.py", cwd=checkout)
    assert result.returncode == 2
    assert "there is no torch in" in result.stdout
    assert "Traceback" not in result.stdout


def test_pip_install_with_build_isolation_works_in_an_empty_environment(installed: Venv) -> None:
    result = installed.run("mattecore", "doctor")
    assert result.returncode == 0, result.stdout
    assert "mattecore works." in result.stdout
    assert (installed.package / "_build.py").is_file()


def test_install_py_does_nothing_where_everything_fits(installed: Venv, checkout: Path) -> None:
    result = installed.run("python", "install.py", cwd=checkout)
    assert result.returncode == 0, result.stdout
    assert "already built from these sources" in result.stdout


def test_another_torch_is_refused_in_a_sentence_that_install_py_makes_true(installed: Venv, checkout: Path) -> None:
    facts = installed.package / "_build.py"
    built_for = next(line for line in facts.read_text().splitlines() if line.startswith("TORCH_VERSION"))
    facts.write_text(facts.read_text().replace(built_for, 'TORCH_VERSION = "2.7.1"'))

    refused = installed.run("python", "-c", "from mattecore import preprocess")
    running = installed.run("python", "-c", "import torch; print(torch.__version__)").stdout.split()[-1]
    last_line = refused.stdout.strip().splitlines()[-1]
    assert refused.returncode == 1
    assert f"built for torch 2.7.1 and torch {running} is running" in last_line
    assert "install.py" in last_line
    assert installed.run("mattecore", "doctor").returncode == 1

    mended = installed.run("python", "install.py", cwd=checkout)
    assert mended.returncode == 0, mended.stdout
    assert installed.run("mattecore", "doctor").returncode == 0


@pytest.mark.parametrize(
    ("torch_cuda", "sentence"),
    [
        ("'11.8'", "torch was built with CUDA 11.8: install a toolkit 11.x and build again"),
        ("None", "mattecore: CUDA kernels with toolkit"),
    ],
)
def test_cmake_says_whether_the_cuda_toolkit_fits_torch(tmp_path: Path, torch_cuda: str, sentence: str) -> None:
    if subprocess.run(["which", "nvcc"], capture_output=True, check=False).returncode:
        pytest.skip("no nvcc on this machine")
    torch_root = tmp_path / "torch"
    (torch_root / "include" / "torch" / "csrc" / "api" / "include").mkdir(parents=True)
    (torch_root / "version.py").write_text(f"__version__ = '2.13.0'\ncuda = {torch_cuda}\n")
    result = subprocess.run(
        ["cmake", "-S", ROOT, "-B", tmp_path / "build", "-G", "Ninja", f"-DPython_EXECUTABLE={sys.executable}"],
        env={**os.environ, "MATTECORE_TORCH_ROOT": str(torch_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert sentence in result.stdout.replace("\n", " ")
