"""Pictures with a known alpha, drawn by number: the same (seed, index) is the same picture whoever draws it when.

Subjects (figures, plants, things, shapes) and backgrounds are drawn part by part on a canvas, out of textures, kept in
a bank, and put together into scenes, which then suffer what photographs suffer (degradations).
"""

import numpy as np


def stream(*numbers: int) -> np.random.Generator:
    """The stream of random numbers that belongs to these numbers, whatever was drawn before."""
    return np.random.default_rng(np.random.SeedSequence(numbers))
