"""`mattecore cut` on a folder: 200 JPEGs of one megapixel to PNGs, beside rembg with the same network and input size.

Ours does what the command does by default: the network box, guided edge, the foreground's colours, PNG. rembg does what
`rembg p` does by default for each file: the network, exported to ONNX, in a session for one's own networks, on as many
threads, colours as they are, Pillow's PNG. Reading and writing are part of both.
"""

import importlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from harness import networks, pictures
from harness.case import Call, Case

_PICTURES, _SIDE, _THREADS = 200, 1000, 2
_MEMORY_MIB = 1536.0
_FOLDER = tempfile.TemporaryDirectory(prefix="mattecore-bench-")


@cache
def _photographs() -> Path:
    """Writes the JPEGs: the scene in other places and another light, with noise of its own; about 170 KB each."""
    from PIL import Image

    folder = Path(_FOLDER.name) / "photographs"
    folder.mkdir()
    scene = pictures.draw(_SIDE, _SIDE).picture.numpy()
    for number in range(_PICTURES):
        random = np.random.default_rng(number)
        moved = np.roll(scene, random.integers(-150, 150, 2), (0, 1)) * random.uniform(0.7, 1)
        noisy = moved + random.normal(0, 0.008, scene.shape)
        Image.fromarray((noisy.clip(0, 1) * 255).astype(np.uint8)).save(folder / f"{number:03}.jpg", quality=90)
    return folder


def _ours() -> Call:
    from mattecore.cutting import Cutter, Options
    from mattecore.cutting.folder import plan
    from mattecore.cutting.run import Running, run

    output = Path(_FOLDER.name) / "ours"
    jobs = plan([str(_photographs())], str(output), "png", "prores")
    running = Running(max_memory=2**30, jobs=_THREADS)
    cutter = Cutter(Options(model="builtin"))

    def call() -> object:
        outcomes = list(run(jobs, cutter, running))
        assert all(outcome.state == "cut" for outcome in outcomes)
        return outcomes

    return call


def _onnx(folder: Path) -> Path:
    """Exports the network box, with the operators that ONNX has: without its last step, the picture's colours."""
    from mattecore.networks import box, build, load_weights
    from mattecore.weights.builtin import builtin
    from mattecore.weights.reader import read

    tensors = read(builtin())
    module = build({name: tensor.shape for name, tensor in tensors.items()}).module
    load_weights(module, {name: tensor.float() for name, tensor in tensors.items()})
    path = folder / "box.onnx"
    height, width = _preparation().size
    alone = mock.patch.object(box, "by_colours", lambda logits, *colours: torch.sigmoid(logits))
    with networks.plain_operators(), alone, torch.no_grad():
        torch.onnx.export(module, (torch.rand(1, 3, height, width),), path, dynamo=False, input_names=["image"])
    return path


def _preparation() -> Any:
    from mattecore.networks.loading import PREPARATIONS

    return PREPARATIONS["box"]


def _rembg() -> Call:
    home, output = Path(_FOLDER.name) / "rembg", Path(_FOLDER.name) / "theirs"
    home.mkdir(exist_ok=True)
    output.mkdir(exist_ok=True)
    os.environ["REMBG_HOME"] = os.environ["U2NET_HOME"] = str(home)  # rembg takes models from there alone
    rembg = importlib.import_module("rembg")
    onnxruntime = importlib.import_module("onnxruntime")
    custom: Any = importlib.import_module("rembg.sessions.dis_custom").DisCustomSession
    from PIL import Image

    preparation = _preparation()

    class Session(custom):  # type: ignore[misc]
        """rembg's session for a network of the user's own, with box's normalisation and size."""

        def predict(self, img: Image.Image, *args: Any, **kwargs: Any) -> list[Image.Image]:
            size = preparation.size[::-1]
            inputs = self.normalize(img, preparation.mean, preparation.std, size)
            found = self.inner_session.run(None, inputs)[0][0, 0]
            stretched = (found - found.min()) / (found.max() - found.min())
            mask = Image.fromarray((stretched * 255).astype("uint8"))
            return [mask.resize(img.size, Image.Resampling.LANCZOS)]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = _THREADS
    session = Session("box", options, model_path=str(_onnx(home)), providers=["CPUExecutionProvider"])
    files = sorted(_photographs().iterdir())

    def call() -> None:
        for file in files:
            (output / file.with_suffix(".png").name).write_bytes(rembg.remove(file.read_bytes(), session=session))

    return call


def cases() -> list[Case]:
    """The bars of the command line."""
    return [
        Case(
            name="cut a folder",
            size=f"{_PICTURES} x {_SIDE} x {_SIDE}",
            threads=_THREADS,
            ours=_ours,
            peer="rembg with the same network in ONNX",
            peer_call=_rembg,
            bar=3.0,
            memory_bar=1.0,
            allowed_mib=_MEMORY_MIB,
            allowed="1.5 GiB",
            at_least=1,
        )
    ]
