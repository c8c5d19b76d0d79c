"""Converted files hold the same bits, are written whole or not at all, and cost the memory of one tensor."""

import os
from pathlib import Path

import pytest
import safetensors
import torch

from mattecore.weights import WeightsError, verify
from mattecore.weights.convert import convert
from mattecore.weights.reader import read

SHARED = torch.arange(10.0)
TENSORS = {
    "a.weight": torch.rand(3, 5),
    "a.transposed": torch.rand(3, 5).T,
    "a.strided": torch.rand(9)[::2],
    "a.repeated": torch.ones(1).expand(4),
    "a.shared": SHARED[2:5],
    "a.shared too": SHARED,
    "a.nan": torch.tensor([0x7FC12345, 0x7F800001], dtype=torch.int32).view(torch.float32),  # NaNs that carry something
    "a.minus zero": torch.tensor([-0.0]),
    "a.half": torch.rand(3).half(),
    "a.bfloat": torch.rand(3).bfloat16(),
    "a.double": torch.rand(3).double(),
    "a.eight": torch.rand(3).to(torch.float8_e4m3fn),
    "a.count": torch.tensor(7),
    "a.small": torch.tensor([1, -1], dtype=torch.int8),
    "a.flag": torch.tensor([True]),
    "a.none": torch.empty(0, 4),
    'ä\0\n"': torch.ones(1, dtype=torch.int16),
}


@pytest.fixture(params=[True, False], ids=["zip", "before 1.6"])
def pth(request, tmp_path) -> Path:
    tensors = dict(TENSORS)
    if not request.param:
        del tensors["a.eight"]  # younger than the format
    torch.save({"state_dict": tensors}, tmp_path / "a.pth", _use_new_zipfile_serialization=request.param)
    return tmp_path / "a.pth"


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def test_the_same_bits_under_the_same_names(pth):
    output = convert(pth)
    assert output == pth.with_suffix(".safetensors")
    with safetensors.safe_open(output, framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
    got = read(output)
    assert got.keys() | {"a.eight"} == TENSORS.keys()
    for name in got:
        tensor = TENSORS[name]
        assert (got[name].dtype, got[name].shape) == (tensor.dtype, tensor.shape)
        assert bits(got[name]) == bits(tensor)
        assert got[name].data_ptr() % got[name].element_size() == 0


def test_the_hash_is_written_down_beside_it(pth):
    output = convert(pth)
    entry = verify.identify(None, None, output, verify.digest.compute(output))
    assert (entry.ok, entry.text) == (True, "is as it was fetched or made (a.safetensors.sha256)")


def test_nothing_is_left_but_the_new_file(pth, tmp_path):
    convert(pth)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth", "a.safetensors", "a.safetensors.sha256"]


def test_hugging_face_s_names(tmp_path):
    torch.save(TENSORS, tmp_path / "pytorch_model.bin")
    assert convert(tmp_path / "pytorch_model.bin").name == "model.safetensors"


def test_a_file_that_is_there_is_replaced_only_when_asked(pth, tmp_path):
    output = tmp_path / "there.safetensors"
    output.write_bytes(b"precious")
    with pytest.raises(WeightsError, match=r"is there already; give another name with --output, or replace it with"):
        convert(pth, output)
    assert output.read_bytes() == b"precious"
    convert(pth, output, overwrite=True)
    assert read(output).keys() == read(pth).keys()


def test_a_safetensors_file_is_not_converted_onto_itself(pth):
    output = convert(pth)
    before = output.read_bytes()
    with pytest.raises(WeightsError, match="is there already"):
        convert(output)
    assert read(convert(output, overwrite=True)).keys() == read(pth).keys()  # its mapping outlives the old name
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"__metadata__": torch.ones(1)}, "tensor __metadata__ of type torch.float32 has no place"),
        ({"x": torch.ones(1, dtype=torch.complex64)}, "tensor x of type torch.complex64 has no place"),
    ],
)
def test_what_the_format_has_no_place_for(tmp_path, tensors, said):
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=said):
        convert(tmp_path / "a.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_what_cannot_be_read_or_written(tmp_path, pth):
    (tmp_path / "page.pth").write_bytes(b"<html>")
    with pytest.raises(WeightsError, match="is a web page"):
        convert(tmp_path / "page.pth")
    with pytest.raises(WeightsError, match=r"cannot be written \(No such file or directory\); choose another with"):
        convert(pth, tmp_path / "nowhere" / "a.safetensors")


def test_cancelling_leaves_nothing(pth, tmp_path):
    told = []

    def cancel(done, total):
        told.append((done, total))
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(pth, progress=cancel)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]
    assert told[0][0] < told[1][0] <= told[2][0] <= told[2][1]


def test_the_new_file_has_the_permissions_of_any_new_file(pth, tmp_path):
    (tmp_path / "plain").touch()
    assert convert(pth).stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc/self/status on this system")
def test_memory_is_that_of_one_tensor(tmp_path):
    """96 MiB in 24 tensors: never more than a few of them in memory of the process's own."""
    torch.save({f"x{index}": torch.rand(1 << 20) for index in range(24)}, tmp_path / "big.pth")

    def anonymous(*_) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        seen.append(next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) << 10)
        return seen[-1]

    seen: list[int] = []
    anonymous()
    convert(tmp_path / "big.pth", progress=anonymous)
    assert len(seen) == 26
    assert max(seen) - seen[0] < 4 * (4 << 20)
    os.unlink(tmp_path / "big.pth")
