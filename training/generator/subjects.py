"""The subjects by number: which kinds there are, how often each comes, and how it stands in a picture."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from generator import figures, plants, shapes, stream, things
from generator.canvas import Canvas
from generator.textures import Array, noise


@dataclass(frozen=True)
class Kind:
    draw: Callable[[Canvas], None]
    share: float
    tilt: float = 0.15  # by how much it leans, in radians
    cut: bool = False  # the lower edge of the picture cuts it, as it does portraits


KINDS = {
    "bust": Kind(figures.bust, 5, tilt=0.08, cut=True),
    "person": Kind(figures.person, 4, tilt=0.1),
    "pet": Kind(figures.pet, 3, tilt=0.2, cut=True),
    "animal": Kind(figures.animal, 3, tilt=0.1),
    "bird": Kind(figures.bird, 2, tilt=0.5),
    "vessel": Kind(things.vessel, 2.5, tilt=0.05),
    "plate": Kind(things.plate, 2, tilt=0.05),
    "vehicle": Kind(things.vehicle, 1.5, tilt=0.05),
    "cycle": Kind(things.cycle, 1.5, tilt=0.1),
    "tower": Kind(things.tower, 2, tilt=0.05),
    "furniture": Kind(things.furniture, 1.5, tilt=0.08),
    "package": Kind(things.package, 1.5, tilt=0.3),
    "tool": Kind(things.tool, 1.5, tilt=3),
    "leaves": Kind(plants.leaves, 1, tilt=0.4),
    "flower": Kind(plants.flower, 2, tilt=0.4),
    "fruit": Kind(plants.fruit, 1.5, tilt=0.3),
    "tree": Kind(plants.tree, 1, tilt=0.05),
    "cactus": Kind(plants.cactus, 0.8, tilt=0.1),
    "blob": Kind(shapes.blob, 1.5, tilt=3),
    "polygon": Kind(shapes.polygon, 1, tilt=3),
    "assembly": Kind(shapes.assembly, 2.5, tilt=3),
    "lattice": Kind(shapes.lattice, 0.8, tilt=1),
    "letters": Kind(shapes.letters, 1, tilt=0.2),
    "glass": Kind(shapes.glass, 1, tilt=0.1),
    "smoke": Kind(shapes.smoke, 0.5, tilt=3),
    "hair": Kind(shapes.hair, 1, tilt=0.5),
}
NAMES = tuple(KINDS)
SHARES = np.array([kind.share for kind in KINDS.values()]) / sum(kind.share for kind in KINDS.values())


@dataclass(frozen=True)
class Subject:
    name: str
    rgba: Array  # [H,W,4] uint8, cut to where it is, colour multiplied by alpha

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]


def draw(seed: int, number: int, name: str | None = None) -> Subject:
    rng = stream(seed, 1, number)
    name = NAMES[rng.choice(len(NAMES), p=SHARES)] if name is None else name
    canvas = Canvas(rng)
    KINDS[name].draw(canvas)
    uneven = 1 + rng.uniform(0, 0.1) * noise(rng, *canvas.alpha.shape, roughest=0.4)
    colour = np.clip(canvas.colour * uneven[..., None], 0, 1) * canvas.alpha[..., None]
    rgba = np.round(np.dstack((colour, canvas.alpha)) * 255).astype(np.uint8)
    x, y, w, h = cv2.boundingRect((rgba[..., 3] > 8).astype(np.uint8))
    return Subject(name, rgba[y : y + h, x : x + w].copy())
