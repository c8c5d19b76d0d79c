"""Pillow's resizing, beside Pillow, which has one thread however many cores there are."""

from typing import Literal

import torch
from harness.case import Call, Case

_LARGE, _SMALL = (3000, 4000), (1024, 1024)


def _ours(before: tuple[int, int], after: tuple[int, int], filter: Literal["bilinear", "lanczos"]) -> Call:
    from mattecore import preprocess

    image = torch.randint(0, 256, (*before, 3), dtype=torch.uint8)
    return lambda: preprocess.resize(image, *after, filter)


def _pillow(before: tuple[int, int], after: tuple[int, int], filter: Literal["bilinear", "lanczos"]) -> Call:
    from PIL import Image

    image = Image.fromarray(torch.randint(0, 256, (*before, 3), dtype=torch.uint8).numpy())
    resampling = Image.Resampling[filter.upper()]
    return lambda: image.resize(after[::-1], resampling)


def _case(
    direction: str,
    before: tuple[int, int],
    after: tuple[int, int],
    filter: Literal["bilinear", "lanczos"],
    threads: int,
) -> Case:
    out_mib = after[0] * after[1] * 3 / 2**20
    return Case(
        name=f"resize {filter} {direction}",
        size="{} x {} to {} x {}".format(*before[::-1], *after[::-1]),
        threads=threads,
        ours=lambda: _ours(before, after, filter),
        peer="Pillow",
        peer_call=lambda: _pillow(before, after, filter),
        bar={1: 3.0, 2: 5.0}[threads],
        allowed_mib=out_mib + 64 if threads == 2 else None,
        allowed="output + 64 MiB",
    )


def cases() -> list[Case]:
    """RGB from 12 megapixels to a network's input and back up."""
    filters: tuple[Literal["bilinear", "lanczos"], ...] = ("bilinear", "lanczos")
    return [
        _case(direction, before, after, filter, threads)
        for threads in (1, 2)
        for filter in filters
        for direction, before, after in (("down", _LARGE, _SMALL), ("up", _SMALL, _LARGE))
    ]
