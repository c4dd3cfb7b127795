"""Which label belongs to which panel: an assignment of the caption's labels, with the reading order as a prior.

What speaks for "panel i carries label j" is the letter that was read in panel i and the place of i in the reading
order; the best complete assignment is found with the Hungarian algorithm, and what it is worth with the margin to the
best assignment in which the panel carries something else (the shortest alternating cycle).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pmc15m.figures.captions.model import CaptionSplit
from pmc15m.figures.model import LABEL_ALPHABET, NUMBERED, Box, LabelReading, SeparationReason
from pmc15m.weights import fitted, log_odds, probability

Costs = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

# Log-likelihoods, chosen on the published layouts of PanelSeg with simulated readings.
FLOOR = 0.003  # what a letter is worth that the reader ruled out
UNREAD = math.log(0.15)  # a labelled panel in which nothing was read
NO_LABEL = -4.0  # a panel without a label in a figure that has labels
NO_PANEL = -2.5  # a label without a panel
IN_PLACE = math.log(0.93)
OUT_OF_PLACE = -3.0  # and less the farther
COLUMNS = math.log(0.05 / 0.93)  # panels lettered column by column
TOPS = math.log(0.02 / 0.93)  # by their upper edges, where rows interlock
FARTHER, FARTHEST = 0.3, 4  # what each place farther costs, and up to how many
MISCOUNT = 3  # panels too many or too few from which more say no more of the order
READ = math.log(0.5)  # probability from which a letter is read that the caption does not name
CROSSING = 0.1  # of its side, by which a box may reach over a line that parts boxes
UNKNOWN = -3.0  # a letter that the caption does not have
POSITION = 0.7  # certainty of a text that the caption gives to a place, where the panels fill the places
BAND_SLACK = 0.2  # of a band, by which a box may reach into the next
_BANDS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("left", "right")),
    (0, ("left", "middle", "right")),
    (0, ("left", "center", "right")),
    (0, ("left", "centre", "right")),
    (1, ("top", "bottom")),
    (1, ("upper", "lower")),
    (1, ("top", "middle", "bottom")),
    (1, ("upper", "middle", "lower")),
)
DIGITS = LABEL_ALPHABET.index("1")
CERTAIN = 0.5  # mean certainty below which the whole caption is kept


@dataclass(frozen=True, slots=True)
class Match:
    """What one panel carries: its printed label, the reading that it came from (an index), the certainty in 0..1.

    `name` is the key of its text in `CaptionSplit.segments`: the label, or its place ("left"), or None.
    """

    label: str | None
    reading: int | None
    certainty: float
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Alignment:
    """One match a panel, in the order of the panels that were given; labels that found no panel; why it is unsure."""

    matches: tuple[Match, ...]
    order: tuple[int, ...]
    unassigned: tuple[str, ...]
    certainty: float
    reason: SeparationReason | None


def align(boxes: Sequence[Box], readings: Sequence[LabelReading], split: CaptionSplit) -> Alignment:
    """Assign labels to the panels `boxes`; `readings` name the panel that they stand in. Deterministic."""
    rows, columns = reading_order(boxes), reading_order(boxes, columns=True)
    labels = _labels(split, readings, len(boxes))
    if not boxes or not labels:
        alone = tuple(Match(None, None, 0.0) for _ in boxes)
        places = find_places(boxes, split.labels) if split.positional else None
        if places:
            placed = tuple(Match(None, None, POSITION, place) for place in places)
            return Alignment(placed, rows, (), POSITION, None)
        return Alignment(alone, rows, split.labels, 0.0, SeparationReason.NO_CAPTION_LABELS)
    fits, source = _letters(labels, readings, len(boxes))
    named = frozenset(split.labels if split.labels and not split.positional else labels)
    orders = {by_tops(boxes): TOPS, columns: COLUMNS, rows: 0.0}
    best: tuple[float, Costs, Places, tuple[int, ...]] | None = None
    for order, prior in orders.items():
        cost = _costs(fits, order, labels, named)
        match = hungarian(cost)
        total = prior - float(cost[np.arange(len(cost)), match].sum())
        if best is None or total > best[0]:
            best = (total, cost, match, order)
    assert best is not None  # there is always the order of rows
    _, cost, match, order = best
    certainties = _certainties(fits, source, order, match, margins(cost, match), len(named))
    matches = [
        Match(labels[j], source[i][j], certainties[i], labels[j] if labels[j] in split.segments else None)
        if (j := int(match[i])) < len(labels)
        else Match(None, None, 0.0)
        for i in range(len(boxes))
    ]
    given = {m.label for m in matches}
    unassigned = tuple(label for label in split.labels if label not in given)
    labelled = [m.certainty for m in matches if m.label]
    certainty = sum(labelled) / len(matches) if matches else 0.0
    reason: SeparationReason | None = None
    if not split.labels:
        reason = SeparationReason.NO_CAPTION_LABELS
    elif certainty < CERTAIN:
        reason = SeparationReason.UNCERTAIN_ALIGNMENT if readings else SeparationReason.NO_PRINTED_LABELS
    return Alignment(tuple(matches), order, unassigned, certainty, reason)


def _certainties(
    fits: Costs,
    source: Sequence[Sequence[int | None]],
    order: Sequence[int],
    match: Places,
    margin: Costs,
    announced: int,
) -> list[float]:
    """Probability of each panel's label: its own letter, or else the order as far as the other letters confirm it.

    The weights of the order (`reading_order`) are the share of figures lettered in the order of the tree, by number of
    panels (.999 of 2, .97, .92, .83, .87, .78 of more than 6), and what a letter read in place, or not, says of that.
    """
    n, m = fits.shape
    place = {panel: at for at, panel in enumerate(order)}
    read = {i: j for i, j in enumerate(match[:n].tolist()) if j < m and source[i][j] is not None}
    agreeing = sum(place[i] == j for i, j in read.items())
    size, weights = f"{max(n, announced, 2)} panels", fitted("reading_order")
    traits = {
        size if size in weights else "more panels": 1,
        "agrees": agreeing,
        "disagrees": len(read) - agreeing,
        "miscounted": min(MISCOUNT, abs(n - announced)),
    }
    in_order = probability(log_odds(weights, traits))
    out = []
    for i in range(n):
        by_letter = _by_letter(fits[i], read[i]) if i in read else 0.0
        by_order = in_order if place[i] == match[i] else 0.0
        either = 1 - (1 - by_letter) * (1 - by_order)
        out.append(min(either, 1 - math.exp(-max(0.0, float(margin[i])))))
    return out


def _by_letter(fits: Costs, label: int) -> float:
    """Probability of a label by how much better it fits what was read than any other does."""
    others = np.delete(fits, label)
    clear = float(fits[label] - (others.max() if len(others) else math.log(FLOOR)))
    return 1 - math.exp(-max(0.0, clear))


def _letter(label: str) -> int | None:
    """Place of the letter that is printed for a label in `LABEL_ALPHABET`; None for roman numbers."""
    plain = label.lower().strip("'’′″")
    letters = [c for c in plain if c.isalpha()]
    if len(plain) > 1 and len(letters) != 1:
        return None
    at = LABEL_ALPHABET.find(letters[0] if letters else plain)
    return at if at >= 0 else None


def _labels(split: CaptionSplit, readings: Sequence[LabelReading], n: int) -> list[str]:
    """The labels that panels may carry: the caption's, and letters that were read beyond them.

    Without a caption, what was read and the letters that are missing in between, as far as there are panels for them.
    """
    labels = [] if split.positional else list(split.labels)
    upper = labels[0].isupper() if labels else float(np.mean([r.upper for r in readings] or [1.0])) >= 0.5
    case = str.upper if upper else str.lower
    read: dict[int, set[int]] = {}  # the numbers behind each letter
    for r in readings:
        if max(r.log_probs) > READ:
            read.setdefault(int(np.argmax(r.log_probs)), set()).add(r.number)
    if labels:
        known = {_letter(label) for label in labels}  # also of "b1"
        return labels + [case(LABEL_ALPHABET[k]) for k in sorted(read) if k not in known]
    if len(read) < 2:
        return []
    first = 0 if max(read) < DIGITS else DIGITS
    everything = [(k, number) for k in range(first, max(read) + 1) for number in sorted(read.get(k, {0}))]
    series = everything if len(everything) <= n else [(k, number) for k in sorted(read) for number in sorted(read[k])]
    return [case(LABEL_ALPHABET[k]) + str(number or "") for k, number in series]


def _letters(labels: Sequence[str], readings: Sequence[LabelReading], n: int) -> tuple[Costs, list[list[int | None]]]:
    """Log-likelihood of what was read in each panel (rows) under each label (columns), and the reading behind it."""
    fits = np.full((n, len(labels)), UNREAD)
    source: list[list[int | None]] = [[None] * len(labels) for _ in range(n)]
    places = [_letter(label) for label in labels]
    numbers = [int(label[1:]) if NUMBERED.fullmatch(label) else 0 for label in labels]
    for index, reading in enumerate(readings):
        for j, place in enumerate(places):
            other = reading.number and numbers[j] and reading.number != numbers[j]
            value = math.log(FLOOR if place is None or other else math.exp(reading.log_probs[place]) + FLOOR)
            if source[reading.panel][j] is None or value > fits[reading.panel, j]:
                fits[reading.panel, j] = value
                source[reading.panel][j] = index
    return fits, source


def _costs(fits: Costs, order: Sequence[int], labels: Sequence[str], named: frozenset[str]) -> Costs:
    """Square cost matrix of panels and labels, each with a dummy for staying alone."""
    n, m = fits.shape
    place = {panel: at for at, panel in enumerate(order)}
    cost = np.zeros((n + m, n + m))
    for i in range(n):
        for j, label in enumerate(labels):
            away = abs(place[i] - j)
            prior = IN_PLACE if away == 0 else OUT_OF_PLACE - FARTHER * min(away - 1, FARTHEST)
            if label not in named:
                prior = UNKNOWN
            cost[i, j] = -(fits[i, j] + prior)
        cost[i, m:] = -NO_LABEL
    for j, label in enumerate(labels):
        cost[n:, j] = -NO_PANEL if label in named else 0.0
    return cost


def find_places(boxes: Sequence[Box], places: Sequence[str]) -> tuple[str, ...] | None:
    """The place of each box where `places` divide the figure into equal bands and every box lies in one of them.

    None where a box reaches over two bands, a band stays empty, or the places are no plain row or column of bands.
    """
    axis, bands = next(((a, b) for a, b in _BANDS if set(places) == set(b) and len(places) == len(b)), (0, ()))
    if not boxes or not bands:
        return None
    low, high = min(box[axis] for box in boxes), max(box[axis + 2] for box in boxes)
    out = []
    for box in boxes:
        first, last = (len(bands) * (x - low) / max(1, high - low) for x in (box[axis], box[axis + 2]))
        band = int((first + last) / 2)
        if first < band - BAND_SLACK or last > band + 1 + BAND_SLACK:
            return None
        out.append(bands[band])
    return tuple(out) if set(out) == set(places) else None


def reading_order(boxes: Sequence[Box], columns: bool = False) -> tuple[int, ...]:
    """Indices of the boxes in reading order by the guillotine tree: rows first, or columns first."""
    out: list[int] = []

    def visit(group: list[int]) -> None:
        if len(group) > 1:
            for axis in (0, 1) if columns else (1, 0):
                parts = _cut(boxes, group, axis)
                if len(parts) > 1:
                    for part in parts:
                        visit(part)
                    return
            group = sorted(group, key=lambda i: (boxes[i][1], boxes[i][0]))
        out.extend(group)

    visit(list(range(len(boxes))))
    return tuple(out)


def by_tops(boxes: Sequence[Box]) -> tuple[int, ...]:
    """Indices of the boxes row by row, a row being the boxes that begin in the upper half of its first one."""
    left = sorted(range(len(boxes)), key=lambda i: (boxes[i][1], boxes[i][0]))
    out: list[int] = []
    while left:
        middle = (boxes[left[0]][1] + boxes[left[0]][3]) / 2
        row = sorted((i for i in left if boxes[i][1] < middle), key=lambda i: boxes[i][0])
        out += row
        left = [i for i in left if i not in row]
    return tuple(out)


def _cut(boxes: Sequence[Box], group: Sequence[int], axis: int) -> list[list[int]]:
    """The group cut at every straight line across `axis` that no box crosses by more than a tenth of its side."""
    parts: list[list[int]] = []
    reach = -math.inf
    for i in sorted(group, key=lambda i: boxes[i][axis]):
        low, high = boxes[i][axis], boxes[i][axis + 2]
        if low >= reach - CROSSING * (high - low):
            parts.append([])
        parts[-1].append(i)
        reach = max(reach, high - CROSSING * (high - low))
    return parts


def hungarian(cost: Costs) -> Places:
    """Column of each row in the cheapest assignment of a square matrix (Kuhn-Munkres with potentials)."""
    n = len(cost)
    u, v = np.zeros(n + 1), np.zeros(n + 1)
    row = np.zeros(n + 1, np.intp)  # row[j]: the row, from 1, matched to column j; column 0 is the free row
    for i in range(1, n + 1):
        row[0], j = i, 0
        least = np.full(n + 1, np.inf)
        way = np.zeros(n + 1, np.intp)
        used = np.zeros(n + 1, bool)
        while row[j]:
            used[j] = True
            reduced = cost[row[j] - 1] - u[row[j]] - v[1:]
            closer = ~used[1:] & (reduced < least[1:])
            least[1:][closer] = reduced[closer]
            way[1:][closer] = j
            j = int(np.where(used[1:], np.inf, least[1:]).argmin()) + 1
            delta = least[j]
            u[row[used]] += delta
            v[used] -= delta
            least[~used] -= delta
        while j:
            row[j] = row[way[j]]
            j = int(way[j])
    match = np.empty(n, np.intp)
    match[row[1:] - 1] = np.arange(n)
    return match


def margins(cost: Costs, match: Places) -> Costs:
    """For each row, how much more the cheapest assignment costs in which it has another column.

    Changing a row's column starts a chain of rows that take each other's columns; the cheapest is the shortest cycle
    through that row (Floyd-Warshall; `match` is optimal, so no cycle is negative).
    """
    step = cost[:, match] - cost[np.arange(len(cost)), match][None, :]
    np.fill_diagonal(step, np.inf)
    best = step.copy()
    for k in range(len(best)):
        best = np.minimum(best, best[:, k, None] + best[None, k, :])
    return np.diagonal(best).copy()
