"""A comparison as one picture: a column for each method, the zooms beneath it."""

import textwrap

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..pictures import Picture
from ..pictures.write import encode
from .comparison import TIMING, Column, Comparison, enlargement, overview

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_CELL, _GAP, _SQUARE = 320, 16, 8  # pixels
_TEXT, _LINE, _LETTERS = 14, 18, 44  # a line's letters, its height, and how many of them fit a column
_PAPER, _INK, _MARK = (255, 255, 255), (26, 26, 26), (255, 0, 255)


def sheet(comparison: Comparison) -> bytes:
    """Returns the file, a PNG."""
    columns = comparison.columns
    wholes = [_on_checkers(overview(column.pixels, _CELL)) for column in columns]
    captions = [_caption(column) for column in columns]
    width = len(columns) * (_CELL + _GAP) + _GAP
    head = _wrapped([comparison.name, *comparison.facts, TIMING], _LETTERS * width // _CELL)
    top = _GAP + len(head) * _LINE + _GAP
    first = top + wholes[0].shape[0] + max(map(len, captions)) * _LINE + 2 * _GAP
    height = first + len(comparison.zooms) * (_CELL + _GAP)
    zooms = list(zip(range(first, height, _CELL + _GAP), comparison.zooms, strict=True))
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(_TEXT)
    _write(draw, font, _GAP, _GAP, head)
    for number, column in enumerate(columns):
        left = _GAP + number * (_CELL + _GAP)
        image.paste(Image.fromarray(wholes[number].numpy()), (left, top))
        _write(draw, font, left, top + wholes[number].shape[0] + _GAP // 2, captions[number])
        for row, box in zooms:
            pixels = _on_checkers(_enlarged(column.pixels[box.part]))
            image.paste(Image.fromarray(pixels.numpy()), (left, row))
    scale = wholes[0].shape[1] / comparison.size[1]
    for number, (row, box) in enumerate(zooms, 1):
        west, north, east, south = (value * scale for value in box)
        draw.rectangle((_GAP + west, top + north, _GAP + east, top + south), outline=_MARK, width=2)
        for x, y in ((_GAP + west, top + north), (_GAP, row)):
            draw.rectangle((x, y, x + _TEXT, y + _LINE), _MARK)
            draw.text((x + 4, y + 2), str(number), _PAPER, font)
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(height, width, 3)
    return encode(Picture(pixels, comparison.icc), "png")


def _caption(column: Column) -> list[str]:
    return _wrapped([column.name, *column.lines], _LETTERS)


def _wrapped(lines: list[str], letters: int) -> list[str]:
    shown = ("".join(letter if letter.isprintable() else "?" for letter in line) for line in lines)
    return [part for line in shown for part in textwrap.wrap(line, letters)]


def _write(draw: ImageDraw.ImageDraw, font: Font, left: int, top: int, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        draw.text((left, top + number * _LINE), line, _INK, font)


def _enlarged(pixels: Tensor) -> Tensor:
    """Returns each pixel as a square of pixels, all together no larger than a cell."""
    times = enlargement(pixels.shape[0], _CELL)
    return pixels.repeat_interleave(times, 0).repeat_interleave(times, 1)


def _on_checkers(pixels: Tensor) -> Tensor:
    """Returns uint8 RGB of uint8 RGB or RGBA, laid on a checkerboard."""
    if pixels.shape[2] == 3:
        return pixels
    height, width = pixels.shape[:2]
    odd = (torch.arange(height)[:, None] // _SQUARE + torch.arange(width) // _SQUARE) % 2
    board = 187.0 + 68.0 * odd[..., None]
    alpha = pixels[..., 3:].float() / 255
    return torch.lerp(board, pixels[..., :3].float(), alpha).round().to(torch.uint8)
