"""Closed-form matting, beside pymatting's as the original nodes call it, and beside itself on a smaller picture.

The picture and the trimap are harness/pictures.py's: a share of 6, 16 or 41 % is unknown, a band along the outline.
Ours gets float32, as a node has it; pymatting takes float64 only, made outside the measured time. What numba compiles
is compiled before, by a picture of a few pixels.

From 2 to 8 megapixels the work is four times as much: ours must not take more than five times as long. pymatting is
not asked for 8 megapixels: minutes, and gigabytes by the ten.
"""

import contextlib
import importlib
import sys

import torch
from harness import pictures
from harness.case import Call, Case

_HALF, _TWO, _EIGHT = (625, 800), (1250, 1600), (2500, 3200)
_BARS = {6: 5.0, 16: 8.0, 41: 12.0}  # percent unknown, and what is to be reached at 2 megapixels; 20 is hoped for at 41
_AT_LEAST = {6: 3, 16: 2, 41: 1}  # beside the round that does not count: pymatting takes up to half a minute a call
_GROWTH = 5.0


def _ours(height: int, width: int, percent: int) -> Call:
    from mattecore import refine

    scene = pictures.draw(height, width)
    picture, trimap = scene.picture, scene.trimap(percent / 100)
    del scene
    return lambda: refine.closed_form(picture, trimap)


def _pymatting(height: int, width: int, percent: int) -> Call:
    estimate_alpha_cf = importlib.import_module("pymatting").estimate_alpha_cf

    def alpha(picture: torch.Tensor, trimap: torch.Tensor) -> Call:
        image, marks = picture.double().numpy(), trimap.double().numpy()

        def call() -> object:
            with contextlib.redirect_stdout(sys.stderr):  # it warns on stdout where its factorisation breaks down
                return estimate_alpha_cf(image, marks, laplacian_kwargs={"epsilon": 1e-6}, cg_kwargs={"maxiter": 500})

        return call

    small = pictures.draw(50, 64)
    alpha(small.picture, small.trimap(0.3))()
    scene = pictures.draw(height, width)
    return alpha(scene.picture, scene.trimap(percent / 100))


def _beside_pymatting(size: tuple[int, int], percent: int) -> Case:
    return Case(
        name=f"closed form {percent} %",
        size="{1} x {0}".format(*size),
        threads=2,
        ours=lambda: _ours(*size, percent),
        peer="pymatting.estimate_alpha_cf",
        peer_call=lambda: _pymatting(*size, percent),
        bar=_BARS[percent] if size == _TWO else None,
        memory_bar=4.0,
        at_least=_AT_LEAST[percent],
    )


def _growth(percent: int) -> Case:
    return Case(
        name=f"closed form growth {percent} %",
        size="{1} x {0}".format(*_EIGHT),
        threads=2,
        ours=lambda: _ours(*_EIGHT, percent),
        peer=f"{_GROWTH:g} times ours on {_TWO[1]} x {_TWO[0]}",
        peer_call=lambda: _ours(*_TWO, percent),
        bar=1.0,
        peer_factor=_GROWTH,
        at_least=3,
    )


def cases() -> list[Case]:
    """0.5 and 2 megapixels beside pymatting, then 8 beside 2."""
    beside_pymatting = [_beside_pymatting(size, percent) for size in (_HALF, _TWO) for percent in _BARS]
    return [*beside_pymatting, *(_growth(percent) for percent in _BARS)]
