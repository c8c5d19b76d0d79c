"""Surfaces: colours, fields of noise with the spectra of photographs, and patterns in them."""

import functools
from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from generator import stream

Array = np.ndarray
Texture = Callable[[Generator, int, int], Array]  # height, width -> [H,W,3] float32, 0..1

FIELD = 512
FIELDS = 24  # exponents 0.6 to 2.6 of amplitude over frequency; photographs have about 1


@functools.cache
def _field(number: int) -> Array:
    """A periodic field of zero mean and unit deviation whose amplitude falls as 1 / f^exponent."""
    rng = stream(9001, number)
    exponent = 0.6 + 2.0 * (number % FIELDS) / FIELDS
    fy, fx = np.fft.fftfreq(FIELD)[:, None], np.fft.rfftfreq(FIELD)[None]
    amplitude = np.maximum(np.hypot(fy, fx), 1 / FIELD) ** -exponent
    amplitude[0, 0] = 0
    phase = np.exp(2j * np.pi * rng.random(amplitude.shape))
    field = np.fft.irfft2(amplitude * phase, (FIELD, FIELD))
    return (field / field.std()).astype(np.float32)


def noise(rng: Generator, height: int, width: int, roughest: float = 0.0) -> Array:
    """A part of a field, [H,W], clipped at 2.5 deviations; roughest 0..1 leaves out the fields rougher than that."""
    field = _field(int(rng.integers(int(roughest * FIELDS), FIELDS)))
    zoom = rng.uniform(1, 3)
    h, w = (max(2, min(FIELD, int(side / zoom))) for side in (height, width))
    y, x = rng.integers(FIELD - h + 1), rng.integers(FIELD - w + 1)
    part = cv2.resize(field[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(part, -2.5, 2.5)


def colour(rng: Generator) -> Array:
    """A colour as things have them: mostly muted, sometimes vivid, black, white or grey."""
    hue, kind = rng.uniform(0, 180), rng.random()
    if kind < 0.55:
        saturation, value = rng.uniform(0.1, 0.5), rng.uniform(0.15, 0.95)
    elif kind < 0.73:
        saturation, value = rng.uniform(0.45, 0.95), rng.uniform(0.3, 1)
    else:
        saturation, value = rng.uniform(0, 0.1), rng.choice([rng.uniform(0, 0.2), rng.uniform(0.8, 1), rng.random()])
    pixel = np.array([[[2 * hue, saturation, value]]], np.float32)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]


def near(rng: Generator, other: Array, distance: float = 0.12) -> Array:
    return np.clip(other * rng.uniform(0.7, 1.3) + rng.normal(0, distance, 3), 0, 1).astype(np.float32)


def skin(rng: Generator) -> Array:
    tone = rng.random()
    light, dark = np.array([0.96, 0.80, 0.69]), np.array([0.30, 0.19, 0.13])
    return (light * (1 - tone) + dark * tone + rng.normal(0, 0.02, 3)).clip(0, 1).astype(np.float32)


def mixed(amount: Array, first: Array, second: Array) -> Array:
    amount = amount[..., None].clip(0, 1)
    return first + amount * (second - first)


def plain(rng: Generator, base: Array | None = None, roughness: float | None = None) -> Texture:
    """One colour, uneven by a field of noise."""
    base = colour(rng) if base is None else base
    strength = rng.uniform(0.01, 0.1) if roughness is None else roughness

    def draw(rng: Generator, height: int, width: int) -> Array:
        return np.clip(base * (1 + strength * noise(rng, height, width)[..., None]), 0, 1)

    return draw


def cloudy(rng: Generator, base: Array | None = None) -> Texture:
    """Two or three colours that flow into each other."""
    base = colour(rng) if base is None else base
    second, third = (near(rng, base, 0.25) if rng.random() < 0.6 else colour(rng) for _ in range(2))
    sharpness, rough = rng.uniform(0.3, 3), rng.uniform(0, 0.6)

    def draw(rng: Generator, height: int, width: int) -> Array:
        a = 0.5 + sharpness * noise(rng, height, width, rough)
        b = 0.5 + sharpness * noise(rng, height, width, 0.5)
        return mixed(b - 0.5, mixed(a, base, second), third)

    return draw


def gradient(rng: Generator, base: Array | None = None) -> Texture:
    base = colour(rng) if base is None else base
    second, angle = near(rng, base, 0.3), rng.uniform(0, 2 * np.pi)
    strength = rng.uniform(0, 0.06)

    def draw(rng: Generator, height: int, width: int) -> Array:
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        amount = 0.5 + 0.4 * (np.cos(angle) * x + np.sin(angle) * y) + strength * noise(rng, height, width)
        return mixed(amount, base, second)

    return draw


def patterned(rng: Generator, base: Array | None = None) -> Texture:
    """Stripes, checks, dots or bricks, bent a little."""
    first = colour(rng) if base is None else base
    second = near(rng, first, 0.3) if rng.random() < 0.5 else colour(rng)
    kind, angle = rng.choice(["stripes", "checks", "dots", "bricks"]), rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    period, bend, edge = rng.uniform(6, 40), rng.uniform(0, 0.5), rng.uniform(0.8, 6)
    balance, strength = rng.uniform(-0.5, 0.5), rng.uniform(0.0, 0.08)

    def draw(rng: Generator, height: int, width: int) -> Array:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) * (2 * np.pi / period)
        bent = bend * noise(rng, height, width, 0.6)
        u = np.cos(angle) * x + np.sin(angle) * y + bent
        v = np.cos(angle) * y - np.sin(angle) * x + bent
        if kind == "stripes":
            wave = np.sin(u)
        elif kind == "checks":
            wave = np.sin(u) * np.sin(v) * 2
        elif kind == "dots":
            wave = np.sin(u) + np.sin(v) - 0.6
        else:
            shifted = u / 2 + np.pi / 2 * (np.floor(v / (2 * np.pi)) % 2)
            wave = np.minimum(np.abs(np.sin(shifted)) * 4, np.abs(np.sin(v / 2)) * 2) * 4 - 2
        surface = mixed(0.5 + edge * (wave + balance), first, second)
        return np.clip(surface * (1 + strength * noise(rng, height, width)[..., None]), 0, 1)

    return draw


def patches(rng: Generator, base: Array | None = None) -> Texture:
    """Dead leaves: flat patches over each other, whose sizes follow a power law as things' in photographs do."""
    base = colour(rng) if base is None else base
    spread, smallest, count = rng.uniform(0.05, 0.4), rng.uniform(2, 8), int(rng.integers(60, 250))

    def draw(rng: Generator, height: int, width: int) -> Array:
        picture = np.empty((height, width, 3), np.float32)
        picture[:] = base
        radii = np.minimum(smallest * rng.random(count) ** -0.7, max(height, width) / 4)
        centres = rng.uniform((0, 0), (width, height), (count, 2))
        for radius, (x, y), turn in zip(radii, centres, rng.uniform(0, 180, count), strict=True):
            axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.3, 1))))
            tone = np.clip(base + rng.normal(0, spread, 3), 0, 1)
            cv2.ellipse(picture, (int(x), int(y)), axes, turn, 0, 360, tone.tolist(), -1, cv2.LINE_AA)
        return picture

    return draw


MAKERS = (plain, cloudy, gradient, patterned, patches)


def texture(rng: Generator, base: Array | None = None) -> Texture:
    return MAKERS[rng.choice(len(MAKERS), p=[0.34, 0.28, 0.16, 0.14, 0.08])](rng, base)
