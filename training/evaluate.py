"""Measure the network box beside two methods that need no training, and draw the sheet of results.

    python training/evaluate.py WHEELS                       # the tables; photographs/__init__.py says what WHEELS are
    python training/evaluate.py WHEELS --sheet docs/pictures/box.jpg

Beside the network's own mask stands that of `mattecore cut`, whose edge is refined. GrabCut starts from a rectangle a
little inside the border and runs five iterations. The colour method asks how far a pixel is, in Lab, from the nearest
of three clusters of the border's colours, and splits by Otsu's threshold.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import photographs
import torch
from generator import bank, scene, stream
from tqdm import tqdm

from mattecore.cutting import Cutter, Options
from mattecore.networks.loading import load
from mattecore.weights.builtin import builtin

Array = np.ndarray
Method = Callable[[Array], Array]  # [H,W,3] uint8 -> alpha [H,W] float32

SIDE = 384
SEED = 2026  # neither that of the training nor that of its validation
BORDER = 0.03  # of the shorter side


def box(weights: Path) -> Method:
    network = load(weights)
    prepared = network.preparation

    def alpha(image: Array) -> Array:
        size = (prepared.width, prepared.height)
        smaller = image.shape[0] * image.shape[1] > prepared.width * prepared.height
        picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        picture = (picture.astype(np.float32) / 255 - np.float32(prepared.mean)) / np.float32(prepared.std)
        found = network.forward(torch.from_numpy(picture.transpose(2, 0, 1)[None].copy()), None)[0, 0].numpy()
        return cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LINEAR).clip(0, 1)

    return alpha


def command(weights: Path) -> Method:
    """What `mattecore cut --model builtin` makes of it."""
    cutter = Cutter(Options(model="builtin" if weights == builtin() else str(weights)))
    return lambda image: cutter.cut(image).mask.numpy()


def grabcut(image: Array) -> Array:
    height, width = image.shape[:2]
    margin = max(1, round(BORDER * min(height, width)))
    mask, models = np.zeros((height, width), np.uint8), (np.zeros((1, 65)), np.zeros((1, 65)))
    inside = (margin, margin, width - 2 * margin, height - 2 * margin)
    cv2.setRNGSeed(1)
    cv2.grabCut(np.ascontiguousarray(image), mask, inside, *models, 5, cv2.GC_INIT_WITH_RECT)
    return ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.float32)


def colour_distance(image: Array) -> Array:
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    margin = max(1, round(BORDER * min(image.shape[:2])))
    edge = np.ones(image.shape[:2], bool)
    edge[margin:-margin, margin:-margin] = False
    cv2.setRNGSeed(1)
    enough = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.1)
    _, _, centres = cv2.kmeans(lab[edge], 3, None, enough, 3, cv2.KMEANS_PP_CENTERS)
    distance = np.linalg.norm(lab[:, :, None] - centres, axis=3).min(2)
    levels = np.round(distance * (255 / max(float(distance.max()), 1e-6))).astype(np.uint8)
    _, mask = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return mask.astype(np.float32)


def iou(found: Array, true: Array) -> float:
    found, true = found > 0.5, true > 0.5
    return float((found & true).sum() / max((found | true).sum(), 1))


def error(found: Array, true: Array) -> float:
    return float(np.abs(found - true).mean())


def drawn_scenes(drawn: bank.Bank, count: int) -> Iterator[tuple[Array, Array]]:
    for index in range(count):
        image, alpha = scene.draw(drawn, SEED, index, SIDE)
        yield image, alpha.astype(np.float32) / 255


def cutouts_over_photographs(drawn: bank.Bank, wheels: Path, count: int) -> Iterator[tuple[Array, Array]]:
    """Drawn subjects over parts of the photographs, as many over each."""
    behind = [photographs.load(wheels, name) for name in photographs.PHOTOGRAPHS]
    for index in range(count):
        rng = stream(SEED, 4, index)
        photograph = behind[index % len(behind)]
        side = int(min(photograph.shape[:2]) * rng.uniform(0.6, 1))
        y, x = (int(rng.integers(0, extent - side + 1)) for extent in photograph.shape[:2])
        part = cv2.resize(photograph[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        image, alpha = scene.composed(rng, drawn, part.astype(np.float32) / 255)
        yield image, alpha.astype(np.float32) / 255


def outlined(wheels: Path) -> Iterator[tuple[Array, Array]]:
    for name in photographs.PHOTOGRAPHS:
        image = photographs.load(wheels, name)
        yield image, photographs.polygon_mask(name, *image.shape[:2]).astype(np.float32)


def measured(methods: dict[str, Method], pictures: Iterator[tuple[Array, Array]], count: int) -> Array:
    """IoU and mean absolute error, [pictures, methods, 2]."""
    rows = []
    for image, true in tqdm(pictures, total=count):
        masks = [method(image) for method in methods.values()]
        rows.append([(iou(mask, true), error(mask, true)) for mask in masks])
    return np.array(rows)


def print_table(head: list[str], rows: list[list[str]]) -> None:
    print("\n| " + " | ".join(head) + " |\n|---|" + "--:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def print_means(methods: list[str], sets: dict[str, Array]) -> None:
    head = ["pictures", *(column for name in methods for column in (f"{name}: IoU", "error"))]
    rows = [
        [title, *(text for overlap, wrong in values.mean(0) for text in (f"{overlap:.3f}", f"{wrong:.4f}"))]
        for title, values in sets.items()
    ]
    print_table(head, rows)


def print_leads(methods: list[str], sets: dict[str, Array]) -> None:
    """How much better the network is than GrabCut on the same pictures, with the mean difference's standard error."""
    rows = []
    for title, values in sets.items():
        ahead = (values[:, methods.index("box")] - values[:, methods.index("GrabCut")]) * (1, -1)
        sure, more = ahead.std(0, ddof=1) / len(ahead) ** 0.5, (ahead > 0).mean(0)
        rows.append([title, *(f"{ahead.mean(0)[i]:.3f} ± {sure[i]:.3f}, in {more[i]:.0%}" for i in range(2))])
    print_table(["beside GrabCut", "IoU, more by", "error of alpha, less by"], rows)


def print_each(title: str, methods: list[str], values: Array, chosen: Iterable[int]) -> None:
    """A row a photograph, of those chosen by their number."""
    names = list(photographs.PHOTOGRAPHS)
    rows = [[names[i], *(f"{value:.3f}" for value in row)] for i, row in zip(chosen, values, strict=True)]
    print_table([title, *methods], [*rows, ["mean", *(f"{value:.3f}" for value in values.mean(0))]])


def sheet(methods: dict[str, Method], wheels: Path, drawn: bank.Bank, file: Path) -> None:
    """One row a photograph and, below, drawn scenes: the picture, the true outline, and what each method cuts out."""
    rows = [*outlined(wheels), *drawn_scenes(drawn, 5)]
    drawings = [
        np.hstack(
            [_tile(image, None), *(_tile(image, alpha) for alpha in (true, *(m(image) for m in methods.values())))]
        )
        for image, true in rows
    ]
    half = (len(drawings) + 1) // 2
    drawings += [np.full_like(drawings[0], 255)] * (2 * half - len(drawings))
    gap = np.full((drawings[0].shape[0] * half, 12, 3), 255, np.uint8)
    picture = np.hstack((np.vstack(drawings[:half]), gap, np.vstack(drawings[half:])))
    header = np.full((22, picture.shape[1], 3), 255, np.uint8)
    for column in range(2):
        for place, text in enumerate(("picture", "true", *methods)):
            where = (column * (drawings[0].shape[1] + 12) + place * 122 + 6, 16)
            cv2.putText(header, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.vstack((header, picture))[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


def _tile(image: Array, alpha: Array | None, side: int = 120) -> Array:
    """The picture in a square, cut out over a checkerboard where there is an alpha."""
    picture = image.astype(np.float32)
    if alpha is not None:
        y, x = np.mgrid[: image.shape[0], : image.shape[1]] * 12 // max(image.shape[:2])
        board = np.where((x + y) % 2, 255.0, 200.0)[..., None]
        picture = board + (picture - board) * alpha[..., None]
    scale = side / max(image.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.full((side + 2, side + 2, 3), 255, np.uint8)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small.clip(0, 255)
    return tile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="folder of the archives that hold the photographs")
    parser.add_argument("--weights", type=Path, default=builtin())
    parser.add_argument("--count", type=int, default=204, help="drawn pictures of each kind")
    parser.add_argument("--sheet", type=Path, help="draw the results into this file and measure nothing")
    options = parser.parse_args()
    methods: dict[str, Method] = {
        "box": box(options.weights),
        "cut": command(options.weights),
        "GrabCut": grabcut,
        "colour": colour_distance,
    }
    drawn = bank.drawn(SEED, 300, 100)
    if options.sheet:
        del methods["cut"]  # at this size it looks as the network's
        sheet(methods, options.wheels, drawn, options.sheet)
        return
    wheels, count, names = options.wheels, options.count, list(methods)
    found = measured(methods, drawn_scenes(drawn, count), count)
    over = measured(methods, cutouts_over_photographs(drawn, wheels, count), count)
    outlines = measured(methods, outlined(wheels), len(photographs.PHOTOGRAPHS))
    scenes = {f"drawn, held out ({count})": found, f"drawn, over all these photographs ({count})": over}
    print_means(names, scenes)
    print_leads(names, {**scenes, "photographs": outlines})
    for title, unseen in (("photograph, IoU", False), ("unseen photograph, IoU", True)):
        chosen = [i for i, photograph in enumerate(photographs.PHOTOGRAPHS.values()) if photograph.unseen == unseen]
        print_each(title, names, outlines[chosen, :, 0], chosen)
    every = range(len(photographs.PHOTOGRAPHS))
    errors = np.array([over[i :: len(every), :, 1].mean(0) for i in every])
    print_each("drawn over this one, error", names, errors, every)


if __name__ == "__main__":
    main()
