"""Where a subject is drawn, part by part: masks of outlines, and a canvas that gives them surface, relief and shadow.

Points are (x, y) in 0..1 from the canvas's top left corner.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator

from generator.textures import Array, Texture

SIDE = 384
Point = tuple[float, float] | Array


def filled(points: Array | Sequence[Point]) -> Array:
    """The mask of a polygon, [SIDE,SIDE] uint8, its edges antialiased."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    corners = np.round(np.asarray(points, np.float64) * SIDE * 16).clip(-1e6, 1e6).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, 4)
    return mask


def strokes(lines: Sequence[Array | Sequence[Point]], thickness: int) -> Array:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    fixed = [np.round(np.asarray(line, np.float64) * SIDE * 16).clip(-1e6, 1e6).astype(np.int32) for line in lines]
    cv2.polylines(mask, fixed, False, 255, max(1, thickness), cv2.LINE_AA, 4)
    return mask


def circle(steps: int = 48) -> Array:
    turn = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.stack((np.cos(turn), np.sin(turn)), 1)


def rotated(points: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s], [-s, c]])


def ellipse(centre: Point, rx: float, ry: float, angle: float = 0) -> Array:
    return filled(np.asarray(centre) + rotated(circle() * (rx, ry), angle))


def curve(points: Array | Sequence[Point], closed: bool = True, steps: int = 8) -> Array:
    """Points of the Catmull-Rom spline through points."""
    p = np.asarray(points, np.float64)
    if not closed:
        p = np.concatenate((2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]))
    before, start, end, after = p, np.roll(p, -1, 0), np.roll(p, -2, 0), np.roll(p, -3, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    before, start, end, after = (q[:, None] for q in (before, start, end, after))
    spline = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return (spline if closed else spline[: len(p) - 3]).reshape(-1, 2)


def smooth(points: Array | Sequence[Point]) -> Array:
    return filled(curve(points))


def capsule(a: Point, b: Point, ra: float, rb: float) -> Array:
    """A limb: the hull of two discs."""
    ends = np.concatenate((np.asarray(a) + circle(24) * ra, np.asarray(b) + circle(24) * rb))
    return filled(cv2.convexHull(ends.astype(np.float32))[:, 0])


def box(centre: Point, width: float, height: float, angle: float = 0, round_px: int = 0) -> Array:
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, height / 2)
    mask = filled(np.asarray(centre) + rotated(corners, angle))
    if round_px:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round_px + 1, 2 * round_px + 1))
        mask = cv2.GaussianBlur(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), (3, 3), 0)
    return mask


class Canvas:
    """A subject in the making: its colour, not multiplied by alpha, and its alpha, under one light."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.colour = np.zeros((SIDE, SIDE, 3), np.float32)
        self.alpha = np.zeros((SIDE, SIDE), np.float32)
        light = np.array([rng.normal(0, 0.6), rng.normal(-0.6, 0.4), 1.0])
        self.light = light / np.linalg.norm(light)
        self.ambient = rng.uniform(0.35, 0.9)
        self.gloss = max(0.0, rng.normal(0, 0.35))

    def paint(self, mask: Array, surface: Texture, relief: float = 1.0, opacity: float = 1.0) -> None:
        """Lay a part over what is there. relief is how round it looks, from 0, flat, to 1, inflated."""
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        part = mask[y : y + h, x : x + w]
        colour = surface(self.rng, h, w)
        if relief > 0:
            colour = self._shaded(colour, part, relief)
        self._shadow(mask, (x, y, w, h))
        window = np.s_[y : y + h, x : x + w]
        over = part.astype(np.float32) * (opacity / 255)
        alpha = over + self.alpha[window] * (1 - over)
        share = (over / np.maximum(alpha, 1e-6))[..., None]
        self.colour[window] += share * (colour - self.colour[window])
        self.alpha[window] = alpha

    def erase(self, mask: Array) -> None:
        self.alpha *= 1 - mask.astype(np.float32) / 255

    def fringe(self, mask: Array, surface: Texture, length: float, count: int, droop: float = 0.0) -> None:
        """Fur or hair: thin strands that leave the mask's outline, outwards and, by droop, downwards."""
        outlines, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        if not outlines or count == 0:
            return
        outline = max(outlines, key=len)[:, 0] / SIDE
        rng, reach = self.rng, max(3, len(outline) // 40)
        starts = rng.integers(0, len(outline), count)
        along = np.roll(outline, -reach, 0) - np.roll(outline, reach, 0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-6
        outward = (along @ np.array([[0.0, -1.0], [1.0, 0.0]]))[starts]
        centre = outline.mean(0)
        if np.mean(np.sum((outline[starts] - centre) * outward, 1)) < 0:
            outward = -outward
        lengths = length * rng.uniform(0.3, 1, (count, 1))
        sideways = along[starts] * rng.normal(0, 0.5, (count, 1))
        root = outline[starts] - outward * 0.02
        middle = root + (outward + sideways) * lengths * 0.6
        tip = middle + (outward + 2 * sideways + (0, droop)) * lengths * 0.6
        lines = [curve(line, closed=False, steps=4) for line in np.stack((root, middle, tip), 1)]
        for part in (lines[::2], lines[1::2]):
            if part:
                self.paint(strokes(part, 1), surface, relief=0, opacity=rng.uniform(0.5, 1))

    def _shaded(self, colour: Array, mask: Array, relief: float) -> Array:
        """Light on the part as if it was inflated: Lambert's law and a highlight."""
        inside = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        depth = cv2.distanceTransform((inside > 127).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
        radius = max(2.0, float(depth.max()))
        rim = 1 - np.minimum(depth / radius, 1)
        height = cv2.GaussianBlur(np.sqrt(1 - rim * rim) * float(radius * relief), (0, 0), max(1.0, radius / 8))
        gx, gy = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.125)
        length = np.sqrt(gx * gx + gy * gy + 1)
        lit = ((-gx * self.light[0] - gy * self.light[1] + self.light[2]) / length).clip(0, 1)
        highlight = self.gloss * lit**24
        return np.clip(colour * (self.ambient + (1 - self.ambient) * lit)[..., None] + highlight[..., None], 0, 1)

    def _shadow(self, mask: Array, bounds: tuple[int, int, int, int]) -> None:
        """The part darkens what it lies on, more on the side away from the light."""
        x, y, w, h = bounds
        pad = 14
        top, left = max(0, y - pad), max(0, x - pad)
        window = np.s_[top : y + h + pad, left : x + w + pad]
        if not self.alpha[window].any():
            return
        dx, dy = (round(-6 * float(self.light[axis])) for axis in (0, 1))
        around = cv2.blur(mask[window], (13, 13))
        moved = cv2.warpAffine(around, np.float32([[1, 0, dx], [0, 1, dy]]), around.shape[::-1])
        self.colour[window] *= (1 - moved.astype(np.float32) * (0.5 / 255))[..., None]
