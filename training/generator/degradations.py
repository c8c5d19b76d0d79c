"""What lenses, sensors and files do to a picture. The alpha stays: what is blurred away is still the subject."""

import functools

import cv2
import numpy as np
from numpy.random import Generator

from generator import stream
from generator.textures import Array


@functools.cache
def _grain() -> Array:
    return stream(9002).standard_normal((640, 640, 3), np.float32)


def degraded(rng: Generator, picture: Array) -> Array:
    """[H,W,3] float32, about 0..1 -> uint8."""
    height, width = picture.shape[:2]
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.5) * height / 384)
    if rng.random() < 0.05:
        picture = cv2.filter2D(picture, -1, _streak(rng, int(rng.integers(3, 3 + height // 40))))
    if rng.random() < 0.15:
        small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    picture = np.clip(picture, 0, 1)
    if rng.random() < 0.6:
        picture = picture ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.6:
        middle = rng.uniform(0.3, 0.7)
        picture = middle + (picture - middle) * np.float32(rng.uniform(0.6, 1.3))
    if rng.random() < 0.5:
        picture = picture * rng.normal(1, 0.08, 3).astype(np.float32) + rng.normal(0, 0.02, 3).astype(np.float32)
    if rng.random() < 0.1:
        grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
        tone = np.ones(3, np.float32) if rng.random() < 0.8 else np.array([1.08, 1, 0.85], np.float32)
        picture = grey[..., None] * tone
    if rng.random() < 0.6:
        grain, (y, x) = _grain(), rng.integers(0, (640 - height + 1, 640 - width + 1))
        picture = picture + np.float32(rng.uniform(0, 0.05)) * grain[y : y + height, x : x + width]
    image = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
        image = cv2.imdecode(file, cv2.IMREAD_COLOR)
    return image


def _streak(rng: Generator, length: int) -> Array:
    kernel = np.zeros((length, length), np.float32)
    way = 0.5 * length * np.array([np.cos(turn := rng.uniform(0, np.pi)), np.sin(turn)])
    start, end = (tuple(int(v) for v in np.round(length / 2 - 0.5 + sign * way)) for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1)
    return kernel / max(kernel.sum(), 1)
