"""Bar charts as inline SVG, without anything from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {
    "system call": "#2f6db3",
    "page fault": "#c0532b",
    "page-table write": "#e0964f",
    "context switch": "#6a4fa3",
    "exception": "#9a9a9a",
    "privileged instruction": "#444444",
    "device operation": "#3c8d5a",
    "network packet": "#7fbf7b",
    "interrupt": "#b8a13a",
    "dispatch": "#2aa3a3",
}
_LABELS, _WIDTH, _ROW = 280, 560, 22


@dataclass(frozen=True)
class Bar:
    """A label, parts (name, value) from left to right, what stands behind it, and a title for each part."""

    label: str
    parts: Sequence[tuple[str, float]]
    text: str


def bars(title: str, rows: Sequence[Bar], axis: str, least_tick: float = 0.0) -> str:
    """Horizontal stacked bars on a scale of square roots, on which 1 % and 300 % can both be read."""
    longest = max((sum(value for _, value in row.parts) for row in rows), default=0.0) or 1.0
    height = _ROW * len(rows) + 30
    width = _LABELS + _WIDTH + 120
    lines = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">',
        f"<title>{escape(title)}</title>",
    ]
    for tick in _ticks(longest, least_tick):
        x = _LABELS + _scale(tick, longest)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 24}" class="grid"/>')
        lines.append(f'<text x="{x:.1f}" y="{height - 8}" class="tick">{tick:.3g}</text>')
    for number, row in enumerate(rows):
        top = number * _ROW + 3
        lines.append(f'<text x="{_LABELS - 8}" y="{top + 12}" class="label">{escape(row.label)}</text>')
        total, length = 0.0, _scale(sum(value for _, value in row.parts), longest)
        whole = sum(value for _, value in row.parts)
        for name, value in row.parts:
            share = value / whole if whole else 0.0
            colour = COLOURS.get(name, "#2f6db3")
            lines.append(
                f'<rect x="{_LABELS + total:.1f}" y="{top}" width="{share * length:.1f}" height="{_ROW - 8}" '
                f'fill="{colour}"><title>{escape(name)}: {share:.0%}</title></rect>'
            )
            total += share * length
        lines.append(
            f'<text x="{_LABELS + total + 6:.1f}" y="{top + 12}" class="value">{escape(row.text)}</text>'
        )
    lines.append(f'<text x="{_LABELS + _WIDTH + 60}" y="{height - 8}" class="tick">{escape(axis)}</text>')
    return "\n".join([*lines, "</svg>"])


def legend(names: Sequence[str]) -> str:
    """The colours of the events that occur."""
    items = (
        f'<span><i style="background:{COLOURS.get(name, "#2f6db3")}"></i>{escape(name)}</span>'
        for name in names
    )
    return f'<p class="legend">{"".join(items)}</p>'


def _scale(value: float, longest: float) -> float:
    return _WIDTH * math.sqrt(max(value, 0.0) / longest)


def _ticks(longest: float, least: float) -> list[float]:
    """Round numbers that lie well apart on the scale."""
    power = 10.0 ** math.floor(math.log10(longest))
    ticks = [0.0]
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0):
        value = step * power
        if least <= value <= longest and _scale(value, longest) - _scale(ticks[-1], longest) > 50:
            ticks.append(value)
    return ticks
