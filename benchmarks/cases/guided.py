"""The guided filter, beside OpenCV's own (the ximgproc module of opencv-contrib) as the original nodes call it.

The picture is harness/pictures.py's, float32, and guides its 8-bit mask. The originals repeat the mask to three equal
channels and keep one of the three results; the repeating is outside the measured time. Ours gets the one channel.
"""

import importlib

from harness import pictures
from harness.case import Call, Case

_SIZES = ((1250, 1600), (3000, 4000))
_RADII_PX = (3, 7, 41)
_EPS = 0.015  # the originals', on the 0..1 range


def _ours(height: int, width: int, radius_px: int) -> Call:
    from mattecore import refine

    scene = pictures.draw(height, width)
    guide, mask = scene.picture, scene.mask() / 255
    del scene
    return lambda: refine.guided_filter(guide, mask, radius_px, _EPS)


def _opencv(height: int, width: int, radius_px: int, threads: int) -> Call:
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(threads)
    scene = pictures.draw(height, width)
    guide, source = scene.picture.numpy(), (scene.mask() / 255)[..., None].repeat(1, 1, 3).numpy()
    del scene
    guided_filter = cv2.ximgproc.guidedFilter
    return lambda: guided_filter(guide, source, radius_px, _EPS)


def _case(height: int, width: int, radius_px: int) -> Case:
    threads = 2
    return Case(
        name=f"guided radius {radius_px}",
        size=f"{width} x {height}",
        threads=threads,
        ours=lambda: _ours(height, width, radius_px),
        peer="cv2.ximgproc.guidedFilter",
        peer_call=lambda: _opencv(height, width, radius_px, threads),
        bar=4.0,
        memory_bar=5.0,
    )


def cases() -> list[Case]:
    """2 and 12 megapixels: from a box of 7 x 7 to one of 83 x 83."""
    return [_case(height, width, radius_px) for height, width in _SIZES for radius_px in _RADII_PX]
