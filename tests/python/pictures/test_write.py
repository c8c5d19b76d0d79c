"""What is written can be read again, and is there whole or not at all."""

import io

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from mattecore.pictures import Picture, PictureError
from mattecore.pictures.read import read
from mattecore.pictures.write import FORMATS, encode, format_of, in_type, write


def picture(channels: int, dtype: torch.dtype = torch.uint8, size: tuple[int, int] = (9, 7), **facts) -> Picture:
    largest = {torch.uint8: 256, torch.uint16: 65536}[dtype]
    return Picture(
        torch.from_numpy(np.random.default_rng(3).integers(0, largest, (*size, channels))).to(dtype), **facts
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (9, 7), (1, 40), (33, 1)])
def test_what_is_written_is_read_again(format, channels, size):
    dtype = torch.uint16 if format == "tiff16" else torch.uint8
    given = picture(channels, dtype, size)
    if format == "webp" and channels == 4:
        given.pixels[given.pixels[..., 3] == 0] = 0  # colours that nobody sees are not kept there
    found = read(encode(given, format)).pixels
    if format == "webp" and channels == 1:
        found = found[..., :1]  # WebP has no grey
    assert found.dtype == dtype
    assert torch.equal(found.int(), given.pixels.int())


@pytest.mark.parametrize("format", FORMATS)
def test_what_belongs_to_the_picture_is_in_the_file(format):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(io.BytesIO(encode(picture(4, icc=icc, exif=exif.tobytes(), dpi=(300, 300)), format))) as image:
        assert image.info["icc_profile"] == icc
        if format != "tiff16":
            assert image.getexif()[0x010F] == "a camera"
        if format != "webp":
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_mask_has_no_profile_of_colours():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert picture(3, icc=icc).replaced(torch.zeros(2, 2, 1)).icc is None


def test_tiff_of_16_bits_is_straight_rgba_of_16_bits():
    given = picture(4, torch.uint16)
    with tifffile.TiffFile(io.BytesIO(encode(given, "tiff16"))) as file:
        page = file.pages[0]
        assert page.bitspersample == 16
        assert page.extrasamples == (2,)  # unassociated alpha
        np.testing.assert_array_equal(page.asarray(), given.pixels.numpy())


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_8_bits_in_16_come_back(value):
    eight = torch.tensor([[[value]]], dtype=torch.uint8)
    sixteen = in_type(eight, torch.uint16)
    assert sixteen.item() == value * 257
    assert in_type(sixteen, torch.uint8).item() == value


def test_16_bits_become_the_nearest_8():
    values = torch.arange(65536, dtype=torch.int32)
    eight = in_type(values.to(torch.uint16), torch.uint8).int()
    assert (eight * 257 - values).abs().max() == 128


def test_floats_are_rounded_and_clipped():
    values = torch.tensor([-0.5, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 2.0])
    assert in_type(values, torch.uint8).tolist() == [0, 0, 0, 1, 255, 255]


def test_webp_has_a_largest_size():
    with pytest.raises(PictureError, match="has 16384 x 1 pixels, and WebP at most 16383; take png"):
        encode(Picture(torch.zeros(1, 16384, 3, dtype=torch.uint8)), "webp")


def test_the_ending_says_the_format(tmp_path):
    names = {"a.png": "png", "a.PNG": "png", "a.webp": "webp", "a.tif": "tiff16", "a.tiff": "tiff16"}
    assert {name: format_of(tmp_path / name) for name in names} == names
    with pytest.raises(PictureError, match=r"a.jpg ends in '.jpg'; wanted .png, .webp or .tif"):
        format_of(tmp_path / "a.jpg")


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(tmp_path):
    (tmp_path / "there.png").mkdir()
    with pytest.raises(PictureError, match=r"there.png cannot be written: Is a directory"):
        write(b"new", tmp_path / "there.png")
    with pytest.raises(PictureError, match=r"none/x.png cannot be written: No such file or directory"):
        write(b"new", tmp_path / "none" / "x.png")
    assert [path.name for path in tmp_path.iterdir()] == ["there.png"]
