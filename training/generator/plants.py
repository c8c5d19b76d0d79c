"""Subjects that grow: leaves, flowers, fruit and trees."""

import numpy as np

from generator.canvas import Canvas, Point, capsule, circle, curve, ellipse, filled, rotated, smooth, strokes
from generator.textures import Array, Texture, cloudy, colour, near, plain, texture

GREEN = np.array([0.28, 0.45, 0.15], np.float32)


def foliage(canvas: Canvas) -> Texture:
    base = near(canvas.rng, GREEN, 0.1) if canvas.rng.random() < 0.8 else colour(canvas.rng)
    return (
        plain(canvas.rng, base, canvas.rng.uniform(0.05, 0.2))
        if canvas.rng.random() < 0.6
        else cloudy(canvas.rng, base)
    )


def _blade(canvas: Canvas, root: Point, tip: Array, breadth: float, green: Texture, veins: bool) -> None:
    along = tip - root
    across = np.array([-along[1], along[0]]) * breadth
    stops = (0.0, 0.25, 0.6, 0.9, 1.0)
    widths = (0.05, 0.8, 1.0, 0.35, 0.0)
    right = [root + t * along + w * across for t, w in zip(stops, widths, strict=True)]
    left = [root + t * along - w * across for t, w in zip(stops, widths, strict=True)]
    canvas.paint(smooth(right + left[-2::-1]), green, 0.5)
    if veins:
        lines = [[root, tip]]
        for t in (0.2, 0.4, 0.6):
            start = root + t * along
            lines += [[start, start + 0.2 * along + side * 0.7 * across] for side in (-1, 1)]
        canvas.paint(strokes(lines, 1), plain(canvas.rng, near(canvas.rng, GREEN * 1.4)), 0, 0.6)


def leaves(canvas: Canvas) -> None:
    """One leaf, or stems with many."""
    rng = canvas.rng
    green, breadth = foliage(canvas), rng.uniform(0.12, 0.4)
    if rng.random() < 0.35:
        _blade(canvas, np.array([0.5, 0.8]), np.array([0.5 + rng.normal(0, 0.1), 0.12]), breadth, green, True)
        canvas.paint(capsule((0.5, 0.8), (0.5 + rng.normal(0, 0.05), 0.95), 0.012, 0.008), green, 0.8)
        return
    for _ in range(int(rng.integers(1, 6))):
        stem = curve(
            [(0.5, 0.95), (0.5 + rng.normal(0, 0.08), 0.6), (0.5 + rng.normal(0, 0.2), rng.uniform(0.1, 0.35))],
            closed=False,
        )
        canvas.paint(strokes([stem], int(rng.integers(2, 6))), green, 0.6)
        for place in stem[3 :: int(rng.integers(2, 5))]:
            turn, long = rng.uniform(-np.pi, 0), rng.uniform(0.08, 0.25)
            _blade(
                canvas, place, place + long * np.array([np.cos(turn), np.sin(turn)]), breadth, green, rng.random() < 0.5
            )


def flower(canvas: Canvas) -> None:
    """Petals around a centre, on a stem or filling the picture."""
    rng = canvas.rng
    green, petal, inner = foliage(canvas), texture(rng), texture(rng)
    radius = rng.uniform(0.18, 0.42)
    heart = np.array([0.5, 0.5 if radius > 0.3 else 0.1 + radius])
    if radius < 0.3 or rng.random() < 0.3:
        foot = np.array([0.5 + rng.normal(0, 0.1), 0.98])
        stem = curve([heart, (heart + foot) / 2 + rng.normal(0, 0.03, 2), foot], closed=False)
        canvas.paint(strokes([stem], int(rng.integers(4, 10))), green, 0.8)
        for place in stem[5::5]:
            _blade(canvas, place, place + rng.normal(0, 0.12, 2), 0.3, green, True)
    count, breadth, flat = int(rng.integers(5, 22)), rng.uniform(0.15, 0.45), rng.uniform(0.5, 1)
    tilt = rng.uniform(0, np.pi)
    for layer in (1.0, rng.uniform(0.5, 0.8))[: int(rng.integers(1, 3))]:
        for turn in rng.permutation(np.linspace(0, 2 * np.pi, count, endpoint=False)) + rng.uniform(0, 1):
            long = layer * radius * rng.uniform(0.85, 1)
            tip = rotated(np.array([[np.cos(turn), np.sin(turn) * flat]]), tilt)[0] * long
            _blade(canvas, heart, heart + tip, breadth, petal, False)
    core = radius * rng.uniform(0.15, 0.4)
    canvas.paint(ellipse(heart, core, core * flat, tilt), inner, 0.8)


def fruit(canvas: Canvas) -> None:
    """One fruit or a heap of them."""
    rng = canvas.rng
    peel, stalk = plain(rng, None, rng.uniform(0.02, 0.2)), plain(rng, near(rng, GREEN * 0.6))
    count = int(rng.choice([1, 2, 3, 5, 9]))
    size = 0.36 / np.sqrt(count) + 0.06
    for _ in range(count):
        place = np.array([0.5, 0.55]) + rng.normal(0, 0.13, 2) * (count > 1)
        outline = place + circle(9) * size * rng.uniform(0.85, 1.05, (9, 1)) * (1, rng.uniform(0.75, 1.1))
        canvas.paint(smooth(outline), peel if rng.random() < 0.8 else texture(rng), 1)
        if rng.random() < 0.7:
            top = place - (0, size * 0.8)
            canvas.paint(
                strokes([curve([top, top + (0.01, -0.05), top + rng.normal(0, 0.04, 2) - (0, 0.08)], closed=False)], 5),
                stalk,
                0.8,
            )
            if rng.random() < 0.5:
                _blade(canvas, top, top + (rng.choice([-1, 1]) * size * 0.6, -0.04), 0.25, foliage(canvas), True)


def tree(canvas: Canvas) -> None:
    """A trunk, branches, and a crown of leaves through whose gaps one sees."""
    rng = canvas.rng
    bark, green = plain(rng, near(rng, np.array([0.35, 0.27, 0.2], np.float32)), 0.2), foliage(canvas)
    fork = np.array([0.5, rng.uniform(0.45, 0.65)])
    canvas.paint(capsule((0.5 + rng.normal(0, 0.03), 0.97), fork, rng.uniform(0.03, 0.06), 0.025), bark, 0.9)
    tips = fork + np.stack((rng.normal(0, 0.16, 9), -rng.uniform(0.1, 0.4, 9)), 1)
    for tip in tips:
        canvas.paint(capsule(fork, tip, 0.018, 0.006), bark, 0.8)
    if rng.random() < 0.8:
        for tip in tips:
            puff = tip + circle(11) * rng.uniform(0.06, 0.16, (11, 1))
            canvas.paint(smooth(puff), green, 0.6)
            canvas.fringe(smooth(puff), green, 0.03, 60)
        places = tips[rng.integers(0, 9, 120)] + rng.normal(0, 0.08, (120, 2))
        lines = [[p, p + rng.normal(0, 0.012, 2)] for p in places]
        canvas.paint(strokes(lines, 3), foliage(canvas), 0)
    else:
        twigs = [[tip, tip + rng.normal(0, 0.06, 2)] for tip in tips for _ in range(8)]
        canvas.paint(strokes(twigs, 1), bark, 0)


def cactus(canvas: Canvas) -> None:
    """A plant in a pot: thick limbs with spines."""
    rng = canvas.rng
    green, pot = foliage(canvas), texture(rng)
    canvas.paint(
        capsule((0.5, 0.8), (0.5, rng.uniform(0.2, 0.4)), rng.uniform(0.08, 0.14), rng.uniform(0.06, 0.1)), green, 1
    )
    for side in (-1, 1):
        if rng.random() < 0.6:
            elbow = np.array([0.5 + side * rng.uniform(0.15, 0.25), rng.uniform(0.45, 0.6)])
            canvas.paint(capsule((0.5, elbow[1] + 0.04), elbow, 0.045, 0.045), green, 1)
            canvas.paint(capsule(elbow, elbow - (0, rng.uniform(0.1, 0.25)), 0.045, 0.035), green, 1)
    whole = (canvas.alpha * 255).astype(np.uint8)
    canvas.fringe(whole, plain(rng, np.full(3, 0.85, np.float32)), 0.03, int(rng.integers(0, 150)))
    width = rng.uniform(0.12, 0.22)
    canvas.paint(
        filled([(0.5 - width, 0.7), (0.5 + width, 0.7), (0.5 + 0.75 * width, 0.95), (0.5 - 0.75 * width, 0.95)]),
        pot,
        0.7,
    )
