"""A comparison as one HTML file: pictures inside, no script, nothing from elsewhere."""

import base64
from html import escape

from torch import Tensor

from ..cutting.cutter import Box
from ..pictures import Picture
from ..pictures.write import encode
from .comparison import TIMING, Column, Comparison, enlargement, overview

_OVERVIEW, _ZOOM = 720, 256  # pixels

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --quiet: #666; --line: #ddd; }
@media (prefers-color-scheme: dark) { :root { --paper: #161616; --ink: #eee; --quiet: #aaa; --line: #3a3a3a; } }
body { margin: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; }
label { margin-right: 1rem; }
.row { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(272px, 1fr); gap: 1rem; margin: 1rem 0;
  overflow-x: auto; }
figure { margin: 0; }
figcaption { font-size: .875rem; color: var(--quiet); overflow-wrap: anywhere; }
figcaption strong { display: block; color: var(--ink); font-size: 1rem; }
.shown { position: relative; border: 1px solid var(--line); }
.zoom { display: inline-block; }
img { display: block; background: repeating-conic-gradient(#bbb 0 25%, #fff 0 50%) 0 0 / 16px 16px; }
.whole { width: 100%; height: auto; } .zoom img { image-rendering: pixelated; }
#white:checked ~ .row img { background: #fff; } #black:checked ~ .row img { background: #000; }
#green:checked ~ .row img { background: #0c4; }
.mark { position: absolute; box-sizing: border-box; border: 2px solid #f0f; outline: 1px solid #fff; }
.mark b { position: absolute; left: 0; top: 0; padding: 0 .3em; background: #f0f; color: #fff; font-size: .75rem; }
"""
_BACKDROPS = ("checkerboard", "white", "black", "green")


def page(comparison: Comparison) -> bytes:
    """Returns the file."""
    name = escape(comparison.name)
    parts = [
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{name}, cut out</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style>\n<body>\n<h1>{name}</h1>",
        *(f"<p>{escape(fact)}</p>" for fact in comparison.facts),
        "<p>Behind the subject:</p>",
        *_choice(),
        _row("the methods", [_whole(comparison, column) for column in comparison.columns]),
        f"<p>{escape(TIMING)}</p>",
        *_zooms(comparison),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode("utf-8", "replace")


def _choice() -> list[str]:
    """Returns the buttons that say what lies behind the cut-outs; the rules that they turn on need no script."""
    checked = dict.fromkeys(_BACKDROPS[:1], " checked")
    return [
        f'<input type="radio" name="backdrop" id="{name}"{checked.get(name, "")}><label for="{name}">{name}</label>'
        for name in _BACKDROPS
    ]


def _zooms(comparison: Comparison) -> list[str]:
    if not comparison.zooms:
        return ["<p>The methods nowhere differ by what could be seen.</p>"]
    parts = ["<h2>Where they differ most along the edge</h2>"]
    for number, box in enumerate(comparison.zooms, 1):
        times = enlargement(box.right - box.left, _ZOOM)
        parts.append(f"<p>{number}: {_place(box)}, enlarged {times} times</p>")
        parts.append(_row(f"place {number}", [_zoom(comparison, column, box, times) for column in comparison.columns]))
    return parts


def _row(label: str, figures: list[str]) -> str:
    return f'<div class="row" role="group" aria-label="{label}" tabindex="0">\n' + "\n".join(figures) + "\n</div>"


def _whole(comparison: Comparison, column: Column) -> str:
    is_picture = column is comparison.columns[0]
    marks = "".join(_mark(number, box, comparison.size) for number, box in enumerate(comparison.zooms, 1))
    what = comparison.name if is_picture else f"{comparison.name} cut out by {column.name}"
    image = f'<img class="whole" {_source(overview(column.pixels, _OVERVIEW), comparison)} alt="{escape(what)}">'
    lines = "<br>".join(escape(line) for line in column.lines)
    caption = f"<figcaption><strong>{escape(column.name)}</strong>{lines}</figcaption>"
    return f'<figure><div class="shown">{image}{marks if is_picture else ""}</div>{caption}</figure>'


def _zoom(comparison: Comparison, column: Column, box: Box, times: int) -> str:
    pixels = column.pixels[box.part]
    size = f'width="{pixels.shape[1] * times}" height="{pixels.shape[0] * times}"'
    what = escape(f"{column.name}, {_place(box)}")
    image = f'<img {size} {_source(pixels, comparison)} alt="{what}">'
    return f'<figure><div class="shown zoom">{image}</div><figcaption>{escape(column.name)}</figcaption></figure>'


def _mark(number: int, box: Box, size: tuple[int, int]) -> str:
    height, width = size
    left, top = 100 * box.left / width, 100 * box.top / height
    across, down = 100 * (box.right - box.left) / width, 100 * (box.bottom - box.top) / height
    where = f"left:{left:.3f}%;top:{top:.3f}%;width:{across:.3f}%;height:{down:.3f}%"
    return f'<span class="mark" style="{where}"><b>{number}</b></span>'


def _place(box: Box) -> str:
    return f"pixels {box.left} to {box.right - 1} across, {box.top} to {box.bottom - 1} down"


def _source(pixels: Tensor, comparison: Comparison) -> str:
    encoded = encode(Picture(pixels.contiguous(), comparison.icc), "webp")
    return f'src="data:image/webp;base64,{base64.b64encode(encoded).decode()}"'
