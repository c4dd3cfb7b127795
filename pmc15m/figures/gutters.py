"""Panels by white gutters: recursive straight cuts (XY-cut) of the working picture."""

import numpy as np

from pmc15m.figures.model import Box

MIN_SIDE = 0.05  # of the longer side of the figure: the least that a cut leaves on both sides
MIN_GAP = 0.012  # of the longer side
QUIET = 0.004  # share of ink in a line that still counts as empty: tolerates a speck or a crossing rule
MAX_DEPTH = 8


def trim(ink: np.ndarray, box: Box) -> Box | None:
    """The box without empty margins, or None if nothing is in it."""
    x0, y0, x1, y1 = box
    part = ink[y0:y1, x0:x1]
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    if not rows.size:
        return None
    return x0 + int(columns[0]), y0 + int(rows[0]), x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1


def runs(quiet: np.ndarray) -> list[tuple[int, int]]:
    """Runs of True that touch neither end, as (start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(a, b) for a, b in pairs if a > 0 and b < len(quiet)]


def cut(ink: np.ndarray) -> list[Box]:
    """Boxes of the pieces between white gutters, in reading order of the cut tree."""
    height, width = ink.shape
    longer = max(height, width)

    def recurse(box: Box, depth: int) -> list[Box]:
        trimmed = trim(ink, box)
        if trimmed is None:
            return []
        x0, y0, x1, y1 = trimmed
        part = ink[y0:y1, x0:x1]
        best: tuple[float, int, int] | None = None
        for axis in (0, 1):
            side = part.shape[axis]
            for a, b in runs(part.mean(1 - axis) <= QUIET):
                if b - a >= max(4, MIN_GAP * longer) and min(a, side - b) >= MIN_SIDE * longer:
                    # rows first when in doubt: figures are read so
                    score = (b - a) / longer + min(a, side - b) / longer + (0.2 if axis == 0 else 0)
                    if best is None or score > best[0]:
                        best = score, axis, (a + b) // 2
        if best is None or depth == MAX_DEPTH:
            return [trimmed]
        _, axis, at = best
        sides = (
            ((x0, y0, x1, y0 + at), (x0, y0 + at, x1, y1))
            if axis == 0
            else ((x0, y0, x0 + at, y1), (x0 + at, y0, x1, y1))
        )
        return recurse(sides[0], depth + 1) + recurse(sides[1], depth + 1)

    return recurse((0, 0, width, height), 0)
