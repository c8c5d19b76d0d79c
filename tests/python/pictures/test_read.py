"""Files of every kind come in as they are meant to be seen, or are refused in one sentence."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms, ImageOps

from mattecore.pictures import Picture, PictureError, open_picture
from mattecore.pictures.grey import srgb_grey
from mattecore.pictures.read import ENDINGS, from_pillow, read, size

ORIENTATION = 0x0112


def colours(height: int = 5, width: int = 7, channels: int = 3, largest: int = 255) -> np.ndarray:
    dtype = np.uint8 if largest == 255 else np.uint16
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(height * width).integers(0, largest, shape, endpoint=True).astype(dtype)


def sixteen_bit_png(values: np.ndarray, key: tuple[int, ...] | None = None) -> bytes:
    """A PNG of 16 bits a value; Pillow writes none with colours."""
    height, width = values.shape[:2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]]
    rows = b"".join(b"\0" + values[row].astype(">u2").tobytes() for row in range(height))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    transparent = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + transparent
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def encoded(image: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def values(data: bytes | Path) -> np.ndarray:
    return read(data).pixels.numpy()


# --- depth and colours


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (64, 33)])
def test_a_png_of_16_bits_keeps_them_all(channels, size):
    wanted = np.random.default_rng(channels).integers(0, 65536, (*size, channels)).astype(np.uint16)
    found = values(sixteen_bit_png(wanted))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "adobe_deflate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_tiff_of_16_bits_keeps_them_all(tmp_path, byteorder, compression, channels):
    wanted = colours(9, 11, channels, 65535)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile.imwrite(
        tmp_path / "x.tif", wanted, photometric="rgb", compression=compression, byteorder=byteorder, **extra
    )
    np.testing.assert_array_equal(values(tmp_path / "x.tif"), wanted)


def test_planes_of_8_bits_are_read_and_those_of_16_refused(tmp_path):
    eight = colours(9, 11)
    for values_, name in ((eight, "8.tif"), (eight.astype(np.uint16), "16.tif")):
        planes = values_.transpose(2, 0, 1)
        tifffile.imwrite(tmp_path / name, planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(values(tmp_path / "8.tif"), eight)
    assert "keeps its 16 bits a value in separate planes" in refused(tmp_path / "16.tif")


def test_the_colour_that_is_not_there_in_a_png_of_16_bits():
    picture = np.full((1, 2, 3), 513, np.uint16)
    picture[0, 1, 2] += 1  # differs in the low byte alone
    np.testing.assert_array_equal(values(sixteen_bit_png(picture, (513, 513, 513)))[..., 3], [[0, 65535]])


def test_grey_of_16_bits_stays_grey():
    grey = colours(channels=1, largest=65535)
    np.testing.assert_array_equal(values(encoded(Image.fromarray(grey), "PNG"))[..., 0], grey)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr", "HSV", "La", "RGBa"])
def test_every_mode_of_8_bits_is_what_pillow_shows(mode):
    base = Image.fromarray(colours(channels=4), "RGBA")
    through = {"PA": "P", "La": "LA", "HSV": "RGB", "YCbCr": "RGB", "RGBX": "RGB"}.get(mode)
    image = (base.convert(through) if through else base).convert(mode)
    found = from_pillow(image).pixels.numpy()
    image = image.convert("LA") if mode == "La" else image
    shown = np.asarray(image.convert("RGBA" if "a" in mode or "A" in mode else "RGB"))
    if found.shape[2] < 3:
        found = np.concatenate([found[..., :1]] * 3 + [found[..., 1:]], 2)
    np.testing.assert_array_equal(found, shown)


def test_a_palette_with_a_colour_that_is_not_there():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    found = values(encoded(image, "PNG", transparency=1))
    assert found.tolist() == [[[255, 0, 0, 255], [0, 255, 0, 0]]]


@pytest.mark.parametrize(("mode", "key"), [("L", 9), ("RGB", (9, 9, 9))])
def test_a_colour_that_is_not_there_without_a_palette(mode, key):
    image = Image.new(mode, (2, 1), key)
    image.putpixel((1, 0), 10 if mode == "L" else (9, 9, 10))
    assert values(encoded(image, "PNG", transparency=key))[0, :, -1].tolist() == [0, 255]


def cmyk_profile() -> bytes:
    """A profile in which every ink is the same dark green: unlike anything that is done without one."""
    lab = struct.pack(">3B", 128, 90, 128)
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table += ramp * 4 + lab * 16 + ramp * 3
    text = b"text" + bytes(4) + b"for a test\0"
    desc = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags, body, offset = b"", b"", 128 + 4 + 12 * 4
    for name, data in ((b"desc", desc), (b"cprt", text), (b"wtpt", white), (b"A2B0", table)):
        data += bytes(-len(data) % 4)
        tags += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + struct.pack(">I", 4) + tags + body


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_is_seen_through_its_profile(format):
    image = Image.new("CMYK", (32, 16), (0, 230, 230, 0))
    image.paste((0, 0, 0, 0), (16, 0, 32, 16))
    plain = read(encoded(image, format))
    profiled = read(encoded(image, format, icc_profile=cmyk_profile()))
    red, paper = plain.pixels[8, 4].int().tolist(), plain.pixels[8, 24].int().tolist()
    assert red[0] > 240
    assert max(red[1:]) < 40
    assert min(paper) > 250
    assert (profiled.pixels == profiled.pixels[0, 0]).all()  # all inks are one there
    assert plain.icc is profiled.icc is None


def test_lab_becomes_srgb(tmp_path):
    Image.new("LAB", (2, 2), (255, 128, 128)).save(tmp_path / "x.tif")  # white
    assert read(tmp_path / "x.tif").pixels.min() >= 253


def test_the_profile_of_rgb_is_kept_and_one_of_grey_is_not(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read(encoded(Image.new("RGB", (2, 2)), "PNG", icc_profile=srgb)).icc == srgb
    assert read(encoded(Image.new("L", (2, 2)), "PNG", icc_profile=srgb)).icc is None
    assert read(encoded(Image.new("RGB", (2, 2)), "PNG", icc_profile=cmyk_profile())).icc is None
    assert read(encoded(Image.new("RGB", (2, 2)), "PNG", icc_profile=b"no profile")).icc is None


def grey_profile(gamma: float) -> bytes:
    """A profile of grey with a pure power for its curve."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 16)
    head = struct.pack(">I4sI4s4s4s12x4s28x", 192, b"test", 0x04200000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    return head + white[8:] + bytes(48) + tags + white + curve


@pytest.mark.parametrize(("largest", "near"), [(255, 1.5), (65535, 400)])  # littleCMS reckons with 16 bits and tables
@pytest.mark.parametrize("gamma", [1.0, 1.796875, 2.19921875])
def test_grey_is_seen_through_its_profile(largest, near, gamma):
    ramp = np.linspace(0, largest, 256).round().astype(np.uint8 if largest == 255 else np.uint16)
    light = (ramp / largest) ** gamma
    wanted = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * largest
    picture = read(encoded(Image.fromarray(ramp[None]), "PNG", icc_profile=grey_profile(gamma)))
    found = picture.pixels.numpy()[0, :, 0]
    assert picture.icc is None
    assert found.dtype == ramp.dtype
    assert (found[0], found[-1]) == (0, largest)
    np.testing.assert_allclose(found.astype(float), wanted, rtol=0, atol=near)


def test_grey_with_alpha_is_seen_through_its_profile_and_its_alpha_is_not():
    image = Image.fromarray(colours(channels=2))
    found = values(encoded(image, "PNG", icc_profile=grey_profile(1.0)))
    alone = values(encoded(image.getchannel(0), "PNG", icc_profile=grey_profile(1.0)))
    np.testing.assert_array_equal(found, np.concatenate([alone, np.asarray(image)[..., 1:]], 2))
    assert (alone > colours(channels=2)[..., :1]).any()


def test_grey_of_srgb_stays_as_it_is():
    ramp = np.arange(256, dtype=np.uint8)[None]
    found = values(encoded(Image.fromarray(ramp), "PNG", icc_profile=srgb_grey()))
    np.testing.assert_array_equal(found[..., 0], ramp)


# --- which way up, and how large on paper


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_pictures_are_upright(orientation, format):
    image = Image.fromarray(np.kron(colours(3, 4), np.ones((16, 16, 1), np.uint8)))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(image, format, exif=exif, **({"lossless": True} if format == "WEBP" else {"quality": 95}))
    with Image.open(io.BytesIO(data)) as again:
        wanted = np.asarray(ImageOps.exif_transpose(again).convert("RGB"))
    picture = read(data)
    np.testing.assert_array_equal(picture.pixels.numpy(), wanted)
    assert wanted.shape[:2] == ((64, 48) if orientation > 4 else (48, 64))
    assert picture.exif is None or ORIENTATION not in exif_of(picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bits_are_upright_too(tmp_path, orientation):
    wanted = colours(3, 4, 3, 65535)
    tag = [(ORIENTATION, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "x.tif", wanted, photometric="rgb", extratags=tag)
    with Image.open(tmp_path / "x.tif") as image:
        eight = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(values(tmp_path / "x.tif") >> 8, eight)


def exif_of(picture: Picture) -> Image.Exif:
    exif = Image.Exif()
    exif.load(picture.exif)
    return exif


def test_the_resolution_is_kept():
    picture = read(encoded(Image.new("RGB", (8, 4)), "JPEG", dpi=(300, 200)))
    assert picture.dpi == (300, 200)


# --- what is refused


def refused(data: bytes | Path, **options) -> str:
    with pytest.raises(PictureError) as refusal:
        read(data, **options)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_a_file_that_breaks_off(format):
    image = Image.fromarray(colours(64, 64))
    data = encoded(image, format)
    assert refused(data[: len(data) * 2 // 3]).startswith("the picture is ")


@pytest.mark.parametrize("data", [b"", b"no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_and_what_would_start_another_program(data):
    assert "is no picture that can be read here; wanted PNG" in refused(data)


def test_files_that_cannot_be_opened(tmp_path):
    assert refused(tmp_path / "none.jpg") == f"{tmp_path}/none.jpg cannot be read: No such file or directory"
    assert refused(tmp_path) == f"{tmp_path} cannot be read: Is a directory"


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1 << 26)  # the command, where a test has run it here, takes it away
    bomb = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    bomb[16:24] = struct.pack(">II", 60000, 60000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    assert "Image.MAX_IMAGE_PIXELS is its limit" in refused(bytes(bomb))


@pytest.mark.parametrize(
    ("format", "what"), [("GIF", "an animation of 2 frames"), ("WEBP", "an animation of 2 frames"), ("TIFF", "2 pages")]
)
def test_an_animation_is_refused_but_for_its_first_frame(format, what):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    assert f"holds {what}; take single pictures, or --first-frame" in refused(data)
    red, _, blue = read(data, first_frame=True).pixels[0, 0, :3].int().tolist()
    assert red > 200 > 50 > blue


@pytest.mark.parametrize(("mode", "value"), [("F", 0.5), ("I", 70000)])
def test_values_that_are_no_picture_s(tmp_path, mode, value):
    Image.new(mode, (2, 2), value).save(tmp_path / "x.tif")
    assert "wanted a picture of 8 or 16 bits a value" in refused(tmp_path / "x.tif")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("get", [read, size])
def test_a_tiff_of_floats_is_told_from_what_is_no_picture(tmp_path, dtype, bigtiff, get):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.ones((4, 4, 3), dtype), photometric="rgb", bigtiff=bigtiff)
    with pytest.raises(PictureError) as refusal:
        get(path)
    assert str(refusal.value) == f"{path} is a TIFF of floating-point values; save it with 8 or 16 bits a value"


def test_another_tiff_that_pillow_does_not_know_is_no_picture(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.ones((4, 4, 3), np.uint32), photometric="rgb")
    assert "is no picture that can be read here" in refused(tmp_path / "x.tif")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_a_pipe_is_read(format):
    data = encoded(Image.fromarray(colours()), format)
    reading, writing = os.pipe()
    with open(reading, closefd=True):
        with open(writing, "wb") as file:
            file.write(data)
        found = values(Path(f"/dev/fd/{reading}"))
    np.testing.assert_array_equal(found, values(data))


# --- images that are in memory


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 2), (4, 5, 3), (4, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.float16])
def test_arrays_and_tensors_are_taken_as_they_are(shape, dtype):
    array = np.ones(shape, dtype)
    pixels = open_picture(array).pixels
    assert pixels.shape == (*shape[:2], shape[2] if len(shape) == 3 else 1)
    assert pixels.dtype == {np.uint8: torch.uint8, np.uint16: torch.uint16}.get(dtype, torch.float32)
    assert torch.equal(open_picture(torch.from_numpy(array)).pixels, pixels)


@pytest.mark.parametrize("image", [np.ones((2, 2, 5)), np.ones((1, 2, 2, 3)), np.ones((0, 2)), np.ones(3)])
def test_other_shapes_are_refused(image):
    with pytest.raises(
        ValueError, match=r"the image's shape is \[.*\]; wanted \[H,W\] or \[H,W,C\] with 1 to 4 channels"
    ):
        open_picture(image)


def test_other_types_are_refused():
    with pytest.raises(ValueError, match=r"the image's type is torch.int64; wanted uint8, uint16 or floats 0..1"):
        open_picture(np.ones((2, 2), np.int64))
    with pytest.raises(TypeError, match=r"the image is a dict; wanted a path, a torch.Tensor"):
        open_picture({})


def test_every_ending_is_one_that_pillow_reads():
    known = Image.registered_extensions()
    assert {ending for ending in ENDINGS if ending not in known} == set()
