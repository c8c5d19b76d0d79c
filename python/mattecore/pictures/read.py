"""Files to pictures, whatever their colours and depth are stored as.

Pillow decodes; only formats whose decoders run inside this process are let in. What is not whole, too large or no still
picture is a PictureError of one sentence.
"""

import contextlib
import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile
from torch import Tensor

from .exif import of_taking
from .grey import srgb_grey
from .picture import Picture, PictureError

# Not EPS and the like: their decoders start other programs.
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "JPEG2000", "TGA", "ICO")
ENDINGS = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib"),
        *(".ppm", ".pgm", ".pnm", ".avif", ".jp2", ".j2k", ".tga", ".ico"),
    )
)

_ORIENTATION = 0x0112
_BITS, _PLANAR, _SAMPLE_FORMAT, _FLOATS = 258, 284, 339, 3  # of TIFF; the last is a sample format
_EXACTLY = 0x0100  # ImageCms.Flags.NOOPTIMIZE (Pillow 10.3): else a few points of a curve stand for it
_OTHER_HALF = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}

Values = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def read(source: Path | bytes, *, name: str | None = None, first_frame: bool = False) -> Picture:
    """Returns the picture in a file or in its bytes: upright, 16 bits a value where the file has more than 8.

    ``name`` is what messages call it. An animation is refused unless its ``first_frame`` is enough, and so is a picture
    that is larger than Pillow allows, before anything is decoded.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    with _readable(name), _bytes(source) as file, _open(file, name) as image:
        _check(image, name, first_frame)
        values = _sixteen_bits(image, file, name)
        return from_pillow(image, name) if values is None else _picture(values, image)


def size(source: Path | bytes, *, name: str | None = None) -> tuple[int, int]:
    """Returns height and width as the file's head has them, before any rotation."""
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    with _readable(name), _bytes(source) as file, _open(file, name) as image:
        return image.height, image.width


def from_pillow(image: Image.Image, name: str = "the image") -> Picture:
    """Returns the picture in an Image of Pillow, of any mode that stands for colours."""
    image.load()
    mode = image.mode
    if mode.startswith("I;16"):
        return _picture(np.asarray(image, dtype=np.uint16), image)
    if mode == "I":
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            found = f"values from {values.min()} to {values.max()}"
            raise PictureError(f"{name} holds {found}; wanted a picture of 8 or 16 bits a value")
        return _picture(values.astype(np.uint16), image)
    if mode == "F":
        raise PictureError(f"{name} holds floating-point values; wanted a picture of 8 or 16 bits a value")
    if mode == "La":  # Pillow turns it into LA alone
        return _picture(np.asarray(image.convert("LA")), image)
    if mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _picture(np.asarray(image.convert("LA" if mode in ("1", "L", "LA") else "RGBA")), image)
    if mode in ("1", "L"):
        return _picture(np.asarray(image.convert("L")), image)
    if mode in ("RGB", "RGBX", "P"):
        return _picture(np.asarray(image.convert("RGB")), image)
    return _picture(np.asarray(_to_srgb(image)), image)


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turns what Pillow and the system say of a file into one sentence."""
    try:
        yield
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        limit = "Image.MAX_IMAGE_PIXELS is its limit"
        raise PictureError(f"{name} is refused by Pillow: {_reason(error)}; {limit}") from None
    except UnidentifiedImageError:
        known = "wanted PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF or JPEG 2000"
        raise PictureError(f"{name} is no picture that can be read here; {known}") from None
    # What decoders raise is whatever a damaged file leads them to; the system's own errors have a number.
    except (OSError, EOFError, SyntaxError, ValueError, IndexError, KeyError, TypeError, struct.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise PictureError(f"{name} cannot be read: {error.strerror}") from None
        raise PictureError(f"{name} is damaged or not whole ({_reason(error)}); get it again") from error


def _bytes(source: Path | bytes) -> BinaryIO:
    """Opens a file, or what is read of a pipe, which goes by but once."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    file = source.open("rb")
    if file.seekable():
        return file
    with file:
        return io.BytesIO(file.read())


def _open(file: BinaryIO, name: str) -> Image.Image:
    Image.init()
    file.seek(0)
    try:
        return Image.open(file, formats=[known for known in _FORMATS if known in Image.OPEN])
    except UnidentifiedImageError:
        if _FLOATS in _sample_formats(file):  # Pillow knows those of grey alone
            what = "is a TIFF of floating-point values"
            raise PictureError(f"{name} {what}; save it with 8 or 16 bits a value") from None
        raise


def _sample_formats(file: BinaryIO) -> tuple[int, ...]:
    """Returns what a TIFF says its values are; nothing of another file."""
    file.seek(0)
    head = file.read(8)
    with contextlib.suppress(SyntaxError):  # no TIFF
        tags = ImageFileDirectory_v2(head + file.read(8) if head[2:3] == b"+" else head)
        file.seek(tags.next)
        tags.load(file)
        return tuple(tags.get(_SAMPLE_FORMAT, ()))
    return ()


def _check(image: Image.Image, name: str, first_frame: bool) -> None:
    if isinstance(image, TiffImageFile) and image.tag_v2.get(_PLANAR) == 2 and max(image.tag_v2.get(_BITS, (8,))) > 8:
        # Pillow takes these for 8 bits, and shows noise.
        raise PictureError(f"{name} keeps its 16 bits a value in separate planes; save it anew with interleaved pixels")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO" and not first_frame:  # a phone's JPEG keeps its preview as a second frame
        what = f"{frames} pages" if image.format == "TIFF" else f"an animation of {frames} frames"
        raise PictureError(f"{name} holds {what}; take single pictures, or --first-frame to cut the first one alone")


def _sixteen_bits(image: Image.Image, file: BinaryIO, name: str) -> Values | None:
    """Returns colours of 16 bits, for which Pillow has no mode; None where the file does not have such.

    It reads either half of each value, by the order of bytes it is told; both halves together are the whole.
    """
    tiles = list(getattr(image, "tile", ()))
    raw = {args[0] if isinstance(args, tuple) else args for _, _, _, args in tiles}
    kind = str(raw.pop()) if len(raw) == 1 else ""
    if kind == "LA;16B":  # four bytes, high and low
        image.tile = [_retold(tile, "RGBA") for tile in tiles]  # type: ignore[attr-defined]
        image.load()
        return np.asarray(image).view(">u2").astype(np.uint16)
    if kind[:-1] not in ("RGB;16", "RGBA;16"):
        return None
    with _open(file, name) as again:
        again.tile = [_retold(tile, kind[:-1] + _OTHER_HALF[kind[-1]]) for tile in tiles]  # type: ignore[attr-defined]
        again.load()
        low = np.asarray(again)
    file.seek(0)
    image.load()
    values = np.asarray(image).astype(np.uint16) << 8 | low
    key = image.info.get("transparency")  # the one colour of a PNG that is not there
    if values.shape[2] == 3 and isinstance(key, tuple):
        there = (values != np.asarray(key, np.uint16)).any(2, keepdims=True)
        values = np.concatenate([values, there.astype(np.uint16) * 65535], 2)
    return values


def _retold(tile: tuple, raw: str) -> tuple:  # type: ignore[type-arg]
    codec, box, offset, args = tile
    return codec, box, offset, raw if isinstance(args, str) else (raw, *args[1:])


def _to_srgb(image: Image.Image) -> Image.Image:
    """Returns colours of another space as sRGB, by the file's own profile where it has one that can be used."""
    profile = _profile(image.info.get("icc_profile"))
    if profile is not None and image.mode in ("CMYK", "LAB"):
        with contextlib.suppress(ImageCms.PyCMSError):  # a profile of another space than the picture's
            converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None
        return converted
    return image.convert("RGB")


def _to_srgb_grey(values: Values, profile: ImageCms.ImageCmsProfile) -> Values:
    """Returns grey [H,W,1] or, with alpha, [H,W,2] as sRGB has it, by the file's own profile where that can be used."""
    with contextlib.suppress(ImageCms.PyCMSError):
        srgb = ImageCms.ImageCmsProfile(io.BytesIO(srgb_grey()))
        ramp = np.arange(np.iinfo(values.dtype).max + 1, dtype=values.dtype)[None]
        curve = ImageCms.profileToProfile(Image.fromarray(ramp), profile, srgb, flags=_EXACTLY)  # type: ignore[arg-type]
        if curve is not None:
            return np.concatenate([np.asarray(curve)[0][values[..., :1]], values[..., 1:]], 2)
    return values


def _profile(icc: bytes | None) -> ImageCms.ImageCmsProfile | None:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else None
    except (OSError, ImageCms.PyCMSError):  # a damaged profile says nothing
        return None


def _picture(values: Values, image: Image.Image) -> Picture:
    """Returns values turned upright, with what the file says of them."""
    exif = image.getexif()
    values = values[..., None] if values.ndim == 2 else values
    icc = image.info.get("icc_profile")
    profile = _profile(icc)
    space = profile.profile.xcolor_space if profile else None
    if profile and space == "GRAY" and values.shape[2] < 3:
        values = _to_srgb_grey(values, profile)
    of_rgb = space == "RGB " and values.shape[2] > 2
    pixels = _upright(torch.from_numpy(np.array(values)), exif.get(_ORIENTATION, 1)).contiguous()
    return Picture(pixels, icc if of_rgb else None, of_taking(exif), image.info.get("dpi"))


def _upright(values: Tensor, orientation: int) -> Tensor:
    """Returns [H,W,...] turned and mirrored as EXIF's orientation 1..8 asks."""
    if orientation in (5, 6, 7, 8):  # the file's rows are the picture's columns
        values = values.transpose(0, 1)
    mirrored = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return values.flip(mirrored.get(orientation, ()))


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:160].rstrip(". ")
