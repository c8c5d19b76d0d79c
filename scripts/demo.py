"""Cuts the sample picture out with a drawn mask, through the native stages, and writes the result.

The mask is drawn by hand here until the networks find it: an ellipse for the saucer, one for the cup, a spoon.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from mattecore import composite, postprocess, preprocess

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "docs" / "pictures" / "coffee.jpg"
OVERSAMPLING = 4


def drawn_mask(width: int, height: int) -> torch.Tensor:
    """Returns the cup, saucer and spoon of the sample picture, 8-bit, drawn OVERSAMPLING times as large."""
    mask = Image.new("L", (width * OVERSAMPLING, height * OVERSAMPLING))
    draw = ImageDraw.Draw(mask)

    def scaled(*values: float) -> list[float]:
        return [value * OVERSAMPLING for value in values]

    angles = np.linspace(0, 2 * np.pi, 400)
    tilt = np.deg2rad(14)
    along, across = 206 * np.cos(angles), 157 * np.sin(angles)
    x = 279 + along * np.cos(tilt) - across * np.sin(tilt)
    y = 223 + along * np.sin(tilt) + across * np.cos(tilt)
    draw.polygon(scaled(*np.stack([x, y], 1).ravel()), fill=255)
    draw.ellipse(scaled(172, 18, 408, 209), fill=255)
    draw.polygon(scaled(397, 78, 404, 68, 415, 66, 424, 73, 422, 88, 410, 140, 390, 140), fill=255)
    return torch.from_numpy(np.array(mask))


def cut(picture: torch.Tensor) -> torch.Tensor:
    """Returns the 8-bit RGBA cut-out of an 8-bit RGB picture [H,W,3]."""
    height, width = picture.shape[:2]
    mask = preprocess.resize(drawn_mask(width, height)[..., None], height, width, "lanczos")
    alpha = postprocess.histogram_remap(postprocess.image_to_mask(mask), 0.01, 0.99)
    return preprocess.to_u8(composite.assemble_rgba(preprocess.from_u8(picture), alpha))


def write_png(rgba: torch.Tensor, path: Path) -> None:
    """Writes the picture under a temporary name first, so that `path` is never half a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            Image.fromarray(rgba.numpy()).save(file, "PNG")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "demo" / "coffee.cut.png", help="where the cut-out goes")
    out = parser.parse_args().out
    picture = torch.from_numpy(np.array(Image.open(SAMPLE).convert("RGB")))
    begin = time.perf_counter()
    rgba = cut(picture)
    seconds = time.perf_counter() - begin
    write_png(rgba, out)
    print(f"cut {SAMPLE.name} ({picture.shape[1]} x {picture.shape[0]}) in {seconds * 1000:.1f} ms")
    print(out)


if __name__ == "__main__":
    main()
