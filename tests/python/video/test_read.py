"""Videos as frames: the pictures' colours, upright, at their times; and files that are no whole videos."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mattecore.video import VideoError, is_video, read
from mattecore.video.read import Frame, Reader

RED, GREEN = (220, 20, 40), (30, 160, 60)


def frames_of(path: Path) -> list[Frame]:
    with path.open("rb") as file, Reader(file, path.name) as reader:
        return [item for item in reader if isinstance(item, Frame)]


def near(pixel: object, colour: tuple[int, ...], tolerance: int = 3) -> bool:
    """A matrix of eight bits there and one back: a step and a half each, and the codec's own."""
    return bool(np.abs(np.asarray(pixel, int)[:3] - colour).max() <= tolerance)


def test_frames_come_in_their_order_at_their_times(clip: Callable):
    with clip("a.mp4", frames=12).open("rb") as file, Reader(file, "a.mp4") as reader:
        assert (reader.width, reader.height, reader.rate, reader.frames) == (96, 64, 25, 12)
        assert reader.seconds == pytest.approx(12 / 25)
        frames = [item for item in reader if isinstance(item, Frame)]
        assert [frame.begin * reader.time_base for frame in frames] == [Fraction(i, 25) for i in range(12)]
    for index, frame in enumerate(frames):
        assert frame.pixels.shape == (64, 96, 3)
        assert near(frame.pixels[32, 8 + index + 4], RED)
        assert near(frame.pixels[32, 8 + index - 4], GREEN)


def test_uneven_times_are_kept(clip):
    times = [0, 4, 5, 30, 31, 90]
    with clip("a.mkv", frames=6, times=times).open("rb") as file, Reader(file, "a.mkv") as reader:
        frames = [item for item in reader if isinstance(item, Frame)]
        assert [frame.begin * reader.time_base for frame in frames] == [Fraction(t, 100) for t in times]


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full_range", [False, True])
def test_known_colours_come_out_of_every_matrix_and_range(clip, matrix, full_range):
    frame = frames_of(clip("a.mp4", frames=1, matrix=matrix, full_range=full_range))[0]
    assert near(frame.pixels[32, 20], RED)
    assert near(frame.pixels[4, 4], GREEN)


def test_without_a_word_on_colours_large_videos_are_bt_709_and_small_ones_bt_601(clip):
    # Encoded in BT.709 without saying so.
    def plain(height: int) -> np.ndarray:
        picture = np.empty((height, 720, 3), np.uint8)
        picture[:] = RED
        return picture

    large = clip("l.mp4", frames=1, width=720, height=720, draw=lambda i: plain(720), matrix=None)
    small = clip("s.mp4", frames=1, width=720, height=480, draw=lambda i: plain(480), matrix=None)
    assert near(frames_of(small)[0].pixels[9, 9], RED)  # clip writes BT.601
    assert not near(frames_of(large)[0].pixels[9, 9], RED)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_turned_videos_come_upright(clip, rotation):
    upright = frames_of(clip("a.mp4", frames=1))[0].pixels.numpy()
    with clip("t.mp4", frames=1, rotation=rotation).open("rb") as file, Reader(file, "t.mp4") as reader:
        turned = next(item for item in reader if isinstance(item, Frame))
        assert (reader.height, reader.width) == turned.pixels.shape[:2]
    np.testing.assert_array_equal(turned.pixels.numpy(), np.rot90(upright, rotation // 90))


def test_more_than_eight_bits_are_kept(clip):
    path = clip("a.mkv", frames=1, codec="ffv1", pixel_format="yuv420p10le", options={})
    pixels = frames_of(path)[0].pixels.numpy()
    assert pixels.dtype == np.uint16
    assert near(pixels[32, 20] / 257, RED)
    assert np.unique(pixels & 255).size > 2  # not eight bits made wide


def test_sound_comes_between_the_frames(clip):
    with clip("a.mkv", frames=50, sound="libopus").open("rb") as file, Reader(file, "a.mkv") as reader:
        kinds = ["frame" if isinstance(item, Frame) else "sound" for item in reader]
    assert kinds.count("frame") == 50
    assert kinds.count("sound") > 50
    assert "frame" in kinds[kinds.index("sound") :]


# --- what is no whole video


def trouble(path: Path) -> str:
    with pytest.raises(VideoError) as raised:
        frames_of(path)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"text " * 999, b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n"],
    ids=["empty", "text", "playlist", "concat"],
)
def test_what_is_no_video_is_a_sentence(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert trouble(path).startswith("a.mp4 cannot be read as a video (")


def test_a_video_without_its_index_is_a_sentence(clip):
    path = clip("a.mp4", frames=30)
    path.write_bytes(path.read_bytes()[:-1500])  # an MP4's index stands at its end
    assert trouble(path).startswith("a.mp4 cannot be read as a video (")


def test_a_video_that_was_cut_off_is_read_to_where_it_ends_and_says_so(clip):
    path = clip("a.mkv", frames=75)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with path.open("rb") as file, Reader(file, path.name) as reader:
        count = sum(isinstance(item, Frame) for item in reader)
    assert 10 <= count <= 50
    assert re.fullmatch(r"the file may not be whole, it ends after [012]\.\d of 3\.0 seconds", reader.note)


def test_a_picture_that_ends_before_the_sound_is_whole(clip, tmp_path):
    import av

    with (
        av.open(str(clip("a.mkv", frames=75, sound="libopus"))) as source,
        av.open(str(tmp_path / "b.mkv"), "w") as target,
    ):
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size and (packet.stream.type == "audio" or packet.pts < 1000):
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    with (tmp_path / "b.mkv").open("rb") as file, Reader(file, "b.mkv") as reader:
        assert sum(isinstance(item, Frame) for item in reader) < 30
        assert reader.seconds == pytest.approx(3, abs=0.1)
        assert reader.note == ""


def test_sound_alone_is_a_sentence(clip, tmp_path):
    with av.open(str(clip("a.mkv", sound="libopus"))) as source, av.open(str(tmp_path / "b.mka"), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert trouble(tmp_path / "b.mka") == "b.mka holds sound alone; wanted a video"


def test_a_video_of_no_frame_is_a_sentence(clip):
    assert trouble(clip("a.avi", frames=0, codec="mpeg4", options={})).startswith("a.avi ")


def test_huge_frames_are_refused_before_they_are_decoded(clip, monkeypatch):
    monkeypatch.setattr(read, "_MOST_PIXELS", 96 * 64 - 1)
    monkeypatch.setattr(read.Reader, "_decoded", lambda self: pytest.fail("decoded all the same"))
    assert trouble(clip("a.mp4")) == "a.mp4 has 96 x 64 pixels; wanted at most 6143 of them"


# --- what is taken for a video


@pytest.mark.parametrize("name", ["a.mp4", "A.MOV", "x/b.mkv", "c.webm", "d.avi", "e.m2ts"])
def test_videos_are_known_by_their_endings(name):
    assert is_video(Path(name))


def test_videos_are_known_by_how_they_begin(clip, tmp_path):
    for ending in ("mp4", "mkv"):
        plain = tmp_path / f"{ending} without an ending"
        plain.write_bytes(clip(f"a.{ending}", frames=1).read_bytes())
        assert is_video(plain)


@pytest.mark.parametrize(
    "head",
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\0\0\0\x20ftypavif", b"\0\0\0\x18ftypheic", b"RIFF1234WEBP"],
)
def test_pictures_are_none(tmp_path, head):
    (tmp_path / "picture").write_bytes(head + bytes(64))
    assert not is_video(tmp_path / "picture")
    assert not is_video(tmp_path / "nothing of that name")
