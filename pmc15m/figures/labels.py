"""Which candidates are the printed labels of a figure: one letter each, one size, one case, a series from the start.

A figure prints its labels alike and without gaps, and the caption names them. So letters are not accepted one by one:
the best consistent series wins as a whole (the beam of Zou 2017 and CompFigSep, with the caption as evidence).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmc15m.figures.model import LABEL_ALPHABET
from pmc15m.figures.reader import Readings

LETTERS, DIGITS = LABEL_ALPHABET[:26], LABEL_ALPHABET[26:]

# Height of a glyph's main component in em, for the usual sans serif faces.
CAPITAL, SMALL, TALL = 0.72, 0.53, 0.73
SMALL_HEIGHT = {**dict.fromkeys(LETTERS, SMALL), **dict.fromkeys("bdfhklgpqyj", TALL), "t": 0.66}

RARE = 2.7  # of all candidates one in e^3 is a label; the reader was trained on many more
DIGIT = 2.0  # log odds that a digit loses: tick numbers stand in columns too
NAMED = 2.5  # log odds that a letter of the caption's set gains
MISSED = 2.0  # cost of a letter of the series that is not seen
ALIKE = 0.14  # largest difference of log size within a figure, beside that of one pixel
REPEATED = 1.2  # cost of every further candidate that reads the same letter as well: bars marked a, b, a, b
ASTRAY = 1.5  # cost of a label that comes before its predecessor in reading order
ALIGNED = 1.0  # gain of a label that shares an edge with another


@dataclass(frozen=True, slots=True)
class Found:
    """A printed label: its text as printed, index of the candidate, box in working pixels, log odds."""

    text: str
    candidate: int
    box: tuple[int, int, int, int]
    odds: float


@dataclass(frozen=True, slots=True)
class Series:
    """The labels of a figure in the order of their series, and the score of the whole."""

    labels: tuple[Found, ...]
    score: float


NOTHING = Series((), 0.0)


def find_series(boxes: NDArray[np.int64], readings: Readings, named: Sequence[str] = ()) -> Series:
    """The best series of labels among the candidates, or an empty one. `named`: labels of the caption, without case."""
    if not len(boxes):
        return NOTHING
    wanted = [t for t in dict.fromkeys(n.casefold() for n in named) if len(t) == 1 and t in LABEL_ALPHABET]
    odds = log_odds(readings)
    best = NOTHING
    for upper, alphabet in ((True, LETTERS), (False, LETTERS), (True, DIGITS)):
        letters = [c for c in alphabet if not wanted or c in wanted or c == alphabet[0]]
        if wanted and not set(wanted) & set(letters):
            continue
        case = np.log(np.clip(readings.upper if upper else 1 - readings.upper, 1e-3, 1))
        height = (boxes[:, 3] - boxes[:, 1]).astype(float)
        size = {
            c: np.log(height / (SMALL_HEIGHT[c] if not upper and alphabet is LETTERS else CAPITAL)) for c in alphabet
        }
        value = {}
        for c in alphabet:
            value[c] = odds[:, LABEL_ALPHABET.index(c)] + (0.5 * case if alphabet is LETTERS else 0)
            value[c] = value[c] + (NAMED if c in wanted else 0) - (DIGIT if alphabet is DIGITS else 0)
        seeds = {
            round(float(size[c][i]), 2)
            for c in (letters[:4] + letters[4:])
            for i in np.argsort(-value[c])[:4]
            if value[c][i] > 0
        }
        for seed in sorted(seeds):
            series = grow(boxes, value, size, seed, alphabet, wanted)
            if series.score > best.score + 1e-9:
                text = str.upper if upper else str.lower
                labels = tuple(Found(text(f.text), f.candidate, f.box, f.odds) for f in series.labels)
                best = Series(labels, series.score)
    return best


def log_odds(readings: Readings) -> NDArray[np.float64]:
    """float64 (n, 35): log odds of each letter against everything else, shifted to how rare labels are."""
    p = np.clip(np.exp(readings.letters.astype(float)), 1e-4, 1 - 1e-3)
    odds: NDArray[np.float64] = np.log(p[:, :-1]) - np.log1p(-p[:, :-1]) - RARE
    return odds


def grow(
    boxes: NDArray[np.int64],
    value: dict[str, NDArray[np.float64]],
    size: dict[str, NDArray[np.float64]],
    seed: float,
    alphabet: str,
    wanted: Sequence[str],
) -> Series:
    """The best series of one size: for every letter its best candidate, then the best end of the series."""
    slack = ALIKE + 1.0 / np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    chosen: dict[str, int] = {}
    rivals: dict[str, NDArray[np.int64]] = {}
    for c in alphabet:
        alike = np.flatnonzero((np.abs(size[c] - seed) < slack) & (value[c] > -MISSED))
        if alike.size:
            rivals[c] = alike[np.argsort(-value[c][alike], kind="stable")]
    for c in sorted(rivals, key=lambda c: -value[c][rivals[c][0]]):
        free = [i for i in rivals[c].tolist() if i not in chosen.values()]
        if free:
            chosen[c] = free[0]

    def likely(c: str, i: int) -> bool:
        return c in wanted if wanted else bool(value[c][i] > 0)

    for _ in range(2):
        for c in chosen:
            others = [boxes[i] for d, i in chosen.items() if d != c and likely(d, i)]
            free = [i for i in rivals[c].tolist()[:6] if i == chosen[c] or i not in chosen.values()]
            chosen[c] = max(free, key=lambda i: value[c][i] + placed(boxes[i], others))
    total, best, end = 0.0, 0.0, 0
    last: str | None = None
    for n, c in enumerate(alphabet):
        if c not in chosen:
            total -= MISSED if not wanted or c in wanted else MISSED + NAMED
            if last is None and n > 0 and not wanted:
                break
            continue
        i = chosen[c]
        repeats = sum(value[c][j] > max(value[c][i] - 2.0, 0.0) for j in rivals[c].tolist()) - 1
        others = [boxes[j] for d, j in chosen.items() if d != c and likely(d, j)]
        total += min(value[c][i], 7.0) + placed(boxes[i], others) - REPEATED * min(repeats, 4)
        if last is not None and not follows(boxes[chosen[last]], boxes[i]):
            total -= ASTRAY
        if wanted and c not in wanted:
            total -= NAMED
        last = c
        if total > best:
            best, end = total, n + 1
    kept = [c for c in alphabet[:end] if c in chosen]
    if len(kept) < 2:
        return NOTHING
    best -= MISSED * sum(c not in kept for c in wanted if c > kept[-1])
    found = (Found(c, chosen[c], tuple(boxes[chosen[c]].tolist()), float(value[c][chosen[c]])) for c in kept)
    return Series(tuple(found), best)


def placed(box: NDArray[np.int64], others: Sequence[NDArray[np.int64]]) -> float:
    """What a box gains that shares its left edge, its base or its top with another; half as much for a second one."""
    slack = max(2.0, 0.25 * float(box[3] - box[1]))
    n = sum(bool(np.abs(box - o)[[0, 1, 3]].min() <= slack) for o in others)
    return ALIGNED * (0.0, 1.0, 1.5)[min(n, 2)]


def follows(before: NDArray[np.int64], after: NDArray[np.int64]) -> bool:
    """Whether a label may come next: to the right of the one before, or below it."""
    slack = float(before[3] - before[1])
    return bool(after[0] > before[0] + slack or after[1] > before[1] + slack)


def confidence(series: Series) -> float:
    """Probability that the series is right, a logistic of its mean log odds."""
    if not series.labels:
        return 0.0
    return 1 / (1 + math.exp(-series.score / len(series.labels)))
