"""What lies behind: studios, rooms, tables, landscapes, streets, shelves, leaves, patterns and noise."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from generator import stream
from generator.textures import Array, cloudy, colour, gradient, mixed, near, noise, patches, patterned, plain, texture

SIDE = 448


def _rows(depth: float) -> slice:
    return slice(int(SIDE * depth), SIDE)


def _polygon(picture: Array, points: list[tuple[float, float]], tone: Array) -> None:
    corners = np.round(np.array(points) * SIDE * 16).clip(-1e6, 1e6).astype(np.int32)
    cv2.fillPoly(picture, [corners], tone.tolist(), cv2.LINE_AA, 4)


def studio(rng: Generator) -> Array:
    """A backdrop that a lamp lights unevenly."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    lamp = np.hypot(x - rng.normal(0, 0.5), y - rng.normal(0, 0.5))
    base = (
        plain(rng, None, rng.uniform(0, 0.06))(rng, SIDE, SIDE) if rng.random() < 0.6 else cloudy(rng)(rng, SIDE, SIDE)
    )
    return base * np.clip(1.1 - rng.uniform(0, 0.5) * lamp, 0.2, 1.3)[..., None]


def _fading(picture: Array, horizon: float, rng: Generator) -> Array:
    """A plane that goes away: its texture shrinks towards the horizon."""
    rows = np.arange(int(SIDE * horizon), SIDE, dtype=np.float32)
    away = (SIDE - rows[0]) / (rows - rows[0] + 0.1 * SIDE)
    v = (away * SIDE * 0.4)[:, None] % SIDE + np.zeros((1, SIDE), np.float32)
    u = SIDE / 2 + (np.arange(SIDE, dtype=np.float32)[None] - SIDE / 2) * away[:, None] * 0.6
    plane = cv2.remap(
        picture, np.abs(u).astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    haze = np.linspace(rng.uniform(0.5, 1), 1, len(rows), dtype=np.float32)[:, None, None]
    return plane * haze


def room(rng: Generator) -> Array:
    """A wall, what hangs on it, and a floor or a table."""
    picture = texture(rng)(rng, SIDE, SIDE)
    for _ in range(int(rng.integers(0, 6))):
        x, y, w, h = *rng.uniform(0, 1, 2), *rng.uniform(0.05, 0.35, 2)
        frame = [(x - w / 2, y - h / 2), (x + w / 2, y - h / 2), (x + w / 2, y + h / 2), (x - w / 2, y + h / 2)]
        _polygon(picture, frame, colour(rng))
        inner = [(x + 0.85 * (px - x), y + 0.85 * (py - y)) for px, py in frame]
        _polygon(picture, inner, colour(rng))
    if rng.random() < 0.7:
        horizon = rng.uniform(0.35, 0.9)
        picture[_rows(horizon)] = _fading(texture(rng)(rng, SIDE, SIDE), horizon, rng)
        if rng.random() < 0.4:
            _polygon(
                picture,
                [(0, horizon - 0.02), (1, horizon - 0.02), (1, horizon + 0.01), (0, horizon + 0.01)],
                colour(rng),
            )
    return picture


def table(rng: Generator) -> Array:
    """A surface that fills the picture or nearly so: wood, cloth, stone, paper."""
    base = near(rng, np.array([0.5, 0.36, 0.24], np.float32)) if rng.random() < 0.4 else colour(rng)
    kind = rng.random()
    if kind < 0.4:  # boards with grain along them
        grain = cv2.resize(noise(rng, SIDE, SIDE // 12), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).T
        boards = np.repeat(rng.uniform(0.8, 1.15, 12), SIDE // 12 + 1)[:SIDE].astype(np.float32)
        wood = base * (boards[:, None] * (1 + rng.uniform(0.05, 0.25) * grain))[..., None]
        picture = wood if rng.random() < 0.5 else wood.transpose(1, 0, 2)
    else:
        picture = texture(rng, base)(rng, SIDE, SIDE)
    picture = np.ascontiguousarray(picture, np.float32)
    if rng.random() < 0.4:
        horizon = rng.uniform(0.05, 0.4)
        behind = texture(rng)(rng, SIDE, SIDE)[: int(SIDE * horizon)]
        picture[: len(behind)] = behind
    return picture


def landscape(rng: Generator) -> Array:
    """Sky, hills, meadow, sea."""
    sky = near(rng, np.array([0.5, 0.68, 0.9], np.float32)) if rng.random() < 0.6 else colour(rng)
    low = near(rng, np.array([0.9, 0.9, 0.88], np.float32))
    height = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None] + np.zeros((1, SIDE), np.float32)
    picture = mixed(height, sky, low)
    if rng.random() < 0.6:
        cloud = np.clip(rng.uniform(0.2, 1) * noise(rng, SIDE, SIDE, 0.4), 0, 1)
        picture = mixed(cloud, picture, np.full(3, rng.uniform(0.6, 1), np.float32))
    horizon = rng.uniform(0.2, 0.9)
    for layer in range(int(rng.integers(1, 5))):
        profile = horizon + 0.12 * layer + rng.uniform(0.005, 0.06) * noise(rng, SIDE, SIDE, 0.2)[0]
        ground = near(rng, np.array([0.32, 0.4, 0.22], np.float32)) if rng.random() < 0.6 else colour(rng)
        surface = texture(rng, ground)(rng, SIDE, SIDE)
        mask = np.clip((height - profile[None]) * SIDE, 0, 1)[..., None]
        picture += mask * (surface - picture)
    if rng.random() < 0.4:
        picture[_rows(horizon)] *= _fading(np.repeat(1 + 0.2 * noise(rng, SIDE, SIDE)[..., None], 3, 2), horizon, rng)
    return picture


def street(rng: Generator) -> Array:
    """Houses with windows under a sky, or a skyline, or shelves with books."""
    picture = gradient(rng)(rng, SIDE, SIDE)
    x = -0.1
    while x < 1.05:
        w, top = rng.uniform(0.06, 0.4), rng.uniform(-0.1, 0.6)
        wall = colour(rng)
        _polygon(picture, [(x, top), (x + w, top), (x + w, 1), (x, 1)], wall)
        pane, across, down = near(rng, wall, 0.3), int(rng.integers(1, 6)), rng.uniform(0.04, 0.15)
        for y in np.arange(top + down, 1, 2 * down) if rng.random() < 0.8 else ():
            for k in range(across):
                a = x + w * (k + 0.25) / across
                _polygon(
                    picture, [(a, y), (a + 0.5 * w / across, y), (a + 0.5 * w / across, y + down), (a, y + down)], pane
                )
        x += w * rng.uniform(0.9, 1.3)
    if rng.random() < 0.7:
        horizon = rng.uniform(0.6, 0.9)
        picture[_rows(horizon)] = _fading(texture(rng)(rng, SIDE, SIDE), horizon, rng)
    return picture * (1 + 0.05 * noise(rng, SIDE, SIDE)[..., None])


def shelves(rng: Generator) -> Array:
    picture = texture(rng)(rng, SIDE, SIDE)
    rows = int(rng.integers(2, 6))
    for row in range(rows):
        x, floor = 0.0, (row + 1) / rows - 0.02
        while x < 1:
            w, h = rng.uniform(0.01, 0.07), rng.uniform(0.5, 0.9) / rows
            if rng.random() < 0.85:
                _polygon(picture, [(x, floor - h), (x + w, floor - h), (x + w, floor), (x, floor)], colour(rng))
            x += w
    return picture * (1 + 0.05 * noise(rng, SIDE, SIDE)[..., None])


def leaves(rng: Generator) -> Array:
    """A hedge, grass, straw or stones: many like things over each other, dark between."""
    tone = near(rng, np.array([0.25, 0.38, 0.15], np.float32), 0.1) if rng.random() < 0.6 else colour(rng)
    picture = plain(rng, tone * 0.5)(rng, SIDE, SIDE).astype(np.float32)
    long, broad = rng.uniform(0.02, 0.12), rng.uniform(0.1, 0.9)
    lean, spread = rng.uniform(0, np.pi), rng.choice([0.3, 2.0])
    count = int(min(900, 3 / (long * long * broad)))
    places, shades = rng.uniform(-0.05, 1.05, (count, 2)) * SIDE, np.linspace(0.5, 1.2, count)
    for place, shade in zip(places, shades, strict=True):
        axes = (max(1, int(long * SIDE / 2 * rng.uniform(0.5, 1.3))), max(1, int(long * broad * SIDE / 2)))
        angle = float(np.degrees(rng.normal(lean, spread)))
        leaf = np.clip(tone * shade + rng.normal(0, 0.05, 3), 0, 1).tolist()
        cv2.ellipse(picture, (int(place[0]), int(place[1])), axes, angle, 0, 360, leaf, -1, cv2.LINE_AA)
    return picture * (1 + 0.06 * noise(rng, SIDE, SIDE)[..., None])


def clutter(rng: Generator) -> Array:
    """Things of every size over each other, as at a market or on a desk."""
    picture = texture(rng)(rng, SIDE, SIDE)
    for size in np.sort(rng.uniform(0.02, 0.3, int(rng.integers(10, 70))))[::-1]:
        x, y = rng.uniform(0, 1, 2)
        corners = int(rng.choice([3, 4, 4, 5, 24]))
        turn = rng.uniform(0, 6) + np.linspace(0, 2 * np.pi, corners, endpoint=False)
        reach = size * rng.uniform(0.6, 1, 2)
        outline = [(x + reach[0] * np.cos(t), y + reach[1] * np.sin(t)) for t in turn]
        tone = colour(rng)
        _polygon(picture, [(px + 0.01, py + 0.015) for px, py in outline], tone * 0.3)
        _polygon(picture, outline, tone)
    return picture * (1 + 0.06 * noise(rng, SIDE, SIDE)[..., None])


def fold(rng: Generator) -> Array:
    """A curtain or a flag: stripes under the light and shade of folds."""
    picture = patterned(rng)(rng, SIDE, SIDE) if rng.random() < 0.5 else texture(rng)(rng, SIDE, SIDE)
    x = np.linspace(0, rng.uniform(10, 60), SIDE, dtype=np.float32)[None] + rng.uniform(0, 2) * noise(
        rng, SIDE, SIDE, 0.7
    )
    return picture * (1 + rng.uniform(0.05, 0.35) * np.sin(x))[..., None]


def nothing_but_noise(rng: Generator) -> Array:
    """The spectrum of photographs, and nothing in it."""
    layers = np.dstack([noise(rng, SIDE, SIDE, 0.1) for _ in range(3)])
    return colour(rng) + rng.uniform(0.05, 0.25) * (layers @ rng.normal(0.5, 0.5, (3, 3)).astype(np.float32))


def night(rng: Generator) -> Array:
    """Lights, near and far, in the dark; or dust and stars."""
    picture = plain(rng, colour(rng) * 0.25)(rng, SIDE, SIDE).astype(np.float32)
    for _ in range(int(rng.integers(10, 120))):
        x, y = rng.integers(0, SIDE, 2)
        light = near(rng, np.array([0.95, 0.85, 0.6], np.float32), 0.2) * rng.uniform(0.4, 1)
        cv2.circle(picture, (int(x), int(y)), int(rng.integers(1, 14)), light.tolist(), -1, cv2.LINE_AA)
    return picture


def dead_leaves(rng: Generator) -> Array:
    return patches(rng)(rng, SIDE, SIDE)


KINDS: dict[Callable[[Generator], Array], float] = {
    studio: 3,
    room: 4,
    table: 2.5,
    landscape: 3.5,
    street: 2,
    shelves: 1,
    leaves: 2,
    clutter: 1.5,
    fold: 1,
    nothing_but_noise: 1.5,
    night: 0.7,
    dead_leaves: 1,
}
SHARES = np.array(list(KINDS.values())) / sum(KINDS.values())


def draw(seed: int, number: int) -> Array:
    """The background of a number: [SIDE,SIDE,3] uint8."""
    rng = stream(seed, 2, number)
    maker = list(KINDS)[rng.choice(len(KINDS), p=SHARES)]
    return np.round(np.clip(maker(rng), 0, 1) * 255).astype(np.uint8)
