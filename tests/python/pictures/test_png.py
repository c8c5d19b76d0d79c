"""PNG files as Pillow reads them, and zlib, and a walk over their chunks."""

import io
import itertools
import struct
import zlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from mattecore.pictures import png

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def picture(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def cut_out(generator: torch.Generator, height: int, width: int) -> torch.Tensor:
    """A noisy disc on transparent black, with soft edges."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    alpha = ((0.7 - (x * x + y * y).sqrt()) * 20).clamp(0, 1)
    slope = torch.stack([x * 60 + 128, y * 60 + 128, (x - y) * 40 + 100], 2)
    colours = (slope + torch.randn(height, width, 3, generator=generator) * 3).clamp(0, 255)
    return torch.cat([colours * (alpha[..., None] > 0), alpha[..., None] * 255], 2).to(torch.uint8)


def read(file: bytes) -> torch.Tensor:
    """The pixels by Pillow, which first checks every chunk's sum."""
    Image.open(io.BytesIO(file)).verify()
    with Image.open(io.BytesIO(file)) as opened:
        assert opened.mode == MODES[len(opened.getbands())]
        height, width, channels = opened.height, opened.width, len(opened.getbands())
        return torch.frombuffer(bytearray(opened.tobytes()), dtype=torch.uint8).view(height, width, channels)


def chunks_of(file: bytes) -> list[tuple[bytes, bytes]]:
    """Every chunk, its length and sum checked, to the file's last byte."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(file):
        (length,) = struct.unpack_from(">I", file, at)
        kind, content = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", file, at + 8 + length)[0] == zlib.crc32(kind + content)
        found.append((kind, content))
        at += length + 12
    assert at == len(file)
    return found


def unfiltered_bytes(file: bytes) -> bytes:
    """What the IDAT chunks hold; zlib checks the sum over all of it."""
    stream = zlib.decompressobj()
    data = stream.decompress(b"".join(content for kind, content in chunks_of(file) if kind == b"IDAT"))
    assert stream.eof
    assert stream.unused_data == b""
    return data


# --- the pixels


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_small_size_comes_back(channels, random):
    for height, width in itertools.product(range(1, 18), range(1, 10)):
        image = picture(random, height, width, channels)
        assert torch.equal(read(png.encode(image)), image), (height, width)


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_level_gives_the_pixels_over_many_bands(level, channels, random):
    image = cut_out(random, 613, 431)[..., -channels:].contiguous()
    file = png.encode(image, level=level)
    assert torch.equal(read(file), image)
    assert len(unfiltered_bytes(file)) == 613 * (1 + 431 * channels)


@pytest.mark.parametrize("shape", [(1, 200_000, 4), (200_000, 1, 3), (3, 90_000, 3), (2500, 2100, 4)], ids=str)
def test_long_rows_long_columns_and_large_pictures(shape, random):
    image = picture(random, *shape) % 16
    assert torch.equal(read(png.encode(image, level=1)), image)


values = st.one_of(st.just(0), st.just(255), st.integers(0, 255), st.integers(120, 130))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_picture_comes_back(data):
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    channels, level = data.draw(st.sampled_from([1, 3, 4])), data.draw(st.integers(0, 9))
    row = st.lists(values, min_size=width * channels, max_size=width * channels)
    some_rows = data.draw(st.lists(row, min_size=1, max_size=3))
    rows = [some_rows[data.draw(st.integers(0, len(some_rows) - 1))] for _ in range(height)]
    image = torch.tensor(rows, dtype=torch.uint8).view(height, width, channels)
    assert torch.equal(read(png.encode(image, level=level)), image)


def test_transparent_pixels_keep_their_colours(random):
    image = picture(random, 50, 60, 4)
    image[..., 3] = 0
    assert torch.equal(read(png.encode(image)), image)


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.transpose(0, 1),
        lambda t: t.flip(0),
        lambda t: t[::2, 1::3],
        lambda t: t[3:-2, 5:-1],
        lambda t: t.permute(2, 0, 1).contiguous().permute(1, 2, 0),
        lambda t: t[:1].expand(30, -1, -1),
    ],
    ids=["transposed", "flipped", "every few", "a part", "planes", "one row many times"],
)
def test_any_layout_gives_the_packed_ones_bytes(view, random):
    image = view(picture(random, 41, 53, 3))
    assert png.encode(image) == png.encode(image.contiguous())


def test_any_number_of_threads_gives_the_same_bytes(set_threads, random):
    images = [cut_out(random, 900, 700), picture(random, 500, 700, 3), picture(random, 7, 5, 4)]
    for image, level in itertools.product(images, (0, 1, 4)):
        files = set()
        for threads in (1, 2, 3, 4):
            set_threads(threads)
            files.add(png.encode(image, level=level))
        assert len(files) == 1


# --- the size


def test_files_are_no_larger_than_pillows(random):
    image = cut_out(random, 1000, 1000)
    for level in (1, 4):
        theirs = io.BytesIO()
        Image.fromarray(image.numpy()).save(theirs, "PNG", compress_level=level)
        assert len(png.encode(image, level=level)) <= len(theirs.getvalue()), level


def test_what_cannot_be_compressed_is_stored(random):
    image = picture(random, 300, 300, 4)
    assert len(png.encode(image)) < image.numel() * 1.002 + 200


# --- what stands beside the pixels

TEXTS = {
    "prompt": '{"1": {"class_type": "x"}}',
    "Title": "plain",
    "Umlaut é": "Latin-1: äöü ÿ ©",
    "beyond": "Ω, 猫, 🐈",
    "empty": "",
    "long": "workflow " * 20_000,
    "lines": "a\nb\r\n\tc",
}


def test_texts_are_written_as_pillow_does(random):
    image = picture(random, 4, 5, 3)
    info = PngImagePlugin.PngInfo()
    for key, value in TEXTS.items():
        info.add_text(key, value)
    theirs = io.BytesIO()
    Image.fromarray(image.numpy()).save(theirs, "PNG", pnginfo=info)
    ours = png.encode(image, chunks=[png.text(key, value) for key, value in TEXTS.items()])
    before_pixels = [[chunk for chunk in chunks_of(file) if chunk[0] != b"IDAT"] for file in (ours, theirs.getvalue())]
    assert before_pixels[0] == before_pixels[1]
    assert Image.open(io.BytesIO(ours)).text == TEXTS


latin_1 = st.text(st.characters(min_codepoint=1, max_codepoint=255), min_size=1, max_size=20)


@given(latin_1, st.text(max_size=100))
def test_any_text_comes_back(key, value):
    file = png.encode(torch.zeros(1, 1, 1, dtype=torch.uint8), chunks=[png.text(key, value)])
    with Image.open(io.BytesIO(file)) as opened:
        assert opened.text == {key: value}


@given(latin_1, st.characters(min_codepoint=256, exclude_categories=["Cs"]))
def test_names_beyond_latin_1_are_refused(before, beyond):
    with pytest.raises(ValueError, match="wanted letters of Latin-1 only"):
        png.text(before + beyond, "x")


@pytest.mark.parametrize("key", ["", "a\0b"])
def test_names_that_nobody_could_read_back_are_refused(key):
    with pytest.raises(ValueError, match="wanted at least one letter, and no NUL") as raised:
        png.text(key, "x")
    assert repr(key) in str(raised.value)


def test_a_colour_profile_comes_back(random):
    profile = bytes(range(256)) * 9
    file = png.encode(picture(random, 3, 3, 3), chunks=[png.icc_profile(profile)])
    assert Image.open(io.BytesIO(file)).info["icc_profile"] == profile


def test_exif_and_resolution_are_written_as_pillow_does(random):
    image, exif = picture(random, 3, 4, 3), Image.Exif()
    exif[0x010E] = "a cup"
    theirs = io.BytesIO()
    Image.fromarray(image.numpy()).save(theirs, "PNG", exif=exif, dpi=(300, 72.5))
    ours = png.encode(image, chunks=[png.resolution(300, 72.5), png.exif(exif.tobytes())])
    before_pixels = [[chunk for chunk in chunks_of(file) if chunk[0] != b"IDAT"] for file in (ours, theirs.getvalue())]
    assert sorted(before_pixels[0]) == sorted(before_pixels[1])
    with Image.open(io.BytesIO(ours)) as opened:
        assert opened.getexif()[0x010E] == "a cup"
        assert opened.info["dpi"] == pytest.approx((300, 72.5), abs=0.01)


def test_chunks_stand_between_header_and_pixels_in_their_order(random):
    file = png.encode(
        picture(random, 600, 600, 4), chunks=[png.text("a", "1"), png.icc_profile(b"p"), png.text("b", "2")]
    )
    kinds = [kind for kind, _ in itertools.groupby(kind for kind, _ in chunks_of(file))]
    assert kinds == [b"IHDR", b"tEXt", b"iCCP", b"tEXt", b"IDAT", b"IEND"]


def test_write_writes_what_encode_returns(random, tmp_path):
    image = picture(random, 20, 30, 3)
    with (tmp_path / "x.png").open("wb") as file:
        png.write(file, image, level=2, chunks=[png.text("a", "b")])
    assert (tmp_path / "x.png").read_bytes() == png.encode(image, level=2, chunks=[png.text("a", "b")])


# --- bad input


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(4, 5, 3), r"image is Float; wanted Byte"),
        (torch.zeros(4, 5, 2, dtype=torch.uint8), r"image has 2 channels in \[4, 5, 2\]; wanted 1, 3 or 4"),
        (torch.zeros(4, 5, dtype=torch.uint8), r"image has the shape \[4, 5\]; wanted"),
        (torch.zeros(2, 4, 5, 3, dtype=torch.uint8), r"image holds 2 pictures; a PNG file holds one"),
        (
            torch.zeros(0, 5, 3, dtype=torch.uint8),
            r"image has a side of 0 pixels in \[0, 5, 3\]; wanted at least 1 x 1",
        ),
        (torch.zeros(1, dtype=torch.uint8).expand(1, 2**29, 3), r"image is 536870912 pixels wide; .* 2\^30 bytes"),
        (torch.zeros(4, 5, 3, dtype=torch.uint8, device="meta"), r"image is on meta; this function works on the CPU"),
    ],
    ids=["floats", "two channels", "no channels", "a batch", "empty", "too wide", "no memory"],
)
def test_other_tensors_are_refused_in_a_sentence(image, message):
    with pytest.raises(ValueError, match=message):
        png.encode(image)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match=r"image is a list; wanted a torch\.Tensor"):
        png.encode([[0]])


@pytest.mark.parametrize("level", [-1, 10, 2**40])
def test_other_levels_are_refused(level):
    with pytest.raises(ValueError, match=rf"level is {level}; wanted 0 \(stored\) to 9 \(smallest\)"):
        png.encode(torch.zeros(1, 1, 3, dtype=torch.uint8), level=level)
