"""Draw how the loss fell and the held-out IoU rose: python training/curve.py training/log.jsonl training/curve.svg."""

import argparse
import itertools
import json
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 280, 40, 40, 28, 36
TEXT, FAINT = "#7a828e", "#7a828e66"
CURVES = {"loss": ("#f59e0b", 1.6, "loss while training"), "iou": ("#3b82f6", 1.0, "IoU, held-out scenes")}


def svg(rows: list[dict[str, float]]) -> str:
    """Both curves over the steps, the loss on the left scale; a line where the pictures change their size."""
    last = max(row["step"] for row in rows)

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / last

    def y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(share, 1))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" ']
    parts[0] += f'font-size="12" fill="{TEXT}">'
    for tick in range(5):
        level = y(tick / 4)
        parts.append(f'<path d="M{LEFT} {level:.1f}H{WIDTH - RIGHT}" stroke="{FAINT}" stroke-width="0.5"/>')
        for place, anchor, most in ((LEFT - 6, "end", 1.6), (WIDTH - RIGHT + 6, "start", 1.0)):
            label = f"{most * tick / 4:g}"
            parts.append(f'<text x="{place}" y="{level + 4:.1f}" text-anchor="{anchor}">{label}</text>')
    for before, row in itertools.pairwise(rows):
        if row["side"] != before["side"]:
            parts.append(f'<path d="M{x(before["step"]):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{FAINT}"/>')
    for side, stage in itertools.groupby(rows, lambda row: row["side"]):
        steps = [row["step"] for row in stage]
        at = x((steps[0] + steps[-1]) / 2)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - 6}" text-anchor="middle" font-size="10">{side:g}</text>')
    for number, (key, (ink, most, title)) in enumerate(CURVES.items()):
        points = " ".join(f"{x(row['step']):.1f},{y(row[key] / most):.1f}" for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="2"/>')
        parts.append(f'<text x="{LEFT + 180 * number}" y="16" fill="{ink}">{title}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - BOTTOM + 16}" text-anchor="end">{last:g} steps</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - BOTTOM + 16}">their pictures\' sides, in pixels:</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.log.read_text().splitlines()]
    options.picture.write_text(svg(rows))


if __name__ == "__main__":
    main()
