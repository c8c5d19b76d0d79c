"""Weights files are read as they are, mapped and unexecuted; everything else is refused in a sentence."""

import contextlib
import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file
from torch import nn

from mattecore.weights import WeightsError
from mattecore.weights.reader import read

TENSORS = {
    "a.weight": torch.arange(6.0).reshape(2, 3),
    "a.half": torch.tensor([1.5, -2.0], dtype=torch.float16),
    "a.bfloat": torch.tensor([[3.0]], dtype=torch.bfloat16),
    "a.count": torch.tensor(7),
    "a.none": torch.empty(0, 4),
    "a.flags": torch.tensor([True, False]),
}


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as refused:
        read(path)
    sentence = str(refused.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < 500
    return sentence


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def same(read_tensors: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert read_tensors.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert read_tensors[name].dtype == tensor.dtype
        assert torch.equal(read_tensors[name], tensor)


def mapped_from(tensor: torch.Tensor) -> str:
    """The file whose mapping holds a tensor's first byte, as the system sees it."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if start <= tensor.data_ptr() < end:
            return line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) > 5 else ""
    raise AssertionError("no mapping holds the tensor")


@pytest.fixture(params=["safetensors", "pth", "before 1.6"])
def whole(request, tmp_path) -> Path:
    """A file of TENSORS in each format, under a name that says nothing."""
    path = tmp_path / "weights"
    if request.param == "safetensors":
        save_file(TENSORS, path)
    else:
        torch.save(TENSORS, path, _use_new_zipfile_serialization=request.param == "pth")
    return path


def test_tensors_come_back_as_they_were(whole):
    same(read(whole), TENSORS)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc/self/maps on this system")
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_tensors_are_backed_by_the_mapped_file(tmp_path, suffix):
    path = tmp_path / f"big.{suffix}"
    tensors = {"x": torch.rand(1 << 16), "y": torch.rand(1 << 16)}
    save_file(tensors, path) if suffix == "safetensors" else torch.save(tensors, path)
    for tensor in read(path).values():
        assert mapped_from(tensor) == str(path)


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", "params", "params_ema"])
def test_containers_are_unwrapped(tmp_path, wrapper):
    path = tmp_path / "a.pth"
    torch.save({"epoch": 3, wrapper: OrderedDict(TENSORS), "optimizer": {"lr": 0.1}}, path)
    same(read(path), TENSORS)
    torch.save({"model": {wrapper: TENSORS}}, path)
    same(read(path), TENSORS)


def test_averaged_weights_are_taken_before_plain_ones(tmp_path):
    torch.save({"params": {"x": torch.zeros(1)}, "params_ema": {"x": torch.ones(1)}}, tmp_path / "a.pth")
    assert read(tmp_path / "a.pth")["x"].item() == 1


def test_parameters_and_modules_state_come_without_gradients(tmp_path):
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "a.pth")
    assert read(tmp_path / "a.pth")["weight"].shape == (3, 2)
    torch.save({"x": nn.Parameter(torch.ones(2))}, tmp_path / "b.pth")
    assert not read(tmp_path / "b.pth")["x"].requires_grad


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrap", [lambda evil: evil, lambda evil: {"x": torch.ones(1), "y": evil}])
def test_a_malicious_pickle_runs_nothing(tmp_path, zipped, wrap):
    target = tmp_path / "pwned"
    path = tmp_path / "evil.pth"
    torch.save(wrap(Malicious(target)), path, _use_new_zipfile_serialization=zipped)
    sentence = refusal(path)
    assert "holds more than tensors (it asks for posix.system, and nothing of it was run)" in sentence
    assert not target.exists()
    torch.load(path, weights_only=False)  # what the file would have done
    assert target.exists()


def test_a_bare_malicious_pickle_runs_nothing(tmp_path):
    target = tmp_path / "pwned"
    assert "posix.system" in refusal(put(tmp_path / "evil.bin", pickle.dumps(Malicious(target), protocol=2)))
    assert not target.exists()


FOREIGN = {
    "html": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
    "html after spaces": (b"\n\n  <HTML>", "is a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git lfs pull"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x051.9.0:\x80", "is an ONNX model"),
    "json": (b'{"model_type": "vitmatte"}', "is a JSON text"),
    "gguf": (b"GGUF\x03\x00\x00\x00", "is a GGUF file"),
    "zeros": (bytes(100), "is empty but for zeros"),
    "noise": (b"qwertyuiopasdfgh", "is in no format that is known here"),
    "one byte": (b"\x80", "is a PyTorch file that is not whole"),
    "nothing": (b"", "is empty; delete it"),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_named(tmp_path, name, suffix):
    content, said = FOREIGN[name]
    assert said in refusal(put(tmp_path / f"file{suffix}", content))


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    assert "is a folder, not a weights file; give the file in it" in refusal(tmp_path)
    assert "there is no file" in refusal(tmp_path / "nowhere.pth")


def test_a_fifo_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    assert "there is no file" in refusal(tmp_path / "pipe.pth")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    put(tmp_path / "a.pth", b"x").chmod(0)
    assert "cannot be read (Permission denied)" in refusal(tmp_path / "a.pth")


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_a_torchscript_archive_is_not_weights(tmp_path):
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "a.pt")
    assert "is a TorchScript archive, which holds a program" in refusal(tmp_path / "a.pt")


def test_other_zip_archives_are_not_weights(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("model.safetensors", save(TENSORS))
    assert "a zip archive without PyTorch's data.pkl" in refusal(tmp_path / "a.zip")

    torch.save(TENSORS, tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as plain, zipfile.ZipFile(tmp_path / "b.pth", "w") as packed:
        for member in plain.infolist():
            packed.writestr(member.filename, plain.read(member), zipfile.ZIP_DEFLATED)
    assert "a compressed zip archive" in refusal(tmp_path / "b.pth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([torch.ones(1)], "holds a list"),
        (torch.ones(1), "holds a Tensor"),
        ({}, "holds an empty dictionary"),
        ({"x": torch.ones(1), "epoch": 3}, "holds a dictionary in which 'epoch' is a int"),
        ({3: torch.ones(1)}, "holds a dictionary in which its names are no texts"),
        ({"x": torch.eye(3).to_sparse()}, "tensor x is sparse"),
        ({"x": torch.empty(2, device="meta")}, "tensor x is sparse, quantized or without data"),
        ({"x": torch.ones(1).expand(1 << 40)}, "tensor x claims shape [1099511627776], more than the file's"),
    ],
)
def test_pytorch_files_of_other_things(tmp_path, content, said):
    torch.save(content, tmp_path / "a.pth")
    assert said in refusal(tmp_path / "a.pth")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_and_damaged_files_are_read_or_refused(whole, tmp_path, data):
    content = bytearray(whole.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    tensors = {}
    with contextlib.suppress(WeightsError):
        tensors = read(put(tmp_path / "damaged", bytes(content)))
    assert all(tensor.numel() * tensor.element_size() <= len(content) for tensor in tensors.values())


@pytest.mark.parametrize("length", [1, 8, 100, -1])
def test_a_truncated_file_is_refused(whole, tmp_path, length):
    refusal(put(tmp_path / "part", whole.read_bytes()[:length]))


def header(text: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def row(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "overlapping": header(json.dumps({"a": row(0, 8, [2]), "b": row(4, 12, [2])}), bytes(12)),
    "a gap": header(json.dumps({"a": row(0, 4, [1]), "b": row(8, 12, [1])}), bytes(12)),
    "beyond the end": header(json.dumps({"a": row(0, 4000, [1000])}), bytes(8)),
    "far beyond": header(json.dumps({"a": row(2**62, 2**63, [2**60])}), bytes(8)),
    "backwards": header(json.dumps({"a": row(8, 0, [2])}), bytes(8)),
    "negative": header(json.dumps({"a": row(-8, 0, [2])}), bytes(8)),
    "a shape that overflows": header(json.dumps({"a": row(0, 8, [2**40, 2**40])}), bytes(8)),
    "a shape that is not the data's": header(json.dumps({"a": row(0, 8, [3])}), bytes(8)),
    "unknown type": header(json.dumps({"a": row(0, 8, [2], "F33")}), bytes(8)),
    "a type that is none": header(json.dumps({"a": {**row(0, 8, [2]), "dtype": 5}}), bytes(8)),
    "more than the header": header(json.dumps({"a": row(0, 8, [2])}), bytes(9)),
    "a header of gigabytes": header("{}", length=5 << 30),
    "a header of everything": header("{}", length=2**63),
    "a header longer than the file": header("{}", length=1000),
    "text that is no JSON": header("{" * 50),
    "deep JSON": header('{"a":' * 10000),
    "bytes that are no text": header(b"{\xff\xfe}"),
    "the same name twice": header(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        bytes(8),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_refused(tmp_path, name):
    refusal(put(tmp_path / "a.safetensors", HOSTILE[name]))


def test_odd_headers_are_read(tmp_path):
    nul = header(json.dumps({"a\0b": row(0, 4, [1])}), struct.pack("<f", 5))
    assert read(put(tmp_path / "nul.safetensors", nul))["a\0b"].item() == 5
    text = json.dumps({"b": row(1, 9, [2]), "a": row(0, 1, [1], "U8")})
    unaligned = header(text + " " * (3 - len(text) % 4), b"\7" + struct.pack("<2f", 5, 6))
    assert read(put(tmp_path / "unaligned.safetensors", unaligned))["b"].tolist() == [5, 6]
    assert read(put(tmp_path / "none.safetensors", header("{}"))) == {}
    assert read(put(tmp_path / "empty.safetensors", header(json.dumps({"a": row(0, 0, [0, 3])}))))["a"].shape == (0, 3)


class Claims:
    """A tensor that says more of itself than its storage holds."""

    def __init__(self, size: tuple[int, ...], offset: int, stride: tuple[int, ...] = (1,)) -> None:
        self.claim = (offset, size, stride)

    def __reduce_ex__(self, protocol):
        storage = torch.storage.TypedStorage(
            wrap_storage=torch.ones(4).untyped_storage(), dtype=torch.float32, _internal=True
        )
        return torch._utils._rebuild_tensor_v2, (storage, *self.claim, False, OrderedDict())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("claim", [((1000,), 0), ((3,), 1000), ((1 << 40,), 0), ((-5,), 0), ((3,), -4)])
def test_claims_beyond_the_storage_are_refused(tmp_path, claim, zipped):
    torch.save({"x": Claims(*claim)}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    refusal(tmp_path / "a.pth")


def test_a_file_object_is_left_closed(tmp_path):
    path = put(tmp_path / "a.pth", io.BytesIO(b"PK\3\4").getvalue())
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    refusal(path)
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before
