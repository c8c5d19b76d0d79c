"""PNG files, compressed natively on all threads.

The pixels are in the file as they are: transparent ones keep their colours. A file's bytes do not depend on the number
of threads, nor on the zlib of the machine.

>>> import io, torch
>>> from PIL import Image
>>> file = encode(torch.full((2, 3, 4), 7, dtype=torch.uint8), chunks=[text("Title", "three by two")])
>>> picture = Image.open(io.BytesIO(file))
>>> picture.size, picture.getpixel((0, 0)), picture.text
((3, 2), (7, 7, 7, 7), {'Title': 'three by two'})
"""

import io
import struct
import zlib
from collections.abc import Iterable
from typing import IO

from torch import Tensor

from .. import _native
from .._checks import tensor

_core = _native.load()

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}

Chunk = tuple[bytes, bytes]
"""A chunk's four letters and what is in it."""


def write(file: IO[bytes], image: Tensor, *, level: int = 4, chunks: Iterable[Chunk] = ()) -> None:
    """Writes a uint8 image ``[H,W,C]`` with 1, 3 or 4 channels.

    ``level`` goes from 0 (as it is) by 1 (fastest) to 9 (smallest). ``chunks`` come before the pixels, in their order.
    """
    data = _core.png_data(tensor(image, "image"), level)
    height, width, channels = image.shape[-3:]
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    file.write(_SIGNATURE)
    for chunk in ((b"IHDR", header), *chunks):
        file.write(_framed(chunk))
    file.write(memoryview(data.numpy()))
    file.write(_framed((b"IEND", b"")))


def encode(image: Tensor, *, level: int = 4, chunks: Iterable[Chunk] = ()) -> bytes:
    """Returns what :func:`write` writes."""
    file = io.BytesIO()
    write(file, image, level=level, chunks=chunks)
    return file.getvalue()


def text(key: str, value: str) -> Chunk:
    """Returns a chunk of text as Pillow's ``PngInfo.add_text`` writes it: Latin-1 where that has all letters."""
    try:
        keyword = key.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"the name of a PNG file's text is {key!r}; wanted letters of Latin-1 only") from error
    if not keyword or b"\0" in keyword:
        raise ValueError(f"the name of a PNG file's text is {key!r}; wanted at least one letter, and no NUL")
    try:
        return b"tEXt", keyword + b"\0" + value.encode("latin-1")
    except UnicodeEncodeError:
        return b"iTXt", keyword + b"\0\0\0\0\0" + value.encode("utf-8")


def icc_profile(profile: bytes) -> Chunk:
    """Returns the chunk of a colour profile."""
    return b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)


def exif(data: bytes) -> Chunk:
    """Returns the chunk of EXIF data, as ``Image.Exif.tobytes`` gives it."""
    return b"eXIf", data.removeprefix(b"Exif\0\0")


def resolution(x_dpi: float, y_dpi: float) -> Chunk:
    """Returns the chunk that says how large a picture is to be printed; the format counts pixels a metre."""
    return b"pHYs", struct.pack(">IIB", int(x_dpi / 0.0254 + 0.5), int(y_dpi / 0.0254 + 0.5), 1)


def _framed(chunk: Chunk) -> bytes:
    kind, content = chunk
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
