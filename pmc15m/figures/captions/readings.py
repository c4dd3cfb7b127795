"""How much speaks for each candidate: sparse features and a linear model over them.

The weights (`pmc15m/weights/captions.json`) come from `python -m models captions`. Reading them is a sum over the
features that hold; there is nothing to install and nothing that differs between machines.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pmc15m.figures.captions.lists import Label, SeriesName
from pmc15m.figures.captions.markers import Candidate
from pmc15m.figures.captions.model import Style

_LAST_WORD = re.compile(r"([A-Za-z]+)\.?\s*$")
_REFERENCE = re.compile(
    "in|from|of|see|panels?|figs?|figures?|as|than|to|between|with|for|by|and|or|versus|vs|at|on|shown|same|both|inset"
    "|row|column|letters?|lowercase|uppercase|superscripts?|lanes?|bars?|groups?|lines?"
)
_VERB = re.compile(r"(?:shows?|is|are|was|were|represents?|indicates?|denotes?|means?|displays?|and|or)\b")


class Reading(NamedTuple):
    """A candidate read in one series, with the features that hold for it."""

    candidate: Candidate
    series: SeriesName
    labels: tuple[Label, ...]
    features: tuple[str, ...]


def read(text: str, candidates: Sequence[Candidate]) -> list[Reading]:
    """Every reading of every candidate, in the order of the text."""
    ranks: dict[tuple[Style | None, SeriesName], set[int]] = {}
    counts: Counter[tuple[Style, SeriesName]] = Counter()
    for candidate in candidates:
        for series, labels in candidate.readings.items():
            for key in ((candidate.style, series), (None, series)):
                ranks.setdefault(key, set()).update(label.rank for label in labels)
            counts[candidate.style, series] += 1
    runs = {key: _run(named) for key, named in ranks.items()}
    tops: dict[tuple[Style | None, SeriesName], int] = {}
    readings = []
    for candidate in candidates:
        around = tuple(_surroundings(text, candidate))
        for series, labels in candidate.readings.items():
            context = _context(candidate, series, labels, runs, tops)
            alone = f"markers {candidate.style.value} {min(counts[candidate.style, series], 3)}"
            readings.append(Reading(candidate, series, labels, (*around, *context, alone)))
    return readings


def _run(ranks: set[int]) -> int:
    """Length of the run from the first label; one label may be missing where the next two follow."""
    n, whole = 0, True
    while n in ranks or (whole and n + 1 in ranks and n + 2 in ranks):
        whole = whole and n in ranks
        n += 1
    return n


def _surroundings(text: str, candidate: Candidate) -> Iterator[str]:
    style = candidate.style.value
    left, right = _left(text, candidate.start), _right(text, candidate.end)
    yield f"left {left}"
    yield f"right {right}"
    yield f"left {style} {left}"
    yield f"right {style} {right}"
    yield f"between {left} {right}"
    if candidate.start and not text[candidate.start - 1].isspace():
        yield f"glued {style}"
    if candidate.end - candidate.start > candidate.inner[1] - candidate.inner[0] + 3:
        yield f"extra {style}"


def _left(text: str, start: int) -> str:
    before = text[max(0, start - 24) : start].rstrip()
    if not before:
        return "start"
    if before[-1].isalpha():
        match = _LAST_WORD.search(before)
        word = match.group(1).lower() if match else ""
        return word if _REFERENCE.fullmatch(word) else "word"
    return "digit" if before[-1].isdigit() else before[-1]


def _right(text: str, end: int) -> str:
    after = text[end : end + 24].lstrip()
    if not after:
        return "end"
    if after[0].isalpha():
        verb = _VERB.match(after)
        if verb:
            return verb.group()
        return "upper" if after[0].isupper() else "lower"
    return "digit" if after[0].isdigit() else after[0]


def _context(
    candidate: Candidate,
    series: SeriesName,
    labels: tuple[Label, ...],
    runs: dict[tuple[Style | None, SeriesName], int],
    tops: dict[tuple[Style | None, SeriesName], int],
) -> Iterator[str]:
    style = candidate.style.value
    kind = series if len(series) == 1 else "2" + series[-1]
    own, union = runs[candidate.style, series], runs[None, series]
    first, last = labels[0].rank, labels[-1].rank
    run = str(min(own, 6)) if first < own else "out"
    joint = str(min(union, 6)) if first < union else "out"
    yield f"kind {kind}"
    yield f"kind {style} {kind}"
    yield f"run {run}"
    yield f"run {kind} {run}"
    yield f"run {style} {run}"
    yield f"union {joint}"
    yield f"union {style} {joint}"
    top = tops.get((None, series), -1)
    order = "next" if first == top + 1 else "gap" if first > top else "again" if last <= top else "back"
    yield f"order {order}"
    yield f"order {style} {order}"
    yield f"first {min(first, 3)}"
    yield f"first {min(first, 3)} {style}"
    yield f"long {min(len(labels), 4)}"
    if labels[0].text[-1:].isdigit() and series in "Aa":
        yield f"suffix {style}"
    if order in ("next", "gap") and first < union:
        tops[None, series] = max(top, last)


def log_odds(reading: Reading, table: Mapping[str, float]) -> float:
    """How much speaks for a reading being the marker of panels under the weights `table`: natural log-odds."""
    return table["bias"] + sum(table.get(feature, 0.0) for feature in reading.features)
