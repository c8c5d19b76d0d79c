"""What is said of a taking is in every file that is written, and nothing that shows what was cut away."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from mattecore.pictures import Picture, open_picture
from mattecore.pictures.exif import of_taking
from mattecore.pictures.read import read
from mattecore.pictures.write import encode

MARKER = b"what was cut away"
TEXTS = {
    0x010E: "a description",
    0x010F: "a camera",
    0x0110: "its model",
    0x0132: "2026:01:02 03:04:05",
    0x013B: "J\xfcrgen",
    0x8298: "\xa9 J\xfcrgen",
}
STORED = {tag: text.encode("latin-1") for tag, text in TEXTS.items()}  # Pillow writes ASCII alone
ORIENTATION, SOFTWARE, PHOTOSHOP, RESOURCES, XMP = 274, 305, 37724, 34377, 700
EXIF, GPS, EXPOSURE_TIME, MAKER_NOTE, INTEROPERABILITY, LATITUDE_REF = 0x8769, 0x8825, 0x829A, 0x927C, 0xA005, 1


def tagged() -> Image.Exif:
    """All that is to be kept, and in every directory what is not."""
    exif = Image.Exif()
    exif.update(STORED | {SOFTWARE: "an editor", ORIENTATION: 6})
    exif[EXIF] = {
        **{EXPOSURE_TIME: 0.5, MAKER_NOTE: b"FUJIFILM" + MARKER, INTEROPERABILITY: {1: "R98", 0x1000: MARKER}},
        **{0xA002: 64, 0xA003: 48, PHOTOSHOP: MARKER, 0xEA1C: MARKER},
    }
    exif[GPS] = {LATITUDE_REF: "N", 2: (52.0, 30.0, 0.0), PHOTOSHOP: MARKER}
    return exif


def with_thumbnail(exif: bytes) -> bytes:
    """EXIF with a second directory, whose one tag is a thumbnail's offset and another its length."""
    data = bytearray(exif.removeprefix(b"Exif\0\0"))
    (first,) = struct.unpack(">I", data[4:8])
    link = first + 2 + 12 * struct.unpack(">H", data[first : first + 2])[0]
    data[link : link + 4] = struct.pack(">I", len(data))
    end = len(data) + 2 + 2 * 12 + 4
    data += struct.pack(">HHHIIHHIII", 2, 0x0201, 4, 1, end, 0x0202, 4, 1, len(MARKER), 0)
    return b"Exif\0\0" + bytes(data) + MARKER


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 16), "teal").save(file, "JPEG", exif=with_thumbnail(tagged().tobytes()))
    return file.getvalue()


def tiff(**options) -> bytes:
    """A TIFF as Photoshop saves it; Pillow writes it, for it is what writes directories too."""
    exif = exif_of(tagged().tobytes())
    exif.update(STORED | {PHOTOSHOP: MARKER, RESOURCES: MARKER, XMP: MARKER})
    file = io.BytesIO()
    Image.new("RGB", (32, 16), "teal").save(file, "TIFF", exif=exif, **options)
    return file.getvalue()


def read_exif(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.info["exif"]


def exif_of(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data)
    return exif


@pytest.mark.parametrize("format", ["png", "webp", "tiff16"])
@pytest.mark.parametrize("source", [jpeg, tiff, lambda: tiff(big_tiff=True)], ids=["jpeg", "tiff", "bigtiff"])
def test_what_is_said_of_the_taking_is_written_and_what_shows_the_picture_is_not(source, format):
    given = source()
    assert MARKER in given
    written = encode(read(given), format)
    assert MARKER not in written
    with Image.open(io.BytesIO(written)) as image:
        found = image.getexif()
        assert {tag: found.get(tag) for tag in TEXTS} == TEXTS
        assert found.get(ORIENTATION, 1) == 1
        if format != "tiff16":  # all its tags are EXIF, and it has no directories
            assert set(found) == {*TEXTS, SOFTWARE, EXIF, GPS}
            assert found[SOFTWARE] == "an editor"
            assert found.get_ifd(EXIF) == {EXPOSURE_TIME: 0.5}
            assert found.get_ifd(GPS) == {LATITUDE_REF: "N", 2: (52.0, 30.0, 0.0)}
            assert found.get_ifd(ExifTags.IFD.IFD1) == {}


def test_what_is_looked_for_is_in_every_place():
    before = exif_of(read_exif(jpeg()))
    thumbnail = before.get_ifd(ExifTags.IFD.IFD1)
    assert thumbnail[0x0202] == len(MARKER)
    inner = before.get_ifd(EXIF)
    assert MARKER in inner[MAKER_NOTE]
    assert MARKER == inner[PHOTOSHOP] == inner[0xEA1C] == before.get_ifd(GPS)[PHOTOSHOP]
    assert before.get_ifd(INTEROPERABILITY)[0x1000] == MARKER
    with tifffile.TiffFile(io.BytesIO(tiff())) as file:
        tags = file.pages[0].tags
        assert MARKER == tags[PHOTOSHOP].value == tags[RESOURCES].value == tags[XMP].value


def test_a_tiff_that_says_nothing_has_no_exif():
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 4, 3), np.uint8), photometric="rgb", software=False, metadata=None)
    assert read(file.getvalue()).exif is None


def test_the_software_of_a_tiff_is_the_one_that_wrote_it(caplog):
    with Image.open(io.BytesIO(encode(read(jpeg()), "tiff16"))) as image:
        assert image.getexif()[SOFTWARE] == "mattecore"
    assert not caplog.records


@pytest.mark.parametrize("text", ["", "a\0b", "\0"])
def test_odd_texts_are_written(text):
    exif = Image.Exif()
    exif[0x8298] = text
    picture = Picture(read(jpeg()).pixels, exif=of_taking(exif))
    for format in ("png", "webp", "tiff16"):
        assert read(encode(picture, format)).pixels.shape == picture.pixels.shape


def test_a_tag_that_should_be_a_text_and_is_none_is_left_out():
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "a camera", (1, 2)
    kept = of_taking(exif)
    assert kept is not None
    assert dict(exif_of(kept)) == {0x010F: "a camera"}


def test_an_image_in_memory_keeps_its_orientation_and_what_it_has_shown_before():
    with Image.open(io.BytesIO(jpeg())) as image:
        for directory in (ExifTags.IFD.IFD1, MAKER_NOTE):
            image.getexif().get_ifd(directory)
        first, second = open_picture(image), open_picture(image)
    assert first.pixels.shape == second.pixels.shape == (32, 16, 3)
    assert first.exif == second.exif
    assert first.exif is not None
    assert MARKER not in first.exif
    assert set(exif_of(first.exif)) == {*TEXTS, SOFTWARE, EXIF, GPS}


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_the_order_of_bytes_stays(byteorder):
    file = io.BytesIO()
    tag = [(0x010F, "s", 0, "a camera", True)]
    tifffile.imwrite(file, np.zeros((4, 4), np.uint8), byteorder=byteorder, extratags=tag)
    assert exif_of(read(file.getvalue()).exif).endian == byteorder
