"""Pictures to files, each whole or not at all."""

import io
import re
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ..atomic import replacing
from . import png
from .picture import FULL_SCALE, Picture, PictureError

Format = Literal["png", "webp", "tiff16"]
FORMATS: tuple[Format, ...] = get_args(Format)
ENDINGS: dict[Format, str] = {"png": ".png", "webp": ".webp", "tiff16": ".tif"}

_DEFLATE_LEVEL = 1  # of TIFF, by zlib: a higher one takes several times as long for a tenth of the bytes
_WEBP_LONGEST = 16383


def format_of(path: Path) -> Format:
    """Returns the format that the ending of a path stands for."""
    ending = re.sub(r"^\.tiff$", ".tif", path.suffix.lower())
    for format, known in ENDINGS.items():
        if ending == known:
            return format
    raise PictureError(f"{path.name} ends in {path.suffix or 'nothing'!r}; wanted .png, .webp or .tif")


def write(encoded: bytes, path: Path) -> None:
    """Writes a file. Whoever reads ``path`` meanwhile finds the old one or all of the new one."""
    try:
        with replacing(path) as file:
            file.write(encoded)
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror}") from error


def encode(picture: Picture, format: Format) -> bytes:
    """Returns a picture as the bytes of a file: png and webp (lossless) of 8 bits a value, tiff16 of 16."""
    file = io.BytesIO()
    if format == "png":
        _png(picture, file)
    elif format == "webp":
        _webp(picture, file)
    else:
        _tiff16(picture, file)
    return file.getvalue()


def _png(picture: Picture, file: BinaryIO) -> None:
    chunks = []
    if picture.icc:
        chunks.append(png.icc_profile(picture.icc))
    if picture.dpi:
        chunks.append(png.resolution(*picture.dpi))
    if picture.exif:
        chunks.append(png.exif(picture.exif))
    png.write(file, in_type(picture.pixels, torch.uint8), chunks=chunks)


def _webp(picture: Picture, file: BinaryIO) -> None:
    from PIL import Image

    pixels = in_type(picture.pixels, torch.uint8)
    height, width, channels = pixels.shape
    if max(height, width) > _WEBP_LONGEST:
        raise PictureError(f"the picture has {width} x {height} pixels, and WebP at most {_WEBP_LONGEST}; take png")
    facts: dict[str, Any] = {"icc_profile": picture.icc, "exif": picture.exif}
    known = {key: value for key, value in facts.items() if value}
    image = Image.fromarray((pixels[..., 0] if channels == 1 else pixels).numpy())
    image.save(file, "WEBP", lossless=True, quality=0, method=0, **known)


def _tiff16(picture: Picture, file: BinaryIO) -> None:
    """Writes 16 bits a value, and of EXIF the texts alone: tifffile writes no tags of directories of their own."""
    try:
        import tifffile
    except ImportError:
        raise PictureError("writing tiff16 needs tifffile; install it with: pip install 'mattecore[cli]'") from None

    pixels = in_type(picture.pixels, torch.uint16).numpy()
    channels = pixels.shape[2]
    tifffile.imwrite(
        file,
        np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels),
        photometric="minisblack" if channels == 1 else "rgb",
        extrasamples=["unassalpha"] if channels == 4 else None,
        compression="adobe_deflate",
        compressionargs={"level": _DEFLATE_LEVEL},
        predictor=True,
        iccprofile=picture.icc,
        resolution=picture.dpi,
        resolutionunit="INCH" if picture.dpi else None,
        metadata=None,
        software="mattecore",
        extratags=_tags(picture.exif) if picture.exif else None,
    )


def _tags(data: bytes) -> list[tuple[int, str, int, bytes, bool]]:
    """Returns EXIF's texts as tifffile wants them, but for the software, which is this one."""
    from PIL import Image

    from .exif import SOFTWARE, texts

    exif = Image.Exif()
    exif.load(data)
    return [(tag, "s", 0, text, True) for tag, text in texts(exif).items() if tag != SOFTWARE]


def in_type(pixels: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns values of one type as those of another, each the nearest."""
    if pixels.dtype == dtype:
        return pixels
    values = pixels.double() / FULL_SCALE.get(pixels.dtype, 1)
    scale = FULL_SCALE.get(dtype, 1)
    scaled = values * scale
    return scaled.to(dtype) if scale == 1 else scaled.round().clamp(0, scale).to(dtype)
