"""Reads weights files: .safetensors, and PyTorch's .pth, .bin and .pt.

What a file is, its content says and not its name. Tensors are backed by the mapped file: nothing is read before it is
used, nothing is held twice. Only PyTorch's format from before 1.6, which cannot be mapped, is read into memory. No
pickle gets to run anything: PyTorch's loader with ``weights_only`` knows tensors and plain containers and refuses the
rest. A file that is not whole or not what it should be raises WeightsError, and nothing of it is returned.
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from .error import WeightsError

# Keys under which training scripts keep the weights beside other things; averaged weights before plain ones.
_WRAPPERS = ("params_ema", "state_dict", "model_state_dict", "params", "model")

_OTHER = "take the .safetensors or .pth of the same network"
_AGAIN = "delete it and get it again (mattecore weights download)"

# How foreign files begin, what they are, and what to do about each.
_FOREIGN: tuple[tuple[str, str, str], ...] = (
    (
        r"version https://git-lfs",
        "a pointer that Git LFS left in the file's place",
        "fetch the file with: git lfs pull",
    ),
    (r"\s*(?i:<!doctype|<html|<head|<\?xml|<!--)", "a web page, as a download without a login leaves it", _AGAIN),
    (
        r"\x08[\x01-\x20][\x12\x1a\x22\x2a\x3a\x42]",
        "an ONNX model",
        "take the .safetensors or .pth of the same network",
    ),
    (r"GGUF", "a GGUF file", _OTHER),
    (r"\x89HDF", "an HDF5 file", _OTHER),
    (r"\x1f\x8b", "a gzip archive", "unpack it"),
    (r"\s*[{\[]", "a JSON text", "take the weights file beside it"),
    (r"\x00{16}", "empty but for zeros, as a broken download leaves it", _AGAIN),
)


def read(path: Path) -> dict[str, Tensor]:
    """Returns the tensors of a weights file by name, those of a container ({"state_dict": ...}) unwrapped."""
    load = _loader(path)
    tensors = load(path)
    size = path.stat().st_size
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise WeightsError(f"{path}: tensor {name} is sparse, quantized or without data; {_AGAIN}")
        if tensor.numel() * tensor.element_size() > size:  # a few bytes may claim to be repeated a billion times
            claim = f"shape {list(tensor.shape)}, more than the file's {size} bytes"
            raise WeightsError(f"{path}: tensor {name} claims {claim}; {_AGAIN}")
    return tensors


def _loader(path: Path) -> Callable[[Path], dict[str, Tensor]]:
    """Finds out what a file is and returns what reads it."""
    try:
        if path.is_dir():
            raise WeightsError(f"{path} is a folder, not a weights file; give the file in it")
        if not path.is_file():
            raise WeightsError(f"there is no file {path}; give the path of a weights file")
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); see to its permissions") from None
    if not head:
        raise WeightsError(f"{path} is empty; {_AGAIN}")
    if head[7:9] == b"\0{":  # the header's length in 8 bytes, then the header
        return _read_safetensors
    if head.startswith(b"PK"):
        return _read_archive
    if head[0] == 0x80 and head[1:2] <= b"\x05":
        return _read_pickle
    for start, what, advice in _FOREIGN:
        if re.match(start.encode("latin-1"), head):
            raise _foreign(path, what, advice)
    raise _foreign(path, "in no format that is known here", _AGAIN)


def _foreign(path: Path, what: str, advice: str) -> WeightsError:
    return WeightsError(f"{path} is {what}, not a weights file (.safetensors, or PyTorch's .pth or .bin); {advice}")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dictionary)
    except Exception as error:  # the library's own, and whatever torch says to shapes that no tensor can have
        raise WeightsError(f"{path} is a .safetensors file that is not whole ({_reason(error)}); {_AGAIN}") from error


def _read_archive(path: Path) -> dict[str, Tensor]:
    """Reads what torch.save has written since PyTorch 1.6: a zip archive of a pickle and of each tensor's bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        reason = _reason(error)
        raise WeightsError(f"{path} is a PyTorch file that is not whole ({reason}); {_AGAIN}") from error
    names = {member.filename.partition("/")[2] for member in members}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        advice = "take the weights that it was made from"
        raise _foreign(path, "a TorchScript archive, which holds a program", advice)
    if "data.pkl" not in names:
        raise _foreign(path, "a zip archive without PyTorch's data.pkl", "if the weights are in it, unpack it")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise _foreign(path, "a compressed zip archive, which PyTorch does not write", _AGAIN)
    return _load(path, mmap=True)


def _read_pickle(path: Path) -> dict[str, Tensor]:
    """Reads what torch.save wrote before PyTorch 1.6."""
    return _load(path, mmap=False)


def _load(path: Path, mmap: bool) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # a broken pickle can raise anything
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            more = f"it asks for {refused[1]}, and nothing of it was run"
            raise WeightsError(
                f"{path} holds more than tensors ({more}); take a file of tensors alone, best a .safetensors"
            ) from error
        what = f"a PyTorch file that is not whole, or of a kind unknown here ({_reason(error)})"
        raise WeightsError(f"{path} is {what}; {_AGAIN}") from error
    return _unwrapped(path, loaded)


def _unwrapped(path: Path, loaded: Any) -> dict[str, Tensor]:
    """Returns the tensors by name that are in a container, or in a container in it."""
    while isinstance(loaded, Mapping):
        wrapped = next((loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if wrapped is None:
            break
        loaded = wrapped
    what = f"a {type(loaded).__name__}"
    if isinstance(loaded, Mapping):
        strangers = [(name, value) for name, value in loaded.items() if not isinstance(value, Tensor)]
        if loaded and not strangers and all(isinstance(name, str) for name in loaded):
            return {name: tensor.detach() for name, tensor in loaded.items()}
        first = f"{strangers[0][0]!r} is a {type(strangers[0][1]).__name__}" if strangers else "its names are no texts"
        what = f"a dictionary in which {first}" if loaded else "an empty dictionary"
    raise WeightsError(f"{path} holds {what}, where tensors by name are expected; take a file of weights alone")


def _reason(error: BaseException) -> str:
    """Returns the beginning of what a library says, without its advice, its C++ and its line breaks."""
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:160].rstrip(". ")
