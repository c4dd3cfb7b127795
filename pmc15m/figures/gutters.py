"""Panels without labels to hold on to: recursive straight cuts (XY-cut), the strongest first.

The gap that separates depends on what lies on both sides (measured on 60 real figures): photographs stand a pixel or
two apart, while a plot needs a gap wider than the one between its axis and its title.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pmc15m.figures.evidence import Evidence, shares
from pmc15m.figures.model import Box, slab

QUIET = 0.004  # share of content in a line that still counts as empty: a speck or a line may cross
CROSSED = 0.15  # what is left of the strength of a gap that a line crosses
PHOTO = 0.75  # share of content from which a region counts as a photograph
PHOTO_GAP, DRAWING_GAP, MIXED_GAP = 0.003, 0.016, 0.009  # of the longer side: the gap that is needed
SHADED_GAP, WIDEST = 0.006, 2.0  # the same for a band of another shade, and how many times that still counts
UNSEEN = 0.33  # what is left of the strength of a gap along which the figure network sees no gutter
SURE = 0.5  # probability of a gutter from which a gap keeps all of it
ROWS = 1.1  # times stronger is a cut between rows: figures are read, and laid out, row by row
GLOOM = 64  # mean luma of a region below which the network is not asked: in the dark it sees too little
EDGE_SHARE, EDGE_ALONE = 0.7, 0.28  # share of an edge's length that is a step, and how much less its neighbours have
EDGE, EDGES_APART = 0.6, 8  # strength of an edge beside its share; px between two
LEAST_SIDE = 0.05  # of the longer side: the least that a cut leaves on both sides
TOGETHER = 0.8  # gaps of one region at least this strong beside its strongest are cut at once
SMALL_SIDE, SMALL_AREA = 0.06, 0.012  # a piece below joins its nearest neighbour
MOST, TRIED = 40, 24  # pieces; and those of which partitions are looked at where no caption names more
COUNTED = 0.25  # strength that a cut needs to reach the number of panels that the caption tells
ALIKE = 0.1  # largest difference of the sides of panels of a series
REGULAR = 0.5  # of the strength that a cut needs, where it makes such a series
GRID = 0.1  # of the usual side: how far the edges of a column or a row may lie apart
GRID_NEEDS = 0.33  # of the strength that a cut needs, where it makes a grid
LEAST_SHARE = 0.12  # of the largest piece's area, where no caption says how many panels there are


@dataclass(slots=True)
class Region:
    """A piece of the figure with the cuts that would divide it next, all on one axis, and their strength (0: none)."""

    box: Box
    axis: int = 0
    at: tuple[int, ...] = ()
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Partition:
    """The pieces after so many cuts, and the strength of the weakest cut among them (infinite for the whole)."""

    boxes: tuple[Box, ...]
    strength: float = field(default=float("inf"))


def partitions(evidence: Evidence) -> Iterator[Partition]:
    """From the whole figure on, the next strongest cut made each time; small pieces joined to their neighbours."""
    whole = evidence.trim(evidence.whole)
    if whole is None:
        return
    regions = [propose(evidence, whole)]
    weakest = float("inf")
    yield Partition((whole,))
    while len(regions) < MOST:
        strongest = max(range(len(regions)), key=lambda i: regions[i].strength)
        region = regions[strongest]
        if region.strength <= 0:
            return
        weakest = min(weakest, region.strength)
        parts = [propose(evidence, piece) for piece in pieces(evidence, region)]
        regions[strongest : strongest + 1] = parts
        yield Partition(tuple(join_small([r.box for r in regions], evidence.longer)), weakest)


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Where a box may be cut: strength 1 is a gap just as wide as what lies beside it needs."""

    strength: float
    axis: int
    at: int


def find_gaps(evidence: Evidence, box: Box, axis: int) -> list[Gap]:
    """The gaps of a box on one axis, in order: empty page, else, in a photograph, bands of a shade, else hard edges."""
    cuts = _paper_gaps(evidence, box, axis)
    if not cuts and evidence.fill(box) > PHOTO:
        cuts = _shaded_gaps(evidence, box, axis) or _edges(evidence, box, axis)
    return [Gap(strength, axis, at) for strength, at in _doubted(evidence, box, axis, cuts)]


def _doubted(evidence: Evidence, box: Box, axis: int, cuts: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """The gaps, weaker where the figure network is asked and sees no gutter along them."""
    x0, y0, x1, y1 = box
    if not cuts or evidence.lanes is None or evidence.grey[y0:y1, x0:x1].mean() < GLOOM:
        return cuts
    sure = evidence.lanes.beside(box, axis, [at for _, at in cuts])
    return [(strength * UNSEEN ** max(0.0, 1 - p / SURE), at) for (strength, at), p in zip(cuts, sure, strict=True)]


def propose(evidence: Evidence, box: Box) -> Region:
    """The box with its strongest gaps, those of one axis."""
    best = Region(box)
    for axis in (0, 1):
        cuts = find_gaps(evidence, box, axis)
        if cuts:
            strongest = max(cuts).strength * (ROWS if axis == 0 else 1.0)
            if strongest > best.strength:
                at = tuple(gap.at for gap in cuts if gap.strength >= TOGETHER * max(cuts).strength)
                best = Region(box, axis, at, strongest)
    return best


def pieces(evidence: Evidence, region: Region) -> list[Box]:
    """What the cuts of a region make of it, without margins and what is empty."""
    lo, hi = region.axis ^ 1, (region.axis ^ 1) + 2
    ends = (region.box[lo], *region.at, region.box[hi])
    trimmed = (evidence.trim(slab(region.box, region.axis, a, b)) for a, b in itertools.pairwise(ends))
    return [piece for piece in trimmed if piece is not None]


def cut_box(evidence: Evidence, box: Box, gap: Gap) -> tuple[Box, Box] | None:
    """Both sides of a gap without their margins, or None if one is empty."""
    parts = pieces(evidence, Region(box, gap.axis, (gap.at,)))
    return (parts[0], parts[1]) if len(parts) == 2 else None


def _paper_gaps(evidence: Evidence, box: Box, axis: int) -> list[tuple[float, int]]:
    """(strength, place) of the empty bands of page across a box."""
    lo, hi = axis ^ 1, (axis ^ 1) + 2
    longer, side = evidence.longer, box[hi] - box[lo]
    cuts = []
    for a, b in gaps(evidence.busy(box, axis) <= QUIET):
        if min(a, side - b) < LEAST_SIDE * longer:
            continue
        start, end = box[lo] + a, box[lo] + b
        fills = [evidence.fill(slab(box, axis, *ends)) for ends in ((box[lo], start), (end, box[hi]))]
        needed = max(1.0, (DRAWING_GAP, MIXED_GAP, PHOTO_GAP)[sum(f > PHOTO for f in fills)] * longer)
        strength = (b - a) / needed * (1 + min(a, side - b) / longer)
        if _crossed(evidence, slab(box, axis, start, end), axis):
            strength *= CROSSED
        cuts.append((strength, box[lo] + (a + b) // 2))
    return cuts


def _crossed(evidence: Evidence, gap: Box, axis: int) -> bool:
    """Whether a line runs through a gap from one side to the other: the axis of a plot."""
    x0, y0, x1, y1 = gap
    return bool(evidence.content[y0:y1, x0:x1].all(axis).any())


def _shaded_gaps(evidence: Evidence, box: Box, axis: int) -> list[tuple[float, int]]:
    """Bands of one shade between photographs; their width says little, for scans end in black themselves."""
    lo, hi = axis ^ 1, (axis ^ 1) + 2
    longer, side = evidence.longer, box[hi] - box[lo]
    needed = max(2.0, SHADED_GAP * longer)
    return [
        (min((b - a) / needed, WIDEST) * (0.5 + min(a, side - b) / longer), box[lo] + (a + b) // 2)
        for a, b in gaps(evidence.uneven(box, axis) <= QUIET)
        if min(a, side - b) >= 2 * LEAST_SIDE * longer and b - a >= needed
    ]


def _edges(evidence: Evidence, box: Box, axis: int) -> list[tuple[float, int]]:
    """Hard edges over the whole length of a photograph, alone in their neighbourhood: photographs that touch."""
    lo, hi = axis ^ 1, (axis ^ 1) + 2
    x0, y0, x1, y1 = box
    longer, side = evidence.longer, box[hi] - box[lo]
    share = shares(evidence.edges(axis)[y0:y1, x0:x1], axis)
    cuts: list[tuple[float, int]] = []
    for t in np.flatnonzero(share > EDGE_SHARE).tolist():
        around = np.concatenate((share[max(0, t - 9) : max(0, t - 3)], share[t + 4 : t + 10]))
        if min(t, side - t) < 2 * LEAST_SIDE * longer or not around.size or share[t] < around.max() + EDGE_ALONE:
            continue
        if cuts and box[lo] + t - cuts[-1][1] < EDGES_APART:
            continue
        cuts.append((EDGE + float(share[t]), box[lo] + t))
    return cuts


def gaps(quiet: np.ndarray) -> list[tuple[int, int]]:
    """Runs of True that touch neither end, as (start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8))).tolist()
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a > 0 and b < len(quiet)]


def join_small(boxes: list[Box], longer: int) -> list[Box]:
    """Pieces too small for a panel (labels, colour bars, titles) join the nearest larger one."""
    total = sum(area(b) for b in boxes)
    large = [b for b in boxes if min(b[2] - b[0], b[3] - b[1]) >= SMALL_SIDE * longer and area(b) >= SMALL_AREA * total]
    if not large:
        return boxes
    joined = list(large)
    for box in boxes:
        if box not in large:
            at = nearest(box, large)
            joined[at] = union(joined[at], box)
    return joined


def distance(a: Box, b: Box) -> int:
    """Pixels between two boxes, the larger of the two axes' gaps; 0 where they touch."""
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3], 0)


def nearest(box: Box, others: Sequence[Box]) -> int:
    """Index of the nearest of some boxes."""
    return min(range(len(others)), key=lambda i: (distance(box, others[i]), i))


def union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def even(boxes: Sequence[Box]) -> bool:
    """Whether no piece is a legend or a heading beside the others, judged by area alone."""
    areas = sorted(area(b) for b in boxes)
    return areas[0] >= LEAST_SHARE * areas[-1]


def regular(boxes: Sequence[Box]) -> bool:
    """Whether four or more pieces are of one width and one height, as panels of a series are."""
    if len(boxes) < 4:
        return False
    sides = np.array([(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes])
    return bool((np.abs(sides / np.median(sides, 0) - 1) < ALIKE).all())


def grid(boxes: Sequence[Box]) -> bool:
    """Whether pieces make two rows or more of the same two columns or more."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda b: b[1]):
        if rows and box[1] < (rows[-1][0][1] + rows[-1][0][3]) / 2:
            rows[-1].append(box)
        else:
            rows.append([box])
    if len(rows) < 2 or len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        return False
    table = np.array([sorted(row) for row in rows])  # (rows, columns, 4)
    width, height = np.median(table[..., 2] - table[..., 0]), np.median(table[..., 3] - table[..., 1])
    columns, lines = np.ptp(table[..., [0, 2]], 0), np.ptp(table[..., [1, 3]], 1)
    return bool((columns < GRID * width).all() and (lines < GRID * height).all())


def choose(evidence: Evidence, wanted: int, least: float) -> Partition:
    """The partition with the wanted number of pieces if cuts of some strength give it, else by strength alone.

    `wanted` is the number of labels of the caption (0: unknown), `least` the strength that a cut needs without it.
    """
    best = Partition((evidence.whole,))
    by_strength = best
    for partition in partitions(evidence):
        enough = least * (GRID_NEEDS if grid(partition.boxes) else REGULAR if regular(partition.boxes) else 1.0)
        if partition.strength >= enough and (wanted > 1 or even(partition.boxes)):
            by_strength = partition
        if wanted > 1 and len(partition.boxes) == wanted and partition.strength > COUNTED:
            return partition
        if len(partition.boxes) > max(2 * wanted, TRIED) or partition.strength < (
            COUNTED if wanted > 1 else min(GRID_NEEDS, REGULAR) * least
        ):
            break
    return by_strength
