"""The direction of dependencies, as the linked objects show it."""

import re
import subprocess
from pathlib import Path

import pytest

from mattecore import _native

ARCHIVES = ("libmattecore_base.a", "libmattecore_kernels.a")


def said_by(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def symbols_needed(archive: Path) -> list[str]:
    """What the archive's objects want from others, with C++ names in full."""
    return [
        line.split(" U ", 1)[1]
        for line in said_by("nm", "-C", "--undefined-only", archive).splitlines()
        if " U " in line
    ]


@pytest.fixture(scope="module")
def module() -> Path:
    return Path(_native.load().__file__)


@pytest.mark.parametrize("name", ARCHIVES)
def test_base_and_kernels_need_neither_torch_nor_opencv_nor_cuda(name, build_dir):
    needed = symbols_needed(build_dir / "cpp" / "mattecore" / name)
    assert any("operator new" in symbol or "memcpy" in symbol for symbol in needed), (
        "nm listed nothing that is surely there"
    )
    foreign = re.compile(r"\b(at|c10|torch|caffe2|cv|pybind11)::|\bPy[A-Z_]|\bcu(da)?[A-Z]|__cuda")
    assert [symbol for symbol in needed if foreign.search(symbol)] == []


def test_the_kernels_need_the_threads_of_base(build_dir):
    """The same search finds what is there: the archive is the right one, and names are read in full."""
    needed = symbols_needed(build_dir / "cpp" / "mattecore" / "libmattecore_kernels.a")
    assert any(symbol.startswith("mattecore::parallel_for(") for symbol in needed)


def test_the_module_shows_its_entry_and_nothing_else(module):
    """Another extension in the process may hold the same functions in another version."""
    shown = [line.split()[-1] for line in said_by("nm", "-D", "--defined-only", module).splitlines()]
    assert shown == ["PyInit__core"]


def test_the_module_links_torch_but_neither_opencv_nor_the_cuda_runtime(module):
    linked = re.findall(r"\(NEEDED\).*\[(.+)\]", said_by("readelf", "-d", module))
    assert any(name.startswith("libtorch_cpu.so") for name in linked)
    assert [name for name in linked if re.match(r"libopencv|libcuda|libcudart|libnv", name)] == []
