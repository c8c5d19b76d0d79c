"""Checkpoints drawn from a formula, so that a network can be checked without its real weights.

Every float tensor is uniform noise from numpy's PCG64, seeded by the CRC-32 of its name and scaled so that activations
keep their size through the network: the same bits on every machine. Integer tensors (counters, index tables that follow
from the shapes) are left out: a network makes its own. The goldens beside this file were made with these weights.
"""

import math
import zlib

import numpy as np


def read_keys(path):
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, shape, dtype = line.split("\t")
            yield name, tuple(int(n) for n in shape.strip("[]").split(",") if n.strip()), dtype


def draw(name, shape):
    u = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).random(shape)  # float64, 0..1
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        v = 0.6 + 0.8 * u
    elif last == "running_mean":
        v = 0.2 * (u - 0.5)
    elif len(shape) == 1 and last == "weight":  # gain of a normalisation
        v = 0.8 + 0.4 * u
    elif len(shape) <= 1:  # biases
        v = 0.2 * (u - 0.5)
    elif last in ("relative_position_bias_table", "rel_pos_h", "rel_pos_w"):
        v = 1.0 * (u - 0.5)
    elif last == "position_embeddings":
        v = 0.4 * (u - 0.5)
    else:  # convolutions and linear maps: variance 2 / fan-in, or 1 for attention and mlp
        fan = int(np.prod(shape[1:]))
        # Heads of RMBG: keep the sigmoid off its ends.
        gain = 0.02 if name.startswith("side") else 1.0 if len(shape) == 2 else 2.0
        v = (2 * u - 1) * math.sqrt(3 * gain / fan)
    return v.astype(np.float32)


def drawn_weights(keys):
    return {name: draw(name, shape) for name, shape, dtype in read_keys(keys) if dtype.startswith("float")}


def picture(h, w):
    """Make a picture [H,W,3] uint8 from arithmetic alone."""
    y, x = np.mgrid[0:h, 0:w].astype(np.int64)
    disc = ((x - w // 2) ** 2 * h * h + (y - h // 2) ** 2 * w * w) * 9 < h * h * w * w
    r = (x * 255) // max(w - 1, 1)
    g = (y * 255) // max(h - 1, 1)
    b = ((x // 8 + y // 8) % 2) * 90 + (x * y) % 83
    base = np.stack([r, g, b], -1)
    return np.where(disc[..., None], 255 - base[..., ::-1] // 2, base).astype(np.uint8)
