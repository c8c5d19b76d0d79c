"""Scenes: subjects before a background among lesser things, with their shadows, in one light, and their true alpha."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from generator import stream
from generator.bank import Bank
from generator.degradations import degraded
from generator.subjects import Subject
from generator.textures import Array, mixed, noise

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Manner:
    """How often scenes are what makes them hard."""

    close: float = 0.2  # the subject is larger than the picture; also, by how much
    aside: float = 0.0  # the subject is large, and a side of the picture cuts it
    crowded: float = 0.1  # something large is in the background, which the subject stands before
    before: float = 0.0  # what is behind is a picture of another subject, as large, as rich and as sharp
    several: float = 0.18  # there are two or three subjects
    accompanied: float = 0.0  # the subject holds, wears or stands on another thing, which is cut out with it
    marked: float = 0.0  # the subject has parts of another colour


USUAL = Manner()
OF_ANOTHER = Manner(close=0.5, aside=0.25, accompanied=0.4, marked=0.4)


def draw(bank: Bank, seed: int, index: int, side: int, manner: Manner = USUAL) -> tuple[Array, Array]:
    """The picture [side,side,3] and alpha [side,side], both uint8, of a number."""
    rng = stream(seed, 3, index)
    picture = backdrop(rng, bank, side, manner.crowded)
    if rng.random() < manner.before:
        picture, _ = _with_subject(rng, bank, picture, OF_ANOTHER)
    return composed(rng, bank, picture, manner)


def composed(rng: Generator, bank: Bank, picture: Array, manner: Manner = USUAL) -> tuple[Array, Array]:
    """Subjects from the bank over a picture [H,W,3] float32 in 0..1, degraded, and their alpha; both uint8."""
    alpha = np.zeros(picture.shape[:2], np.float32)
    count = int(rng.choice([2, 2, 2, 3])) if rng.random() < manner.several else 1
    for which in range(count):
        picture, over = _with_subject(rng, bank, picture, manner, count, which)
        alpha = over + alpha * (1 - over)
    return degraded(rng, _lit(rng, picture)), np.round(np.clip(alpha, 0, 1) * 255).astype(np.uint8)


def _with_subject(
    rng: Generator, bank: Bank, picture: Array, manner: Manner, crowd: int = 1, which: int = 0
) -> tuple[Array, Array]:
    """The picture with one of a crowd of subjects and its shadow in it, and the subject's alpha."""
    subject = _picked(rng, bank)
    layer = _placed(rng, subject, picture.shape[:2], manner, crowd, which)
    if rng.random() < manner.marked:
        layer = _marked(rng, bank, layer)
    if rng.random() < manner.accompanied:
        layer = _accompanied(rng, bank, layer)
    layer = _coloured(rng, _surfaced(rng, bank, layer), picture)
    if not subject.kind.cut or rng.random() < 0.3:
        picture = _shadowed(rng, picture, layer[..., 3])
    over = layer[..., 3]
    return layer[..., :3] + picture * (1 - over[..., None]), over


def backdrop(rng: Generator, bank: Bank, side: int, crowded: float) -> Array:
    """One or two backgrounds with things in them that are not the subject: smaller, farther, mostly out of focus."""
    picture = _part(rng, bank, (side, side))
    if rng.random() < 0.3:
        seam = noise(rng, side, side, 0.5) * rng.uniform(0.3, 4) + rng.normal(0, 0.5)
        picture = mixed(0.5 + seam * side / 24, picture, _part(rng, bank, (side, side)))
    blurred = rng.random() < 0.6
    for _ in range(int(rng.choice([0, 1, 2, 3, 6], p=[0.45, 0.15, 0.15, 0.15, 0.1]))):
        reach = rng.uniform(0.06, 0.4 if blurred else 0.16)
        picture = _behind(rng, bank, picture, reach, rng.uniform(0, 1, 2))
    if rng.random() < crowded:
        picture = _behind(rng, bank, picture, rng.uniform(0.5, 1.1), rng.uniform(0.1, 0.9, 2))
    if blurred:
        picture = cv2.GaussianBlur(picture, (0, 0), side / 256 * rng.uniform(0.5, 7) ** 1.2)
    if rng.random() < crowded:
        picture = picture * (1 + np.float32(rng.uniform(0.03, 0.3)) * noise(rng, side, side)[..., None])
    return picture


def _part(rng: Generator, bank: Bank, size: tuple[int, int]) -> Array:
    """A part of a background in other colours, [H,W,3] float32."""
    whole = bank.backgrounds[rng.integers(len(bank.backgrounds))]
    side = int(whole.shape[0] * rng.uniform(0.5, 1))
    y, x = rng.integers(0, whole.shape[0] - side + 1, 2)
    part = whole[y : y + side, x : x + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    smoothing = cv2.INTER_AREA if side > max(size) else cv2.INTER_LINEAR
    picture = cv2.resize(part, size[::-1], interpolation=smoothing).astype(np.float32) / 255
    return np.clip(picture @ _recolouring(rng, 0.3), 0, 1)


def _behind(rng: Generator, bank: Bank, picture: Array, reach: float, centre: Array) -> Array:
    layer = _another(rng, bank, picture.shape[:2], reach, centre)
    return layer[..., :3] + picture * (1 - layer[..., 3:])


def _another(rng: Generator, bank: Bank, size: tuple[int, int], reach: float, centre: Array) -> Array:
    """Any thing of the bank in other colours, laid as _laid does."""
    layer = _laid(rng, _picked(rng, bank), size, reach, centre)
    layer[..., :3] = (layer[..., :3] @ _recolouring(rng, 0.3)).clip(0, layer[..., 3:])
    return layer


def _picked(rng: Generator, bank: Bank) -> Subject:
    return bank.subjects[rng.integers(len(bank.subjects))]


def _placed(rng: Generator, subject: Subject, size: tuple[int, int], manner: Manner, crowd: int, which: int) -> Array:
    """The subject as large and as central as subjects are: [H,W,4] float32, colour multiplied by alpha."""
    close = manner.close
    if crowd > 1:
        reach = rng.uniform(0.3, 0.65)
        centre = np.array([(which + 0.5) / crowd, 0.5]) + rng.normal(0, 0.07, 2)
    elif rng.random() < manner.aside:
        reach = rng.uniform(0.8, 1.5)
        centre = rng.uniform((0.15, 0.4), (0.85, 0.8))
    else:
        reach = rng.uniform(0.95, 1.2 + 2 * close) if rng.random() < close else rng.uniform(0.4, 0.97)
        centre = np.array([0.5, 0.52]) + rng.normal(0, 0.1, 2) * (1.3 - min(reach, 1.2))
    if subject.kind.cut and rng.random() < 0.9:
        h, w = subject.rgba.shape[:2]
        near = crowd == 1 and rng.random() < close + 0.15
        reach = rng.uniform(0.9, 1.4 + 2 * close) if near else max(reach, 0.55)
        centre[1] = 1 - reach * h / max(h, w) * 0.5 * rng.uniform(0.65, 0.95)
    return _laid(rng, subject, size, reach, centre)


def _laid(rng: Generator, subject: Subject, size: tuple[int, int], reach: float, centre: Array) -> Array:
    """Scaled so that its longer side is reach of the picture's shorter, mirrored, leaned, stretched and bent."""
    rgba = subject.rgba
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
    h, w = rgba.shape[:2]
    (height, width), short = size, min(size)
    scale = reach * short / max(h, w)
    if scale < 0.7:
        rgba = cv2.resize(rgba, (max(2, round(w * scale)), max(2, round(h * scale))), interpolation=cv2.INTER_AREA)
        scale *= w / rgba.shape[1]
        h, w = rgba.shape[:2]
    tilt = rng.normal(0, subject.kind.tilt) if subject.kind.tilt < 1 else rng.uniform(-np.pi, np.pi)
    stretch = np.exp(rng.normal(0, 0.16))
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    ahead = turn @ np.diag((scale * stretch, scale / stretch))
    shift = np.array([width * centre[0], height * centre[1]]) - ahead @ (w / 2, h / 2)
    matrix = np.column_stack((ahead, shift)).astype(np.float32)
    layer = cv2.warpAffine(np.ascontiguousarray(rgba), matrix, (width, height), flags=cv2.INTER_LINEAR)
    layer = layer.astype(np.float32) / 255
    if rng.random() < 0.5:
        layer = _bent(rng, layer, reach * short * rng.uniform(0.02, 0.08))
    if rng.random() < 0.4:
        layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.3, 1.2) * short / 384)
    return layer


def _bent(rng: Generator, layer: Array, by: float) -> Array:
    height, width = layer.shape[:2]
    wave = [
        cv2.resize(rng.normal(0, by, (4, 4)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        for _ in "xy"
    ]
    x = np.arange(width, dtype=np.float32)[None] + wave[0]
    y = np.arange(height, dtype=np.float32)[:, None] + wave[1]
    y[-1:] = np.maximum(y[-1:], 0)
    return cv2.remap(layer, x, np.minimum(y, height - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _recolouring(rng: Generator, strength: float) -> Array:
    """Hue, saturation and gain as one matrix, which goes with colours multiplied by alpha too. For row vectors."""
    angle, saturation = rng.normal(0, strength), np.exp(rng.normal(0, strength))
    if rng.random() < 0.08:
        angle = rng.uniform(-np.pi, np.pi)
    c, s = np.cos(angle), np.sin(angle) / np.sqrt(3)
    around_grey = c * np.eye(3) + (1 - c) / 3 + s * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    faded = saturation * np.eye(3) + (1 - saturation) * LUMA[:, None]
    return (faded @ around_grey * np.exp(rng.normal(0, strength))).astype(np.float32)


def _accompanied(rng: Generator, bank: Bank, layer: Array) -> Array:
    """The subject with one or two lesser things before or behind it that belong to it: a saucer, a helmet, a rider."""
    height, width = layer.shape[:2]
    inside = layer[..., 3] > 0.5
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if len(rows) == 0:
        return layer
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) / min(height, width)
    for _ in range(int(rng.choice([1, 1, 2]))):
        y = int(rows[int(len(rows) * rng.beta(2.5, 1.3) * 0.999)])  # mostly low
        across = np.flatnonzero(inside[y])
        x = int(across[rng.integers(len(across))])
        reach = extent * rng.uniform(0.3, 0.9)
        other = _another(rng, bank, (height, width), reach, np.array([x / width, y / height]))
        lower, upper = (layer, other) if rng.random() < 0.6 else (other, layer)
        layer = upper + lower * (1 - upper[..., 3:])
    return layer


def _marked(rng: Generator, bank: Bank, layer: Array) -> Array:
    """The subject with spots, bands or halves of another colour or stuff: a suit, a piebald coat, a bus's windows."""
    colours, over = layer[..., :3], layer[..., 3:]
    height, width = over.shape[:2]
    if rng.random() < 0.5:
        field = noise(rng, height, width, 0.6) * rng.uniform(1, 12) + rng.normal(0, 1)
    else:
        towards, period = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 1.5)
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
        along = (np.cos(towards) * x + np.sin(towards) * y) / period + 0.1 * noise(rng, height, width, 0.7)
        field = np.sin(2 * np.pi * (along + rng.random())) * rng.uniform(2, 30) + rng.normal(0, 1)
    kind = rng.random()
    if kind < 0.5:  # darker or lighter
        tone = np.float32(rng.choice([rng.uniform(0, 0.35), rng.uniform(0.7, 1)]))
        other = (tone + rng.uniform(0.05, 0.3) * (colours - over * 0.5)).clip(0, 1) * over
    elif kind < 0.8:
        other = (colours[..., rng.permutation(3)] @ _recolouring(rng, 0.6)).clip(0, over)
    else:
        other = _part(rng, bank, (height, width)) * over
    return np.dstack((mixed(0.5 + field, colours, other.astype(np.float32)), over))


def _surfaced(rng: Generator, bank: Bank, layer: Array) -> Array:
    """The subject of a rougher stuff than it was drawn of: uneven as photographs are, or of a background's texture."""
    colours, over = layer[..., :3], layer[..., 3:]
    height, width = over.shape[:2]
    kind = rng.random()
    if kind < 0.4:
        colours = colours * (1 + np.float32(rng.uniform(0.03, 0.3)) * noise(rng, height, width)[..., None])
    elif kind < 0.5:
        colours = colours + np.float32(rng.uniform(0.3, 1)) * (_part(rng, bank, (height, width)) * over - colours)
    return np.dstack((colours.clip(0, over), over))


def _coloured(rng: Generator, layer: Array, picture: Array) -> Array:
    """The subject in other colours; sometimes in those of what lies behind it."""
    colours, over = layer[..., :3] @ _recolouring(rng, 0.2), layer[..., 3:]
    if rng.random() < 0.15:
        weight = over.sum() + 1e-3
        own, behind = colours.sum((0, 1)) / weight, (picture * over).sum((0, 1)) / weight
        colours = colours * (1 + rng.uniform(0.3, 1) * (behind / np.maximum(own, 0.05) - 1)).clip(0.2, 3)
    return np.dstack((colours.clip(0, over), over)).astype(np.float32)


def _shadowed(rng: Generator, picture: Array, over: Array) -> Array:
    """The shadow that a subject throws on what is behind it, or on the ground it stands on; it is no part of alpha."""
    height, width = over.shape
    kind = rng.random()
    if kind < 0.35 or not over.any():
        return picture
    if kind < 0.65:
        shift = rng.normal(0, 0.04, 2) * (width, height)
        matrix = np.array([[1, 0, shift[0]], [0, 1, abs(shift[1])]], np.float32)
        spread = rng.uniform(0.01, 0.06)
    else:
        foot = int(np.flatnonzero(over.max(1) > 0.3)[-1]) if (over > 0.3).any() else height - 1
        squash, lean = rng.uniform(0.05, 0.5), rng.normal(0, 0.8)
        matrix = np.array([[1, lean * squash, -lean * squash * foot], [0, squash, foot * (1 - squash)]], np.float32)
        spread = rng.uniform(0.005, 0.04)
    shade = cv2.warpAffine(over, matrix, (width, height))
    shade = cv2.GaussianBlur(shade, (0, 0), spread * height)
    return picture * (1 - np.float32(rng.uniform(0.2, 0.75)) * shade)[..., None]


def _lit(rng: Generator, picture: Array) -> Array:
    """One light over everything: brighter on one side, darker towards the corners, uneven."""
    height, width = picture.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    light = np.ones((height, width), np.float32)
    if rng.random() < 0.4:
        slope = rng.normal(0, 0.15, 2).astype(np.float32)
        light = light + slope[0] * x + slope[1] * y
    if rng.random() < 0.3:
        light = light - np.float32(rng.uniform(0, 0.3)) * (x * x + y * y)
    if rng.random() < 0.25:
        light = light * (1 + np.float32(rng.uniform(0, 0.2)) * noise(rng, height, width, 0.7))
    return picture * light[..., None]
