"""install.py, with a pip that only says what it was asked."""

import dataclasses
import importlib.util
import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

spec = importlib.util.spec_from_file_location("mattecore_install", ROOT / "install.py")
install = importlib.util.module_from_spec(spec)
sys.modules["mattecore_install"] = install
spec.loader.exec_module(install)

PIP = """
import pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(*sys.argv[1:], file=calls)
print((here / "says").read_text())
sys.exit(int((here / "status").read_text()))
"""


class Pip:
    """A stand-in for pip: its output and exit status are set, its command lines kept."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "pip.py").write_text(PIP)
        self.answer("Successfully installed mattecore-0.1.0", 0)

    def answer(self, says: str, status: int) -> None:
        (self.folder / "says").write_text(says, encoding="utf-8")
        (self.folder / "status").write_text(str(status))

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, str(self.folder / "pip.py"))

    @property
    def calls(self) -> list[str]:
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def pip(tmp_path):
    return Pip(tmp_path / "pip")


@pytest.fixture
def folder(tmp_path):
    """A checkout with sources to digest."""
    folder = tmp_path / "my packs" / "mattecore"
    for name in ("cmake/source_digest.py", "CMakeLists.txt", "python/mattecore/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture
def target(tmp_path, pip):
    """An interpreter that has all it needs and no mattecore but the one on PYTHONPATH."""
    executable = tmp_path / "python"
    executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    executable.chmod(0o755)
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / "Python.h").touch()
    return install.Interpreter(
        executable=str(executable),
        version=sys.version_info[:2],
        headers=tmp_path / "headers",
        torch="2.13.0+cpu",
        compiler="/usr/bin/c++",
        built=dict,
        pip=pip.command,
    )


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Where the check after the build finds mattecore; its native module loads."""
    package = tmp_path / "site" / "mattecore"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "_native.py").write_text("def load():\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package


def built_from(folder: Path, target, **changes) -> "install.Interpreter":
    build = {
        "SOURCE_DIGEST": install._source_digest(folder),
        "TORCH_VERSION": target.torch,
        "PYTHON_VERSION": "{}.{}.0".format(*target.version),
    }
    return dataclasses.replace(target, built=lambda: {**build, **changes})


def run(folder: Path, target) -> tuple[int, list[str]]:
    out = io.StringIO()
    status = install.install(folder, target, out)
    lines = out.getvalue().splitlines()
    assert all(line.startswith("mattecore: ") for line in lines)
    return status, [line.removeprefix("mattecore: ") for line in lines]


def test_a_build(folder, target, pip, site):
    pip.answer("  Installing build dependencies: started\n  -- mattecore: torch 2.13\n  [1/1] Building x", 0)
    status, said = run(folder, target)
    assert status == install.INSTALLED
    assert said == [
        f"building against torch 2.13.0+cpu for {target.executable}; this takes minutes",
        "fetching the build tools",
        "torch 2.13",
        "compiled 1 of 1",
        "checking that it loads",
        "installed; restart ComfyUI if it is running",
    ]
    (call,) = pip.calls
    words = call.split()
    assert words[0] == "install"
    assert {"--no-deps", "--force-reinstall", "--verbose"} <= set(words)
    assert call.endswith(str(folder))
    assert not (folder / "install.log").exists()


def test_nothing_is_done_twice(folder, target, pip, site):
    status, (said,) = run(folder, built_from(folder, target))
    assert status == install.INSTALLED
    assert said.startswith("already built from these sources for torch 2.13.0+cpu; to build it anew, first run: ")
    assert pip.calls == []


def test_one_that_fits_but_does_not_load_is_built_again(folder, target, pip, site):
    (site / "_native.py").write_text("def load():\n    raise ImportError('it was built for another processor')\n")
    run(folder, built_from(folder, target))
    assert len(pip.calls) == 1


@pytest.mark.parametrize(
    "changes", [{"SOURCE_DIGEST": "other"}, {"TORCH_VERSION": "2.12.0+cpu"}, {"PYTHON_VERSION": "3.9.1"}]
)
def test_another_source_torch_or_python_is_built_again(folder, target, pip, site, changes):
    assert run(folder, built_from(folder, target, **changes))[0] == install.INSTALLED
    assert len(pip.calls) == 1


def test_a_changed_source_is_built_again(folder, target, pip, site):
    target = built_from(folder, target)
    (folder / "CMakeLists.txt").write_text("# changed")
    assert run(folder, target)[0] == install.INSTALLED
    assert len(pip.calls) == 1


@pytest.mark.parametrize(
    ("lacks", "sentence"),
    [
        ({"version": (3, 9)}, "is Python 3.9 and mattecore needs 3.10 or newer"),
        ({"torch": None}, "there is no torch in"),
        ({"pip": None}, "-m ensurepip"),
        ({"compiler": None}, "there is no C++ compiler"),
        ({"headers": Path("nowhere")}, "the headers of Python"),
    ],
)
def test_refusals(folder, target, pip, lacks, sentence):
    status, said = run(folder, dataclasses.replace(target, **lacks))
    assert status == install.REFUSED
    assert len(said) == 1
    assert sentence in said[0]
    assert said[0].endswith(f", then run: {target.executable} '{folder / 'install.py'}'")
    assert pip.calls == []


def test_a_folder_that_cannot_be_written_is_said(folder, target, pip):
    (folder / "install.lock").mkdir()  # root may write anywhere, so a folder is in the way instead of a permission
    status, said = run(folder, target)
    assert status == install.REFUSED
    assert said[0].startswith(f"cannot write into {folder} (")


def test_a_failed_build_leaves_its_log_and_says_the_line(folder, target, pip):
    pip.answer(FAILED_COMPILATION, 1)
    status, said = run(folder, target)
    assert status == install.FAILED
    assert said[-2] == "the build failed: /src/b.cpp:1:16: error: 'x' was not declared in this scope"
    assert said[-1].startswith(f"all of it is in {folder / 'install.log'}; once that is mended, run: ")
    log = (folder / "install.log").read_text(encoding="utf-8")
    assert FAILED_COMPILATION in log
    assert f"{pip.command[1]} install" in log


def test_a_module_that_does_not_load_is_a_failure(folder, target, site):
    (site / "_native.py").write_text("def load():\n    raise ImportError('it was built for another processor')\n")
    status, said = run(folder, target)
    assert status == install.FAILED
    assert said[-2] == "the build failed: ImportError: it was built for another processor"


def test_a_pip_that_says_nothing(folder, target, pip):
    pip.answer("", 3)
    status, said = run(folder, target)
    assert status == install.FAILED
    assert "install.log" in said[-1]


def test_a_second_install_waits_for_the_first_and_finds_nothing_to_do(folder, target, pip, site):
    done = built_from(folder, target)
    waiting, out = threading.Event(), io.StringIO()

    class Out(io.StringIO):
        def write(self, text):
            if "waiting for it" in text:
                waiting.set()
            return out.write(text)

    second = threading.Thread(target=install.install, args=(folder, done, Out()))
    with install._lock(folder / "install.lock", io.StringIO()):
        second.start()
        assert waiting.wait(timeout=60)
        assert "already built" not in out.getvalue()
    second.join(timeout=60)
    assert "already built" in out.getvalue()
    assert pip.calls == []


FAILED_COMPILATION = """\
  [1/3] Building CXX object CMakeFiles/a.dir/b.cpp.o
  FAILED: CMakeFiles/a.dir/b.cpp.o
  /usr/bin/g++ -Wno-error -o CMakeFiles/a.dir/b.cpp.o -c /src/b.cpp
  /src/b.cpp: In function 'int g()':
  /src/b.cpp:1:16: error: 'x' was not declared in this scope
      1 | int g(){return x;}
        |                ^
  [2/3] Building CXX object CMakeFiles/a.dir/a.cpp.o
  ninja: build stopped: subcommand failed.

  *** CMake build failed
  error: subprocess-exited-with-error

  x Building wheel for mattecore (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> See above for output.

  note: This error originates from a subprocess, and is likely not a problem with pip.
  full command: python _in_process.py build_wheel
  Building wheel for mattecore (pyproject.toml): finished with status 'error'
  ERROR: Failed building wheel for mattecore
Failed to build mattecore
ERROR: Could not build wheels for mattecore, which is required to install pyproject.toml-based projects"""

FAILED_CONFIGURATION = """\
  -- mattecore: torch 2.6
  CMake Error at cmake/torch.cmake:41 (message):
    mattecore needs torch 2.7 or newer; found 2.6.0 in
    /site/torch
  Call Stack (most recent call first):
    CMakeLists.txt:24 (include)


  -- Configuring incomplete, errors occurred!

  *** CMake configuration failed
  error: subprocess-exited-with-error
  ERROR: Failed building wheel for mattecore"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (FAILED_COMPILATION, "/src/b.cpp:1:16: error: 'x' was not declared in this scope"),
        (
            FAILED_CONFIGURATION,
            "CMake Error at cmake/torch.cmake:41 (message): mattecore needs torch 2.7 or newer; found 2.6.0 in "
            "/site/torch",
        ),
        (
            "/usr/bin/ld: a.o: undefined reference to `f'\ncollect2: done",
            "/usr/bin/ld: a.o: undefined reference to `f'",
        ),
        ("c++: fatal error: Killed signal terminated program cc1plus\nERROR: Failed building wheel for x", None),
        ("error: externally-managed-environment", "error: externally-managed-environment"),
        ("Traceback\nImportError: no such thing", "ImportError: no such thing"),
        ("something\nelse\n\n", "else"),
        ("", "it said nothing"),
    ],
)
def test_the_line_that_says_why(text, line):
    assert install.error_line(text) == (line or text.splitlines()[0])


def test_a_build_of_any_size_is_told_in_ten_lines():
    told = [install.progress(f"  [{step}/137] Building CXX object") for step in range(1, 138)]
    assert [news for news in told if news] == [f"compiled {-(-137 * tenth // 10)} of 137" for tenth in range(1, 11)]


@pytest.mark.parametrize("line", ["", "  Collecting cmake", "  -- Detecting CXX compile features", "WARNING: x"])
def test_other_lines_are_not_told(line):
    assert install.progress(line) is None


def test_the_running_interpreter_is_looked_at_without_importing_torch():
    code = (
        f"import sys, runpy; found = runpy.run_path({str(ROOT / 'install.py')!r})['running_interpreter']()\n"
        "assert 'torch' not in sys.modules; print(found.torch, found.version == sys.version_info[:2], found.built())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    import torch

    assert found.stdout.startswith(f"{torch.__version__} True {{")


def test_constants_are_read_without_running_the_file(tmp_path):
    file = tmp_path / "_build.py"
    file.write_text("A = 'a'\nB: int = 1\nC = None\nD = open('x')\nE: str\nraise SystemExit\n")
    assert install._constants(file) == {"A": "a", "B": 1, "C": None, "E": None}
    file.write_text("A = (")
    assert install._constants(file) == {}
    assert install._constants(tmp_path / "none.py") == {}


def test_the_digest_sees_every_source_and_nothing_that_is_made(folder):
    before = install._source_digest(folder)
    for made in ("python/mattecore/_build.py", "python/mattecore/__pycache__/x.pyc", "build/x.cpp", "install.log"):
        (folder / made).parent.mkdir(exist_ok=True)
        (folder / made).touch()
    assert install._source_digest(folder) == before
    (folder / "python" / "mattecore" / "new.py").touch()
    assert install._source_digest(folder) != before
