"""Choose the labels of a caption: the gap-free series with the most evidence behind it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pmc15m.figures.captions.lists import SeriesName
from pmc15m.figures.captions.readings import Reading, log_odds

MISSING = -2.0  # log-odds of a label that the caption never sets off, inside a series that it does
FLOOR = -4.0  # one strange marker must not undo a long series
MOST_MISSING = 1
USUAL = {"1": 0.6, "i": 0.7, "I": 0.7, "α": 0.7}  # compounds, lanes and parts of panels are numbered too
SET_APART, PLAIN = 5.0, -3.0  # log-odds of a label in bold or italic, where they make a series, and of any other
OUTER = 4.0  # total from which a series counts that opens before the best one


class Choice(NamedTuple):
    """The chosen series: its labels in order, the readings that name them, and how clear the choice was."""

    series: SeriesName
    labels: tuple[str, ...]
    readings: tuple[Reading, ...]
    passed_over: tuple[Reading, ...]  # of the same labels, with more against them than for them
    total: float  # summed log-odds of the labels
    weakest: float  # of the least certain label
    next_label: float  # log-odds of the label that would have come next
    rival: float  # total of the best other series


def choose(readings: Sequence[Reading], table: Mapping[str, float]) -> Choice | None:
    """The best series of at least two labels under the weights `table`, or None where nothing speaks for one."""
    scored = _by_markup([(reading, log_odds(reading, table)) for reading in readings])
    options = []
    for series in dict.fromkeys(reading.series for reading in readings):
        option = _longest(series, [(r, s) for r, s in scored if r.series == series])
        if option is not None:
            options.append(option)
    if not options:
        return None
    options.sort(key=lambda option: -option.total * _usual(option))
    best = options[0]
    for outer in options[1:]:
        opens = outer.readings[0].candidate.start < best.readings[0].candidate.start
        if opens and outer.total > OUTER and _usual(outer) >= _usual(best):
            best = outer  # "A, Cells (a) and nuclei (b). B, …": what opens first holds the other
            break
    rival = max((o.total for o in options if o is not best), default=0.0)
    return best._replace(rival=rival) if best.total > 0 else None


def _usual(choice: Choice) -> float:
    return USUAL.get(choice.series, 1.0)


def _by_markup(scored: list[tuple[Reading, float]]) -> list[tuple[Reading, float]]:
    """Where the publisher set a series apart, what is set apart counts for more and everything else for less."""
    ranks: dict[SeriesName, set[int]] = {}
    for reading, _ in scored:
        if reading.candidate.bold:
            ranks.setdefault(reading.series, set()).update(label.rank for label in reading.labels)
    trusted = {series for series, named in ranks.items() if {0, 1} <= named}
    if not trusted:
        return scored
    return [
        (reading, score + (SET_APART if reading.candidate.bold and reading.series in trusted else PLAIN))
        for reading, score in scored
    ]


def _longest(series: SeriesName, scored: Sequence[tuple[Reading, float]]) -> Choice | None:
    """The prefix of a series with the largest sum of evidence."""
    evidence: dict[int, float] = {}
    for reading, score in scored:
        for label in reading.labels:
            evidence[label.rank] = max(evidence.get(label.rank, FLOOR), score)
    total, missing, best = 0.0, 0, (0.0, 0)
    for n in range(max(evidence) + 1):
        missing += n not in evidence
        if missing > MOST_MISSING:
            break
        total += evidence.get(n, MISSING)
        if n and n in evidence and total >= best[0]:
            best = (total, n + 1)
    total, count = best
    if count < 2:
        return None
    within = [(r, s) for r, s in scored if r.labels[-1].rank < count]
    accepted, passed_over = (tuple(r for r, s in within if (s > 0) is likely) for likely in (True, False))
    strong = {label for r in accepted for label in r.labels}
    if len({label.rank for label in strong}) < 2:
        return None
    labels: list[str] = []
    for index in range(count):
        texts = sorted({label.text for label in strong if label.rank == index}, key=lambda t: (len(t), t))
        bare = [t for t in texts if not t[-1].isdigit() or series == "1"]
        labels += bare or texts or [_inferred(series, index, scored)]
    scores = [evidence.get(n, MISSING) for n in range(count)]
    return Choice(series, tuple(labels), accepted, passed_over, total, min(scores), evidence.get(count, FLOOR), 0.0)


def _inferred(series: SeriesName, index: int, scored: Sequence[tuple[Reading, float]]) -> str:
    """The text of a label that no accepted marker names."""
    for reading, _ in scored:
        for label in reading.labels:
            if label.rank == index:
                return label.text
    if series == "1":
        return str(index + 1)
    return chr(ord(series[-1]) + index)
