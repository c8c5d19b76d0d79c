"""What a page and a sheet show, and that they show nothing else."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from mattecore.comparing.comparison import Comparison, compared, in_seconds
from mattecore.comparing.methods import Method
from mattecore.comparing.page import page
from mattecore.comparing.run import Failure, Result, Seconds
from mattecore.comparing.sheet import sheet
from mattecore.pictures import Picture

NAME = '<script src="x">&"quoted".jpg'
HEIGHT, WIDTH = 200, 300


class Read(HTMLParser):
    """The elements of a page, and the text in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def cut_out(bump: int) -> Tensor:
    """A red half on the left, with a hole of some strength in its edge at (90, 145)."""
    pixels = torch.zeros(HEIGHT, WIDTH, 4, dtype=torch.uint8)
    pixels[:, :150] = torch.tensor([200, 10, 20, 255], dtype=torch.uint8)
    pixels[90:110, 140:150, 3] -= bump
    return pixels


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    own = torch.full((HEIGHT, WIDTH, 3), 90, dtype=torch.uint8)
    seconds = Seconds(0.25, 0.03, 0.0405)
    results = [
        Result(Method("builtin", "none"), cut_out(0), seconds._replace(edge=0.0), 5 << 20, 1.5, "bf16", ""),
        Result(Method("builtin", "guided"), cut_out(200), seconds, None, 0.0, "bf16", "no subject was found"),
    ]
    failures = [Failure(Method("a<b", "none"), "is no file of weights")]
    return compared(NAME, Picture(own), results, failures, ["a machine", "Left out: one"])


@pytest.fixture(scope="module")
def text(comparison: Comparison) -> str:
    return page(comparison).decode()


def decoded(source: str | None) -> Image.Image:
    assert source is not None
    assert source.startswith("data:image/webp;base64,")
    return Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))


def test_each_method_has_a_figure_with_a_description_and_its_times(text):
    read = Read(text)
    shown = [image["alt"] for image in read.all("img")]
    assert shown[:3] == [NAME, f"{NAME} cut out by builtin + none", f"{NAME} cut out by builtin + guided"]
    assert all(shown)
    assert len(read.all("figure")) == len(read.all("figcaption")) == len(shown) == 3 * (1 + 1)
    for line in (
        "290 ms: network 250 ms, colours 40 ms",
        "320 ms: network 250 ms, edge 30 ms, colours 40 ms",
        "loading 1.50 s",
        "bf16, 5 MiB",
        "no subject was found",
        "300 x 200 pixels",
        "a machine",
        "Left out: one",
        "a<b + none failed: is no file of weights",
        "Each network had cut the picture once before",
    ):
        assert line in read.text


def test_nothing_comes_from_elsewhere_and_nothing_runs(text):
    without_pictures = re.sub(r"data:image/webp;base64,[A-Za-z0-9+/=]*", "", text)
    assert len(without_pictures) < 10_000
    for word in ("http", "//", "url(", "@import", "javascript", "<script", "onload", "<link", "<iframe"):
        assert word not in without_pictures
    assert {tag for tag, _ in Read(text).elements} == {
        *("html", "meta", "title", "style", "body", "h1", "h2", "p", "input", "label"),
        *("div", "figure", "img", "figcaption", "strong", "br", "span", "b"),
    }


def test_the_name_is_text_wherever_it_stands(text):
    read = Read(text)
    assert read.text.count(NAME) == 2  # title, heading
    assert "quoted" not in {name for _, attributes in read.elements for name in attributes}


def test_the_page_can_be_used_by_keyboard_and_by_eyes_of_every_kind(text):
    read = Read(text)
    assert read.all("html") == [{"lang": "en"}]
    for row in read.all("div"):
        if row["class"] == "row":
            assert row["tabindex"] == "0"
            assert row["aria-label"]
    labels = {label["for"] for label in read.all("label")}
    assert labels == {button["id"] for button in read.all("input")}
    assert "prefers-color-scheme: dark" in text


def test_the_zoom_shows_the_pixels_of_the_place_where_the_methods_differ(text, comparison):
    (box,) = comparison.zooms
    assert box.left <= 140 < 150 <= box.right
    assert box.top <= 90 < 110 <= box.bottom
    read = Read(text)
    for image, column in zip(read.all("img")[3:], comparison.columns, strict=True):
        zoom = decoded(image["src"])
        side = box.right - box.left
        assert zoom.size == (side, side)
        assert image["width"] == image["height"] == str(256 // side * side)
        assert f"pixels {box.left} to {box.right - 1} across, {box.top} to {box.bottom - 1} down" in str(image["alt"])
        wanted = column.pixels[box.part]
        got = torch.frombuffer(bytearray(zoom.convert("RGBA").tobytes()), dtype=torch.uint8).view(side, side, 4)
        if wanted.shape[2] == 4:
            assert torch.equal(got[..., 3], wanted[..., 3])
        seen = got[..., 3] > 0
        assert torch.equal(got[seen][:, :3], wanted[seen][:, :3])
    (mark,) = [span["style"] for span in read.all("span")]
    assert mark == f"left:{box.left / 3:.3f}%;top:{box.top / 2:.3f}%;width:{side / 3:.3f}%;height:{side / 2:.3f}%"


def test_methods_that_agree_have_no_zooms():
    seconds = Seconds(0.1, 0.0, 0.1)
    results = [Result(Method("builtin", "none"), cut_out(0), seconds, None, 0.1, "bf16", "")] * 2
    same = compared("a.png", Picture(torch.zeros(HEIGHT, WIDTH, 2, dtype=torch.uint8)), results, [], [])
    assert "The methods nowhere differ by what could be seen." in page(same).decode()
    with Image.open(io.BytesIO(sheet(same))) as image:
        assert image.height < 500


def test_a_sheet_shows_the_same(comparison):
    with Image.open(io.BytesIO(sheet(comparison))) as opened:
        image = opened.convert("RGB")
    assert image.width == 3 * 336 + 16
    (box,) = comparison.zooms
    top = image.height - 336  # of the row of zooms
    times = 320 // (box.right - box.left)
    for number in range(len(comparison.columns)):
        corner = image.getpixel((16 + 336 * number + (times * (box.right - box.left) - 1), top))
        if number == 0:
            assert corner == (90, 90, 90)
        else:
            assert corner in ((187, 187, 187), (255, 255, 255))  # a square of the board, where nothing is left
            left_edge = image.getpixel((16 + 336 * number, top + 100))
            assert left_edge == (200, 10, 20)


def test_a_page_of_a_name_that_is_no_text_can_be_read(comparison, tmp_path: Path):
    named = Comparison("\udcff.jpg", comparison.columns, (), (), None)
    assert "<h1>?.jpg</h1>" in page(named).decode("utf-8")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0004, "0 ms"), (0.25, "250 ms"), (1.234, "1.23 s"), (75.04, "75.0 s")]
)
def test_times_in_words(seconds, words):
    assert in_seconds(seconds) == words
