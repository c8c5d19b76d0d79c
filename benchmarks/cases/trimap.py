"""The trimap that the original nodes give to VITMatte, beside OpenCV's five-fold erosion and dilation.

The mask is harness/pictures.py's, uint8, 0 and 255. The peer only erodes and dilates; joining the two, which ours does
too, would come on top of its time. OpenCV gets one thread, which suits it best: it never runs this work on two, and
4.14 and 5.0, told that there are two, cut the picture into bands whose margins cost more than they hold (63 ms with one
thread, 425 ms with two for k = 255, processor time alike).
"""

import importlib

import torch
from harness import pictures
from harness.case import Call, Case

_SIZE = (1250, 1600)
_BARS = {6: 1.0, 64: 5.0, 255: 20.0}  # the side of the box, and what is to be reached with it


def _ours(side: int) -> Call:
    from mattecore import refine

    mask = pictures.draw(*_SIZE).mask()
    return lambda: refine.trimap_from_mask(mask, side, side)


def _opencv(side: int) -> Call:
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    mask = pictures.draw(*_SIZE).mask().numpy()
    box = torch.ones(side, side, dtype=torch.uint8).numpy()
    return lambda: (cv2.erode(mask, box, iterations=5), cv2.dilate(mask, box, iterations=5))


def _case(side: int) -> Case:
    return Case(
        name=f"trimap k = {side}",
        size="{1} x {0}".format(*_SIZE),
        threads=2,
        ours=lambda: _ours(side),
        peer="cv2.erode and cv2.dilate, five iterations",
        peer_call=lambda: _opencv(side),
        bar=_BARS[side],
    )


def cases() -> list[Case]:
    """2 megapixels; five boxes of 255 reach 635 pixels."""
    return [_case(side) for side in _BARS]
