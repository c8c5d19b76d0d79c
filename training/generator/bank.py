"""Subjects and backgrounds that are drawn once and used in many scenes: drawing one takes longer than a scene."""

import functools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from generator import backgrounds, subjects
from generator.subjects import Subject
from generator.textures import Array


@dataclass(frozen=True)
class Bank:
    subjects: Sequence[Subject]
    backgrounds: Sequence[Array]


def drawn(seed: int, subject_count: int, background_count: int, processes: int = 1) -> Bank:
    """Draws subjects and backgrounds number 0 and up of a seed."""
    draw_subject = functools.partial(subjects.draw, seed)
    draw_background = functools.partial(backgrounds.draw, seed)
    if processes == 1:
        return Bank([*map(draw_subject, range(subject_count))], [*map(draw_background, range(background_count))])
    with ProcessPoolExecutor(processes) as pool:
        return Bank(
            list(pool.map(draw_subject, range(subject_count), chunksize=16)),
            list(pool.map(draw_background, range(background_count), chunksize=16)),
        )


def save(bank: Bank, file: Path) -> None:
    shapes = np.array([subject.rgba.shape for subject in bank.subjects])
    pixels = np.concatenate([subject.rgba.ravel() for subject in bank.subjects])
    names = np.array([subject.name for subject in bank.subjects])
    np.savez(file, names=names, shapes=shapes, pixels=pixels, backgrounds=np.stack(bank.backgrounds))


def load(file: Path) -> Bank:
    arrays = np.load(file)
    ends = np.cumsum(arrays["shapes"].prod(1))
    parts = np.split(arrays["pixels"], ends[:-1])
    rows = zip(arrays["names"], parts, arrays["shapes"], strict=True)
    return Bank([Subject(str(name), part.reshape(shape)) for name, part, shape in rows], list(arrays["backgrounds"]))
