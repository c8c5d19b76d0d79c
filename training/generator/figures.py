"""Subjects that live: people, from the bust to the whole figure, animals and birds, each assembled from parts."""

import numpy as np
from numpy.random import Generator

from generator.canvas import Canvas, Point, box, capsule, circle, curve, ellipse, filled, rotated, smooth, strokes
from generator.textures import Array, Texture, cloudy, near, patterned, plain, skin, texture

DARK = np.array([0.08, 0.06, 0.06], np.float32)


def hair_texture(rng: Generator) -> Texture:
    tones = (
        [0.05, 0.04, 0.04],
        [0.25, 0.15, 0.08],
        [0.45, 0.30, 0.15],
        [0.80, 0.65, 0.40],
        [0.7, 0.7, 0.7],
        [0.5, 0.15, 0.05],
    )
    base = near(rng, np.array(tones[rng.integers(len(tones))], np.float32), 0.05)
    return plain(rng, base, rng.uniform(0.1, 0.35))


def cloth(rng: Generator) -> Texture:
    return patterned(rng) if rng.random() < 0.3 else texture(rng)


def head(canvas: Canvas, centre: Point, size: float, face: Texture, hair: Texture) -> None:
    """A head whose face is size high: hair behind, ears, face with its features, hair or a hat on top."""
    rng, (x, y) = canvas.rng, centre
    width, turn = size * rng.uniform(0.36, 0.42), rng.normal(0, 0.25)
    length = rng.choice([0.0, rng.uniform(0.1, 0.4), rng.uniform(0.4, 1.3)])
    if length > 0:
        spread = width * rng.uniform(1.1, 1.6)
        crown, ends = y - size * rng.uniform(0.55, 0.65), y + size * length
        back = smooth(
            [
                (x - spread, y),
                (x - spread * 0.7, crown + 0.1 * size),
                (x, crown),
                (x + spread * 0.7, crown + 0.1 * size),
            ]
            + [
                (x + spread, y),
                (x + spread * rng.uniform(0.8, 1.3), ends),
                (x, ends),
                (x - spread * rng.uniform(0.8, 1.3), ends),
            ]
        )
        canvas.paint(back, hair, 0.5)
        canvas.fringe(back, hair, size * rng.uniform(0.05, 0.35), int(rng.integers(40, 250)), droop=rng.uniform(0, 1))
    for side in (-1, 1):
        canvas.paint(ellipse((x + side * width, y), width * 0.16, size * 0.12), face, 0.7)
    skull = smooth(
        [
            (x - width, y - 0.1 * size),
            (x - 0.7 * width, y - 0.42 * size),
            (x, y - 0.5 * size),
            (x + 0.7 * width, y - 0.42 * size),
        ]
        + [
            (x + width, y - 0.1 * size),
            (x + 0.8 * width, y + 0.28 * size),
            (x, y + 0.5 * size),
            (x - 0.8 * width, y + 0.28 * size),
        ]
    )
    canvas.paint(skull, face, 0.7)
    shift = turn * width * 0.5
    iris = plain(rng, near(rng, DARK, 0.1))
    lips = plain(rng, np.array([0.6, 0.25, 0.25], np.float32) * rng.uniform(0.5, 1.2))
    for side in (-1, 1):
        eye = (x + shift + side * width * 0.42, y - 0.03 * size)
        canvas.paint(ellipse(eye, width * 0.17, size * 0.035), plain(rng, np.full(3, 0.9, np.float32)), 0, 0.8)
        canvas.paint(ellipse(eye, width * 0.08, size * 0.035), iris, 0)
        brow = [(eye[0] - width * 0.2, eye[1] - 0.08 * size), (eye[0] + width * 0.2, eye[1] - 0.08 * size)]
        canvas.paint(strokes([brow], 3), hair, 0, 0.7)
    canvas.paint(ellipse((x + 1.3 * shift, y + 0.1 * size), width * 0.12, size * 0.1), face, 1)
    mouth = (x + shift, y + 0.27 * size)
    canvas.paint(ellipse(mouth, width * rng.uniform(0.2, 0.45), size * rng.uniform(0.015, 0.06)), lips, 0.3)
    if rng.random() < 0.12:  # glasses
        rims = [
            np.asarray((x + shift + side * width * 0.42, y - 0.03 * size)) + circle() * width * 0.3 for side in (-1, 1)
        ]
        canvas.paint(strokes([np.concatenate((rim, rim[:1])) for rim in rims], 2), iris, 0)
    if rng.random() < 0.15:  # a hat, a cap or a helmet
        top = rng.uniform(0.55, 0.85)
        brim = ellipse((x, y - 0.3 * size), width * rng.uniform(1.05, 2.0), size * rng.uniform(0.05, 0.1))
        hat = smooth(
            [
                (x - 1.05 * width, y - 0.28 * size),
                (x - width, y - top * size),
                (x + width, y - top * size),
                (x + 1.05 * width, y - 0.28 * size),
            ]
        )
        felt = cloth(rng)
        canvas.paint(hat, felt, 0.8)
        canvas.paint(brim, felt, 0.5)
    elif rng.random() < 0.9:
        line = y - size * rng.uniform(0.2, 0.38)
        parting = x + width * rng.uniform(-0.7, 0.7)
        lower = y - size * rng.uniform(-0.1, 0.15)
        crown = [(x - 1.08 * width, lower), (x - 0.9 * width, y - 0.45 * size), (x, y - size * rng.uniform(0.54, 0.62))]
        crown += [
            (x + 0.9 * width, y - 0.45 * size),
            (x + 1.08 * width, lower),
            (x + 0.8 * width, line),
            (parting, line - 0.05 * size),
            (x - 0.8 * width, line),
        ]
        cap = smooth(crown)
        canvas.paint(cap, hair, 0.4)
        canvas.fringe(cap, hair, size * rng.uniform(0.03, 0.2), int(rng.integers(20, 150)))
    if rng.random() < 0.1:  # a beard
        beard = smooth(
            [
                (x - 0.85 * width, y + 0.1 * size),
                (x, y + 0.2 * size),
                (x + 0.85 * width, y + 0.1 * size),
                (x + 0.6 * width, y + 0.45 * size),
                (x, y + 0.58 * size),
                (x - 0.6 * width, y + 0.45 * size),
            ]
        )
        canvas.paint(beard, hair, 0.3)


def bust(canvas: Canvas) -> None:
    """A portrait that the lower edge of the picture cuts."""
    rng = canvas.rng
    x, size = 0.5, rng.uniform(0.28, 0.44)
    y = 0.08 + size * 0.6 + rng.uniform(0, 0.06)
    face, hair, coat = plain(rng, skin(rng), 0.04), hair_texture(rng), cloth(rng)
    chin, spread = y + 0.5 * size, min(0.49, size * rng.uniform(0.75, 1.15))
    shoulder = chin + size * rng.uniform(0.15, 0.35)
    neck = size * rng.uniform(0.16, 0.22)
    canvas.paint(capsule((x, y + 0.2 * size), (x, shoulder + 0.05), neck, neck * 1.15), face, 0.6)
    slope = rng.uniform(0.02, 0.12) * size
    flare = min(0.49, spread * rng.uniform(0.95, 1.2))
    torso = filled(
        np.concatenate(
            (
                curve(
                    [
                        (x - neck, chin + 0.12 * size),
                        (x - 0.6 * spread, shoulder - slope),
                        (x - 0.95 * spread, shoulder + 0.12 * size),
                        (x - flare, 1.0),
                        (x - flare, 1.1),
                    ],
                    closed=False,
                ),
                curve(
                    [
                        (x + flare, 1.1),
                        (x + flare, 1.0),
                        (x + 0.95 * spread, shoulder + 0.12 * size),
                        (x + 0.6 * spread, shoulder - slope),
                        (x + neck, chin + 0.12 * size),
                    ],
                    closed=False,
                ),
            )
        )
    )
    canvas.paint(torso, coat, 0.5)
    if rng.random() < 0.6:  # a collar: shirt and lapels
        opening = rng.uniform(0.3, 0.9) * size
        shirt = plain(rng) if rng.random() < 0.6 else cloth(rng)
        canvas.paint(
            filled([(x - neck, chin + 0.1 * size), (x + neck, chin + 0.1 * size), (x, chin + opening)]), shirt, 0.2
        )
        if rng.random() < 0.5:
            tie = plain(rng)
            canvas.paint(
                filled([(x - 0.02, chin + 0.2 * size), (x + 0.02, chin + 0.2 * size), (x + 0.04, 1), (x - 0.04, 1)]),
                tie,
                0.4,
            )
    for side in (-1, 1):  # the arms' outlines, badges
        if rng.random() < 0.5:
            fold = [(x + side * 0.6 * spread, 1.0), (x + side * 0.55 * spread, shoulder + 0.35 * size)]
            canvas.paint(strokes([fold], 3), plain(rng, DARK), 0, 0.5)
        if rng.random() < 0.2:
            canvas.paint(ellipse((x + side * 0.4 * spread, shoulder + 0.3 * size), 0.04, 0.04), texture(rng), 0.3)
    head(canvas, (x, y), size, face, hair)


def person(canvas: Canvas) -> None:
    """The whole figure, standing, walking, sitting or jumping."""
    rng = canvas.rng
    face, hair, coat, trousers, shoes = (
        plain(rng, skin(rng), 0.04),
        hair_texture(rng),
        cloth(rng),
        cloth(rng),
        plain(rng),
    )
    x, size = 0.5, rng.uniform(0.12, 0.17)
    neck, hip, lean = np.array([x, 0.2]), np.array([x + rng.normal(0, 0.04), 0.5]), rng.normal(0, 0.03)
    girth = rng.uniform(0.07, 0.11)
    swing = rng.uniform(0, 0.6)

    def limb(
        root: Array, angles: tuple[float, float], lengths: tuple[float, float], widths: tuple[float, float, float]
    ) -> tuple[Array, Array]:
        joint = root + lengths[0] * np.array([np.sin(angles[0]), np.cos(angles[0])])
        return joint, joint + lengths[1] * np.array([np.sin(angles[1]), np.cos(angles[1])])

    def arm(side: int) -> None:
        shoulder = neck + (side * girth * 1.1, 0.045)
        first = side * abs(rng.normal(0.2, 0.5))
        joint, hand = limb(shoulder, (first, first + rng.normal(0, 0.7)), (0.15, 0.14), (0.03, 0.03, 0.02))
        canvas.paint(capsule(joint, hand, 0.026, 0.018), coat if rng.random() < 0.6 else face, 0.8)
        canvas.paint(capsule(shoulder, joint, 0.036, 0.028), coat, 0.8)
        canvas.paint(ellipse(hand, 0.022, 0.022), face, 0.7)

    def leg(side: int) -> None:
        root = hip + (side * girth * 0.45, 0)
        first = side * rng.normal(0.08, 0.1) + rng.choice([-1, 1]) * swing * rng.random()
        joint, foot = limb(root, (first, first + rng.normal(0, 0.2)), (0.22, 0.22), (0.05, 0.04, 0.03))
        canvas.paint(capsule(joint, foot, 0.038, 0.027), trousers, 0.8)
        canvas.paint(capsule(root, joint, 0.055, 0.04), trousers, 0.8)
        canvas.paint(capsule(foot, foot + (rng.choice([-1, 1]) * 0.045, 0.015), 0.026, 0.018), shoes, 0.8)

    arm(-1)
    leg(-1)
    leg(1)
    canvas.paint(capsule(neck + (lean, -0.01), neck + (0, 0.05), 0.028, 0.03), face, 0.7)
    if rng.random() < 0.3:  # a coat or a skirt over the legs
        hem = rng.uniform(0.6, 0.85)
        wide = girth * rng.uniform(1.1, 2.2)
        canvas.paint(filled([(x - girth, 0.45), (x + girth, 0.45), (x + wide, hem), (x - wide, hem)]), trousers, 0.6)
    torso = smooth(
        [
            neck + (-girth * 1.2, 0.03),
            neck + (girth * 1.2, 0.03),
            hip + (girth, -0.08),
            hip + (girth, 0.04),
            hip + (-girth, 0.04),
            hip + (-girth, -0.08),
        ]
    )
    canvas.paint(torso, coat, 0.7)
    arm(1)
    head(canvas, neck + (lean, -size * 0.5), size, face, hair)
    if rng.random() < 0.25:  # a bag, a tool, a tripod beside
        hand = hip + (rng.choice([-1, 1]) * rng.uniform(0.1, 0.2), rng.uniform(-0.1, 0.3))
        if rng.random() < 0.5:
            canvas.paint(
                box(hand, rng.uniform(0.06, 0.14), rng.uniform(0.06, 0.14), rng.normal(0, 0.2), 3), texture(rng), 0.6
            )
        else:
            feet = [(hand, (hand[0] + d, 0.97)) for d in (-0.1, 0.02, 0.12)]
            canvas.paint(strokes(feet, 4), plain(rng, DARK), 0)
            canvas.paint(box(hand, 0.09, 0.06, 0, 2), plain(rng, near(rng, DARK)), 0.6)


def coat_of_fur(rng: Generator) -> Texture:
    tones = (
        [0.55, 0.38, 0.2],
        [0.35, 0.25, 0.18],
        [0.8, 0.7, 0.55],
        [0.15, 0.13, 0.12],
        [0.85, 0.83, 0.8],
        [0.5, 0.5, 0.5],
        [0.75, 0.45, 0.2],
    )
    base = near(rng, np.array(tones[rng.integers(len(tones))], np.float32), 0.05)
    kind = rng.random()
    return (
        plain(rng, base, rng.uniform(0.1, 0.3))
        if kind < 0.5
        else cloudy(rng, base)
        if kind < 0.8
        else patterned(rng, base)
    )


def muzzle(canvas: Canvas, centre: Point, size: float, fur: Texture, length: float) -> None:
    """An animal's head seen from before: ears, face, eyes, snout, whiskers."""
    rng, (x, y) = canvas.rng, centre
    wide = size * rng.uniform(0.42, 0.55)
    ear, pointed, spread = size * rng.uniform(0.2, 0.5), rng.random() < 0.6, rng.uniform(0.5, 0.85)
    inner = plain(rng, near(rng, np.array([0.75, 0.5, 0.45], np.float32), 0.08))
    for side in (-1, 1):
        root = np.array([x + side * wide * spread, y - size * 0.3])
        tip = root + (side * ear * rng.uniform(0, 0.5), -ear)
        base = ear * rng.uniform(0.3, 0.5)
        for scale, surface in ((1.0, fur), (0.6, inner)):
            if pointed:
                mask = filled(
                    [root + (-base * scale, 0.02), root * (1 - scale) + tip * scale, root + (base * scale, 0.02)]
                )
            else:
                mask = ellipse(root + (0, -0.2 * ear), base * 1.2 * scale, ear * 0.6 * scale)
            canvas.paint(mask, surface, 0.4)
    skull = smooth(
        [
            (x - wide, y),
            (x - 0.7 * wide, y - 0.38 * size),
            (x + 0.7 * wide, y - 0.38 * size),
            (x + wide, y),
            (x + 0.55 * wide, y + 0.38 * size),
            (x - 0.55 * wide, y + 0.38 * size),
        ]
    )
    canvas.paint(skull, fur, 0.6)
    canvas.fringe(skull, fur, length, 150)
    light = plain(rng, near(rng, np.array([0.85, 0.8, 0.72], np.float32), 0.08))
    if rng.random() < 0.6:
        canvas.paint(ellipse((x, y + 0.22 * size), wide * 0.5, size * 0.17), light, 0.5, 0.8)
    iris = plain(rng, near(rng, np.array([0.6, 0.6, 0.2], np.float32), 0.2))
    for side in (-1, 1):
        eye = (x + side * wide * 0.45, y - 0.05 * size)
        canvas.paint(ellipse(eye, wide * 0.17, size * 0.07, side * 0.3), iris, 0.5)
        canvas.paint(ellipse(eye, wide * rng.uniform(0.04, 0.1), size * 0.06), plain(rng, DARK), 0)
    canvas.paint(ellipse((x, y + 0.14 * size), wide * 0.14, size * 0.05), plain(rng, near(rng, DARK, 0.15)), 0.6)
    canvas.paint(
        strokes([[(x - 0.2 * wide, y + 0.28 * size), (x, y + 0.24 * size), (x + 0.2 * wide, y + 0.28 * size)]], 2),
        plain(rng, DARK),
        0,
    )
    if rng.random() < 0.5:
        whiskers = [
            [
                (x + side * 0.2 * wide, y + 0.2 * size),
                (x + side * rng.uniform(1, 1.7) * wide, y + rng.uniform(0.05, 0.4) * size),
            ]
            for side in (-1, 1)
            for _ in range(4)
        ]
        canvas.paint(strokes(whiskers, 1), plain(rng, np.full(3, 0.9, np.float32)), 0, 0.8)


def pet(canvas: Canvas) -> None:
    """An animal near the camera, cut by the lower edge."""
    rng = canvas.rng
    fur, length = coat_of_fur(rng), rng.uniform(0.01, 0.06)
    size = rng.uniform(0.45, 0.7)
    x, y = 0.5 + rng.normal(0, 0.04), 0.12 + size * 0.55
    wide = rng.uniform(0.3, 0.43)
    body = smooth(
        [(x - 0.2, y), (x + 0.2, y), (x + wide, y + 0.3), (x + wide, 1.15), (x - wide, 1.15), (x - wide, y + 0.3)]
    )
    canvas.paint(body, fur, 0.6)
    canvas.fringe(body, fur, length, 200)
    if rng.random() < 0.3:
        canvas.paint(ellipse((x, y + 0.36), 0.16, 0.2), coat_of_fur(rng), 0.4)
    muzzle(canvas, (x, y), size, fur, length)


def animal(canvas: Canvas) -> None:
    """Four legs, seen from the side."""
    rng = canvas.rng
    fur, length = coat_of_fur(rng), rng.choice([0.0, rng.uniform(0.005, 0.04)])
    back, depth, reach = rng.uniform(0.4, 0.5), rng.uniform(0.1, 0.17), rng.uniform(0.2, 0.28)
    ground, thick = rng.uniform(0.8, 0.92), rng.uniform(0.025, 0.05)
    far = coat_of_fur(rng) if rng.random() < 0.2 else fur
    for x, surface in ((-0.85, far), (0.75, far), (-1, fur), (0.9, fur)):
        root = np.array([0.5 + x * reach, back + 0.4 * depth])
        knee = np.array([root[0] + rng.normal(0, 0.03), (root[1] + ground) / 2])
        foot = np.array([knee[0] + rng.normal(0, 0.04), ground])
        canvas.paint(capsule(knee, foot, thick * 0.8, thick * 0.6), surface, 0.8)
        canvas.paint(capsule(root, knee, thick * 1.6, thick * 0.9), surface, 0.8)
        canvas.paint(capsule(foot, foot + (0.02, 0), thick * 0.7, thick * 0.6), surface, 0.8)
    tail = curve(
        [
            (0.5 - 1.05 * reach, back),
            (0.5 - 1.4 * reach, back - rng.uniform(-0.2, 0.1)),
            (0.5 - 1.7 * reach, back + rng.uniform(-0.25, 0.25)),
        ],
        closed=False,
    )
    strand = strokes([tail], int(rng.integers(4, 14)))
    canvas.paint(strand, fur, 0.7)
    canvas.fringe(strand, fur, max(length, 0.01), 60)
    body = smooth(
        [
            (0.5 - 1.2 * reach, back),
            (0.5 - 0.8 * reach, back - 0.9 * depth),
            (0.5, back - depth * rng.uniform(0.5, 0.9)),
            (0.5 + reach, back - depth),
            (0.5 + 1.25 * reach, back),
            (0.5 + 0.8 * reach, back + depth),
            (0.5, back + depth * rng.uniform(0.6, 1)),
            (0.5 - 0.9 * reach, back + 0.9 * depth),
        ]
    )
    canvas.paint(body, fur, 0.8)
    if length > 0:
        canvas.fringe(body, fur, length, 200, droop=0.5)
    top = np.array([0.5 + reach * rng.uniform(1.1, 1.6), back - rng.uniform(0.02, 0.28)])
    canvas.paint(capsule((0.5 + 0.95 * reach, back - 0.2 * depth), top, depth * 0.65, depth * 0.45), fur, 0.8)
    size = rng.uniform(0.16, 0.26)
    if rng.random() < 0.4:
        muzzle(canvas, top, size, fur, length)
    else:
        nose = top + (size * rng.uniform(0.5, 0.9), size * rng.uniform(0.1, 0.5))
        for _ in range(2):
            ear = top + rng.normal(0, 0.02, 2)
            canvas.paint(smooth([ear, ear + (-0.03, -0.1 * rng.uniform(0.4, 1.3)), ear + (0.04, -0.02)]), fur, 0.5)
        canvas.paint(capsule(top, nose, size * 0.36, size * 0.16), fur, 0.8)
        canvas.paint(ellipse(top + (0.25 * size, -0.05 * size), 0.012, 0.012), plain(rng, DARK), 0)
        canvas.paint(ellipse(nose, 0.015, 0.015), plain(rng, DARK), 0.5)
        if rng.random() < 0.2:  # horns
            horns = [curve([top, top + (-0.05 + d, -0.12), top + (0.02 + d, -0.22)], closed=False) for d in (0, 0.05)]
            canvas.paint(strokes(horns, 5), plain(rng), 0.6)


def bird(canvas: Canvas) -> None:
    """A bird that sits or flies, or a fish: a spindle with fins is one."""
    rng = canvas.rng
    down, wing = texture(rng), texture(rng)
    tilt, long, thick = rng.normal(0, 0.5), rng.uniform(0.22, 0.32), rng.uniform(0.09, 0.15)
    centre = np.array([0.5, 0.5])

    def placed(points: Array | list[tuple[float, float]]) -> Array:
        return centre + rotated(np.asarray(points, np.float64), tilt)

    legs = rng.random() < 0.5
    if legs:
        lines = [np.array([placed([(x, thick)])[0], placed([(x, thick)])[0] + (0.02, 0.15)]) for x in (-0.04, 0.03)]
        canvas.paint(strokes(lines, 4), plain(rng), 0)
    tail = rng.uniform(0.1, 0.3)
    canvas.paint(
        filled(
            placed(
                [(-0.8 * long, 0), (-long - tail, -0.3 * tail), (-long - 0.9 * tail, 0), (-long - tail, 0.35 * tail)]
            )
        ),
        wing,
        0.4,
    )
    canvas.paint(
        smooth(
            placed(
                [
                    (-long, 0),
                    (-0.4 * long, -thick),
                    (0.5 * long, -thick),
                    (long, -0.4 * thick),
                    (0.6 * long, 0.7 * thick),
                    (-0.3 * long, thick),
                ]
            )
        ),
        down,
        0.9,
    )
    size = thick * rng.uniform(0.6, 0.9)
    face = np.array([0.95 * long, -0.6 * thick])
    canvas.paint(
        filled(
            placed(
                [
                    face + (0.6 * size, -0.3 * size),
                    face + (size * rng.uniform(1.3, 2.8), 0.1 * size),
                    face + (0.6 * size, 0.4 * size),
                ]
            )
        ),
        plain(rng),
        0.6,
    )
    canvas.paint(ellipse(placed([face])[0], size, size * 0.95), down, 0.9)
    canvas.paint(ellipse(placed([face + (0.3 * size, -0.2 * size)])[0], 0.014, 0.014), plain(rng, DARK), 0.5)
    span, sweep = rng.uniform(0.15, 0.45), rng.uniform(-0.3, 0.3)
    flap = rng.choice([-1, 1, 1]) if not legs else 0.3
    canvas.paint(
        smooth(
            placed(
                [
                    (0.4 * long, -0.2 * thick),
                    (sweep, -flap * span),
                    (-0.5 * long + sweep, -0.8 * flap * span),
                    (-0.5 * long, 0),
                ]
            )
        ),
        wing,
        0.5,
    )
