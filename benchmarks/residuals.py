"""Draws how the residual of closed-form matting falls, iteration by iteration, into docs/pictures/residuals.svg.

The pictures are those of the benchmarks, at 0.5 and 2 megapixels: lines that do not get flatter with the size are what
the multigrid preconditioner is for.
"""

import math
from pathlib import Path

from harness.pictures import draw

from mattecore import refine

OUT = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "residuals.svg"
SIZES = {"0.5 MP": (625, 800), "2 MP": (1250, 1600)}
SHARES = {0.06: "#2a9d8f", 0.16: "#e9a23b", 0.41: "#d1495b"}
WIDTH, HEIGHT, LEFT, BOTTOM, DECADES = 640, 320, 60, 40, 7


def main() -> None:
    curves = []
    for size, (height, width) in SIZES.items():
        scene = draw(height, width)
        for share, colour in SHARES.items():
            (residuals,) = refine.closed_form(scene.picture, scene.trimap(share)).residuals
            curves.append((size, share, colour, residuals))
    longest = max(len(residuals) for *_, residuals in curves)

    def place(iteration: int, residual: float) -> str:
        x = LEFT + (WIDTH - LEFT - 150) * iteration / longest
        y = 10 + (HEIGHT - BOTTOM - 10) * min(DECADES, -math.log10(residual)) / DECADES
        return f"{x:.1f},{max(10.0, y):.1f}"

    lines = []
    for decade in range(DECADES + 1):
        y = 10 + (HEIGHT - BOTTOM - 10) * decade / DECADES
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - 150}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">1e-{decade}</text>')
    for place_in_legend, (size, share, colour, residuals) in enumerate(curves):
        dashes = ' stroke-dasharray="5 3"' if size == "0.5 MP" else ""
        points = " ".join(place(i, r) for i, r in enumerate([1.0, *residuals]))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        y = 24 + 20 * place_in_legend
        lines.append(f'<line x1="{WIDTH - 140}" x2="{WIDTH - 115}" y1="{y}" y2="{y}" stroke="{colour}"{dashes}/>')
        lines.append(f'<text x="{WIDTH - 108}" y="{y + 4}">{size}, {share:.0%}: {len(residuals)}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH - 150) / 2}" y="{HEIGHT - 10}" text-anchor="middle">iteration</text>')
    style = 'font-family="sans-serif" font-size="12" fill="#888"'
    OUT.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {style}>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )
    print(OUT)


if __name__ == "__main__":
    main()
