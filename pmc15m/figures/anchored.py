"""Panels from printed labels: the guillotine that leaves exactly one label in every piece.

Finding labels first and panels relative to them beats finding panels alone (arXiv 2101.09903); with the labels known
the number and the level of the cuts are known, and only their places are open.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
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
    """Some labels' part of a tree."""

    cost: float
    support: float
    boxes: dict[int, Box]


def anchor(evidence: Evidence, labels: Sequence[Box]) -> Tree:
    """The cheapest tree over the cells in which labels may stand."""
    trees = [_tree(evidence, labels, cell) for cell in CELLS]
    return min(trees, key=lambda tree: tree.cost)


def _tree(evidence: Evidence, labels: Sequence[Box], cell: str) -> Tree:
    least = SLIVER * evidence.longer
    parts: dict[tuple[Box, tuple[int, ...]], Part] = {}

    def recurse(box: Box, inside: tuple[int, ...]) -> Part:
        trimmed = evidence.trim(box) or box
        if len(inside) == 1:
            thin = min(trimmed[2] - trimmed[0], trimmed[3] - trimmed[1]) < least
            astray = PLACE * _astray(trimmed, labels[inside[0]], cell)
            return Part(astray + (SLIVER_COST if thin else 0.0), 1.0, {inside[0]: trimmed})
        key = (trimmed, inside)
        if key not in parts:
            best: Part | None = None
            cuts = _cuts(evidence, trimmed, [labels[i] for i in inside], cell)
            for cut in cuts[: 1 if len(inside) > MANY else BRANCHES]:
                lo, hi = cut.axis ^ 1, (cut.axis ^ 1) + 2
                before = tuple(i for i in inside if labels[i][lo] + labels[i][hi] < 2 * cut.at)
                after = tuple(i for i in inside if i not in before)
                a = recurse(slab(trimmed, cut.axis, trimmed[lo], cut.at), before)
                b = recurse(slab(trimmed, cut.axis, cut.at, trimmed[hi]), after)
                total = cut.cost + a.cost + b.cost
                if best is None or total < best.cost:
                    sure = evidence.lanes.beside(trimmed, cut.axis, [cut.at]) if evidence.lanes else [0.0]
                    best = Part(total, min(*sure, a.support, b.support), a.boxes | b.boxes)
                if total <= CHEAP:
                    break
            parts[key] = best or Part(UNCUT, 0.0, dict.fromkeys(inside, trimmed))
        return parts[key]

    tree = recurse(evidence.whole, tuple(range(len(labels))))
    ordered = tuple(tree.boxes[i] for i in range(len(labels)))
    return Tree(ordered, tree.cost + CELLS[cell], tree.support)


def _astray(box: Box, label: Box, cell: str) -> float:
    """How far a label stands from its cell in the box, 0..2."""
    want_y, want_x = {"t": 0.0, "b": 1.0}[cell[0]], {"l": 0.0, "c": 0.5, "r": 1.0}[cell[1]]
    slack_x, slack_y = max(box[2] - box[0] - (label[2] - label[0]), 1), max(box[3] - box[1] - (label[3] - label[1]), 1)
    across, down = (label[0] - box[0]) / slack_x, (label[1] - box[1]) / slack_y
    return min(abs(across - want_x), 1.0) + min(abs(down - want_y), 1.0)


def _cuts(evidence: Evidence, box: Box, labels: Sequence[Box], cell: str) -> list[Cut]:
    """For both axes and each pair of neighbouring label coordinates the cheapest lines between them, cheapest first."""
    cuts = []
    for axis in (0, 1):
        rooms = _rooms(box, labels, axis)
        if not rooms:
            continue
        line = evidence.cost(box, axis)
        quiet, cost = line <= QUIET, _with_place(line, evidence.longer)
        for start, end in rooms:
            room = slice(start - box[axis ^ 1], end - box[axis ^ 1])
            where = np.linspace(0, 1, end - start)
            bias = {"t": 1 - where, "b": where, "l": 1 - where, "r": where, "c": np.abs(where - 0.5)}
            cheapest = _cheapest(cost[room], NEAR * bias[cell[axis]], quiet[room])
            cuts += [Cut(total, axis, start + at) for total, at in cheapest]
    return sorted(cuts, key=lambda cut: cut.cost)


def _rooms(box: Box, labels: Sequence[Box], axis: int) -> list[tuple[int, int]]:
    """Where a box may be cut across an axis: the lines between neighbouring labels, as (start, end)."""
    lo, hi = axis ^ 1, (axis ^ 1) + 2
    least = ROOM * float(np.median([y1 - y0 for _, y0, _, y1 in labels]))
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


def _cheapest(cost: np.ndarray, bias: np.ndarray, quiet: np.ndarray) -> list[tuple[float, int]]:
    """Costs with their bias, and places, of the cheapest lines: one of a gutter, in the middle of its plateau."""
    total = cost + bias
    out = []
    for _ in range(CHOICES):
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
