"""The bar for memory: input + output + 64 MiB."""

import subprocess
import sys

import pytest

MEASURE = """
import sys
import torch
from mattecore import composite, detail, preprocess
from mattecore.machine import forget_peak, status_kib

def image(*shape):
    return torch.empty(shape, dtype=torch.uint8).random_()

{setup}
run(small)  # loads libraries and starts threads
forget_peak()  # without the right to, nothing above has gone higher
before = status_kib()["VmRSS"]
result = run(large)
print((status_kib()["VmHWM"] - before) * 1024 - result.nbytes)
"""

CASES = {
    f"resize {name} {sizes}": f"""
small, large = image(1, 9, 9, 3), image(1, {sizes[0]}, {sizes[1]}, 3)
run = lambda x: preprocess.resize(x, {sizes[2]}, {sizes[3]}, "{name}")
"""
    for name in ("bilinear", "lanczos")
    for sizes in [(3000, 4000, 1024, 1024), (1024, 1024, 3000, 4000), (3000, 4000, 2, 4000)]
}
CASES["resize of a tall picture to one row"] = """
small, large = image(1, 9, 9, 3), image(1, 200_000, 16, 3)
run = lambda x: preprocess.resize(x, 1, 16)
"""
CASES["resize of a tall grey picture to one pixel"] = """
small, large = image(1, 9, 9, 1), image(1, 100_000, 999, 1)
run = lambda x: preprocess.resize(x, 1, 1)
"""
CASES["resize of a row of a million pixels"] = """
small, large = image(1, 1, 9, 3), image(1, 1, 1_000_000, 3)
run = lambda x: preprocess.resize(x, 1, 500_000, "lanczos")
"""
CASES["assemble_rgba, 4 MP"] = """
small = (torch.rand(1, 9, 9, 3), torch.rand(1, 9, 9))
large = (torch.rand(1, 2000, 2000, 3), torch.rand(1, 2000, 2000))
run = lambda pair: composite.assemble_rgba(*pair)
"""
CASES["assemble_rgba, 4 MP, bytes in planes"] = """
small = (image(1, 3, 9, 9).permute(0, 2, 3, 1), image(1, 9, 9))
large = (image(1, 3, 2000, 2000).permute(0, 2, 3, 1), image(1, 2000, 2000))
run = lambda pair: composite.assemble_rgba(*pair)
"""
# A head's logits would take 512 MiB.
CASES["attention over 128 x 128 tokens"] = """
from mattecore import _native
_native.load()
def tensors(side):
    return [torch.randn(s).bfloat16() for s in ((1, side, side, 1152), (2 * side - 1, 64), (2 * side - 1, 64), (1152,))]
small, large = tensors(3), tensors(128)
run = lambda inputs: torch.ops.mattecore.attention_decomposed_relpos(*inputs, 6, 0)
"""
CASES["to_u8, 12 MP"] = """
small, large = torch.rand(1, 9, 9, 3), torch.rand(1, 3000, 4000, 3)
run = preprocess.to_u8
"""
CASES["a thousand segments whose boxes all but cover 4 MP"] = """
small = torch.zeros(9, 9)
large = torch.zeros(2000, 2000)
for i in range(0, 2000, 2):
    large[i, i:] = large[i:, i] = 1  # angles, one in the other
def run(x):
    (segments,) = detail.find_segments(x, 10.0, 0)
    assert len(segments) in (0, 1000), len(segments)
    return torch.tensor(len(segments))
"""
CASES["the mask of a segment of 4 MP, blurred"] = """
small, large = torch.zeros(9, 9), torch.zeros(1500, 1500)
large[100:1400, 100:1400] = 1
def run(x):
    drawn = [detail.segment_mask(x, segment) for segment in detail.find_segments(x, 10.0, 1)[0]]
    return detail.blur_mask(drawn[0], 5) if drawn else x
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc/self/status")
@pytest.mark.parametrize("setup", CASES.values(), ids=CASES.keys())
def test_memory_stays_within_output_and_64_mib_beyond_the_input(setup):
    """In a fresh process: the highest resident memory of the call less that before it, in which the input is."""
    process = subprocess.run(
        [sys.executable, "-c", MEASURE.format(setup=setup)], check=False, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) <= 64 << 20
