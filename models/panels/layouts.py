"""Where the panels of a synthetic figure lie: replayed real layouts, and random guillotine trees.

The published layouts (PanelSeg and ImageCLEF-2016, credit: U.S. National Library of Medicine) lie outside the project,
one `csv.gz` each: image, x0, y0, x1, y1, "panel"[, lx0, ly0, lx1, ly1, label], one row a panel.
"""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Rng = np.random.Generator
Rect = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Panels and their label boxes (None: no label) in pixels, with the extent of the figure."""

    width: int
    height: int
    panels: tuple[Rect, ...]
    labels: tuple[Rect | None, ...]


def read_layouts(path: Path) -> list[Layout]:
    """All figures of one published file, in file order; figures of a few pixels are left out."""
    figures: dict[str, list[list[str]]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines):
            figures.setdefault(row[0], []).append(row)
    out = []
    for rows in figures.values():
        boxes = [_box(row[1:5]) for row in rows]
        labels = [_box(row[6:10]) if len(row) > 9 and row[6] else None for row in rows]
        x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
        width, height = max(b[2] for b in boxes) - min(x0, 8), max(b[3] for b in boxes) - min(y0, 8)
        if min(width, height) >= 60 and all(b[2] - b[0] > 8 and b[3] - b[1] > 8 for b in boxes):
            dx, dy = -min(x0, 8), -min(y0, 8)
            panels = tuple(moved(box, dx, dy) for box in boxes)
            out.append(Layout(width, height, panels, tuple(box and moved(box, dx, dy) for box in labels)))
    return out


def moved(box: Rect, dx: int, dy: int) -> Rect:
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy


def _box(numbers: Iterable[float | str]) -> Rect:
    x0, y0, x1, y1 = map(int, numbers)
    return x0, y0, x1, y1


def vary(rng: Rng, layout: Layout) -> Layout:
    """Stretched by up to 15 % a side; mirrored or transposed in one of five."""
    turn = rng.integers(4) if rng.random() < 0.2 else 3
    sx, sy = rng.uniform(0.87, 1.15, 2)
    if turn == 2:
        width, height = round(layout.height * sx), round(layout.width * sy)
    else:
        width, height = round(layout.width * sx), round(layout.height * sy)

    def turned(box: Rect) -> Rect:
        x0, y0, x1, y1 = (box[1], box[0], box[3], box[2]) if turn == 2 else box
        x0, x1, y0, y1 = round(x0 * sx), round(x1 * sx), round(y0 * sy), round(y1 * sy)
        if turn == 0:
            x0, x1 = width - x1, width - x0
        elif turn == 1:
            y0, y1 = height - y1, height - y0
        return x0, y0, x1, y1

    panels, labels = tuple(map(turned, layout.panels)), tuple(box and turned(box) for box in layout.labels)
    return Layout(width, height, panels, labels)


def tree(rng: Rng, leaves: int) -> Layout:
    """A random guillotine tree with that many panels, rows first, of uneven sizes: the modern dense figure."""
    width = int(rng.integers(520, 900))
    height = int(width * rng.uniform(0.4, 1.4))
    gap = int(rng.choice([0, 2, 4, 8, 12, 18, 26]))
    boxes: list[Rect] = []

    def split(box: Rect, n: int, rows: bool) -> None:
        x0, y0, x1, y1 = box
        side = y1 - y0 if rows else x1 - x0
        if n == 1 or side < 90:
            boxes.append((x0, y0, x1, y1))
            return
        parts = int(rng.integers(2, min(n, 4 if rows else 5) + 1))
        shares = np.ones(parts) if rng.random() < 0.4 else rng.uniform(0.5, 1.5, parts)
        counts = np.maximum(1, np.round(n * shares / shares.sum())).astype(int)
        ends = np.concatenate(([0], np.round(side * np.cumsum(shares) / shares.sum()))).astype(int)
        for a, b, m in zip(ends, ends[1:], counts, strict=False):
            last = b - (0 if b == side else gap)
            part = (x0, y0 + a, x1, y0 + last) if rows else (x0 + a, y0, x0 + last, y1)
            if part[2] - part[0] > 24 and part[3] - part[1] > 24:
                split(_box(part), int(m), not rows)

    split((3, 3, width - 3, height - 3), leaves, bool(rng.random() < 0.65))
    return Layout(width, height, tuple(boxes), (None,) * len(boxes))


@dataclass(frozen=True, slots=True)
class Lane:
    """A straight gutter through a whole region of the figure; `axis` 0: horizontal (rows apart), 1: vertical."""

    axis: int
    box: Rect


def lanes(panels: Iterable[Rect], slack: int = 3) -> list[Lane]:
    """The gutters of the guillotine tree of true panels, region by region; panels may overlap by `slack` px.

    What no straight cut separates stays one region, so figures whose panels interlock get the lanes they have.
    """
    found: list[Lane] = []

    def recurse(group: list[Rect]) -> None:
        if len(group) < 2:
            return
        hull = (min(b[0] for b in group), min(b[1] for b in group), max(b[2] for b in group), max(b[3] for b in group))
        for axis in (0, 1):
            lo, hi = (1, 3) if axis == 0 else (0, 2)
            ordered = sorted(group, key=lambda b: b[lo])
            parts, end = [[ordered[0]]], ordered[0][hi]
            for box in ordered[1:]:
                if box[lo] >= end - slack:
                    a, b = min(end, box[lo]), max(end, box[lo])
                    lane = (hull[0], a, hull[2], b) if axis == 0 else (a, hull[1], b, hull[3])
                    found.append(Lane(axis, lane))
                    parts.append([])
                parts[-1].append(box)
                end = max(end, box[hi])
            if len(parts) > 1:
                for part in parts:
                    recurse(part)
                return

    recurse(list(panels))
    return found
