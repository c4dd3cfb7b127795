"""How much speaks for each candidate: sparse features and a linear model over them.

The weights (`pmc15m/weights/captions.json`) come from `python -m models captions`. Reading them is a sum over the
features that hold; there is nothing to install and nothing that differs between machines.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from pmc15m.figures.captions.lists import Label, SeriesName
from pmc15m.figures.captions.markers import Candidate
from pmc15m.figures.captions.model import Style

_LAST_WORD = re.compile(r"([A-Za-z]+)\.?\s*$")
_REFERENCE = re.compile(
    "in|from|of|see|panels?|figs?|figures?|as|than|to|between|with|for|by|and|or|versus|vs|at|on|shown|same|both|inset"
    "|row|column|letters?|lowercase|uppercase|superscripts?|lanes?|bars?|groups?|lines?"
)
_THING = re.compile(
    "(?:region|type|stage|class(?:e)?|site|position|compound|cluster|sample|domain|peak|patient|phase|clade|loop|chain|step"
    "|point|zone|area|genotype|factor|vitamin|chromosome|hepatitis|protein|pathway|level|grade|species|plot|residue)s?"
)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_KEY = re.compile(r"[;:.,(]\s*(?:and\s)?[\w+/-]{2,10}\s?[,:=]\s?[a-z][^;:.=]{2,50}[;,]\s*$")
# "different letters (a–c) differ", "a,b and x,y tell which groups": letters of a test, not of panels.
_TESTED = re.compile(r"(?:letters?|superscripts?|marked|labell?ed|values)\W+(?:\w+\W+){0,3}$", re.I)
_TESTS = re.compile(
    r"[\s)]*(?:(?:and|or)\s\S+\s)?(?:which\s|with\s|values\s|are\s)?(?:(?:significant|statistical)ly\s)?(?:differ|tells?\b|superscript|letters)"
)
_VERB = re.compile(r"(?:shows?|is|are|was|were|represents?|indicates?|denotes?|means?|tells?|displays?|and|or)\b")


class Reading(NamedTuple):
    """A candidate read in one series, with the features that hold for it."""

    candidate: Candidate
    series: SeriesName
    labels: tuple[Label, ...]
    features: tuple[str, ...]


class _Series:
    """What the candidates of one style (or of any) name of one series."""

    def __init__(self) -> None:
        self.named: set[int] = set()  # ranks
        self.count = 0
        self.once = True  # each label in its turn, and once
        self.in_order = True  # each in its turn, some perhaps again
        self.opens: bool | None = None  # whether its first marker opens a sentence or clause
        self.reached: set[tuple[int, int]] = set()  # ranks, and ranks with numbers, so far in the order of the text
        self.numbered = 0  # labels such as a2
        self.run = 0
        self.hopeless = False

    def add(self, candidate: Candidate, labels: tuple[Label, ...]) -> None:
        self.count += 1
        order = _order(labels, self.reached)
        self.once = self.once and order == "next"
        self.in_order = self.in_order and order in ("next", "again")
        if self.opens is None and labels[0].rank == 0:
            self.opens = candidate.opens
        self.named.update(label.rank for label in labels)
        self.reach(labels)

    def reach(self, labels: tuple[Label, ...]) -> None:
        for label in labels:
            self.reached.add((label.rank, 0))
            self.reached.add((label.rank, label.number))

    def close(self) -> None:
        self.run = _run(self.named)
        self.numbered = sum(number > 0 for _, number in self.reached)
        self.reached = set()


def read(text: str, candidates: Sequence[Candidate]) -> list[Reading]:
    """Every reading of every candidate, in the order of the text."""
    tables: dict[tuple[Style | None, SeriesName], _Series] = {}
    candidates = _with_figure_number(candidates)
    for candidate in candidates:
        for series, labels in candidate.readings.items():
            for key in ((candidate.style, series), (None, series)):
                tables.setdefault(key, _Series()).add(candidate, labels)
    for (_, series), table in tables.items():
        table.close()
        # A third of all candidates are numbers; where a series hardly begins, nothing can come of it.
        table.hopeless = series not in ("a", "A") and len(tables[None, series].named & {0, 1, 2}) < 2
    readings = []
    tested = "differ" in text or "letter" in text or "superscript" in text
    for candidate in candidates:
        if all(tables[None, series].hopeless for series in candidate.readings):
            continue
        around = tuple(_surroundings(text, candidate, tested))
        initial = _initial(text, candidate)
        for series, labels in candidate.readings.items():
            if tables[None, series].hopeless:
                continue
            context = _context(
                candidate, series, labels, initial, tables[candidate.style, series], tables[None, series]
            )
            readings.append(Reading(candidate, series, labels, (*around, *context)))
    return readings


def _with_figure_number(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The candidates, bare letters read as "1C" too where the others carry the figure's number: "(1A), (1B), (C)"."""
    ranks: dict[SeriesName, set[int]] = {}
    for candidate in candidates:
        for series, labels in candidate.readings.items():
            if len(series) > 1:
                ranks.setdefault(series, set()).update(label.rank for label in labels)
    whole = [series for series, named in ranks.items() if {0, 1} <= named]
    if not whole:
        return candidates
    return [
        c._replace(readings=c.readings | {s: c.readings[s[-1]] for s in whole if s[-1] in c.readings})
        for c in candidates
    ]


def _run(ranks: set[int]) -> int:
    """Length of the run from the first label; one label may be missing where the next two follow."""
    n, whole = 0, True
    while n in ranks or (whole and n + 1 in ranks and n + 2 in ranks):
        whole = whole and n in ranks
        n += 1
    return n


def _surroundings(text: str, candidate: Candidate, tested: bool) -> Iterator[str]:
    style = candidate.style.value
    left, right = _left(text, candidate), _right(text, candidate.end)
    yield f"left {left}"
    yield f"right {right}"
    yield f"left {style} {left}"
    yield f"right {style} {right}"
    yield f"between {left} {right}"
    if candidate.start and not text[candidate.start - 1].isspace():
        yield f"glued {style}"
    if candidate.end - candidate.start > candidate.inner[1] - candidate.inner[0] + 3:
        yield f"extra {style}"
    if candidate.start == candidate.inner[0] and candidate.style is Style.PAREN:
        yield "words in the bracket"
    if left in ";," and _KEY.search(text, max(0, candidate.start - 64), candidate.start):
        yield f"keys {style}"
    if tested and (
        _TESTS.match(text, candidate.end) or _TESTED.search(text, max(0, candidate.start - 40), candidate.start)
    ):
        yield f"letters {style}"


def _left(text: str, candidate: Candidate) -> str:
    before = text[max(0, candidate.start - 24) : candidate.start].rstrip()
    if not before:
        return "start"
    if before[-1].isalpha():
        if candidate.opens:
            return "start"
        match = _LAST_WORD.search(before)
        word = match.group(1).lower() if match else ""
        if _REFERENCE.fullmatch(word):
            return word
        return "thing" if _THING.fullmatch(word) else "word"
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
    return "digit" if after[0].isdigit() or (after[0] in "-−" and after[1:2].isdigit()) else after[0]


def _initial(text: str, candidate: Candidate) -> str:
    """Which word in front a single letter begins: "control (C)" is no panel."""
    start, end = candidate.inner
    letter = text[start].lower()
    if end - start > 1 or not letter.isalpha():
        return ""
    before = text[max(0, candidate.start - 40) : candidate.start].lower().split()[-3:]
    return "last" if before and before[-1].startswith(letter) else "near" if any(w[0] == letter for w in before) else ""


def _context(
    candidate: Candidate,
    series: SeriesName,
    labels: tuple[Label, ...],
    initial: str,
    own: _Series,
    union: _Series,
) -> Iterator[str]:
    style = candidate.style.value
    kind = series if len(series) == 1 else "2" + series[-1]
    first = labels[0].rank
    run = str(min(own.run, 6)) if first < own.run else "out"
    joint = str(min(union.run, 6)) if first < union.run else "out"
    yield f"kind {kind}"
    yield f"kind {style} {kind}"
    yield f"run {run}"
    yield f"run {kind} {run}"
    yield f"run {style} {run}"
    yield f"union {joint}"
    yield f"union {style} {joint}"
    order = _order(labels, union.reached)
    yield f"order {order}"
    yield f"order {style} {order}"
    chain = _order(labels, own.reached)
    if initial:
        yield f"initial {initial} {style} {order}"
        yield f"initial {initial} {joint}"
    if labels[-1].rank - first >= len(labels) > 1:
        yield f"jump {style} {order}"
    yield f"chain {style} {chain}"
    once = min(own.count, 4) if own.once else 0
    yield f"once {once}"
    yield f"once {style} {once}"
    yield f"in order {min(len(union.named), 4) if union.in_order else 0} {order}"
    place = "opens" if candidate.opens else "within"
    like = "none" if union.opens is None else "opens" if union.opens else "within"
    yield f"{place} as {like}"
    yield f"{place} as {like} {style} {chain}"
    yield f"first {min(first, 3)}"
    yield f"first {min(first, 3)} {style}"
    yield f"long {min(len(labels), 4)}"
    if labels[0].number:
        yield f"suffix {style}"
        yield f"suffix {min(own.numbered, 6)} {order}"
        yield f"suffix list {min(len(labels), 3)} of {min(own.numbered // 3, 3)}"
    yield f"markers {style} {min(own.count, 3)}"
    own.reach(labels)
    if order in ("next", "gap") and first < union.run:
        union.reach(labels)


def _order(labels: tuple[Label, ...], reached: Set[tuple[int, int]]) -> str:
    """Whether labels come in their turn behind those that were reached."""
    rank, number = labels[0].rank, labels[0].number
    if (rank, number) not in reached:
        before = (rank - 1, number) in reached or (number > 1 and (rank, number - 1) in reached)
        return "next" if before or (rank == 0 and number < 2) else "gap"
    return "again" if (labels[-1].rank, labels[-1].number) in reached else "back"


def log_odds(reading: Reading, table: Mapping[str, float]) -> float:
    """How much speaks for a reading being the marker of panels under the weights `table`: natural log-odds."""
    total, weight = table["bias"], table.get
    for feature in reading.features:
        total += weight(feature, 0.0)
    return total
