"""Panels from printed labels: the guillotine that leaves exactly one label in every piece.

Finding labels first and panels relative to them beats finding panels alone (arXiv 2101.09903); with the labels known
the number and the level of the cuts are known, and only their places are open.
"""

import functools
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pmc15m.figures.evidence import Evidence
from pmc15m.figures.model import Box, slab

# Where in its panel a figure prints its labels, with the cost of the rarer habits (measured: .67 .18 .07 .05 .02).
CELLS = {"tl": 0.0, "bl": 0.03, "bc": 0.04, "tc": 0.05, "br": 0.05, "tr": 0.06}
QUIET = 0.006  # a line with less content than this belongs to a gutter
WIDE, WIDE_GAIN = 20, 0.002  # px; gain per px of gutter up to that width
NEAR = 0.04  # cost of a cut that lies at the far end of what the labels allow
SLIVER, SLIVER_COST = 0.06, 1.0  # of the longer side; cost of a piece thinner than that
NARROW, NARROW_COST = 0.15, 0.05  # of the longer side; cost of a cut at the edge of a piece, none from there on
PLACE = 0.1  # cost, for each label, of standing at the far side of its panel
CHOICES = 3  # gutters tried between two labels: beside a label, beside the title of an axis, the right one
BRANCHES, MANY = 4, 6  # cuts that are tried at a node; with more labels than this only the cheapest
CHEAP = 0.0  # a tree at most this dear ends the search
UNCUT = 10.0  # cost of labels that no line parts
ROOM = 0.3  # of a label's usual height: what a cut needs between two labels


@dataclass(frozen=True, slots=True)
class Tree:
    """One box per label, in the order of the labels, the summed cost of the cuts, and their support.

    `support` is how sure the figure network is of the least certain cut, 0..1; 0 where it is not asked.
    """

    boxes: tuple[Box, ...]
    cost: float
    support: float


@dataclass(frozen=True, slots=True)
class Cut:
    cost: float
    axis: int
    at: int


class Part(NamedTuple):
    """Some labels' part of a tree: what its cuts cost, the cuts, each with the box that it cuts, and a box per label.

    `parted`: whether every two labels were.
    """

    cost: float
    cuts: tuple[tuple[Box, Cut], ...]
    boxes: dict[int, Box]
    parted: bool = True


def anchor(evidence: Evidence, labels: Sequence[Box]) -> Tree:
    """The cheapest tree over the cells in which labels may stand."""
    search = _Search(evidence, labels)
    trees = [(tree.cost + cost, tree) for cell, cost in CELLS.items() for tree in [search.tree(cell)]]
    cost, tree = min(trees, key=lambda found: found[0])
    support, lanes = 0.0, evidence.lanes
    if lanes and tree.parted:
        support = min(sure for box, cut in tree.cuts for sure in lanes.beside(box, cut.axis, [cut.at]))
    return Tree(tuple(tree.boxes[i] for i in range(len(labels))), cost, support)


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for trees of some labels; what does not depend on their cell is found once."""

    evidence: Evidence
    labels: Sequence[Box]
    _lines: dict[tuple[Box, int], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    _rooms: dict[tuple[Box, tuple[int, ...], int], list[tuple[int, int]]] = field(default_factory=dict)
    _cuts: dict[tuple[Box, tuple[int, ...], int, str], list[Cut]] = field(default_factory=dict)

    def tree(self, cell: str) -> Part:
        """The cheapest tree of labels that stand in one cell of their panels."""
        evidence, labels = self.evidence, self.labels
        least = SLIVER * evidence.longer
        parts: dict[tuple[Box, tuple[int, ...]], Part] = {}

        def recurse(box: Box, inside: tuple[int, ...]) -> Part:
            trimmed = evidence.trim(box) or box
            if len(inside) == 1:
                thin = min(trimmed[2] - trimmed[0], trimmed[3] - trimmed[1]) < least
                astray = PLACE * _astray(trimmed, labels[inside[0]], cell)
                return Part(astray + (SLIVER_COST if thin else 0.0), (), {inside[0]: trimmed})
            key = (trimmed, inside)
            if key not in parts:
                best: Part | None = None
                gain = WIDE_GAIN * WIDE * (len(inside) - 2)  # of all cuts below, at most
                for cut in self.cuts(trimmed, inside, cell):
                    if best is not None and cut.cost - gain >= best.cost:
                        break
                    lo, hi = cut.axis ^ 1, (cut.axis ^ 1) + 2
                    before = tuple(i for i in inside if labels[i][lo] + labels[i][hi] < 2 * cut.at)
                    after = tuple(i for i in inside if i not in before)
                    a = recurse(slab(trimmed, cut.axis, trimmed[lo], cut.at), before)
                    if best is not None and cut.cost + a.cost - WIDE_GAIN * WIDE * (len(after) - 1) >= best.cost:
                        continue
                    b = recurse(slab(trimmed, cut.axis, cut.at, trimmed[hi]), after)
                    total = cut.cost + a.cost + b.cost
                    if best is None or total < best.cost:
                        cuts = ((trimmed, cut), *a.cuts, *b.cuts)
                        best = Part(total, cuts, a.boxes | b.boxes, a.parted and b.parted)
                    if total <= CHEAP:
                        break
                parts[key] = best or Part(UNCUT, (), dict.fromkeys(inside, trimmed), parted=False)
            return parts[key]

        return recurse(evidence.whole, tuple(range(len(labels))))

    def cuts(self, box: Box, inside: tuple[int, ...], cell: str) -> list[Cut]:
        """The cuts to try: of the cheapest lines of both axes between neighbouring labels the cheapest, in order."""
        cuts = self.across(box, inside, 0, cell[0]) + self.across(box, inside, 1, cell[1])
        return sorted(cuts, key=lambda cut: cut.cost)[: 1 if len(inside) > MANY else BRANCHES]

    def across(self, box: Box, inside: tuple[int, ...], axis: int, edge: str) -> list[Cut]:
        """Those of one axis, which depend on the side of the panel alone where labels stand (a letter of `CELLS`)."""
        key = box, inside, axis, edge
        if key not in self._cuts:
            self._cuts[key] = cuts = []
            for start, end in self.rooms(box, inside, axis):
                quiet, cost = self.lines(box, axis)
                room = slice(start - box[axis ^ 1], end - box[axis ^ 1])
                bias = NEAR * _bias(edge, end - start)
                cheapest = _cheapest(cost[room], bias, quiet[room], 1 if len(inside) > MANY else CHOICES)
                cuts += [Cut(total, axis, start + at) for total, at in cheapest]
        return self._cuts[key]

    def lines(self, box: Box, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each line across a box: whether it belongs to a gutter, and the cost of cutting along it."""
        if (box, axis) not in self._lines:
            line = self.evidence.cost(box, axis)
            self._lines[box, axis] = line <= QUIET, _with_place(line, self.evidence.longer)
        return self._lines[box, axis]

    def rooms(self, box: Box, inside: tuple[int, ...], axis: int) -> list[tuple[int, int]]:
        """See `_rooms`."""
        key = box, inside, axis
        if key not in self._rooms:
            self._rooms[key] = _rooms(box, [self.labels[i] for i in inside], axis)
        return self._rooms[key]


def _astray(box: Box, label: Box, cell: str) -> float:
    """How far a label stands from its cell in the box, 0..2."""
    want_y, want_x = {"t": 0.0, "b": 1.0}[cell[0]], {"l": 0.0, "c": 0.5, "r": 1.0}[cell[1]]
    slack_x, slack_y = max(box[2] - box[0] - (label[2] - label[0]), 1), max(box[3] - box[1] - (label[3] - label[1]), 1)
    across, down = (label[0] - box[0]) / slack_x, (label[1] - box[1]) / slack_y
    return min(abs(across - want_x), 1.0) + min(abs(down - want_y), 1.0)


@functools.cache
def _bias(edge: str, size: int) -> np.ndarray:
    """float64 (size,), 0..1: how far each line is from the edge at which labels stand (the letters of `CELLS`)."""
    where = np.linspace(0, 1, size)
    if edge == "c":
        return np.asarray(np.abs(where - 0.5))
    return where if edge in "br" else 1 - where


def _rooms(box: Box, labels: Sequence[Box], axis: int) -> list[tuple[int, int]]:
    """Where a box may be cut across an axis: the lines between neighbouring labels, as (start, end)."""
    lo, hi = axis ^ 1, (axis ^ 1) + 2
    least = ROOM * statistics.median(y1 - y0 for _, y0, _, y1 in labels)
    ordered = sorted(labels, key=lambda b: b[lo] + b[hi])
    rooms = []
    end = ordered[0][hi]
    for before, after in itertools.pairwise(ordered):
        end = max(end, before[hi])
        start = min(b[lo] for b in ordered if b[lo] + b[hi] >= after[lo] + after[hi])
        room = max(end, box[lo]) + 1, min(start, box[hi] - 1) + 1
        if start - end >= least and room[1] - room[0] > 1:
            rooms.append(room)
    return rooms


def _with_place(line: np.ndarray, longer: int) -> np.ndarray:
    """The cost of cutting along each line of a box, with what its gutter gains and its nearness to the ends costs."""
    cost = line - WIDE_GAIN * _width_of_gutter(line)
    thin = int(SLIVER * longer)
    cost[:thin] += SLIVER_COST
    cost[len(cost) - thin :] += SLIVER_COST
    inward = np.minimum(np.arange(len(cost)), np.arange(len(cost))[::-1]) / (NARROW * longer)
    return np.asarray(cost + NARROW_COST * np.maximum(0.0, 1 - inward))


def _cheapest(cost: np.ndarray, bias: np.ndarray, quiet: np.ndarray, choices: int) -> list[tuple[float, int]]:
    """Costs with their bias, and places, of the cheapest lines: one of a gutter, in the middle of its plateau."""
    total = cost + bias
    out = []
    for _ in range(choices):
        best = int(total.argmin())
        if not np.isfinite(total[best]):
            break
        out.append((float(total[best]), _centre(cost, best)))
        low, high = _run(quiet, best)
        total[max(0, min(low, best - WIDE)) : max(high, best + WIDE)] = np.inf
    return out


def _width_of_gutter(cost: np.ndarray) -> np.ndarray:
    """For each line the width of the quiet run that it lies in, at most WIDE; 0 outside."""
    quiet = cost <= QUIET
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    out = np.zeros(len(cost))
    for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        out[a:b] = min(b - a, WIDE)
    return out


def _run(mask: np.ndarray, at: int) -> tuple[int, int]:
    """The run of True round a place, as (start, end); empty where it is False."""
    outside = np.flatnonzero(~mask)
    after = int(np.searchsorted(outside, at))
    start = int(outside[after - 1]) + 1 if after else 0
    return start, int(outside[after]) if after < len(outside) else len(mask)


def _centre(cost: np.ndarray, at: int) -> int:
    """The middle of the plateau of equal cost round a line."""
    a = b = at
    while a > 0 and cost[a - 1] <= cost[at] + 1e-9:
        a -= 1
    while b < len(cost) - 1 and cost[b + 1] <= cost[at] + 1e-9:
        b += 1
    return (a + b) // 2
