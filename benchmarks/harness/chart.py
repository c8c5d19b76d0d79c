"""The rows' ratios as an SVG that reads on white and on dark."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from harness.report import Row

_WIDTH, _LABELS, _RIGHT = 900, 450, 64
_LINE, _TOP, _BOTTOM = 22, 34, 40
_TEXT, _FAINT, _TIME, _MEMORY = "#7a828e", "#7a828e66", "#3b82f6", "#a371f7"
_STEPS = (1, 2, 5)


def _ticks(most: float) -> list[float]:
    decades = range(math.floor(math.log10(most)) + 1)
    return [step * 10.0**decade for decade in decades for step in _STEPS if step * 10.0**decade <= most]


def svg(rows: Sequence[Row]) -> str:
    """Draws every row with a ratio on a logarithmic scale: the peer is the line at 1x, a tick the bar to reach."""
    shown = [row for row in rows if row.ratio is not None]
    values = [value for row in shown for value in (row.ratio, row.bar) if value]
    least, most = min([0.5, *values]), max([4.0, *values]) * 1.1
    height = _TOP + _LINE * len(shown) + _BOTTOM
    bottom = _TOP + _LINE * len(shown)

    def x(value: float) -> float:
        span = math.log(most / least)
        return _LABELS + (_WIDTH - _LABELS - _RIGHT) * math.log(max(value, least) / least) / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_TEXT}">',
        f'<text x="{x(1):.1f}" y="{_TOP - 12}" text-anchor="middle">the peer</text>',
    ]
    for tick in _ticks(most):
        parts.append(f'<path d="M{x(tick):.1f} {_TOP}V{bottom}" stroke="{_FAINT}" stroke-width="0.5"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}x</text>')
    for i, row in enumerate(shown):
        y = _TOP + _LINE * i
        ratio = row.ratio or 0.0
        left, right = sorted((x(1), x(ratio)))
        colour = _MEMORY if row.name.endswith("memory") else _TIME
        label = escape(f"{row.name}, {row.size}, {row.threads} thread{'s' * (row.threads > 1)}")
        parts.append(f'<text x="{_LABELS - 8}" y="{y + 15}" text-anchor="end">{label}</text>')
        parts.append(
            f'<rect x="{left:.1f}" y="{y + 4}" width="{right - left:.1f}" height="{_LINE - 8}" rx="2" fill="{colour}"/>'
        )
        parts.append(f'<text x="{max(right, x(1)) + 6:.1f}" y="{y + 15}">{ratio:.3g}x</text>')
        if row.bar is not None:
            parts.append(f'<path d="M{x(row.bar):.1f} {y + 2}V{y + _LINE - 2}" stroke="#f59e0b" stroke-width="2"/>')
    parts.append(f'<path d="M{x(1):.1f} {_TOP - 6}V{bottom}" stroke="{_TEXT}" stroke-width="1"/>')
    legend = ((_TIME, "peer's time / ours"), (_MEMORY, "peer's or allowed peak memory / ours"), ("#f59e0b", "to reach"))
    at = 8
    for colour, text in legend:
        parts.append(f'<rect x="{at}" y="{height - 16}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{at + 15}" y="{height - 7}">{escape(text)}</text>')
        at += 30 + 7 * len(text)
    return "\n".join([*parts, "</svg>"]) + "\n"
