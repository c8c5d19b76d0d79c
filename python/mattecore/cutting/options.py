"""What can be asked for when a picture is cut out, each value looked at before any work is done."""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

Refine = Literal["none", "guided", "closed-form", "vitmatte", "vitmatte-base"]
Precision = Literal["auto", "exact", "bf16", "fp16"]

REFINES: tuple[Refine, ...] = get_args(Refine)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_FILTERS = ("guided", "closed-form")
_VITMATTES = ("vitmatte", "vitmatte-base")
# Which ways of refining an option is for, and the nodes' own value in each.
EDGE_DEFAULTS: dict[str, dict[str, float]] = {
    "detail_range": {"guided": 3, "closed-form": 2},
    "detail_erode": dict.fromkeys(_VITMATTES, 6),
    "detail_dilate": dict.fromkeys(_VITMATTES, 6),
    "max_megapixels": dict.fromkeys(_VITMATTES, 2.0),
    "black_point": dict.fromkeys((*_FILTERS, *_VITMATTES), 0.01),
    "white_point": dict.fromkeys((*_FILTERS, *_VITMATTES), 0.99),
}
# The same ranges as the nodes'.
_RANGES: dict[str, tuple[float, float]] = {
    "detail_range": (1, 256),
    "detail_erode": (1, 255),
    "detail_dilate": (1, 255),
    "max_megapixels": (0.01, 999),
    "black_point": (0, 0.99),
    "white_point": (0.01, 1),
    "margin": (0, 65535),
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How pictures are cut out. ``None`` is the chosen ``refine``'s own value (EDGE_DEFAULTS).

    What would change nothing is refused: an option for one way of refining beside another one.
    """

    model: str = "auto"  # auto, builtin, a name of `mattecore weights list`, or the path of a weights file
    refine: Refine = "guided"
    detail_range: int | None = None  # pixels that a filter looks to either side of the edge
    detail_erode: int | None = None  # side of the box that takes VITMatte's unknown into the subject, pixels
    detail_dilate: int | None = None  # the same away from it
    black_point: float | None = None  # what is darker in the refined mask becomes 0
    white_point: float | None = None  # what is lighter becomes 1
    max_megapixels: float | None = None  # VITMatte sees larger pictures shrunk to so many
    background: str = "transparent"  # transparent, blur, a colour (#rrggbb or a name of CSS), or a picture's path
    foreground: bool = True  # give the subject's edge its own colours, without the old background in them
    mask_only: bool = False  # give the mask alone, as a grey picture
    crop: bool = False  # cut the picture to the subject
    margin: int = 0  # and leave so many pixels around it
    device: str = "auto"  # auto, cpu, cuda, cuda:1, ...
    precision: Precision = "auto"  # what the networks compute in

    def __post_init__(self) -> None:
        _one_of("refine", self.refine, REFINES)
        _one_of("precision", self.precision, PRECISIONS)
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ValueError(f"device is {self.device!r}; wanted auto, cpu, cuda or cuda:NUMBER")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value is None:
                continue
            if name in EDGE_DEFAULTS and self.refine not in EDGE_DEFAULTS[name]:
                raise ValueError(f"{name} does nothing with refine={self.refine!r}; it is for {_listed(name)}")
            whole = isinstance(least, int) and isinstance(most, int) and name not in ("black_point", "white_point")
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise TypeError(f"{name} is {value!r}; wanted a {'whole ' if whole else ''}number")
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}; wanted {least} to {most}")
        if self.refine != "none":
            self.points()
        if self.margin and not self.crop:
            raise ValueError(f"margin is {self.margin} and does nothing without crop; wanted both or none")
        if self.mask_only and self.background != "transparent":
            raise ValueError(f"background is {self.background!r}, and a mask alone has none; leave one of the two out")
        self.backdrop()

    def edge(self, name: str, defaults: Mapping[str, float] = MappingProxyType({})) -> float:
        """Returns what an option of the edge is, given or not; ``defaults`` go before EDGE_DEFAULTS."""
        value: float | None = getattr(self, name)
        return defaults.get(name, EDGE_DEFAULTS[name][self.refine]) if value is None else value

    def points(self, defaults: Mapping[str, float] = MappingProxyType({})) -> dict[str, float]:
        """Returns the edge's black and white point, which must stand in this order."""
        points = {name: self.edge(name, defaults) for name in ("black_point", "white_point")}
        if points["black_point"] >= points["white_point"]:
            found = f"black_point is {points['black_point']} and white_point {points['white_point']}"
            raise ValueError(f"{found}; wanted the black one below the white one")
        return points

    def backdrop(self) -> "tuple[int, int, int] | Path | Literal['transparent', 'blur']":
        """Returns what the background is: a word, a colour or the path of a picture that is there."""
        if self.background in ("transparent", "blur"):
            return self.background  # type: ignore[return-value]  # it is one of the two words
        colour = _colour(self.background)
        if colour is not None:
            return colour
        path = Path(self.background)
        if not path.is_file():
            known = "wanted transparent, blur, a colour (#rrggbb, or a name as white) or the path of a picture"
            raise ValueError(f"background is {self.background!r}, and there is no such file; {known}")
        return path


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}; wanted {', '.join(known[:-1])} or {known[-1]}")


def _listed(name: str) -> str:
    return ", ".join(EDGE_DEFAULTS[name])


def _colour(text: str) -> tuple[int, int, int] | None:
    """Returns a colour written as #rgb or #rrggbb or by its name, None for any other text."""
    short = re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text)
    if short:
        digits = short[1] if len(short[1]) == 6 else "".join(2 * digit for digit in short[1])
        return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    if not text.isalpha():
        return None
    from PIL import ImageColor

    with contextlib.suppress(ValueError):  # no such name
        return ImageColor.getrgb(text)[:3]
    return None
