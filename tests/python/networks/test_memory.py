"""What a run of a network takes beside its weights: docs/performance.md has the formulas."""

import subprocess
import sys
from pathlib import Path

import pytest

from mattecore import _native

KEYS = Path(__file__).parents[2] / "data" / "networks" / "keys"
NATIVE_BF16 = pytest.mark.skipif(
    not _native.load().has_matrix_unit(), reason="this processor does not multiply bf16 in a unit of its own"
)

MEASURE = """
import sys, warnings
from pathlib import Path
import torch
from mattecore import _native
from mattecore.machine import forget_peak, status_kib
from mattecore.networks import build, canonical_names
from mattecore.networks.loading import archive

warnings.filterwarnings("ignore")
torch.set_num_threads(2)
keys, precision, channels, height, width = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])

shapes = {}
for line in Path(keys).read_text().splitlines():
    if not line.startswith("#"):
        name, shape, _ = line.split("\\t")
        shapes[name] = [int(side) for side in shape.strip("[]").split(",") if side.strip()]
network = build(shapes, device="meta")
weights = {name: torch.full(tensor.shape, 0.01) for name, tensor in network.module.state_dict().items()}
native = _native.load().load_network(archive(network), weights, torch.device("cpu"), precision)
del weights
image = torch.zeros(1, channels, height, width)
native.forward(image[:, :, :64, :64], None)  # starts threads, makes kernels
native.release()
forget_peak()
before = status_kib()["RssAnon"]
native.forward(image, None)
after = status_kib()
print((after["VmHWM"] - after["RssFile"] - after["RssShmem"] - before) * 1024)
"""

# Bytes a pixel of the input, and bytes whatever its size: the bands of a large picture, threads' tiles.
FORMULAS = {
    ("rmbg-1.4_model.pth.txt", "auto"): (136, 24 << 20),
    ("rmbg-1.4_model.pth.txt", "exact"): (272, 32 << 20),
    ("birefnet_general.safetensors.txt", "auto"): (400, 64 << 20),
    ("birefnet_general.safetensors.txt", "exact"): (768, 64 << 20),
    ("birefnet_lite.safetensors.txt", "auto"): (424, 32 << 20),
    ("birefnet_lite.safetensors.txt", "exact"): (416, 48 << 20),
    ("vitmatte_small.safetensors.txt", "auto"): (40, 136 << 20),
    ("vitmatte_small.safetensors.txt", "exact"): (104, 232 << 20),
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@NATIVE_BF16
@pytest.mark.parametrize("share", [2, 1])
@pytest.mark.parametrize(("keys", "precision"), FORMULAS)
def test_a_run_stays_within_the_formula(keys: str, precision: str, share: int) -> None:
    """Two sizes, so that neither number of a formula can stand in for the other; smaller where a network is slow."""
    height, width = (512 // share, 768 // share) if "general" in keys else (1024 // share, 1536 // share)
    channels = 4 if "vitmatte" in keys else 3
    command = [sys.executable, "-c", MEASURE, str(KEYS / keys), precision, str(channels), str(height), str(width)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    a_pixel, anyhow = FORMULAS[keys, precision]
    assert int(ended.stdout) <= a_pixel * height * width + anyhow
