"""Subjects that people made: vessels, food on plates, machines, towers, furniture, tools and packages."""

import numpy as np

from generator.canvas import Canvas, box, capsule, circle, curve, ellipse, filled, rotated, smooth, strokes
from generator.textures import Texture, colour, near, patterned, plain, texture

BLACK = np.array([0.07, 0.07, 0.08], np.float32)


def vessel(canvas: Canvas) -> None:
    """A cup, bottle, vase, jar or lamp: a profile turned on a lathe."""
    rng = canvas.rng
    clay, tall, wide = texture(rng), rng.uniform(0.4, 0.85), rng.uniform(0.1, 0.3)
    top, bottom = 0.5 - tall / 2, 0.5 + tall / 2
    heights = np.linspace(top, bottom, int(rng.integers(3, 7)))
    radii = wide * rng.uniform(0.45, 1.1, len(heights))
    right = curve(np.stack((0.5 + radii, heights), 1), closed=False)
    radius = radii[0]
    flat = radius * rng.uniform(0.1, 0.35)
    if rng.random() < 0.5:
        side, reach = rng.choice([-1, 1]), wide * rng.uniform(0.5, 0.9)
        ring = np.array([0.5 + side * (radii.mean() + 0.4 * reach), rng.uniform(0.42, 0.55)]) + circle() * (
            reach,
            tall * 0.22,
        )
        canvas.paint(strokes([np.concatenate((ring, ring[:1]))], int(rng.integers(7, 22))), clay, 0.9)
    foot = 0.5 + (circle(64) * (radii[-1], radii[-1] * 0.25))[:33]
    base = np.stack((foot[:, 0], foot[:, 1] + bottom - 0.5), 1)
    left = right[::-1] * (-1, 1) + (1, 0)
    canvas.paint(filled(np.concatenate((right, base, left))), clay, 0.9)
    if rng.random() < 0.4:  # a label or a band
        level = rng.uniform(0.4, 0.6)
        canvas.paint(box((0.5, level), 1.5 * radii.min(), tall * rng.uniform(0.1, 0.35), 0, 2), texture(rng), 0.4)
    canvas.paint(ellipse((0.5, top), radius, flat), clay, 0.2)
    canvas.paint(ellipse((0.5, top), radius * 0.88, flat * 0.85), plain(rng, near(rng, colour(rng) * 0.5)), 0.1)
    if rng.random() < 0.25:  # flowers, a straw, a spoon in it
        lines = [
            [(0.5 + rng.normal(0, radius / 3), top), (0.5 + rng.normal(0, 0.15), top - rng.uniform(0.1, 0.25))]
            for _ in range(4)
        ]
        canvas.paint(strokes(lines, int(rng.integers(3, 8))), plain(rng), 0.6)


def plate(canvas: Canvas) -> None:
    """A dish seen at an angle, with rings, food, a cup or a spoon on it."""
    rng = canvas.rng
    china = (
        plain(rng, near(rng, np.full(3, rng.choice([0.92, 0.6, 0.2]), np.float32)))
        if rng.random() < 0.7
        else texture(rng)
    )
    radius, flat = rng.uniform(0.32, 0.45), rng.uniform(0.35, 1)
    centre = np.array([0.5, 0.6 if flat < 0.6 else 0.5])
    canvas.paint(ellipse(centre, radius, radius * flat), china, 0.25)
    canvas.paint(ellipse(centre, radius * 0.72, radius * 0.72 * flat), china, 0.15)
    kind = rng.random()
    if kind < 0.45:
        for _ in range(int(rng.integers(4, 30))):
            place = centre + rng.normal(0, 0.24, 2) * (radius, radius * flat)
            size = rng.uniform(0.03, 0.12)
            outline = place + rotated(circle(8) * size * rng.uniform(0.5, 1, (8, 1)), rng.uniform(0, 6))
            canvas.paint(smooth(outline), texture(rng), 0.9)
    elif kind < 0.85:
        mug, cup, lift = (
            plain(rng) if rng.random() < 0.5 else china,
            radius * rng.uniform(0.4, 0.6),
            radius * rng.uniform(0.2, 0.5),
        )
        rim = cup * flat * 0.8
        side = rng.choice([-1, 1])
        ring = centre + (side * cup, -lift * 0.6) + circle() * (cup * 0.4, lift * 0.6)
        canvas.paint(strokes([np.concatenate((ring, ring[:1]))], 12), mug, 0.9)
        canvas.paint(capsule(centre - (0, lift * 0.2), centre - (0, lift), cup * 0.7, cup), mug, 0.8)
        canvas.paint(ellipse(centre - (0, lift), cup, rim), mug, 0.1)
        canvas.paint(ellipse(centre - (0, lift), cup * 0.88, rim * 0.88), texture(rng), 0.1)
    if rng.random() < 0.4:
        angle = rng.uniform(0, 6)
        ends = centre + rotated(np.array([(-0.2, 0.0), (0.38, 0.0)]), angle) * (1, flat)
        metal = plain(rng, np.full(3, 0.6, np.float32))
        canvas.paint(capsule(ends[0], ends[1], 0.012, 0.014), metal, 1)
        canvas.paint(ellipse(ends[0], 0.05, 0.03, angle), metal, 1)


def _wheel(canvas: Canvas, centre: np.ndarray, radius: float, spokes: bool) -> None:
    rng = canvas.rng
    tyre, metal = plain(rng, near(rng, BLACK, 0.04)), plain(rng, np.full(3, rng.uniform(0.3, 0.9), np.float32))
    if spokes:
        ring = centre + circle() * radius
        turns = rng.uniform(0, 6) + np.linspace(0, 2 * np.pi, int(rng.integers(6, 24)), endpoint=False)
        rays = [[centre, centre + radius * np.array([np.cos(turn), np.sin(turn)])] for turn in turns]
        canvas.paint(strokes(rays, int(rng.integers(1, 4))), metal, 0.3)
        canvas.paint(strokes([np.concatenate((ring, ring[:1]))], int(rng.integers(4, 16))), tyre, 0.9)
    else:
        canvas.paint(ellipse(centre, radius, radius), tyre, 0.3)
        canvas.paint(ellipse(centre, radius * 0.6, radius * 0.6), metal, 0.4)
    canvas.paint(ellipse(centre, radius * 0.2, radius * 0.2), plain(rng), 0.8)


def vehicle(canvas: Canvas) -> None:
    """A car, bus or van from the side."""
    rng = canvas.rng
    paint, glass = (
        plain(rng, None, 0.03) if rng.random() < 0.7 else texture(rng),
        plain(rng, near(rng, np.array([0.25, 0.32, 0.4], np.float32))),
    )
    length, height, radius = rng.uniform(0.38, 0.47), rng.uniform(0.1, 0.18), rng.uniform(0.06, 0.09)
    floor = 0.68
    roof = floor - height - rng.uniform(0.1, 0.22)
    front, rear = rng.uniform(0.1, 0.35) * length, rng.uniform(0, 0.25) * length
    belt = floor - height
    cabin = [
        (0.5 - length + rear, belt),
        (0.5 - length + rear + 0.05, roof),
        (0.5 + length - front - 0.12, roof),
        (0.5 + length - front, belt),
    ]
    canvas.paint(filled(cabin), paint, 0.4)
    canvas.paint(box((0.5, floor - height / 2), 2 * length, height, 0, 12), paint, 0.6)
    inner = np.mean(cabin, 0) + (np.array(cabin) - np.mean(cabin, 0)) * (0.88, 0.72)
    panes = int(rng.integers(1, 6))
    for pane in range(panes):
        left, right = pane / panes + 0.02, (pane + 1) / panes - 0.02
        upper, lower = (
            inner[1] + np.outer((left, right), inner[2] - inner[1]),
            inner[0] + np.outer((left, right), inner[3] - inner[0]),
        )
        canvas.paint(filled([lower[0], upper[0], upper[1], lower[1]]), glass, 0.15)
    if rng.random() < 0.5:
        canvas.paint(box((0.5, floor - height * 0.45), 1.9 * length, 0.015), plain(rng), 0)
    for x in (-0.62, 0.6):
        _wheel(canvas, np.array([0.5 + x * length, floor]), radius, spokes=False)
    canvas.paint(
        ellipse((0.5 + 0.97 * length, floor - height * 0.6), 0.015, 0.025),
        plain(rng, np.array([0.95, 0.9, 0.6], np.float32)),
        0.5,
    )


def cycle(canvas: Canvas) -> None:
    """A bicycle or motorcycle: wheels one sees through, a frame, sometimes a tank and an engine."""
    rng = canvas.rng
    radius, ground = rng.uniform(0.14, 0.2), 0.75
    rear, front = np.array([0.25, ground - radius]), np.array([0.75, ground - radius])
    for hub in (rear, front):
        _wheel(canvas, hub, radius, spokes=True)
    tube, thick, seat = plain(rng), rng.uniform(0.008, 0.03), np.array([0.4, ground - radius - rng.uniform(0.12, 0.25)])
    crank, bars = np.array([0.47, ground - radius + 0.01]), np.array([0.68, seat[1] - rng.uniform(-0.02, 0.06)])
    for a, b in ((rear, seat), (rear, crank), (crank, seat), (seat, bars), (crank, bars), (bars, front)):
        canvas.paint(capsule(a, b, thick, thick), tube, 0.9)
    if rng.random() < 0.6:
        canvas.paint(
            smooth(np.array([0.5, crank[1] - 0.03]) + circle(7) * rng.uniform(0.05, 0.12, (7, 1))), texture(rng), 0.8
        )
        canvas.paint(
            smooth([seat + (0.05, -0.03), bars + (-0.02, 0.0), bars + (-0.06, 0.1), seat + (0.08, 0.08)]),
            plain(rng),
            0.9,
        )
        canvas.paint(capsule(crank, rear + (-0.1, 0.05), 0.02, 0.03), plain(rng, np.full(3, 0.7, np.float32)), 1)
    canvas.paint(capsule(seat - (0.07, 0.01), seat + (0.07, -0.01), 0.025, 0.018), plain(rng, near(rng, BLACK)), 0.8)
    canvas.paint(capsule(bars, bars + (-0.05, -0.06), 0.01, 0.01), plain(rng, near(rng, BLACK)), 0.8)


def tower(canvas: Canvas) -> None:
    """A rocket, lighthouse, pagoda or house: storeys on each other under a roof."""
    rng = canvas.rng
    wall, roof = texture(rng), texture(rng)
    storeys, width = int(rng.integers(1, 6)), rng.uniform(0.06, 0.3)
    height = rng.uniform(0.5, 0.85)
    top, taper, eaves = 0.95 - height, rng.uniform(0.5, 1), rng.choice([0.0, rng.uniform(0.02, 0.1)])
    levels = np.linspace(0.95, top, storeys + 1)
    widths = width * np.linspace(1, taper, storeys + 1)
    for lower, upper, a, b in zip(levels, levels[1:], widths, widths[1:], strict=False):
        canvas.paint(
            filled([(0.5 - a, lower), (0.5 + a, lower), (0.5 + b, upper), (0.5 - b, upper)]),
            wall,
            rng.choice([0.0, 0.7]),
        )
        rows, columns = int(rng.integers(0, 3)), int(rng.integers(1, 6))
        pane = plain(rng, near(rng, BLACK, 0.15))
        for row in range(rows):
            for column in range(columns):
                x, y = (
                    0.5 + (column - (columns - 1) / 2) * 1.7 * b / columns,
                    upper + (row + 0.6) * (lower - upper) / rows,
                )
                canvas.paint(box((x, y), 0.9 * b / columns, 0.5 * (lower - upper) / rows), pane, 0)
        if eaves:
            canvas.paint(
                filled(
                    [
                        (0.5 - b - eaves, upper + 0.03),
                        (0.5 + b + eaves, upper + 0.03),
                        (0.5 + b, upper - 0.03),
                        (0.5 - b, upper - 0.03),
                    ]
                ),
                roof,
                0.4,
            )
    peak, last = rng.uniform(0.05, 0.2), widths[-1] + eaves
    tip = [
        (0.5 - last, top),
        (0.5 - last * 0.6, top - 0.6 * peak),
        (0.5, top - peak),
        (0.5 + last * 0.6, top - 0.6 * peak),
        (0.5 + last, top),
    ]
    canvas.paint(filled(tip if rng.random() < 0.6 else [tip[0], tip[2], tip[4]]), roof, 0.7)
    if rng.random() < 0.4:
        canvas.paint(strokes([[(0.5, top - peak), (0.5, max(0.01, top - peak - 0.1))]], 2), plain(rng), 0)
    if rng.random() < 0.3:  # fins, boosters, wings of the building
        fin = rng.uniform(0.05, 0.15)
        for side in (-1, 1):
            canvas.paint(
                filled(
                    [
                        (0.5 + side * width, 0.95),
                        (0.5 + side * (width + fin), 0.97),
                        (0.5 + side * (width + fin), 0.9),
                        (0.5 + side * width * 0.95, 0.72),
                    ]
                ),
                roof,
                0.5,
            )


def furniture(canvas: Canvas) -> None:
    """A chair, table, stool or lamp: legs one sees between."""
    rng = canvas.rng
    wood, leg = texture(rng), rng.uniform(0.015, 0.04)
    seat, width, depth = rng.uniform(0.4, 0.6), rng.uniform(0.2, 0.4), rng.uniform(0.03, 0.12)
    corners = [(-width, 0.0), (width, 0.0), (-0.75 * width, -depth), (0.75 * width, -depth)]
    for x, y in reversed(corners):
        canvas.paint(
            capsule((0.5 + x, seat + y), (0.5 + x * rng.uniform(0.9, 1.1), 0.92 + y), leg, leg * 0.7), wood, 0.8
        )
    if rng.random() < 0.6:
        high = seat - rng.uniform(0.25, 0.38)
        for side in (-1, 1):
            canvas.paint(
                capsule((0.5 + side * 0.75 * width, seat - depth), (0.5 + side * 0.72 * width, high), leg, leg),
                wood,
                0.8,
            )
        if rng.random() < 0.5:
            canvas.paint(
                box((0.5, (high + seat) / 2), 1.4 * width, (seat - high) * rng.uniform(0.4, 0.8), 0, 5),
                texture(rng),
                0.5,
            )
        else:
            bars = [[(0.5 + x, seat - depth), (0.5 + x, high)] for x in np.linspace(-0.6 * width, 0.6 * width, 5)]
            canvas.paint(strokes(bars, 5), wood, 0.7)
        canvas.paint(capsule((0.5 - 0.75 * width, high), (0.5 + 0.75 * width, high), leg, leg), wood, 0.8)
    canvas.paint(
        filled(
            [
                (0.5 - 1.08 * width, seat),
                (0.5 + 1.08 * width, seat),
                (0.5 + 0.8 * width, seat - depth),
                (0.5 - 0.8 * width, seat - depth),
            ]
        ),
        texture(rng),
        0.2,
    )
    canvas.paint(box((0.5, seat + 0.012), 2.16 * width, 0.025), wood, 0.4)


def package(canvas: Canvas) -> None:
    """A box with three faces, a book, a telephone, a clock, a sign."""
    rng = canvas.rng
    front, side = texture(rng), texture(rng)
    w, h, d = rng.uniform(0.2, 0.38), rng.uniform(0.18, 0.38), rng.uniform(0.02, 0.15)
    tilt = rng.normal(0, 0.08)
    face = np.array([(-w, -h), (w, -h), (w, h), (-w, h)])
    away = np.array([d * rng.choice([-1, 1]), -d * rng.uniform(0.3, 0.8)])
    face = face * (1, 1 + rng.normal(0, 0.05))
    points, back = 0.5 + rotated(face, tilt), 0.5 + rotated(face + away, tilt)
    canvas.paint(filled([points[0], points[1], back[1], back[0]]), side, 0.2)
    canvas.paint(
        filled([points[1], points[2], back[2], back[1]] if away[0] > 0 else [points[0], points[3], back[3], back[0]]),
        plain(rng),
        0.2,
    )
    canvas.paint(filled(points), front, 0.15)
    details: tuple[Texture, Texture] = (texture(rng), plain(rng))
    kind = rng.random()
    if kind < 0.35:
        canvas.paint(filled(0.5 + rotated(face * rng.uniform(0.6, 0.9), tilt)), details[0], 0.1)
    elif kind < 0.6:
        radius = min(w, h) * rng.uniform(0.5, 0.9)
        canvas.paint(ellipse((0.5, 0.5), radius, radius), details[0], 0.3)
        hands = [[(0.5, 0.5), 0.5 + radius * 0.8 * np.array([np.cos(t), np.sin(t)])] for t in rng.uniform(0, 6, 2)]
        canvas.paint(strokes(hands, 4), details[1], 0)
    else:
        for row in np.linspace(-0.7, 0.7, int(rng.integers(2, 7))):
            ends = 0.5 + rotated(np.array([(-0.8 * w, row * h), (rng.uniform(-0.2, 0.8) * w, row * h)]), tilt)
            canvas.paint(strokes([ends], int(rng.integers(3, 10))), details[1], 0)


def tool(canvas: Canvas) -> None:
    """A hammer, brush, guitar, lamp, key or instrument: a handle with a head."""
    rng = canvas.rng
    grip, metal, thick = texture(rng), texture(rng), rng.uniform(0.012, 0.05)
    canvas.paint(capsule((0.5, 0.35), (0.5, 0.92), thick, thick * rng.uniform(0.8, 1.8)), grip, 0.9)
    kind = rng.random()
    if kind < 0.3:
        canvas.paint(box((0.5, 0.25), rng.uniform(0.15, 0.4), rng.uniform(0.07, 0.2), 0, 6), metal, 0.7)
    elif kind < 0.55:
        radius = rng.uniform(0.1, 0.2)
        ring = np.array([0.5, 0.25]) + circle() * radius * (rng.uniform(0.6, 1), 1)
        canvas.paint(strokes([np.concatenate((ring, ring[:1]))], int(rng.integers(6, 24))), metal, 0.9)
    elif kind < 0.8:
        outline = np.array([0.5, 0.28]) + circle(10) * np.tile(rng.uniform(0.08, 0.22, (5, 1)), (2, 1))
        canvas.paint(smooth(outline), metal, 0.7)
        canvas.paint(ellipse((0.5, 0.28), 0.05, 0.05), texture(rng), 0.2)
    else:
        tines = [
            [(0.5 + x, 0.36), (0.5 + 1.4 * x, rng.uniform(0.06, 0.15))]
            for x in np.linspace(-0.08, 0.08, int(rng.integers(3, 30)))
        ]
        canvas.paint(strokes(tines, int(rng.integers(1, 6))), metal, 0.5)
        canvas.paint(box((0.5, 0.37), 0.2, 0.06, 0, 3), patterned(rng), 0.6)
