"""Videos cut out: alpha, colours, times and sound as they should be, whole or not there, in bounded memory."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

import mattecore
from mattecore import cli
from mattecore.cutting import Cutter, Options, folder
from mattecore.cutting import video as cutting_video
from mattecore.cutting.memory import Budget, Stopped
from mattecore.cutting.run import Line, Running, run
from mattecore.video import VideoError
from mattecore.video.read import Frame, Reader

RED, GREEN, BLUE = (220, 20, 40), (30, 160, 60), (0, 0, 255)


@pytest.fixture
def cut(red_weights: Path) -> Callable[..., Any]:
    def call(source: Path, target: Path, **options: Any) -> Any:
        return mattecore.cut_video(source, target, **{"model": str(red_weights), "refine": "none", **options})

    return call


def read(path: Path) -> tuple[Reader, list[Frame]]:
    """A video's frames as 8 bits, and its reader, closed."""
    with path.open("rb") as file, Reader(file, path.name) as reader:
        frames = [item for item in reader if isinstance(item, Frame)]
    if frames[0].pixels.dtype == torch.uint16:
        frames = [
            Frame((frame.pixels.float() / 257).round().to(torch.uint8), frame.begin, frame.duration) for frame in frames
        ]
    return reader, frames


def near(pixel: torch.Tensor, colour: tuple[int, ...], tolerance: int) -> bool:
    return bool(np.abs(pixel.numpy().astype(int)[: len(colour)] - colour).max() <= tolerance)


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        streams = getattr(container.streams, kind)
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux(streams)
            if packet.size and packet.pts is not None
        ]


def here(folder: Path) -> list[str]:
    """Names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


# --- what comes out


@pytest.mark.parametrize(("name", "tolerance"), [("out.mov", 4), ("out.webm", 8)])
def test_the_subject_keeps_its_colours_and_the_rest_is_transparent(clip, cut, tmp_path, name, tolerance):
    """4:4:4 in ten bits loses next to nothing, VP9 a little more."""
    done = cut(clip("a.mp4", frames=8), tmp_path / name, stability=0.0)
    assert (done.frames, done.size, done.note) == (8, (96, 64), "")
    reader, frames = read(tmp_path / name)
    assert reader.colours.has_alpha
    assert (len(frames), reader.width, reader.height) == (8, 96, 64)
    for index, frame in enumerate(frames):
        inside, outside = frame.pixels[32, 8 + index + 16], frame.pixels[32, 8 + index + 32 + 8]
        assert near(inside, (*RED, 255), tolerance), index
        assert int(outside[3]) <= 2, index


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("name", ["out.mov", "out.mp4"])
def test_colours_survive_in_every_matrix_and_range(clip, cut, tmp_path, matrix, full_range, name):
    """A player that knows nothing of ours sees them too: the file says what its numbers are."""
    options = {} if name == "out.mov" else {"background": "blue"}
    cut(clip("a.mp4", frames=2, matrix=matrix, full_range=full_range), tmp_path / name, **options)
    with av.open(str(tmp_path / name)) as container:
        frame = next(container.decode(video=0))
        assert int(frame.colorspace) == {1: 1, 5: 6}[matrix]
        assert int(frame.color_range) == 1
    _, frames = read(tmp_path / name)
    assert near(frames[0].pixels[32, 24], RED, 5)
    if name == "out.mp4":
        assert near(frames[0].pixels[4, 90], BLUE, 5)


def test_a_sequence_of_pictures(clip, cut, tmp_path):
    cut(clip("a.mp4", frames=3, sound="aac"), tmp_path / "out")
    assert here(tmp_path / "out") == ["000001.png", "000002.png", "000003.png"]
    with Image.open(tmp_path / "out" / "000002.png") as image:
        pixels = torch.from_numpy(np.array(image))
    assert near(pixels[32, 25], (*RED, 255), 4)
    assert pixels[2, 90].tolist() == [0, 0, 0, 0]


def test_a_mask_alone(clip, cut, tmp_path):
    cut(clip("a.mp4", frames=2), tmp_path / "out.mp4", mask_only=True)
    _, frames = read(tmp_path / "out.mp4")
    assert near(frames[0].pixels[32, 24], (255, 255, 255), 3)
    assert near(frames[0].pixels[4, 90], (0, 0, 0), 3)


@pytest.mark.parametrize("background", ["blur", "white", "picture"])
def test_backgrounds_make_opaque_videos(clip, cut, tmp_path, background):
    if background == "picture":
        Image.new("RGB", (50, 50), (255, 255, 255)).save(tmp_path / "white.png")
        background = str(tmp_path / "white.png")
    cut(clip("a.mp4", frames=2), tmp_path / "out.mp4", background=background)
    reader, frames = read(tmp_path / "out.mp4")
    assert not reader.colours.has_alpha
    corner = frames[0].pixels[2, 93]
    assert near(corner, GREEN, 12) if background == "blur" else near(corner, (255, 255, 255), 3)


@pytest.mark.parametrize("name", ["out.mov", "out.webm", "out.mp4", "out"])
@pytest.mark.parametrize(("width", "height"), [(97, 65), (1, 1), (3, 200)])
def test_odd_sizes_stay(clip, cut, tmp_path, name, width, height):
    source = clip("a.mkv", frames=2, width=width, height=height, codec="ffv1", pixel_format="bgr0", options={})
    cut(source, tmp_path / name, **({"background": "white"} if name == "out.mp4" else {}))
    if name == "out":
        with Image.open(tmp_path / name / "000002.png") as image:
            assert image.size == (width, height)
    else:
        _, frames = read(tmp_path / name)
        assert [frame.pixels.shape[:2] for frame in frames] == [(height, width)] * 2


def test_more_than_eight_bits_stay_more(clip, cut, tmp_path):
    def ramp(index: int) -> np.ndarray:
        picture = np.empty((64, 256, 3), np.uint8)
        picture[:] = np.arange(256, dtype=np.uint8)[None, :, None] // 16 * [1, 0, 0] + [200, 20, 40]
        return picture

    source = clip("a.mkv", frames=1, width=256, codec="ffv1", pixel_format="yuv444p10le", options={}, draw=ramp)
    cut(source, tmp_path / "out.mov")
    with (tmp_path / "out.mov").open("rb") as file, Reader(file, "out.mov") as reader:
        frame = next(item for item in reader if isinstance(item, Frame))
    assert frame.pixels.dtype == torch.uint16


def test_turned_videos_are_cut_upright(clip, cut, tmp_path):
    cut(clip("a.mp4", frames=2, rotation=90), tmp_path / "out.mov")
    with av.open(str(tmp_path / "out.mov")) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (64, 96, 0)
    _, frames = read(tmp_path / "out.mov")
    assert near(frames[0].pixels[96 - 24, 32], (*RED, 255), 4)


def test_uneven_times_stay(clip, cut, tmp_path):
    times = [0, 4, 5, 30, 31, 90]
    for name in ("out.mov", "out.webm"):
        cut(clip("a.mkv", frames=6, times=times), tmp_path / name)
        reader, frames = read(tmp_path / name)
        assert [round(100 * frame.begin * reader.time_base) for frame in frames] == times, name


def test_what_was_transparent_stays_so(clip, cut, tmp_path):
    cut(clip("a.mp4", frames=2), tmp_path / "once.webm", format="vp9")
    cut(tmp_path / "once.webm", tmp_path / "twice.mov")
    _, frames = read(tmp_path / "twice.mov")
    assert near(frames[0].pixels[32, 24], (*RED, 255), 10)
    assert int(frames[0].pixels[2, 93, 3]) == 0


# --- stability


def test_stability_steadies_a_flickering_mask_and_leaves_motion_alone(clip, cut, tmp_path):
    """The square's red flickers around what the network takes for a subject; beside it a square moves."""

    def flicker(index: int) -> np.ndarray:
        picture = np.full((64, 96, 3), 60, np.uint8)
        picture[10:30, 10:40] = (128 + (4 if index % 2 else -4), 60, 60)
        picture[40:60, 10 + 2 * index : 30 + 2 * index] = RED
        return picture

    source = clip("a.mkv", frames=16, codec="ffv1", pixel_format="bgr0", options={}, draw=flicker)
    changes, lag = {}, {}
    for stability in (0.0, 1.0):
        cut(source, tmp_path / f"{stability}", format="png-sequence", stability=stability)
        masks = np.stack(
            [
                np.asarray(Image.open(path).getchannel("A"), dtype=int)
                for path in sorted((tmp_path / f"{stability}").iterdir())
            ]
        )
        changes[stability] = np.abs(np.diff(masks[6:, 14:26, 14:36], axis=0)).mean()
        lag[stability] = masks[:, 36:64]
    assert changes[0.0] > 5
    assert changes[1.0] < 0.35 * changes[0.0]
    assert np.abs(lag[0.0] - lag[1.0]).max() <= 1


# --- sound


def test_sound_is_copied_with_its_times(clip, cut, tmp_path):
    source = clip("a.mp4", frames=25, sound="aac")
    done = cut(source, tmp_path / "out.mov")
    assert done.note == ""
    before, after = packets(source, "audio"), packets(tmp_path / "out.mov", "audio")
    assert len(before) > 40
    assert [content for _, content in after] == [content for _, content in before]
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before], abs=1e-4)


@pytest.mark.parametrize(("source", "sound", "target"), [("a.mp4", "aac", "out.webm"), ("a.mkv", "libopus", "out.mov")])
def test_sound_a_container_does_not_take_is_encoded_anew(clip, cut, tmp_path, source, sound, target):
    done = cut(clip(source, frames=50, sound=sound), tmp_path / target)
    assert "the sound was encoded anew" in done.note
    with av.open(str(tmp_path / target)) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    assert len(heard) / rate == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(heard[rate // 2 : rate // 2 + rate]))
    assert int(spectrum.argmax()) == 440  # a second: a bin a hertz


def test_pictures_have_no_sound_and_say_so(clip, cut, tmp_path):
    assert (
        cut(clip("a.mp4", frames=2, sound="aac"), tmp_path / "out").note == "pictures have no sound, so it was left out"
    )


# --- whole or not at all


def test_progress_counts_the_frames(clip, cut, tmp_path):
    seen: list[Any] = []
    cut(clip("a.mp4", frames=7), tmp_path / "out.mov", progress=seen.append)
    assert [frames.done for frames in seen] == list(range(8))
    assert {frames.total for frames in seen} == {7}
    assert [frames.fraction for frames in seen][-1] == 1
    assert str(seen[3]).startswith("3 of 7 frames, ")


def test_a_stream_that_says_nothing_of_its_length_or_times(clip, cut, tmp_path):
    seen: list[Any] = []
    done = cut(clip("a.h264", frames=6), tmp_path / "out.mov", progress=seen.append)
    assert done.frames == 6
    assert {frames.fraction for frames in seen} == {0.0}
    assert str(seen[-1]).startswith("6 frames, ")
    reader, frames = read(tmp_path / "out.mov")
    assert [round(25 * frame.begin * reader.time_base, 2) for frame in frames] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["out.mov", "out"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_work_that_ends_early_leaves_nothing_behind(clip, cut, tmp_path, name, error):
    source = clip("a.mp4", frames=30)
    before, threads = here(tmp_path), threading.active_count()

    def stop(frames: Any) -> None:
        if frames.done == 3:
            raise error

    with pytest.raises(error):
        cut(source, tmp_path / name, progress=stop)
    assert here(tmp_path) == before
    assert threading.active_count() == threads


def test_a_damaged_video_leaves_nothing_behind(clip, cut, tmp_path):
    source = clip("a.avi", frames=20, codec="ffv1", pixel_format="bgr0", options={})
    content = bytearray(source.read_bytes())
    content[len(content) // 3 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 3)
    source.write_bytes(content)
    with pytest.raises(VideoError, match=r"a\.avi is damaged or not whole \(Invalid data .*\); get it again$"):
        cut(source, tmp_path / "out.mov")
    assert here(tmp_path) == ["a.avi"]


def test_of_a_video_that_was_cut_off_what_there_is_is_cut_and_the_note_says_so(clip, cut, tmp_path):
    source = clip("a.mkv", frames=75)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    done = cut(source, tmp_path / "out.mov")
    assert 10 <= done.frames <= 50
    assert re.fullmatch(r"the file may not be whole, it ends after [012]\.\d of 3\.0 seconds", done.note)
    assert len(read(tmp_path / "out.mov")[1]) == done.frames


@pytest.mark.parametrize("name", ["out.mov", "out"])
def test_what_was_there_is_replaced_by_all_of_the_new(clip, cut, tmp_path, name):
    for frames in (5, 3):
        cut(clip("a.mp4", frames=frames), tmp_path / name)
    if name == "out":
        assert len(here(tmp_path / "out")) == 3
    else:
        assert len(read(tmp_path / name)[1]) == 3
    assert here(tmp_path) == ["a.mp4", name]


def test_a_target_that_cannot_be_written_is_a_sentence(clip, cut, tmp_path):
    with pytest.raises(VideoError, match=r"out\.mov cannot be written: No such file or directory$"):
        cut(clip("a.mp4", frames=2), tmp_path / "nowhere" / "out.mov")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": True}, "crop would give every frame another size; leave it out for videos"),
        ({"format": "h264"}, "format is h264, which keeps no alpha; wanted prores, vp9, png-sequence, or a background"),
        ({"format": "gif"}, "format is 'gif'; wanted prores, vp9, h264, png-sequence"),
        ({"stability": 2.0}, "stability is 2.0; wanted 0 to 1"),
    ],
)
def test_options_that_videos_cannot_have_are_refused(clip, cut, tmp_path, options, message):
    with pytest.raises(ValueError) as raised:
        cut(clip("a.mp4", frames=2), tmp_path / "out.mov", **options)
    assert str(raised.value) == message


def test_an_ending_that_is_no_videos_is_refused(clip, cut, tmp_path):
    with pytest.raises(
        VideoError, match=r"out\.jpg ends in '\.jpg'; wanted \.mov, \.webm or \.mp4, or a folder's name"
    ):
        cut(clip("a.mp4", frames=2), tmp_path / "out.jpg")


def test_without_pyav_one_sentence_says_what_to_install(cut, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    with pytest.raises(VideoError, match=r"^videos need PyAV; install it with: pip install 'mattecore\[video\]'$"):
        cut(tmp_path / "a.mp4", tmp_path / "out.mov")


def test_work_that_is_stopped_from_outside_leaves_nothing_behind(clip, red_weights, tmp_path):
    job = folder.plan([str(clip("a.mp4", frames=30))], None, "png")[0]
    stop = threading.Event()
    said: list[str] = []

    def watch(job: folder.Job, fraction: float, what: str) -> None:
        said.append(what)
        if what.startswith("2 of 30 frames"):
            stop.set()

    line = Line(
        Cutter(Options(model=str(red_weights))), Running(max_memory=10**9), Budget(10**9, stop.is_set), stop, watch
    )
    with pytest.raises(Stopped):
        line.outcome(job)
    assert said[-1].startswith("2 of 30 frames")
    assert here(tmp_path) == ["a.mp4"]


def test_a_video_that_would_take_too_much_memory_is_refused(clip, red_weights, tmp_path):
    outcomes = list(
        run(
            folder.plan([str(clip("a.mp4", frames=2))], None, "png"),
            Cutter(Options(model=str(red_weights))),
            Running(max_memory=10**5),
        )
    )
    assert [outcome.state for outcome in outcomes] == ["failed"]
    assert "allow more with --max-memory" in outcomes[0].message
    assert here(tmp_path) == ["a.mp4"]


# --- memory

MEASURE = """
import sys
from pathlib import Path
from mattecore import cut_video
from mattecore.machine import status_kib

folder, weights = Path(sys.argv[1]), sys.argv[2]
for frames in (50, 400):
    cut_video(folder / f"{frames}.mkv", folder / f"{frames}.mov", model=weights, refine="none")
    print(status_kib()["VmHWM"])
"""


def test_memory_does_not_grow_with_the_length(clip, red_weights, tmp_path):
    """A frame of 160 x 120 is 230 KB as floats, so that 350 frames more would be 80 MB and more."""
    for frames in (50, 400):
        clip(
            f"{frames}.mkv",
            frames=frames,
            width=160,
            height=120,
            sound="libopus",
            draw=lambda index: SQUARES[index % 2],
        )
    shown = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path, red_weights], check=True, capture_output=True, text=True
    ).stdout
    short, long = (int(line) for line in shown.split())
    assert long - short < 16_000  # KiB: what threads and allocators take as they go on


SQUARES = [np.zeros((120, 160, 3), np.uint8), np.zeros((120, 160, 3), np.uint8)]
SQUARES[0][20:80, 30:90] = RED
SQUARES[1][20:80, 32:92] = RED


# --- the command


def command(*words: object) -> int:
    return cli.main(["cut", *map(str, words)])


def test_the_command_cuts_a_video_beside_it(clip, red_weights, tmp_path, capsys):
    source = clip("a.mp4", frames=5, sound="aac")
    assert command(source, "--model", red_weights, "--refine", "none") == 0
    assert here(tmp_path) == ["a.cut.mov", "a.mp4"]
    said = capsys.readouterr()
    assert str(tmp_path / "a.cut.mov") in said.out
    assert "5 frames, " in said.err


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--format", "vp9"], "a.cut.webm"),
        (["--format", "png-sequence"], "a.cut"),
        (["--background", "white"], "a.cut.mp4"),
        (["--background", "white", "--format", "prores"], "a.cut.mov"),
        (["-o", "{}/b.webm"], "b.webm"),
    ],
)
def test_the_command_writes_what_is_asked_for(clip, red_weights, tmp_path, words, name):
    source = clip("a.mp4", frames=2)
    placed = [word.format(tmp_path) for word in words]
    assert command(source, "--model", red_weights, "--refine", "none", *placed) == 0
    assert here(tmp_path) == sorted(["a.mp4", name])


def test_the_command_names_a_video_that_cannot_be_cut_and_goes_on(clip, red_weights, tmp_path, capsys):
    clip("b.mp4", frames=2)
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert command(tmp_path / "a.mp4", tmp_path / "b.mp4", "--model", red_weights, "--refine", "none") == 1
    assert "a.mp4 cannot be read as a video (" in capsys.readouterr().err
    assert here(tmp_path) == ["a.mp4", "b.cut.mov", "b.mp4"]


def test_lines_of_json_say_how_far_a_video_is(clip, red_weights, tmp_path, capsys):
    source = clip("a.mp4", frames=4)
    assert command(source, "--model", red_weights, "--refine", "none", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    progress = [event for event in events if event["event"] == "progress"]
    assert progress
    assert progress[0]["input"] == str(source)
    assert progress[0]["message"].startswith("0 of 4 frames")
    assert [event["width"] for event in events if event["event"] == "cut"] == [96]


def test_videos_in_a_folder_are_left_alone_and_named_ones_are_planned(clip, tmp_path):
    video = clip("a.mp4", frames=1)
    Image.new("RGB", (4, 4)).save(tmp_path / "b.jpg")
    assert [job.source.name for job in folder.plan([str(tmp_path)], None, "png")] == ["b.jpg"]
    jobs = folder.plan([str(tmp_path / "*.*")], None, "png", "vp9")
    assert [(job.target.name, job.is_video) for job in jobs] == [("a.cut.webm", True), ("b.cut.png", False)]
    with pytest.raises(folder.PlanError, match=r"a\.mp4 is a video, which the standard output does not take"):
        folder.plan([str(video)], "-", "png")


def test_the_default_format_keeps_alpha_and_is_smaller_without():
    assert cutting_video.default_format(Options()) == "prores"
    assert cutting_video.default_format(Options(background="white")) == "h264"
