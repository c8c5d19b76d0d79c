"""Writes PyTorch's files anew as .safetensors, which map faster and can hold no program.

The safetensors library could write them, but the versions of it that users have hold the whole file in memory for that
and refuse tensors that share memory. The format is a header and the tensors' bytes, so they are written one by one.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..atomic import replacing
from . import verify
from .digest import Progress
from .error import WeightsError
from .reader import read

_DTYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}


def convert(
    path: Path, output: Path | None = None, *, overwrite: bool = False, progress: Progress | None = None
) -> Path:
    """Writes the tensors of a weights file as .safetensors, the same bits under the same names, and returns its path.

    Without ``output`` it lies beside ``path``, under a name that a search finds. Memory is that of the largest tensor.
    The SHA-256 is written down beside the new file, as after a download. Raises WeightsError.
    """
    output = output or _beside(path)
    if output.exists() and not overwrite:
        raise WeightsError(
            f"{output} is there already; give another name with --output, or replace it with --overwrite"
        )
    tensors = read(path)
    if not tensors:
        raise WeightsError(f"{path} holds no tensors; take a file of weights")
    try:
        sha256 = _write(tensors, output, progress)
        verify.write_beside(output, sha256)
    except OSError as error:
        raise WeightsError(f"{output} cannot be written ({error.strerror}); choose another with --output") from error
    return output


def _beside(path: Path) -> Path:
    name = "model" if path.stem == "pytorch_model" else path.stem  # as Hugging Face names the two
    return path.with_name(f"{name}.safetensors")


def _write(tensors: dict[str, Tensor], output: Path, progress: Progress | None) -> str:
    """Writes header and tensors and returns the SHA-256 of all."""
    # Wide types first, as the library has it: so each tensor begins at a multiple of its type's size.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header = _header(names, tensors)
    size = len(header) + sum(_bytes(tensors[name]) for name in names)
    digest = hashlib.sha256()
    blocks: Iterator[bytes | memoryview] = itertools.chain([header], (_plain(tensors[name]) for name in names))
    with replacing(output) as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            if progress:
                progress(file.tell(), size)
    return digest.hexdigest()


def _header(names: list[str], tensors: dict[str, Tensor]) -> bytes:
    """Returns the header behind its length in 8 bytes, padded so that the data begins at a multiple of 8."""
    rows: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in names:
        tensor = tensors[name]
        if tensor.dtype not in _DTYPES or name in rows:
            raise WeightsError(
                f"tensor {name} of type {tensor.dtype} has no place in a .safetensors; leave the file as it is"
            )
        end = offset + _bytes(tensor)
        rows[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _plain(tensor: Tensor) -> memoryview:
    """Returns a tensor's bytes as the format wants them, row by row; copied only where they do not lie so."""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
