"""Choose the labels of a caption: the series with the most evidence behind it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pmc15m.figures.captions.lists import Label, SeriesName
from pmc15m.figures.captions.model import Style
from pmc15m.figures.captions.readings import Reading, log_odds

MISSING = -2.0  # log-odds of a label that the caption skips, inside a series
DOUBT = -2.5  # log-odds from which a label counts that nothing better names, where others make its series likely
FLOOR = -4.0  # one strange marker must not undo a long series
MOST_MISSING = 1
USUAL = {"1": 0.6, "i": 0.7, "I": 0.7, "α": 0.7}  # compounds, lanes and parts of panels are numbered too
SET_APART, PLAIN = 5.0, -3.0  # log-odds of a label in bold or italic, where they make a series, and of any other
BRACKETED = -1.0  # log-odds from which brackets round labels of the series are a marker
BESIDE = 32  # characters between letters in brackets that are named together
OPENER = 2.0  # log-odds of a marker that opens a clause in its turn, as all of its series do
OUTER = 4.0  # total from which a series counts that opens before the best one

_BRACKETS = (Style.PAREN, Style.BRACKET)


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
    scored = _by_openers(_by_markup([(reading, log_odds(reading, table)) for reading in readings]))
    options = []
    for series in dict.fromkeys(reading.series for reading in readings):
        option = _longest(series, [(r, s) for r, s in scored if r.series == series])
        if option is not None and not _counts_things(option):
            options.append(option)
    if not options:
        return None
    options.sort(key=lambda option: -option.total * _usual(option))
    best = options[0]
    for outer in options[1:]:
        opens = outer.readings[0].candidate.start < best.readings[0].candidate.start
        stands = _usual(outer) >= _usual(best) or (_in_order(outer) and not _in_order(best))
        if opens and outer.total > OUTER and stands:
            best = outer  # "A, Cells (a) and nuclei (b). B, …": what opens first holds the other
            break
    rival = max((o.total for o in options if o is not best), default=0.0)
    if best.total <= 0:
        return None
    return _by_case(_by_groups(_by_brackets(best, readings, table)), readings)._replace(rival=rival)


def _by_brackets(choice: Choice, readings: Sequence[Reading], table: Mapping[str, float]) -> Choice:
    """The choice with every "(C)" that names its labels and that little speaks against, set apart or not.

    Brackets that touch a marker are one, "(a)(c)(d)"; those beside a letter beyond the labels, "shade (C) and sun (N)",
    are none where the label opens a sentence elsewhere.
    """
    single = [
        r for r in readings if r.series == choice.series and r.candidate.style in _BRACKETS and len(r.labels) == 1
    ]
    beyond = [r.candidate.start for r in single if r.labels[0].text not in choice.labels]
    opening = {label for r in choice.readings if r.candidate.opens for label in r.labels}
    taken: list[Reading] = []
    left: list[Reading] = []
    accepted = set(map(id, choice.readings))
    for reading in sorted((*choice.readings, *choice.passed_over), key=lambda r: r.candidate.start):
        at = reading.candidate.start
        within = len(reading.labels) == 1 and not reading.candidate.opens and reading.labels[0] in opening
        symbol = within and any(abs(other - at) < BESIDE for other in beyond)
        likely = id(reading) in accepted
        if not likely and reading.candidate.style in _BRACKETS:
            known = all(label.text in choice.labels for label in reading.labels)
            touches = bool(taken) and taken[-1].candidate.end == at
            likely = known and (touches or log_odds(reading, table) > BRACKETED)
        (taken if likely and not symbol else left).append(reading)
    return choice._replace(readings=tuple(taken), passed_over=tuple(left))


def _by_groups(choice: Choice) -> Choice:
    """The choice with bare letters that little speaks for where a bare group names just them, each in its turn:
    "A–B dials: A painted dial B gilded dial"."""
    together = sorted((*choice.readings, *choice.passed_over), key=lambda r: r.candidate.start)
    taken = set(map(id, choice.readings))
    for at, group in enumerate(together):
        if id(group) not in taken or group.candidate.style is not Style.BARE or len(group.labels) < 2:
            continue
        behind = []
        for reading in together[at + 1 :]:
            if reading.candidate.style is Style.BARE and len(reading.labels) == 1 and reading.labels[0] in group.labels:
                behind.append(reading)
            elif id(reading) in taken:
                break
        if tuple(reading.labels[0] for reading in behind) == group.labels:
            taken.update(map(id, behind))
    accepted, passed_over = (tuple(r for r in together if (id(r) in taken) is yes) for yes in (True, False))
    return choice._replace(readings=accepted, passed_over=passed_over)


def _by_case(choice: Choice, readings: Sequence[Reading]) -> Choice:
    """The choice with brackets that name its labels in the other case, where nothing but a larger group names them:
    "(C–F) Larvae by number (C, D) and weight (e, f)". None where the other case begins a series of its own."""
    other = [r for r in readings if r.series == choice.series.swapcase() and r.candidate.style in _BRACKETS]
    if choice.series not in ("A", "a") or any(label.rank == 0 for r in other for label in r.labels):
        return choice
    size: dict[int, int] = {}
    for reading in choice.readings:
        for label in reading.labels:
            size[label.rank] = min(size.get(label.rank, len(reading.labels)), len(reading.labels))
    spans = {r.candidate.inner for r in choice.readings}
    swapped = tuple(
        r._replace(series=choice.series, labels=tuple(x._replace(text=x.text.swapcase()) for x in r.labels))
        for r in other
        if r.candidate.inner not in spans
        and all(size.get(x.rank, 0) > len(r.labels) and not x.number for x in r.labels)
    )
    together = sorted((*choice.readings, *swapped), key=lambda r: r.candidate.start)
    return choice._replace(readings=tuple(together))


def _usual(choice: Choice) -> float:
    return USUAL.get(choice.series, 1.0)


def _in_order(choice: Choice) -> bool:
    """Whether the labels are named one after the other at first."""
    firsts = list(dict.fromkeys(label.rank for reading in choice.readings for label in reading.labels))
    return firsts == sorted(firsts)


def _counts_things(choice: Choice) -> bool:
    """Whether one list behind a noun is all there is: "five regions (I, II, III, IV and V)"."""
    return len(choice.readings) == 1 and "left thing" in choice.readings[0].features


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


def _by_openers(scored: list[tuple[Reading, float]]) -> list[tuple[Reading, float]]:
    """Where markers of any style open one clause after the other, in order, they count for more: "A and C: …. B, …"."""
    named: dict[SeriesName, set[int]] = {}
    strict: dict[SeriesName, bool] = {}
    for reading, _ in scored:
        if _opener(reading):
            ranks = named.setdefault(reading.series, set())
            first = reading.labels[0].rank
            turn = first not in ranks and all(rank in ranks for rank in range(first))
            strict[reading.series] = turn and strict.get(reading.series, True)
            ranks.update(label.rank for label in reading.labels)
    trusted = {series for series, turn in strict.items() if turn and {0, 1} <= named[series]}
    return [(r, s + OPENER if r.series in trusted and _opener(r) else s) for r, s in scored] if trusted else scored


def _opener(reading: Reading) -> bool:
    """Whether a marker opens a clause and is no article."""
    bare = reading.candidate.style is Style.BARE
    return reading.candidate.opens and not (bare and len(reading.labels) == 1 and reading.labels[0].rank == 0)


def _longest(series: SeriesName, scored: Sequence[tuple[Reading, float]]) -> Choice | None:
    """The prefix of a series with the largest sum of evidence; numbered labels count where a first one is named."""
    first = {label.rank for reading, _ in scored for label in reading.labels if label.number == 1}
    scored = [(r, s) for r, s in scored if all(not x.number or x.rank in first for x in r.labels)]
    evidence: dict[int, float] = {}
    for reading, score in scored:
        for label in reading.labels:
            evidence[label.rank] = max(evidence.get(label.rank, FLOOR), score)
    if not evidence:
        return None
    total, missing, best = 0.0, 0, (0.0, 0)
    for n in range(max(evidence) + 1):
        missing += n not in evidence
        if missing > MOST_MISSING:
            break
        total += evidence.get(n, MISSING)
        if n and n in evidence and total >= best[0]:
            best = (total, n + 1)
    total, count = best
    count = _of_this_series(scored, count)
    if count < 2:
        return None
    within = [(r, s) for r, s in scored if all(label.rank < count for label in r.labels)]
    likely = {label.rank for r, s in within if s > 0 for label in r.labels}
    if not likely:
        return None
    doubted = {n: s for n, s in evidence.items() if n < count and n not in likely and s > DOUBT}
    accepted, passed_over = (
        tuple(r for r, s in within if (s > 0 or any(doubted.get(x.rank) == s for x in r.labels)) is likely)
        for likely in (True, False)
    )
    if len({label.rank for r in accepted for label in r.labels}) < 2:
        return None
    backwards = accepted[0].labels[0].rank > accepted[-1].labels[-1].rank
    if len(likely) < 2 and backwards and accepted[0].candidate.style not in _BRACKETS:
        return None  # "B. subtilis and A. niger"
    labels = _labels(count, accepted)
    if 0 not in {label.rank for r in accepted for label in r.labels}:
        if all(r.candidate.style in (Style.BARE, Style.MENTION) for r in accepted):
            return None  # "vitamin B and vitamin C"
        labels.insert(0, series[-1])  # "(B)" and "(C)" without an "(A)": forgotten; a gap further on is one
    scores = [evidence.get(n, MISSING) for n in range(count)]
    return Choice(series, tuple(labels), accepted, passed_over, total, min(scores), evidence.get(count, FLOOR), 0.0)


def _of_this_series(scored: Sequence[tuple[Reading, float]], count: int) -> int:
    """The labels less those that come up beside one from beyond them: "the neck (a and e), the foot (c and g)"."""
    introduced: dict[int, int] = {}
    for reading, _ in scored:
        ranks = [label.rank for label in reading.labels]
        apart = ranks[-1] - ranks[0] >= len(ranks)
        for rank in ranks:
            introduced.setdefault(rank, ranks[-1] if apart else rank)
    while count > 2 and introduced.get(count - 1, 0) >= count:
        count -= 1
    return count


def _labels(count: int, accepted: Sequence[Reading]) -> list[str]:
    """The labels of the accepted readings by rank; a1 beside a only where one list names both."""
    named: dict[int, set[Label]] = {rank: set() for rank in range(count)}
    beside: set[Label] = set()
    for reading in accepted:
        for label in reading.labels:
            named[label.rank].add(label)
            if label.number and any(x.rank == label.rank and not x.number for x in reading.labels):
                beside.add(label)
    out: list[str] = []
    for labels in named.values():
        bare = {label for label in labels if not label.number}
        kept = bare | (labels & beside) if bare else labels
        out += [label.text for label in sorted(kept, key=lambda x: (x.number, len(x.text), x.text))]
    return out
