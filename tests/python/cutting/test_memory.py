"""What a picture takes is no more than what Cutter.bytes_for says, and not much less."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import sys
import torch
from mattecore.cutting import Cutter, Options
from mattecore.machine import forget_peak, status_kib
from mattecore.pictures.write import encode

def picture(height, width):
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    red = ((x * x + y * y < 0.5) * 200 + 20).to(torch.uint8)
    return torch.stack([red, torch.full_like(red, 120), 120 - red // 2], 2)

cutter = Cutter(Options(model=sys.argv[1], refine=sys.argv[2], background=sys.argv[3]))
def run(image):
    return len(encode(cutter.cut(image).picture, "png"))
run(picture(300, 400))  # loads libraries and starts threads
large = picture(1500, 2000)
forget_peak()
before = status_kib()["VmRSS"]
run(large)
print((status_kib()["VmHWM"] - before) * 1024, cutter.bytes_for(1500, 2000))
"""


@pytest.mark.parametrize("background", ["transparent", "blur"])
@pytest.mark.parametrize("refine", ["none", "guided", "closed-form"])
def test_the_budget_s_formula_holds(red_weights: Path, refine: str, background: str) -> None:
    words = [sys.executable, "-c", MEASURE, str(red_weights), refine, background]
    result = subprocess.run(words, capture_output=True, text=True, check=True)
    taken, said = map(int, result.stdout.split())
    assert taken <= said
    if background == "blur":
        assert taken > said / 4
