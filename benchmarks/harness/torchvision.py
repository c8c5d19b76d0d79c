"""torchvision's deformable convolution, which the original BiRefNet calls, also where torchvision does not import.

PyPI's torchvision is linked with CUDA's half of torch; beside a torch for the processor alone it cannot be loaded,
though its operators for the processor need none of that half. So its library is taken out of the wheel and loaded
here, with empty functions in the place of those that are missing.
"""

import ctypes
import functools
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from torch import Tensor

_FOLDER = tempfile.TemporaryDirectory(prefix="mattecore-torchvision-")
_CUDA_LIBRARIES = ("libc10_cuda.so", "libtorch_cuda.so")


def deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Deformable convolution with the arguments that the networks' definitions give it."""
    _load()
    bias, one = weight.new_zeros(len(weight)), (1, 1)
    operator = torch.ops.torchvision.deform_conv2d
    result: Tensor = operator(x, weight, offset, mask, bias, *one, padding, padding, *one, 1, 1, True)
    return result


@functools.cache
def _load() -> None:
    folder = Path(_FOLDER.name)
    major, minor = (int(number) for number in torch.__version__.split(".")[:2])
    wanted = f"torchvision=={major - 2}.{minor + 15}.*"  # the one that was released with this torch
    download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wanted)
    subprocess.run(download, check=True)
    (wheel,) = folder.glob("torchvision-*.whl")
    with zipfile.ZipFile(wheel) as members:
        members.extractall(folder, [name for name in members.namelist() if re.search(r"/_C\.so$|/libcudart", name)])
    library = folder / "torchvision" / "_C.so"
    if torch.version.cuda is None:
        for stand_in in _stand_ins(library, folder):
            ctypes.CDLL(str(stand_in), ctypes.RTLD_GLOBAL)
    torch.ops.load_library(library)  # type: ignore[no-untyped-call]


def _stand_ins(library: Path, folder: Path) -> list[Path]:
    """Compiles libraries with the names of CUDA's half of torch, and in them what the library wants of it."""
    listed = subprocess.run(("nm", "-D", "--undefined-only", library), check=True, capture_output=True, text=True)
    wanted = re.findall(r" U (_Z\w*4cuda\w*)", listed.stdout)
    source = folder / "cuda.c"
    source.write_text("".join(f"long {name}(void) {{ return 0; }}\n" for name in wanted))
    made = [folder / name for name in _CUDA_LIBRARIES]
    for file in made:
        subprocess.run(("cc", "-shared", "-fPIC", f"-Wl,-soname,{file.name}", "-o", file, source), check=True)
    return made
