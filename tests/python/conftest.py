"""Tensors and devices for the tests of the stages."""

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """Each device. Without a GPU the case skips, but fails where MATTECORE_REQUIRE_CUDA=1 says there must be one."""
    if request.param == "cuda":
        from mattecore import _native

        usable = torch.cuda.is_available() and bool(_native.load().cuda_devices())
        if not usable and os.environ.get("MATTECORE_REQUIRE_CUDA") == "1":
            pytest.fail("MATTECORE_REQUIRE_CUDA=1, but torch or this build of mattecore has no GPU")
        if not usable:
            pytest.skip("no GPU that torch and this build of mattecore can use")
    return str(request.param)


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """torch.set_num_threads, undone afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models folder of a machine without weights, but for what a test puts there."""
    from mattecore.cutting import models

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("COMFYUI_DIR", "MATTECORE_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(models.comfyui, "find", lambda checkout: None)
    return tmp_path / "data" / "mattecore" / "models"


@pytest.fixture
def put(models_folder: Path) -> Callable[[str], Path]:
    """``put(name)``: a file, empty, where the weights of that name are looked for."""
    from mattecore.weights import manifest

    def touch(name: str) -> Path:
        entry = next(entry for entry in manifest() if entry.name == name)
        path = models_folder / entry.files[0].places[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return touch


@pytest.fixture(scope="session")
def red_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of Box, for which what is red is the subject: 1 where red is far above green, 0 where it is not."""
    from safetensors.torch import save_file

    from mattecore.networks.box import Box, BoxConfig

    tensors = {name: value for name, value in Box(BoxConfig(width=8)).state_dict().items() if value.is_floating_point()}
    for name in ("up1.block.conv.weight", "alpha.weight"):
        tensors[name].zero_()
    tensors["up1.block.conv.weight"][0, -3:, 1, 1] = torch.tensor([1.0, -1.0, 0.0])  # the picture comes last
    tensors["alpha.weight"][0, 0, 1, 1] = 8.0
    tensors["alpha.bias"][0] = -8.0
    tensors["colours"].zero_()  # red alone counts
    path = tmp_path_factory.mktemp("weights") / "red.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture
def disc() -> Callable[..., np.ndarray]:
    """``disc(height, width, channels)``: a soft red disc on green, 8 bits; it takes the middle, with an edge of 6 %."""

    def draw(height: int = 90, width: int = 120, channels: int = 3) -> np.ndarray:
        y, x = np.mgrid[0:height, 0:width]
        distance = np.hypot((y + 0.5) / height - 0.5, (x + 0.5) / width - 0.5)
        alpha = np.clip((0.33 - distance) / 0.06 + 0.5, 0, 1)[..., None]
        colours = alpha * np.array([220, 20, 40]) + (1 - alpha) * np.array([30, 160, 60])
        values = np.concatenate([colours, np.full((height, width, 1), 255)], 2)[..., :channels]
        return values.round().astype(np.uint8)

    return draw


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """``clip(name, **how)``: a video of a red square on green, from x = 8 on moving right by a pixel a frame."""
    import av

    def tone(container: Any, stream: Any, seconds: float) -> None:
        count = int(48000 * seconds)
        wave = (np.sin(np.arange(count) * 440 * 2 * np.pi / 48000) * 0.3).astype(np.float32)
        for begin in range(0, count - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(np.stack([wave[begin : begin + 1024]] * 2), "fltp", "stereo")
            frame.sample_rate, frame.pts = 48000, begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    def make(
        name: str,
        *,
        frames: int = 10,
        width: int = 96,
        height: int = 64,
        rate: int = 25,
        times: list[int] | None = None,  # of the frames, in hundredths of a second
        sound: str | None = None,
        codec: str = "libx264",
        pixel_format: str = "yuv420p",
        matrix: int | None = None,  # as swscale numbers it: 1 BT.709, 5 BT.601
        full_range: bool = False,
        rotation: int = 0,
        draw: Callable[[int], np.ndarray] | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        def square(index: int) -> np.ndarray:
            picture = np.empty((height, width, 3), np.uint8)
            picture[:] = (30, 160, 60)
            picture[height // 4 : height * 3 // 4, 8 + index : 8 + index + width // 3] = (220, 20, 40)
            return picture

        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream(codec, rate=rate, options={"crf": "1"} if options is None else options)
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 100)
            if matrix is not None:
                stream.codec_context.colorspace = {1: 1, 5: 6}[matrix]
                stream.codec_context.color_range = 2 if full_range else 1
            if rotation:
                stream.set_display_rotation(rotation)
            heard = container.add_stream(sound, rate=48000) if sound else None
            if heard:
                heard.codec_context.layout = "stereo"
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray((draw or square)(index), "rgb24").reformat(
                    format=pixel_format,
                    src_colorspace=5,
                    dst_colorspace=matrix or 5,
                    src_color_range=2,
                    dst_color_range=2 if full_range else 1,
                )
                frame.pts = times[index] if times else index
                frame.time_base = Fraction(1, 100) if times else Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.start_encoding()
            container.mux(stream.encode(None))
            if heard:
                tone(container, heard, frames / rate)
        return tmp_path / name

    return make
