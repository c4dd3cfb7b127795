"""Panels of a figure without letters: its pictures and plots are found first, then the straight cuts between them.

A picture fills its rectangle and is textured, and may be a mosaic of pictures that touch; a plot stands on axes with
numbers beside them. What neither holds nor is one is no panel: the boxes of a scheme, the rings of a formula, a table.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmc15m.figures.evidence import PAPER_TOLERANCE, Evidence
from pmc15m.figures.gutters import GLOOM, LEAST_SHARE, PHOTO, QUIET, SURE, area, gaps, regular
from pmc15m.figures.model import Box, slab

LEAST_SIDE, LEAST_LEAF = 0.07, 0.03  # of the longer side: the least side of a picture or plot, and of anything else
COVERED, SPECK = 0.97, 0.008  # share of a picture's squares with content, and their side, of the longer one
BITS, STEPS = 3.0, 0.25  # entropy of luma, and share of steps in it, from which a rectangle is a picture
OTHER = 0.2  # of the usual picture's area: the least of something solid that stands beside pictures; else twice it
LINE, LINE_PX, THICK = 0.06, 40, 8  # of the longer side, and px: the least length of an axis; px of its thickness
SAME = 0.6  # of the longer of two runs: what the next row of a line shares with it
INK = 215  # luma of what may be an axis
MEETS, MEETS_PX = 0.012, 8  # of the longer side, and px, by which two axes may miss each other
NUMBERS = 0.06  # of the longer side: how far the numbers of an axis reach
ALIKE, EQUAL = 0.25, 0.05  # largest difference of the sides of plots of a kind, and of cells of one frame
ALONE, NUMBERED = 4, 3  # axes of one length, without another that meets them, that are plots; numbers below each
OVERLAP = 0.3  # of the smaller of two boxes: what a plot may share with another
CELL, MOST_CELLS = 0.09, 9  # of the longer side: least side of a picture in a mosaic; and how many stand in a row
PARTS, BESIDE = 12, 10  # of a line that may be a seam; px beside it that are less sharp
SHARPER, NOISE = 1.3, 1.5  # times as much, and by how many grey levels more, luma steps across a seam
DARK, NARROW, FEW = 40, 0.04, 5  # luma of a dark gutter, of the longer side its width, and how many there may be
EDGED = 0.4  # how sharp both edges of a gutter of another shade are
DARK_GUTTER, DARK_BAND = 0.75, 0.6  # how sure such a gutter is, and a wide dark band where a raster would have one
CERTAIN, RASTER, LEAST_RASTER, PAIR = 0.6, 0.42, 0.27, 0.18  # a seam, seams of a raster: mean, each, more for a pair
SLACK = 0.012  # of the longer side, by which a seam may lie beside its place in the raster
UNSEEN, FAINT, SEEN = 0.35, 0.7, 0.25  # left of a seam that the network does not see, in the dark; what it adds
DEEPEST = 4  # levels of cuts in a mosaic
SECONDED, BARE = 0.15, 0.5  # how sure of the cuts the network must be on average, and where nothing has numbers
FLAT = 0.5  # share of one shade, neither black nor white, from which a rectangle is a tinted box
LIKE_FRAME = 40  # grey levels by which lines between cells may be paler than the frame: those of a grid are more
SOLID, SOLID_INK, EROSION = 0.35, 200, 2  # share of ink that is left when so many px are taken off all round
ONE_GROUND = 0.5  # share of one shade from which a page is one ground
RINGING = 4  # px beside what stands on it, in which a ground is not even
FRAMED, RIM = 0.3, 0.95  # of a piece: the least plot in it; content along the sides of a framed one


class Seam(NamedTuple):
    """Where a picture may be cut: how sure that is, the end of what comes before and the start of what comes after."""

    at: int
    sure: float
    end: int
    start: int


def panels(evidence: Evidence) -> tuple[Box, ...]:
    """The pictures and plots of a figure with what belongs to each; nothing where fewer than two are believed."""
    found, needed = units(evidence)
    if len(found) < 2:
        return touching(evidence)
    boxes: list[Box] = []
    seen: list[float] = []
    todo = [(evidence.whole, found)]
    while todo:
        box, inside = todo.pop()
        box = box if evidence.black else evidence.trim(box) or box
        if len(inside) == 1:
            boxes.append(box)
            continue
        cut = _cut(evidence, box, inside)
        if cut is None:
            return ()
        axis, at, before, after = cut
        if evidence.lanes:
            seen += evidence.lanes.beside(box, axis, [at])
        todo.append((slab(box, axis, box[axis ^ 1], at), before))
        todo.append((slab(box, axis, at, box[(axis ^ 1) + 2]), after))
    if seen and evidence.grey.mean() >= GLOOM and np.mean(seen) < needed:
        return ()
    return tuple(boxes)


def standalone(evidence: Evidence, boxes: Sequence[Box]) -> bool:
    """Whether each of some pieces is solid, holds a plot, or is framed as another: no formula, no table, no words."""
    plotted = plots(evidence, ())
    framed = [box for box in boxes if _rim(evidence, box) > RIM]
    return all(
        solid(evidence, box) > SOLID
        or any(_shared(frame, box) > FRAMED * area(box) for frame in plotted)
        or (box in framed and any(other != box and _alike(box, other) for other in framed))
        for box in boxes
    )


def _rim(evidence: Evidence, box: Box) -> float:
    """Share of content along the four sides of a box."""
    x0, y0, x1, y1 = box
    part = evidence.content[y0:y1, x0:x1]
    return float(np.concatenate((part[0], part[-1], part[:, 0], part[:, -1])).mean())


def solid(evidence: Evidence, box: Box) -> float:
    """Share of the ink of a box that does not lie at its edges: hardly any of letters and thin lines."""
    x0, y0, x1, y1 = box
    ink = evidence.grey[y0:y1, x0:x1] < SOLID_INK
    left = ink
    for _ in range(EROSION):
        left = left[1:-1, 1:-1] & left[:-2, 1:-1] & left[2:, 1:-1] & left[1:-1, :-2] & left[1:-1, 2:]
    return float(np.count_nonzero(left)) / max(int(np.count_nonzero(ink)), 1)


def units(evidence: Evidence) -> tuple[list[Box], float]:
    """The pictures of a figure, its plots, and what else stands beside its pictures.

    And how sure of the cuts between them the figure network must be on average: not at all between plots of one size.
    """
    if evidence.black:
        return mosaic(evidence, evidence.whole), SECONDED
    pictures: list[Box] = []
    others: list[Box] = []
    needed = SECONDED
    for leaf in leaves(evidence, evidence.whole):
        if not _is_picture(evidence, leaf):
            others.append(leaf)
        else:
            pictures += [leaf] if min(numbers(evidence, leaf)) > 1 else mosaic(evidence, leaf)
    plotted = plots(evidence, pictures)
    found = pictures + plotted
    if pictures:
        usual = sorted(map(area, found))[len(found) // 2]
        found += [
            other
            for other in others
            if area(other) >= (OTHER if solid(evidence, other) > SOLID else 2 * OTHER) * usual and _apart(other, found)
        ]
    elif not any(min(numbers(evidence, frame)) > 1 for frame in plotted):
        needed = BARE
    elif all(_alike(frame, plotted[0], EQUAL) for frame in plotted):
        needed = 0.0
    most = max(map(area, found), default=0)
    return [unit for unit in found if area(unit) >= LEAST_SHARE * most], needed


def leaves(evidence: Evidence, box: Box) -> Iterator[Box]:
    """What empty lines of any width leave of a box."""
    part = evidence.trim(box)
    if part is None or min(part[2] - part[0], part[3] - part[1]) < LEAST_LEAF * evidence.longer:
        return
    empty = [gaps(evidence.busy(part, axis) <= QUIET) for axis in (0, 1)]
    widest = [max((b - a for a, b in found), default=0) for found in empty]
    axis = int(widest[1] > widest[0])
    if not widest[axis]:
        yield part
        return
    first = part[axis ^ 1]
    ends = (first, *(first + (a + b) // 2 for a, b in empty[axis]), part[(axis ^ 1) + 2])
    for a, b in itertools.pairwise(ends):
        yield from leaves(evidence, slab(part, axis, a, b))


def _is_picture(evidence: Evidence, leaf: Box) -> bool:
    """Whether a leaf fills its rectangle, and not with one shade."""
    x0, y0, x1, y1 = leaf
    if min(x1 - x0, y1 - y0) < LEAST_SIDE * evidence.longer:
        return False
    if evidence.fill(leaf) <= PHOTO and _covered(evidence, leaf) <= COVERED:
        return False
    luma = evidence.grey[y0:y1, x0:x1]
    share = np.bincount(luma.ravel() >> 2, minlength=64) / luma.size
    if share[DARK // 4 : -PAPER_TOLERANCE // 4].max() > FLAT:
        return False
    bits = -float((share * np.log2(np.maximum(share, 1e-9))).sum())
    return bits > BITS or luma.mean() < GLOOM or float(evidence.edges(1)[y0:y1, x0:x1].mean()) > STEPS


def _covered(evidence: Evidence, box: Box) -> float:
    """Share of small squares of a box that hold content: all of a picture, however much of it is white."""
    x0, y0, x1, y1 = box
    step = max(4, round(SPECK * evidence.longer))
    rows = np.add.reduceat(evidence.content[y0:y1, x0:x1], np.arange(0, y1 - y0, step), axis=0, dtype=np.uint16)
    return float((np.add.reduceat(rows, np.arange(0, x1 - x0, step), axis=1, dtype=np.uint32) > 0).mean())


def plots(evidence: Evidence, pictures: Sequence[Box]) -> list[Box]:
    """Frames with numbers beside them, and those like them; else axes of one length that have numbers below."""
    framed = [frame for frame in frames(evidence, pictures) if _apart(frame, pictures)]
    numbered = [frame for frame in framed if min(numbers(evidence, frame)) > 1]
    if not numbered and len(framed) > 1 and all(_alike(frame, framed[0]) for frame in framed):
        return framed
    return [frame for frame in framed if frame in numbered or any(_alike(frame, other) for other in numbered)]


def frames(evidence: Evidence, pictures: Sequence[Box]) -> list[Box]:
    """What lies above a horizontal axis and right of a vertical one that meets its left end; outside pictures.

    A frame that lines of its own shade cut into equal cells is its cells; axes of one length that no vertical one meets
    are plots as well, where numbers stand below each.
    """
    ink = evidence.grey < INK
    for x0, y0, x1, y1 in pictures:
        ink[y0:y1, x0:x1] = False
    least = max(LINE_PX, int(LINE * evidence.longer))
    across, down = lines(ink, least), lines(np.ascontiguousarray(ink.T), least)
    miss = max(MEETS_PX, int(MEETS * evidence.longer))
    found = [
        (x, top, right, bottom + 1)
        for _, bottom, left, right in across
        for x, _, top, foot in down
        if abs(x - left) <= miss and abs(foot - 1 - bottom) <= miss
    ]
    side = LEAST_SIDE * evidence.longer
    kept: list[Box] = []
    for box in sorted(found, key=area, reverse=True):
        if min(box[2] - box[0], box[3] - box[1]) >= side and all(_shared(box, k) < 0.5 * area(box) for k in kept):
            kept.append(box)
    if not kept:
        return _on_baselines(evidence, across)
    return [cell for frame in kept for cell in _cells(evidence, frame, across, down)]


def lines(mask: NDArray[np.bool_], least: int) -> list[Box]:
    """First and last row, first and end column of the thin horizontal lines of a mask."""
    width = mask.shape[1] + 1  # a blank ends a row
    steps = np.diff(np.pad(mask, ((0, 0), (1, 0))).astype(np.int8).ravel(), append=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    long = ends - starts >= least
    found: list[list[int]] = []
    growing: list[list[int]] = []
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        y, first, last = start // width, start % width, end % width or width
        growing = [line for line in growing if y - line[1] <= 2]
        for line in growing:
            if line[2] >= last or line[3] <= first:
                continue
            if min(last, line[3]) - max(first, line[2]) > SAME * max(last - first, line[3] - line[2]):
                line[1:] = y, min(first, line[2]), max(last, line[3])
                break
        else:
            growing.append([y, y, first, last])
            found.append(growing[-1])
    return [(y0, y1, x0, x1) for y0, y1, x0, x1 in found if y1 - y0 < THICK]


def _cells(evidence: Evidence, frame: Box, across: Sequence[Box], down: Sequence[Box]) -> list[Box]:
    """The cells into which lines through all of a frame divide it, if they are of one size; else the frame."""
    x0, y0, x1, y1 = frame
    miss = max(MEETS_PX, int(MEETS * evidence.longer))
    ends = []
    for found, low, high, first, last, edge, grey in (
        (across, y0, y1, x0, x1, y1 - 1, evidence.grey),
        (down, x0, x1, y0, y1, x0, evidence.grey.T),
    ):
        side = max(LEAST_SIDE * evidence.longer, LINE_PX)
        palest = _shade(grey, (edge - miss // 4, edge + miss // 4, first, last)) + LIKE_FRAME
        through = (
            line
            for line in found
            if line[2] <= first + miss and line[3] >= last - miss and _shade(grey, line) <= palest
        )
        inner = sorted((a + b) // 2 for a, b, _, _ in through if low + side < a < high - side)
        at = (low, *inner, high)
        sides = np.diff(at)
        ends.append(at if (np.abs(sides / sides.mean() - 1) < EQUAL).all() else (low, high))
    return [(a, b, c, d) for b, d in itertools.pairwise(ends[0]) for a, c in itertools.pairwise(ends[1])]


def _shade(grey: NDArray[np.uint8], line: Box) -> float:
    """Luma of the darkest row of a line."""
    first, last, start, end = line
    return float(np.median(grey[max(0, first) : last + 1, start:end], axis=1).min())


def _on_baselines(evidence: Evidence, across: Sequence[Box]) -> list[Box]:
    """What stands on axes of one length with numbers below, where nothing else does."""
    if not across:
        return []
    length = np.array([x1 - x0 for _, _, x0, x1 in across])
    usual = max(length.tolist(), key=lambda n: int((np.abs(length / n - 1) < EQUAL).sum()))
    found = []
    for (_, y, x0, x1), n in zip(across, length.tolist(), strict=True):
        box = (x0, max(0, y - n // 3), x1, y + 1)
        if abs(n / usual - 1) < EQUAL and numbers(evidence, box)[1] >= NUMBERED:
            found.append(box)
    apart = [box for i, box in enumerate(found) if all(_shared(box, other) == 0 for other in found[:i])]
    return apart if len(apart) >= ALONE else []


def numbers(evidence: Evidence, frame: Box) -> tuple[int, int]:
    """How many things stand left of a frame, and below it."""
    x0, y0, x1, y1 = frame
    height = len(evidence.grey)
    reach = int(NUMBERS * evidence.longer)
    left = evidence.content[y0:y1, max(0, x0 - reach) : max(0, x0 - 1)].T[::-1]
    below = evidence.content[min(y1 + 2, height) : y1 + reach, x0:x1]
    return _things(left), _things(below)


def _things(beside: NDArray[np.bool_]) -> int:
    """How many things the lines beside an axis hold, nearest first, up to the first empty line behind them."""
    busy = np.flatnonzero(beside.any(1)) if beside.size else np.zeros(0, int)
    if not busy.size:
        return 0
    run = np.flatnonzero(np.diff(busy) > 1)
    nearest = beside[busy[0] : busy[run[0] if run.size else -1] + 1].any(0).astype(np.int8)
    return int((np.diff(nearest, prepend=np.int8(0)) == 1).sum())


def mosaic(evidence: Evidence, box: Box, depth: int = 0) -> list[Box]:
    """The pictures that a picture is made of, row by row or column by column: itself where nothing parts it."""
    axis, cuts = max(((axis, seams(evidence, box, axis)) for axis in (0, 1)), key=lambda cut: _surest(cut[1]))
    if not cuts or depth == DEEPEST:
        return [box]
    pieces = (slab(box, axis, *ends) for ends in _between(cuts, box[(axis ^ 1) + 2], box[axis ^ 1]))
    return [picture for piece in pieces for picture in mosaic(evidence, piece, depth + 1)]


def touching(evidence: Evidence) -> tuple[Box, ...]:
    """Pictures of one size that touch, on grounds so alike that all are taken for one page; or nothing.

    Their seams are looked for where nothing stands but ground.
    """
    page = np.bincount(evidence.grey[~evidence.content], minlength=1)
    if page.max() >= ONE_GROUND * page.sum():
        return ()
    ground = ~evidence.content
    for _ in range(RINGING):
        ground[1:-1, 1:-1] &= ground[1:-1, :-2] & ground[1:-1, 2:] & ground[:-2, 1:-1] & ground[2:, 1:-1]
    steps = {axis: np.where(ground, evidence.steps(axis), np.uint8(0)) for axis in (0, 1)}
    seen = replace(evidence, lanes=None, _steps=steps)
    rows, columns = (_between(seams(seen, seen.whole, axis), side) for axis, side in enumerate(seen.grey.shape))
    found = tuple((x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns)
    return found if regular(found) else ()


def _between(cuts: Sequence[Seam], end: int, start: int = 0) -> list[tuple[int, int]]:
    """What seams leave of a side from `start` to `end`, as (start, end)."""
    return list(zip([start, *(cut.start for cut in cuts)], [*(cut.end for cut in cuts), end], strict=True))


def _surest(cuts: Sequence[Seam]) -> float:
    return max((cut.sure for cut in cuts), default=0.0)


def seams(evidence: Evidence, box: Box, axis: int) -> list[Seam]:
    """The lines across an axis along which the pictures of a mosaic meet: sure ones, and those of a raster."""
    first, side = box[axis ^ 1], box[(axis ^ 1) + 2] - box[axis ^ 1]
    least = int(CELL * evidence.longer)
    if side < 2 * least:
        return []
    dark: list[tuple[int, int]] = []
    spots = _seconded(evidence, box, axis, _spots(evidence, box, axis, dark))
    strong = sorted(spot.at for spot in spots if spot.sure >= CERTAIN)
    crowded = {at for pair in itertools.pairwise(strong) if pair[1] - pair[0] < least for at in pair}  # a bar, a table
    inner = [spot for spot in spots if least <= spot.at <= side - least and spot.at not in crowded]
    chosen: list[Seam] = []

    def choose(more: Sequence[Seam]) -> None:
        for spot in sorted(more, key=lambda spot: -spot.sure):
            if all(abs(spot.at - other.at) >= least for other in chosen):
                chosen.append(spot)

    choose([spot for spot in inner if spot.sure >= CERTAIN])
    for n in range(min(MOST_CELLS, side // least), 1, -1):
        row = _raster(inner, side, n, dark, max(2, int(SLACK * evidence.longer)))
        sure = [spot.sure for spot in row]
        if min(sure) >= LEAST_RASTER and np.mean(sure) >= RASTER + (PAIR if n == 2 else 0.0):
            choose(row)
            break
    shifted = (Seam(at + first, sure, end + first, start + first) for at, sure, end, start in chosen)
    return sorted(shifted)


def _raster(spots: Sequence[Seam], side: int, n: int, dark: Sequence[tuple[int, int]], slack: int) -> list[Seam]:
    """The surest seam beside each line that would divide a side into n."""
    row = []
    for place in (round(side * k / n) for k in range(1, n)):
        near = [spot for spot in spots if abs(spot.at - place) <= slack]
        if len(dark) <= 1.5 * (n - 1) + 1 and any(a <= place < b for a, b in dark):
            near.append(Seam(place, DARK_BAND, place, place))
        row.append(max(near, key=lambda spot: spot.sure, default=Seam(place, 0.0, place, place)))
    return row


def _spots(evidence: Evidence, box: Box, axis: int, dark: list[tuple[int, int]]) -> list[Seam]:
    """Every line of a picture that may be a seam, and narrow bands of one shade; `dark` takes all dark bands."""
    line = sharpness(evidence, box, axis)
    side, least = len(line), int(CELL * evidence.longer)
    x0, y0, x1, y1 = box
    luma = evidence.grey[y0:y1, x0:x1].mean(1 - axis)
    bands = [(a, b) for a, b in gaps(evidence.uneven(box, axis) <= QUIET) if b - a > 1]
    dark += [(a, b) for a, b in bands if luma[a:b].mean() < DARK]
    few = sum(least <= (a + b) // 2 <= side - least for a, b in dark) <= FEW
    spots = []
    for a, b in bands:
        if b - a >= NARROW * evidence.longer:
            continue
        sides = [float(line[max(0, t - 2) : t + 3].max()) for t in (a, b)]
        if (a, b) in dark:
            spots.append(Seam((a + b) // 2, DARK_GUTTER if few else DARK_BAND / 2, a, b))
        elif min(sides) > EDGED:
            spots.append(Seam((a + b) // 2, min(1.0, min(sides) + 0.5), a, b))
    taken = np.zeros(side, bool)
    for _, _, a, b in spots:
        taken[max(0, a - 3) : b + 4] = True
    for t in np.argsort(-line, kind="stable")[: np.count_nonzero(line)].tolist():
        if not taken[t]:
            spots.append(Seam(t, float(line[t]), t, t))
            taken[max(0, t - 3) : t + 4] = True
    return spots


def sharpness(evidence: Evidence, box: Box, axis: int) -> NDArray[np.float64]:
    """float64 (lines,), 0..1: the share of the parts of a line in which luma steps more across it than beside it."""
    x0, y0, x1, y1 = box
    steps = evidence.steps(axis)[y0:y1, x0:x1]
    steps = steps if axis == 0 else steps.T
    n, m = len(steps), len(steps) - 2 * BESIDE
    out = np.zeros(n)
    if m < 1 or steps.shape[1] < 2 * PARTS:
        return out
    starts = np.linspace(0, steps.shape[1], PARTS + 1).astype(int)
    mean = np.add.reduceat(steps, starts[:-1], axis=1, dtype=np.float32) / np.diff(starts)
    mean = np.column_stack((mean, mean.mean(1)))  # (lines, PARTS + 1): the last is the whole line
    most = np.lib.stride_tricks.sliding_window_view(mean, BESIDE - 2, axis=0).max(-1)
    inner, beside = mean[BESIDE : n - BESIDE], np.maximum(most[:m], most[BESIDE + 3 : BESIDE + 3 + m])
    counted = np.maximum(inner, beside)[:, :-1] > NOISE
    sharper = (inner > SHARPER * beside + 1)[:, :-1] & counted
    told = sharper.sum(1) / np.maximum(counted.sum(1), PARTS / 3)
    out[BESIDE : n - BESIDE] = told * np.minimum(1.0, inner[:, -1] / (beside[:, -1] + 0.5) / 1.5)
    return out


def _seconded(evidence: Evidence, box: Box, axis: int, spots: list[Seam]) -> list[Seam]:
    """The spots, surer where the figure network sees a gutter, less sure where it sees none: in the dark it errs."""
    if evidence.lanes is None or not spots:
        return spots
    x0, y0, x1, y1 = box
    left = FAINT if evidence.grey[y0:y1, x0:x1].mean() < GLOOM else UNSEEN
    seen = evidence.lanes.beside(box, axis, [box[axis ^ 1] + spot.at for spot in spots])
    sure = (
        min(1.0, spot.sure * (left + (1 - left) * min(1.0, p / SURE)) + (SEEN if p > SURE else 0.0))
        for spot, p in zip(spots, seen, strict=True)
    )
    return [Seam(at, s, end, start) for (at, _, end, start), s in zip(spots, sure, strict=True)]


def _cut(evidence: Evidence, box: Box, inside: Sequence[Box]) -> tuple[int, int, list[Box], list[Box]] | None:
    """The emptiest and widest way between some units of a box: axis, place, and the units on both sides."""
    best: tuple[float, int, int, list[Box], list[Box]] | None = None
    for axis in (0, 1):
        lo, hi = axis ^ 1, (axis ^ 1) + 2
        ordered = sorted(inside, key=lambda unit: unit[lo])
        busy = evidence.busy(box, axis)
        end = 0
        for k, (before, after) in enumerate(itertools.pairwise(ordered), 1):
            end = max(end, before[hi])
            if after[lo] < end - 2:
                continue
            a, b = min(end, after[lo]), max(end, after[lo])
            share, at = _emptiest(busy[a - box[lo] : b - box[lo] + 1])
            cost = share - (after[lo] - end) / evidence.longer
            if best is None or cost < best[0]:
                best = cost, axis, a + at, ordered[:k], ordered[k:]
    return best[1:] if best else None


def _emptiest(line: NDArray[np.float64]) -> tuple[float, int]:
    """The share of content in the emptiest line, and the middle of the widest run of such lines."""
    least = float(line.min())
    quiet = np.diff(np.concatenate(([False], line <= least + QUIET / 2, [False])).astype(np.int8))
    runs = zip(np.flatnonzero(quiet == 1).tolist(), np.flatnonzero(quiet == -1).tolist(), strict=True)
    a, b = max(runs, key=lambda run: run[1] - run[0])
    return least, (a + b) // 2


def _alike(a: Box, b: Box, most: float = ALIKE) -> bool:
    return all(abs((a[k + 2] - a[k]) / (b[k + 2] - b[k]) - 1) < most for k in (0, 1))


def _apart(box: Box, others: Sequence[Box]) -> bool:
    return all(_shared(box, other) < OVERLAP * min(area(box), area(other)) for other in others)


def _shared(a: Box, b: Box) -> int:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)
