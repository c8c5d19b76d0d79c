"""Builds mattecore from this folder into the Python that runs this file. ComfyUI-Manager calls it; people may too.

The build is against the torch that is already there; torch, numpy, Pillow, OpenCV and every other package are left as
they are. Where the installed mattecore was already built from these sources for this torch, nothing is done.

Exit status: 0 installed or already up to date, 1 the build or the check after it failed (install.log says why),
2 something is missing that has to be installed first, 130 interrupted. Standard library only.
"""

from __future__ import annotations  # so that a Python that is too old gets as far as being told

import ast
import contextlib
import importlib.machinery
import importlib.util
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

INSTALLED, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

_OLDEST_PYTHON = (3, 10)


@dataclass(frozen=True)
class Interpreter:
    """What there is to build with: the Python that gets mattecore, and what it offers."""

    executable: str
    version: tuple[int, int]
    headers: Path  # the folder Python.h belongs in
    torch: str | None  # version of the installed torch, None without one
    compiler: str | None  # path of a C++ compiler, None without one
    built: Callable[[], dict[str, object]]  # reads the installed mattecore._build, empty without one
    pip: tuple[str, ...] | None  # the command line of its pip, None without one


def running_interpreter() -> Interpreter:
    """Looks at the Python that runs this."""
    return Interpreter(
        executable=sys.executable,
        version=sys.version_info[:2],
        headers=Path(sysconfig.get_path("include")),
        torch=_torch_version(),
        compiler=_compiler(),
        built=lambda: _constants(_package_folder("mattecore") / "_build.py"),
        pip=(sys.executable, "-m", "pip") if importlib.util.find_spec("pip") else None,
    )


def refusal(target: Interpreter) -> str | None:
    """Returns the sentence that says what ``target`` lacks for a build and how to get it, None if nothing."""
    if target.version < _OLDEST_PYTHON:
        found, wanted = (".".join(map(str, version)) for version in (target.version, _OLDEST_PYTHON))
        return f"{target.executable} is Python {found} and mattecore needs {wanted} or newer; use a newer one"
    if target.torch is None:
        return (
            f"there is no torch in {target.executable}, and mattecore is built against the one it will run with; "
            "run this file with the Python that runs ComfyUI, or install torch there first"
        )
    if target.pip is None:
        python = _shell(target.executable)
        return f"there is no pip in {target.executable}; get it with: {python} -m ensurepip"
    if target.compiler is None:
        return (
            "there is no C++ compiler (looked for $CXX, c++, g++ and clang++); install one "
            "(Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)"
        )
    if not (target.headers / "Python.h").is_file():
        version = ".".join(map(str, target.version))
        return (
            f"the headers of Python {version} are missing ({target.headers / 'Python.h'}); install them "
            f"(Debian and Ubuntu: apt-get install python{version}-dev; Fedora: dnf install python{version}-devel)"
        )
    return None


def up_to_date(folder: Path, target: Interpreter) -> bool:
    """Tells whether the installed mattecore was built from the sources in ``folder`` for this torch, and loads.

    One that fits and does not load was built for another processor, or has lost a library.
    """
    built = target.built()
    fits = (
        target.torch is not None
        and built.get("TORCH_VERSION") == target.torch
        and str(built.get("PYTHON_VERSION", "")).split(".")[:2] == [str(part) for part in target.version]
        and built.get("SOURCE_DIGEST") == _source_digest(folder)
    )
    if not fits:
        return False
    loaded = subprocess.run(_load_command(target), cwd=_elsewhere(target.executable), capture_output=True)
    return loaded.returncode == 0


def install(folder: Path, target: Interpreter, out: TextIO) -> int:
    """Builds and installs ``folder`` into ``target``, telling ``out`` how it goes; returns the exit status."""
    again = f"{_shell(target.executable)} {_shell(str(folder / 'install.py'))}"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_lock(folder / "install.lock", out))
        except OSError as error:
            _say(out, f"cannot write into {folder} ({error.strerror}); make it writable, then run: {again}")
            return REFUSED
        if up_to_date(folder, target):
            anew = f"{_shell(target.executable)} -m pip uninstall mattecore"
            _say(out, f"already built from these sources for torch {target.torch}; to build it anew, first run: {anew}")
            return INSTALLED
        missing = refusal(target)
        if missing:
            _say(out, f"{missing}, then run: {again}")
            return REFUSED
        assert target.pip is not None

        _say(out, f"building against torch {target.torch} for {target.executable}; this takes minutes")
        command = [*target.pip, "install", "--verbose", "--no-deps", "--force-reinstall", "--no-input"]
        command += ["--disable-pip-version-check", "--progress-bar=off", str(folder)]
        log = folder / "install.log"
        with log.open("w", encoding="utf-8") as record:
            print(f"torch {target.torch}, Python {sys.version}, compiler {target.compiler}", file=record)
            status = _logged(command, record, out)
            if status == 0:
                _say(out, "checking that it loads")
                status = _logged(_load_command(target), record, out)
        if status != 0:
            _say(out, f"the build failed: {error_line(log.read_text(encoding='utf-8'))}")
            _say(out, f"all of it is in {log}; once that is mended, run: {again}")
            return FAILED
        log.unlink()
        _say(out, "installed; restart ComfyUI if it is running")
        return INSTALLED


def progress(line: str) -> str | None:
    """Returns what a line of the build's output is worth telling, None for the most of them."""
    step = re.match(r"\s*\[(\d+)/(\d+)\]", line)
    if step:
        done, total = int(step[1]), int(step[2])
        # Ten lines for a build of any size.
        return f"compiled {done} of {total}" if done * 10 // total > (done - 1) * 10 // total else None
    text = line.strip()
    stages = (
        ("Installing build dependencies: started", "fetching the build tools"),
        ("Installing build dependencies ...", "fetching the build tools"),
        ("Getting requirements to build wheel: started", "configuring"),
        ("Preparing metadata (pyproject.toml): started", "configuring"),
        ("Building wheel for mattecore (pyproject.toml): started", "compiling"),
        ("Building wheel for mattecore (pyproject.toml) ...", "compiling"),
        ("-- mattecore: ", text.removeprefix("-- mattecore: ")),
    )
    return next((told for start, told in stages if text.startswith(start)), None)


def error_line(text: str) -> str:
    """Returns the line of a failed build's output that says most about why it failed.

    pip and ninja end with lines that only say that something failed further up, so those are passed over; a CMake error
    has its message in the indented lines that follow.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    hollow = re.compile(
        r"subprocess-exited-with-error|did not run successfully|Failed building wheel|Failed to build"
        r"|failed-wheel-build|Could not build wheels|could not be built"
        r"|is likely not a problem|finished with status|metadata-generation-failed"
    )
    worth = re.compile(r"\berror\b|^\w*(Error|Exception)\b|undefined reference|No space left|Killed", re.IGNORECASE)
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].strip(" │╰─>")
        if not worth.search(line) or hollow.search(line):
            continue
        if line.startswith("CMake Error"):
            message: list[str] = []
            for following in lines[number + 1 :]:
                following = following.strip(" │")
                if following.startswith("Call Stack") or (message and not following):
                    break
                message.append(following)
            return " ".join([line, *filter(None, message)])
        return line
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _elsewhere(executable: str) -> Path:
    """Returns a folder to run Python in: "-c" and "-m" also import from the current one, which may be anything."""
    return Path(executable).parent


def _load_command(target: Interpreter) -> list[str]:
    return [target.executable, "-c", "from mattecore import _native; _native.load()"]


def _logged(command: Sequence[str], record: TextIO, out: TextIO) -> int:
    """Runs ``command``, its output into ``record`` and what is worth telling of it into ``out``; returns its status."""
    print(f"$ {' '.join(map(_shell, command))}", file=record, flush=True)
    told = None
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=_elsewhere(command[0]),
        # The isolated build does not see this interpreter's packages, wherever they lie; so it is told where torch is.
        env={
            **os.environ,
            "MATTECORE_TORCH_ROOT": str(_package_folder("torch")),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
        },
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                record.write(line)
                record.flush()
                news = progress(line)
                if news and news != told:
                    _say(out, news)
                    told = news
        except BaseException:
            process.terminate()
            raise
    return process.returncode


@contextlib.contextmanager
def _lock(path: Path, out: TextIO) -> Iterator[None]:
    """Holds ``path`` for this process alone; waits, saying so, while another install.py has it.

    The system drops the lock with the process, so a killed installation leaves nothing to clear away.
    """
    with path.open("a+b") as file:
        if not _try_lock(file.fileno()):
            _say(out, "another install.py is at work in this folder; waiting for it")
            _wait_for_lock(file.fileno())
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait_for_lock(descriptor: int) -> None:
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # gives up after ten seconds
                return
            except OSError:
                continue

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_for_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _say(out: TextIO, text: str) -> None:
    print(f"mattecore: {text}", file=out, flush=True)


def _shell(word: str) -> str:
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


def _source_digest(folder: Path) -> str:
    digest: str = runpy.run_path(str(folder / "cmake" / "source_digest.py"))["source_digest"](folder)
    return digest


def _package_folder(name: str) -> Path:
    """Returns the folder of an installed package without importing it; one that does not exist where there is none."""
    spec = importlib.machinery.PathFinder.find_spec(name)
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]) if folders else Path(os.devnull) / name


def _torch_version() -> str | None:
    """Returns torch.__version__ without the seconds and the risks of importing torch."""
    version = _constants(_package_folder("torch") / "version.py").get("__version__")
    return version if isinstance(version, str) else None


def _compiler() -> str | None:
    names = [shlex.split(os.environ["CXX"])[0]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    if os.name == "nt":
        names.append("cl")
    return next(filter(None, map(shutil.which, names)), None)


def _constants(path: Path) -> dict[str, object]:
    """Returns the literals a Python file assigns to names, without running it; nothing where it cannot be read."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    constants: dict[str, object] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets: list[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        with contextlib.suppress(ValueError, TypeError):
            value = ast.literal_eval(statement.value) if statement.value else None
            constants.update({name.id: value for name in targets if isinstance(name, ast.Name)})
    return constants


if __name__ == "__main__":
    try:
        sys.exit(install(Path(__file__).absolute().parent, running_interpreter(), sys.stdout))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
