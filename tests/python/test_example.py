"""examples/cut.cpp: the whole way in C++, without Python in its process."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mattecore import pipeline
from mattecore.networks import build, load_weights
from mattecore.networks.loading import archive, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def program(build_dir) -> Path:
    path = build_dir / "examples" / "mattecore_cut"
    if not path.exists():
        pytest.skip("build/dev has no examples: configure it with -DMATTECORE_BUILD_TESTS=ON, OpenCV installed")
    return path


@pytest.fixture(scope="module")
def weights(drawn) -> dict[str, torch.Tensor]:
    return drawn("rmbg-1.4_model.pth.txt")


@pytest.fixture(scope="module")
def network_file(weights, tmp_path_factory) -> Path:
    network = build({name: tensor.shape for name, tensor in weights.items()})
    load_weights(network.module, weights)
    path = tmp_path_factory.mktemp("network") / "rmbg.pt"
    path.write_bytes(archive(network))
    return path


def test_it_cuts_as_python_does(program, network_file, weights, tmp_path):
    picture = ROOT / "docs" / "pictures" / "coffee.jpg"
    with Image.open(picture) as file:
        small = file.convert("RGB").resize((300, 200))
    small.save(tmp_path / "picture.png")
    done = subprocess.run(
        [program, network_file, tmp_path / "picture.png", tmp_path / "cut.png"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.rstrip().endswith("100 %")
    with Image.open(tmp_path / "cut.png") as file:
        assert file.mode == "RGBA"
        cut = np.asarray(file)

    torch.save(weights, tmp_path / "model.pth")
    edge = pipeline.GuidedFilterEdge(detail_range=3, black_point=0.01, white_point=0.99)
    image = torch.from_numpy(np.asarray(small).copy())[None]
    wanted = pipeline.cut_out(image, load(tmp_path / "model.pth"), "rmbg_ultra", edge).rgba
    assert np.array_equal(cut, (wanted[0] * 255).round().numpy().astype(np.uint8))


def test_there_is_no_python_in_it(program, network_file, tmp_path):
    """The loader writes down every library that the running process got, also later than at its start."""
    shown = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "loaded")}
    picture = ROOT / "docs" / "pictures" / "coffee.jpg"
    subprocess.run([program, network_file, picture, tmp_path / "cut.png"], env=shown, capture_output=True, check=True)
    loaded = "".join(path.read_text() for path in tmp_path.glob("loaded*"))
    assert "libtorch_cpu" in loaded
    assert "libpython" not in loaded
    assert "libtorch_python" not in loaded


@pytest.mark.parametrize("missing", ["network", "picture"])
def test_what_is_missing_is_named_in_a_line(program, network_file, missing, tmp_path):
    nowhere = tmp_path / "nowhere"
    network, picture = (nowhere, "x.png") if missing == "network" else (network_file, nowhere)
    done = subprocess.run([program, network, picture, tmp_path / "cut.png"], capture_output=True, text=True)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]  # OpenCV may have warned before
    assert said.startswith("cut: ")
    assert str(nowhere) in said
