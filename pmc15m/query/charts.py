"""Plots as inline SVG: pure functions from numbers to markup, 360 units wide, coloured by the page's CSS classes.

Every mark carries its numbers as a `<title>`; the page puts the same numbers in a table under each plot. All text
passes through `html.escape`.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 360
_LABEL, _VALUE = 140, 54  # left of the bars, right of them
_LEFT, _BOTTOM, _TOP, _PLOT = 40, 20, 8, 150  # margins of columns, and their height
_WIDEST = 48  # of a column with its gap
_BESIDE, _ABOVE = 21, 58  # characters of a label that stand beside a bar, and in a line above one


@dataclass(frozen=True, slots=True)
class Series:
    """One colour: what the legend calls it, and the CSS class that colours it."""

    name: str
    style: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One bar or column: its label, a value a series, and perhaps a colour of its own."""

    label: str
    values: tuple[float, ...]
    style: str | None = None


def short(value: float) -> str:
    """A number in at most five characters: 940, 15.3k, 2.41M."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}" if value % 1 else f"{value:.0f}"


def whole(value: float) -> str:
    """A number as one reads it: 15,282,336 or 3.47."""
    return f"{value:,.0f}" if value % 1 == 0 else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.1f}"


def bars(title: str, marks: Sequence[Mark], series: Sequence[Series]) -> str:
    """Horizontal bars, one thin bar a series under each other; labels that are long stand above theirs, whole."""
    thickness, text = (13, "value") if len(series) == 1 else (9, "value small")
    beside = all(len(mark.label) <= _BESIDE for mark in marks)
    left = _LABEL if beside else 0
    longest = max((value for mark in marks for value in mark.values), default=0) or 1
    room = WIDTH - left - _VALUE
    parts, top = [], 0
    for mark in marks:
        lines = [] if beside else textwrap.wrap(mark.label, _ABOVE)
        bar = top + 4 + 14 * len(lines)
        row = bar - top + len(series) * (thickness + 1) + 4
        parts.append(f"<g><title>{escape(_told(mark, series))}</title>")
        parts.append(f'<rect class="hit" x="0" y="{top}" width="{WIDTH}" height="{row}"/>')
        if beside:
            parts.append(f'<text class="end" x="{left - 8}" y="{top + row / 2:g}">{escape(mark.label)}</text>')
        parts.extend(f'<text x="0" y="{top + 9 + 14 * n}">{escape(line)}</text>' for n, line in enumerate(lines))
        for k, (value, one) in enumerate(zip(mark.values, series, strict=True)):
            y = bar + k * (thickness + 1)
            length = max(value / longest * room, 1.0 if value else 0.0)
            style, size = mark.style or one.style, f'width="{length:.1f}" height="{thickness}"'
            parts.append(f'<rect class="{style}" x="{left}" y="{y}" {size} rx="1.5"/>')
            if value:
                x, middle = left + length + 5, y + thickness / 2
                parts.append(f'<text class="{text}" x="{x:.1f}" y="{middle:g}">{short(value)}</text>')
        parts.append("</g>")
        top += row
    return _svg(title, top, parts)


def columns(title: str, marks: Sequence[Mark], series: Sequence[Series], *, stacked: bool) -> str:
    """Vertical columns on a common axis, stacked or side by side; as many labels as fit."""
    tops = [sum(mark.values) if stacked else max(mark.values) for mark in marks]
    ticks = _ticks(max(tops, default=0))
    high = ticks[-1]
    step = min((WIDTH - _LEFT) / max(len(marks), 1), _WIDEST)
    gap = min(4.0, step * 0.25)
    every = math.ceil(34 / step)
    base = _TOP + _PLOT
    parts = []
    for tick in ticks:
        y = base - tick / high * _PLOT
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{_LEFT - 6}" y="{y:.1f}">{short(tick)}</text>')
    for n, mark in enumerate(marks):
        left = _LEFT + n * step
        parts.append(f"<g><title>{escape(_told(mark, series))}</title>")
        parts.append(f'<rect class="hit" x="{left:.1f}" y="{_TOP}" width="{step:.1f}" height="{_PLOT}"/>')
        foot = float(base)
        wide = (step - gap) / (1 if stacked else len(series))
        for k, (value, one) in enumerate(zip(mark.values, series, strict=True)):
            if not value:
                continue
            height = max(value / high * _PLOT, 0.8)
            x = left + gap / 2 + (0 if stacked else k * wide)
            y = (foot if stacked else base) - height
            foot = y
            parts.append(
                f'<rect class="{one.style}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{height:.1f}"/>'
            )
        if n % every == 0:
            centre = left + step / 2
            parts.append(f'<text class="middle" x="{centre:.1f}" y="{base + 12}">{escape(mark.label)}</text>')
        parts.append("</g>")
    return _svg(title, base + _BOTTOM, parts)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    inside = "\n".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">\n{inside}\n</svg>'


def _told(mark: Mark, series: Sequence[Series]) -> str:
    values = ", ".join(f"{whole(value)} {one.name}" for value, one in zip(mark.values, series, strict=True))
    return f"{mark.label}: {values}"


def _ticks(highest: float) -> list[float]:
    """Three to five round values from 0 to at least `highest`."""
    step = 1.0
    while step * 4 < highest:
        step *= 2.5 if str(step).startswith("2") else 2
    return [n * step for n in range(max(1, -(-int(highest) // int(step))) + 1)]
