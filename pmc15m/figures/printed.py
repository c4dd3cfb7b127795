"""Which candidates are the printed labels of a figure: one letter each, one size, one case, a series from the start.

A figure prints its labels alike and without gaps, and the caption names them. So letters are not accepted one by one:
the best consistent series wins as a whole (the beam of Zou 2017 and CompFigSep, with the caption as evidence).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmc15m.figures.align import by_tops
from pmc15m.figures.model import LABEL_ALPHABET, NUMBERED, Box
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
NEARLY, MOST_REPEATS = 2.0, 4  # log odds by which such a candidate may be less likely, and how many count
ASTRAY = 1.5  # cost of a label that comes before its predecessor in reading order
ALIGNED = 1.0  # gain of a label that shares an edge with another
SECOND = 1.5  # times that gain where it shares edges with two or more
EDGE = 0.25  # of its height, by which a shared edge may be off
SUREST = 7.0  # log odds from which one letter adds no more
CASE = 0.5  # weight of the case of a letter, which is read less surely
TWIN, APART, LEVEL = -6.0, 0.4, 0.15  # log odds of a letter that is numbered; of its height: gap to the number, slant
SEEDS = 4  # candidates of each letter whose size is tried
TRIED, ROUNDS = 6, 2  # rivals for each letter, and how often each is chosen anew beside the others


@dataclass(frozen=True, slots=True)
class PrintedLabel:
    """A printed label: its text as printed, index of the candidate, box in working pixels, log odds."""

    text: str
    candidate: int
    box: Box
    odds: float


@dataclass(frozen=True, slots=True)
class PrintedSeries:
    """The labels of a figure in the order of their series, and the score of the whole."""

    labels: tuple[PrintedLabel, ...]
    score: float


NOTHING = PrintedSeries((), 0.0)


def find_series(boxes: NDArray[np.int64], readings: Readings, named: Sequence[str] = ()) -> PrintedSeries:
    """The best series of labels among the candidates, or an empty one. `named`: labels of the caption, without case."""
    if not len(boxes):
        return NOTHING
    told = dict.fromkeys(n.casefold()[:1] if NUMBERED.fullmatch(n) else n.casefold() for n in named)
    wanted = [t for t in told if len(t) == 1 and t in LABEL_ALPHABET]
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
            value[c] = odds[:, LABEL_ALPHABET.index(c)] + (CASE * case if alphabet is LETTERS else 0)
            value[c] = value[c] + (NAMED if c in wanted else 0) - (DIGIT if alphabet is DIGITS else 0)
        seeds = {round(float(size[c][i]), 2) for c in letters for i in np.argsort(-value[c])[:SEEDS] if value[c][i] > 0}
        for seed in sorted(seeds):
            series = grow(boxes, value, size, seed, alphabet, wanted)
            if series.score > best.score + 1e-9:
                text = str.upper if upper else str.lower
                labels = tuple(PrintedLabel(text(f.text), f.candidate, f.box, f.odds) for f in series.labels)
                best = PrintedSeries(labels, series.score)
    return with_numbers(best, boxes, odds, named)


def with_numbers(
    series: PrintedSeries, boxes: NDArray[np.int64], odds: NDArray[np.float64], named: Sequence[str] = ()
) -> PrintedSeries:
    """The series with letters that are printed several times, each with a number behind it, as b1, b2, …

    `odds` as of `log_odds`. The numbers are those of the order of reading: digits behind letters are hardly read. Where
    the caption names labels, as many such as it names.
    """
    tall = boxes[:, 3] - boxes[:, 1]
    labels: list[PrintedLabel] = []
    for label in series.labels:
        letter = label.text.casefold()
        twins = [
            i
            for i in np.flatnonzero(odds.argmax(1) == LABEL_ALPHABET.index(letter)).tolist()
            if odds[i, LABEL_ALPHABET.index(letter)] > TWIN
            and abs(tall[i] - tall[label.candidate]) <= max(1.0, ALIKE * tall[i])
            and _has_number(boxes[i], boxes)
        ]
        said = sum(n.casefold()[:1] == letter and NUMBERED.fullmatch(n) is not None for n in named)
        if letter in DIGITS or label.candidate not in twins or len(twins) < 2 or (named and said != len(twins)):
            labels.append(label)
            continue
        places: list[Box] = [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes[twins].tolist()]
        for number, at in enumerate(by_tops(places), 1):
            labels.append(PrintedLabel(f"{label.text}{number}", twins[at], places[at], label.odds))
    return PrintedSeries(tuple(labels), series.score)


def _has_number(letter: NDArray[np.int64], boxes: NDArray[np.int64]) -> bool:
    """Whether something of a digit's height stands on the base line of a letter, right behind it."""
    height = letter[3] - letter[1]
    gap = boxes[:, 0] - letter[2]
    behind = (gap >= -1) & (gap < APART * height) & (np.abs(boxes[:, 3] - letter[3]) <= max(1.0, LEVEL * height))
    tall = boxes[:, 3] - boxes[:, 1]
    return bool((behind & (tall >= (1 - LEVEL) * height) & (tall <= height * TALL / SMALL)).any())


def log_odds(readings: Readings) -> NDArray[np.float64]:
    """float64 (n, 35): log odds of each letter against everything else, shifted to how rare labels are."""
    p = np.clip(np.exp(readings.letters.astype(float)), 1e-4, 1 - 1e-3)
    odds: NDArray[np.float64] = np.log(p[:, :-1]) - np.log1p(-p[:, :-1]) - RARE
    return odds


def grow(
    boxes: NDArray[np.int64],
    value: Mapping[str, NDArray[np.float64]],
    size: Mapping[str, NDArray[np.float64]],
    seed: float,
    alphabet: str,
    wanted: Sequence[str],
) -> PrintedSeries:
    """The best series of one size: for every letter its best candidate, then the best end of the series.

    `value` and `size` are log odds and log size of every candidate as each letter, `seed` the log size.
    """
    slack = ALIKE + 1.0 / np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    rivals = {}
    for c in alphabet:
        alike = np.flatnonzero((np.abs(size[c] - seed) < slack) & (value[c] > -MISSED))
        if alike.size:
            rivals[c] = alike[np.argsort(-value[c][alike], kind="stable")].tolist()
    candidates = Candidates([(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.tolist()], value, rivals, wanted)
    chosen = candidates.assign()
    for _ in range(ROUNDS):
        chosen = candidates.improve(chosen)
    return candidates.best_prefix(alphabet, chosen)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes, their log odds as each letter, the rivals for each letter, best first, and the letters of the caption.

    `chosen` is the candidate of each letter that has one.
    """

    boxes: Sequence[Box]
    value: Mapping[str, NDArray[np.float64]]
    rivals: Mapping[str, Sequence[int]]
    wanted: Sequence[str]

    def assign(self) -> dict[str, int]:
        """The best free candidate for each letter, the surest letter first."""
        chosen: dict[str, int] = {}
        for c in sorted(self.rivals, key=lambda c: -self.value[c][self.rivals[c][0]]):
            free = next((i for i in self.rivals[c] if i not in chosen.values()), None)
            if free is not None:
                chosen[c] = free
        return chosen

    def improve(self, chosen: Mapping[str, int]) -> dict[str, int]:
        """For each letter in turn the free candidate that reads best and stands in line with the other letters."""
        out = dict(chosen)
        for c in chosen:
            free = [i for i in self.rivals[c][:TRIED] if i == out[c] or i not in out.values()]
            out[c] = max(free, key=lambda i: self.value[c][i] + self.in_line(c, i, out))
        return out

    def best_prefix(self, alphabet: str, chosen: Mapping[str, int]) -> PrintedSeries:
        """The series up to the letter at which its score is highest."""
        total, best, end = 0.0, 0.0, 0
        last: str | None = None
        for n, c in enumerate(alphabet):
            if c in chosen:
                total += self.worth(c, chosen)
                if last is not None and not follows(self.boxes[chosen[last]], self.boxes[chosen[c]]):
                    total -= ASTRAY
                if self.wanted and c not in self.wanted:
                    total -= NAMED
                last = c
            elif last is None and n > 0 and not self.wanted:
                break
            else:
                total -= MISSED if not self.wanted or c in self.wanted else MISSED + NAMED
            if total > best:
                best, end = total, n + 1
        kept = [c for c in alphabet[:end] if c in chosen]
        if len(kept) < 2:
            return NOTHING
        best -= MISSED * sum(c not in kept for c in self.wanted if c > kept[-1])
        series = ((c, chosen[c]) for c in kept)
        labels = (PrintedLabel(c, i, self.boxes[i], float(self.value[c][i])) for c, i in series)
        return PrintedSeries(tuple(labels), best)

    def worth(self, c: str, chosen: Mapping[str, int]) -> float:
        """What a letter adds to the score of its series."""
        i, value = chosen[c], self.value[c]
        repeats = sum(value[j] > max(value[i] - NEARLY, 0.0) for j in self.rivals[c]) - 1
        return float(min(value[i], SUREST) + self.in_line(c, i, chosen) - REPEATED * min(repeats, MOST_REPEATS))

    def in_line(self, c: str, i: int, chosen: Mapping[str, int]) -> float:
        """What a candidate gains by its place beside the likely ones of the other letters."""
        return placed(self.boxes[i], [self.boxes[j] for d, j in chosen.items() if d != c and self._likely(d, j)])

    def _likely(self, c: str, i: int) -> bool:
        return c in self.wanted if self.wanted else bool(self.value[c][i] > 0)


def placed(box: Box, others: Sequence[Box]) -> float:
    """What a box gains that shares its left edge, its base or its top with another; half as much for a second one."""
    slack = max(2.0, EDGE * (box[3] - box[1]))
    n = sum(any(abs(box[side] - other[side]) <= slack for side in (0, 1, 3)) for other in others)
    return ALIGNED * (0.0, 1.0, SECOND)[min(n, 2)]


def follows(before: Box, after: Box) -> bool:
    """Whether a label may come next: to the right of the one before, or below it."""
    slack = before[3] - before[1]
    return after[0] > before[0] + slack or after[1] > before[1] + slack
