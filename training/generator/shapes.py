"""Subjects that stand for nothing: outlines of every kind, letters, lattices, and what one sees through."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generator.canvas import SIDE, Canvas, box, capsule, circle, curve, ellipse, filled, rotated, smooth, strokes
from generator.textures import colour, near, noise, plain, texture


def blob(canvas: Canvas) -> None:
    """A smooth outline, perhaps with spots."""
    rng = canvas.rng
    lobes = int(rng.integers(4, 14))
    radii = rng.uniform(0.15, 0.42, (lobes, 1))
    outline = 0.5 + circle(lobes) * radii
    canvas.paint(smooth(outline), texture(rng), rng.uniform(0, 1))
    for _ in range(int(rng.integers(0, 5))):
        spot = 0.5 + rng.normal(0, 0.08, 2) + circle(7) * rng.uniform(0.02, 0.1, (7, 1))
        canvas.paint(smooth(spot), texture(rng), rng.uniform(0, 0.6))


def polygon(canvas: Canvas) -> None:
    """A star, a crystal, a piece of a puzzle."""
    rng = canvas.rng
    corners = int(rng.integers(3, 12))
    radii = np.where(np.arange(2 * corners) % 2, rng.uniform(0.15, 0.42), 0.42)[:, None]
    outline = 0.5 + circle(2 * corners) * (radii if rng.random() < 0.4 else rng.uniform(0.2, 0.45, (2 * corners, 1)))
    canvas.paint(filled(outline), texture(rng), rng.uniform(0, 0.8))


def assembly(canvas: Canvas) -> None:
    """Parts of any shape joined along a line or a heap, some cut away: machines and animals that there are not."""
    rng = canvas.rng
    surfaces = [texture(rng) for _ in range(int(rng.integers(1, 4)))]
    place = np.array([0.5, 0.5])
    for _ in range(int(rng.integers(3, 12))):
        surface, size, turn = surfaces[rng.integers(len(surfaces))], rng.uniform(0.04, 0.2), rng.uniform(0, np.pi)
        kind = rng.integers(4)
        if kind == 0:
            mask = ellipse(place, size, size * rng.uniform(0.3, 1), turn)
        elif kind == 1:
            mask = box(place, 2 * size, 2 * size * rng.uniform(0.2, 1), turn, int(rng.integers(0, 8)))
        elif kind == 2:
            other = np.clip(place + rng.normal(0, 0.2, 2), 0.1, 0.9)
            mask = capsule(place, other, size * 0.5, size * rng.uniform(0.1, 0.6))
            place = other
        else:
            mask = smooth(place + circle(8) * size * rng.uniform(0.5, 1.3, (8, 1)))
        canvas.paint(mask, surface, rng.uniform(0.2, 1))
        place = np.clip(place + rng.normal(0, 0.14, 2), 0.12, 0.88)
    if rng.random() < 0.3:
        canvas.erase(ellipse(np.array([0.5, 0.5]) + rng.normal(0, 0.1, 2), *rng.uniform(0.03, 0.12, 2)))


def lattice(canvas: Canvas) -> None:
    """A grating, net or wheel: more gaps than matter."""
    rng = canvas.rng
    metal, thick = texture(rng), int(rng.integers(2, 12))
    reach, count = rng.uniform(0.25, 0.42), int(rng.integers(3, 12))
    if rng.random() < 0.6:
        turn, slant = rng.normal(0, 0.2), rng.choice([0.0, rng.uniform(-0.5, 0.5)])
        lines = []
        for t in np.linspace(-reach, reach, count):
            lines += [
                np.array([(t, -reach), (t + slant * reach, reach)]),
                np.array([(-reach, t), (reach, t + slant * reach)]),
            ]
        if rng.random() < 0.3:
            lines = lines[::2] + [lines[1], lines[-1]]
        canvas.paint(strokes([0.5 + rotated(line, turn) for line in lines], thick), metal, 0.8)
    else:
        rays = [
            [(0.5, 0.5), 0.5 + reach * np.array([np.cos(t), np.sin(t)])]
            for t in np.linspace(0, 6.28, 2 * count, endpoint=False)
        ]
        rings = [0.5 + circle(65) * r for r in np.linspace(reach / 3, reach, int(rng.integers(1, 4)))]
        canvas.paint(strokes(rays + [np.concatenate((ring, ring[:1])) for ring in rings], thick), metal, 0.8)


def letters(canvas: Canvas) -> None:
    """A word, solid or embossed."""
    rng = canvas.rng
    word = "".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVWXYZabdeghkmnrstu0123456789&?!"), int(rng.integers(1, 7))))
    picture = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(picture)
    size = min(300, int(1.4 * SIDE / len(word)))
    draw.text(
        (SIDE / 2, SIDE / 2),
        word,
        255,
        ImageFont.load_default(size),
        anchor="mm",
        stroke_width=int(rng.integers(0, 1 + size // 14)),
    )
    mask = np.asarray(picture)
    if rng.random() < 0.3:
        backing = cv2.dilate(mask, np.ones((17, 17), np.uint8))
        canvas.paint(backing, texture(rng), 0.3)
    canvas.paint(mask, texture(rng), rng.uniform(0, 1))


def glass(canvas: Canvas) -> None:
    """A bubble, tumbler or pane: clear within, denser towards the rim, with highlights."""
    rng = canvas.rng
    if rng.random() < 0.4:
        body = ellipse((0.5, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.4))
    else:
        radii = rng.uniform(0.1, 0.3, int(rng.integers(3, 6)))
        right = curve(np.stack((0.5 + radii, np.linspace(0.1, 0.9, len(radii))), 1), closed=False)
        body = filled(np.concatenate((right, right[::-1] * (-1, 1) + (1, 0))))
    tint, clear = plain(rng, near(rng, np.full(3, 0.8, np.float32), 0.15), 0.03), rng.uniform(0.12, 0.5)
    canvas.paint(body, tint, 0.5, opacity=clear)
    inner = cv2.GaussianBlur(cv2.erode(body, np.ones((9, 9), np.uint8)), (0, 0), rng.uniform(3, 12))
    rim = cv2.subtract(body, inner)
    canvas.paint(rim, tint, 0.3, opacity=rng.uniform(0.5, 1))
    if rng.random() < 0.5:  # a drink
        level = int(SIDE * rng.uniform(0.35, 0.7))
        drink = cv2.erode(body, np.ones((13, 13), np.uint8))
        drink[:level] = 0
        canvas.paint(drink, plain(rng), 0.3, opacity=rng.uniform(0.3, 0.9))
    shine = plain(rng, np.full(3, 1, np.float32), 0)
    for _ in range(int(rng.integers(1, 4))):
        start = 0.5 + rng.normal(0, 0.1, 2)
        streak = cv2.min(capsule(start, start + (rng.normal(0, 0.03), rng.uniform(0.05, 0.25)), 0.012, 0.008), body)
        canvas.paint(cv2.GaussianBlur(streak, (0, 0), 1.5), shine, 0, opacity=rng.uniform(0.4, 0.9))


def smoke(canvas: Canvas) -> None:
    """A cloud, a flame or a veil: alpha of every value."""
    rng = canvas.rng
    reach = cv2.GaussianBlur(smooth(0.5 + circle(9) * rng.uniform(0.15, 0.42, (9, 1))), (0, 0), rng.uniform(8, 30))
    density = np.clip(0.75 + 0.4 * noise(rng, SIDE, SIDE, 0.5), 0, 1)
    mask = np.clip(reach * density * rng.uniform(1, 1.6), 0, 255).astype(np.uint8)
    canvas.paint(mask, plain(rng, colour(rng), 0.15), 0, opacity=rng.uniform(0.7, 1))


def hair(canvas: Canvas) -> None:
    """Strands alone: a wig, a feather, grass, a broom, a ball of wool."""
    rng = canvas.rng
    count, long, droop = int(rng.integers(150, 600)), rng.uniform(0.15, 0.35), rng.uniform(-0.4, 1)
    fan, strand = rng.uniform(0.3, np.pi), colour(rng)
    core = ellipse((0.5, 0.5), *rng.uniform(0.06, 0.18, 2))
    canvas.paint(core, plain(rng, strand, 0.2), 0.4)
    for part in np.array_split(np.arange(count), 5):
        turns = rng.uniform(-fan, fan, len(part)) - np.pi / 2
        lengths = long * rng.uniform(0.4, 1, len(part))
        ways = np.stack((np.cos(turns), np.sin(turns)), 1)
        roots = 0.5 + ways * rng.uniform(0, 0.1, (len(part), 1))
        middles = roots + ways * lengths[:, None] * 0.6 + rng.normal(0, 0.01, (len(part), 2))
        tips = middles + (ways + (0, droop)) * lengths[:, None] * 0.5 + rng.normal(0, 0.02, (len(part), 2))
        lines = [curve(line, closed=False, steps=5) for line in np.stack((roots, middles, tips), 1)]
        canvas.paint(strokes(lines, 1), plain(rng, near(rng, strand), 0.1), 0, opacity=rng.uniform(0.6, 1))
