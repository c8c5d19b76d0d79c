"""Foreground colours by the multi-level method, beside pymatting's.

The picture and its alpha are harness/pictures.py's, float32 on both sides. pymatting compiles when it is imported, and
resizes on as many threads as it finds cores, which are those of the measurement; its solving has one.
"""

import importlib

from harness import pictures
from harness.case import Call, Case

_SIZE = (1250, 1600)


def _ours() -> Call:
    from mattecore import composite

    scene = pictures.draw(*_SIZE)
    picture, alpha = scene.picture, scene.alpha
    del scene
    return lambda: composite.multilevel_foreground(picture, alpha)


def _pymatting() -> Call:
    estimate_foreground_ml = importlib.import_module("pymatting").estimate_foreground_ml
    scene = pictures.draw(*_SIZE)
    picture, alpha = scene.picture.numpy(), scene.alpha.numpy()
    del scene
    return lambda: estimate_foreground_ml(picture, alpha)


def cases() -> list[Case]:
    """2 megapixels."""
    return [
        Case(
            name="foreground",
            size="{1} x {0}".format(*_SIZE),
            threads=2,
            ours=_ours,
            peer="pymatting.estimate_foreground_ml",
            peer_call=_pymatting,
            bar=4.0,
        )
    ]
