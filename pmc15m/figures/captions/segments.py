"""Which stretch of the caption belongs to which label, once the markers are known."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from pmc15m.figures.captions.legend import legend_start
from pmc15m.figures.captions.model import Marker, Style
from pmc15m.figures.captions.sentences import sentences, trim
from pmc15m.figures.model import Span

_LEADING = frozenset({Style.HALF, Style.COLON, Style.DOT, Style.COMMA, Style.PANEL, Style.BARE})
_POINTING = frozenset({Style.PAREN, Style.BRACKET, Style.HALF, Style.PANEL})
_POINTS_AT = re.compile(
    r"\b(?:in|from|of|see|panels?|figs?\.?|figures?|as|than|to|between|with|by|for|at|on|and|or|versus|vs\.?)\s*$", re.I
)
_CLAUSE_START = re.compile(r"(?:^|[.;:!?]|[.;:!?)\]”\"])\s*$")
_JOINT = re.compile(r"[\s,;:]*(?:\b(?:and|or|while|whereas|versus|vs\.?)\b)?[\s,]*", re.I)
_TRAILS = re.compile(r"\s*(?:[.,;:)\]]|and\b|or\b|versus\b|vs\b|$)")
_LED = re.compile(r"(?:^|[,;:(]|\b(?:and|or))\s*$")
_FINITE = re.compile(r"\b(?:is|are|was|were|shows?|has|have|had|demonstrates?|reveals?|indicates?|represents?)\b")
_FUNCTION_WORD = re.compile(
    r"\b(?:of|for|in|at|by|with|from|on|the|a|an|to|between|both|using|showing|shows?|via|under|after|before|during"
    r"|measuring|and|or|into|through|than|against)\s+",
    re.I,
)
_STATES = re.compile(
    r"\s+(?:is|are|was|were|has|have|had|can|may|do(?:es)?|show(?:s|n|ed|ing)?|display(?:s|ed)?|exhibit(?:s|ed)?"
    r"|demonstrate[sd]?|reveal(?:s|ed)?|indicate[sd]?|represents?)\b"
)
_LEADS_OVER = re.compile(  # ", and 15 strains for mapping of" in front of "(b) body temperature"
    r"[,;]\s*(?:(?:and|or|while|whereas)\s+)?[^,;]*\b(?:of|for|in|at|by|with|from|on|to|between|after|during|under)\s*$"
)
_AFTER_MARKER = re.compile(r"[\s:;,.|]*(?:[–—-]\s+)?")


KEPT_WORDS = 2  # so short a tail of a list stays with its last item: "LiFePO4 (A) and LiFePO4/C (B) electrodes"


class Placed(NamedTuple):
    """An accepted marker on its way to a segment."""

    span: Span
    labels: tuple[str, ...]
    style: Style


class Segments(NamedTuple):
    """The spans of `CaptionSplit`, before they are made immutable."""

    segments: dict[str, list[Span]]
    stems: dict[str, list[Span]]
    shared: list[Span]
    markers: list[Marker]
    references: list[Marker]


def cut(text: str, placed: Sequence[Placed], labels: Sequence[str], pointing: Sequence[Placed] = ()) -> Segments:
    """Cut `text` at the markers `placed` (in order, not overlapping), which name `labels`.

    `pointing` are likely no markers; where they point ("in panel B"), they say what an unmarked sentence is about.
    """
    out = Segments({label: [] for label in labels}, {label: [] for label in labels}, [], [], [])
    whole = _units(text, placed)
    primary = _primary(text, placed, whole, out)
    current: tuple[str, ...] = ()
    done: set[str] = set()
    pointers = [m for m in pointing if m.style in _POINTING and _POINTS_AT.search(text[: m.span[0]][-12:])]
    legend = _legend(text, whole, primary, [*placed, *pointers])
    ahead = _ahead(text, whole, [m for m in placed if m in primary])
    for start, end in whole:
        inside = [m for m in placed if start <= m.span[0] < end]
        opening = [m for m in inside if m in primary]
        if opening:
            leads = _leads(text, start, opening)
            _cut_sentence(text, (start, end), opening, inside, leads, out)
            opened = {label for marker in opening for label in marker.labels}
            # One sentence names them all: what follows is about the whole figure.
            current = () if not leads and len(opening) > 1 and opened == set(labels) else opening[-1].labels
            done |= opened
            continue
        inside += [m for m in pointers if start <= m.span[0] < end]
        named = tuple(label for label in labels if any(label in m.labels for m in inside))
        within = bool(named) and len(named) < len(labels)
        if within and (set(named) <= set(current) or done.issuperset(labels)):
            if len(inside) > 1 and len(named) > 1 and not _leads(text, start, inside):
                _cut_trailing(text, start, end, inside, out)
            else:
                _give(out.segments, named, (start, end))
        elif not current or (start, end) in legend or (named and done.issuperset(labels)):
            out.shared.append((start, end))
        else:
            _give(out.segments, ahead.get((start, end), current), (start, end))
    return out


def _ahead(text: str, whole: Sequence[Span], primary: Sequence[Placed]) -> dict[Span, tuple[str, ...]]:
    """The labels of unmarked sentences where every marker closes a text, the last one the caption.

    "Mice ran on wheels. Distances (panel A). They slept. Sleep was scored (panel B).": they slept in B.
    """
    inside = [[m for m in primary if start <= m.span[0] < end] for start, end in whole]
    closed = all(
        len(markers) == 1 and not re.search(r"\w", text[markers[0].span[1] : end])
        for markers, (_, end) in zip(inside, whole, strict=True)
        if markers
    )
    if not closed or not inside[-1]:
        return {}
    out: dict[Span, tuple[str, ...]] = {}
    labels: tuple[str, ...] = ()
    for markers, span in zip(reversed(inside), reversed(whole), strict=True):
        labels = markers[0].labels if markers else labels
        out[span] = labels
    return out


def _legend(text: str, whole: Sequence[Span], primary: set[Placed], placed: Sequence[Placed]) -> set[Span]:
    """The sentences behind the last marker that concern the whole figure; those with a reference stand apart."""
    counts = [sum(start <= m.span[0] < end for m in primary) for start, end in whole]
    marked = [n for n, count in enumerate(counts) if count]
    one_each = marked[-1] - marked[0] + 1 == len(marked)
    tail = [s for s in whole[marked[-1] + 1 :] if not any(s[0] <= m.span[0] < s[1] for m in placed)]
    return set(tail[legend_start(text, tail, whole[marked[-1]], counts[marked[-1]] > 1, one_each) :])


def _units(text: str, placed: Sequence[Placed]) -> list[Span]:
    """Sentences, cut where a marker opens one although no stop precedes it: behind a title, behind a formula."""
    out: list[Span] = []
    openers = 0
    for start, end in sentences(text):
        inside = [m for m in placed if start <= m.span[0] < end]
        openers += sum(m.span[0] == start for m in inside)
        first = inside[0] if inside else None
        cuts = first is not None and start < first.span[0] and _opens(text, start, end, first)
        if first is not None and cuts and (first is placed[0] or (openers > 1 and len(inside) == 1)):
            out += [trim(text, start, first.span[0]), (first.span[0], end)]
            openers += first is not placed[0]
        else:
            out.append((start, end))
    return out


def _opens(text: str, start: int, end: int, marker: Placed) -> bool:
    """Whether what follows a marker amid the sentence begins like a sentence, and nothing leads over to it."""
    before, follows = text[start : marker.span[0]], text[marker.span[1] : end].lstrip()
    return not _LED.search(before[-8:]) and follows[:1].isupper() and not _POINTS_AT.search(before)


def _give(to: dict[str, list[Span]], labels: Sequence[str], span: Span) -> None:
    if span[0] < span[1]:
        for label in labels:
            to[label].append(span)


def _primary(text: str, placed: Sequence[Placed], whole: Sequence[Span], out: Segments) -> set[Placed]:
    """The markers that start or end a text of their own; the rest are references."""
    primary: set[Placed] = set()
    named: set[str] = set()
    starts = {start for start, _ in whole}
    for marker in placed:
        before = text[max(0, marker.span[0] - 12) : marker.span[0]]
        clause = marker.span[0] in starts or marker_leads(text, marker.span)
        leads = clause and not _POINTS_AT.search(before) and not _TRAILS.match(text, marker.span[1])
        opens = leads or not named.issuperset(marker.labels)
        if opens:
            primary.add(marker)
            named.update(marker.labels)
        (out.markers if opens else out.references).append(Marker(marker.span, marker.labels))
    return primary


def marker_leads(text: str, marker: Span) -> bool:
    """Whether a marker opens a sentence or a clause."""
    return bool(_CLAUSE_START.search(text[max(0, marker[0] - 12) : marker[0]]))


def _leads(text: str, start: int, inside: Sequence[Placed]) -> bool:
    """Whether the markers of a sentence stand before their text."""
    votes = 0
    for marker in inside:
        a, b = marker.span
        led = bool(_LED.search(text[start:a][-8:]))
        trails = bool(_TRAILS.match(text, b))
        if a == start:
            votes += 2
        elif marker.style in _LEADING or (led and not trails):
            votes += 1
        elif trails and not led:
            votes -= 1
        elif not led and marker is inside[0] and len(inside) > 1:
            votes += 1
    return votes > 0


def _cut_sentence(
    text: str,
    sentence: Span,
    opening: Sequence[Placed],
    inside: Sequence[Placed],
    leads: bool,
    out: Segments,
) -> None:
    """Cut one sentence at the markers that open a text, which stand before their texts (`leads`) or behind them."""
    start, end = sentence
    if leads:
        again = [m for m in inside if m not in opening]
        several = opening[0].labels
        if len(opening) == 1 and len(several) > 1 and {x for m in again for x in m.labels} == set(several):
            _cut_trailing(text, opening[0].span[1], end, again, out)  # "(B, C) Roots of wild type (B) and mutant (C)"
        else:
            _cut_leading(text, start, end, opening, out)
    else:
        _cut_trailing(text, start, end, opening, out)


def _cut_leading(text: str, start: int, end: int, inside: Sequence[Placed], out: Segments) -> None:
    first = inside[0].span[0]
    named = tuple(label for marker in inside for label in marker.labels)
    if _JOINT.sub("", text[start:first]):
        if len(inside) == 1:
            _give(out.segments, named, trim(text, start, end))  # "Plots (c) and (d) show the spectra."
            return
        head = trim(text, start, first)
        if out.segments.keys() <= set(named):
            out.shared.append(head)
        else:
            _give(out.stems, named, head)
    for marker, following in zip_longest(inside, inside[1:]):
        begin = marker.span[1]
        named_in_full = marker.style in (Style.PANEL, Style.POSITION) and text[begin - 1] not in ":,."
        if named_in_full and re.match(r"\s+[a-z]", text[begin:end]):
            begin = marker.span[0]  # "Panel A shows ...": the marker is the subject
        if following is None:
            _give(out.segments, marker.labels, _own(text, begin, end, False))
            continue
        over = _led_over(text, begin, following.span[0])
        _give(out.segments, marker.labels, _own(text, begin, over, True))
        joint = _JOINT.match(text, over, following.span[0])
        follows = re.match(r"\W*\w", text[following.span[1] : end])  # else it ends: "…, its weight is shown in (E)."
        _give(
            out.stems if follows else out.segments,
            following.labels,
            trim(text, joint.end() if joint else over, following.span[0]),
        )


def _cut_trailing(text: str, start: int, end: int, inside: Sequence[Placed], out: Segments) -> None:
    named = tuple(label for marker in inside for label in marker.labels)
    begin = start
    if len(inside) > 1 and _is_subject(text, start, end, inside):
        _give(out.segments, named, trim(text, start, end))
        return
    for i, marker in enumerate(inside):
        stop = marker.span[1]
        if i == 0:
            begin = trim(text, start, end)[0]
            if len(inside) > 1:
                shared = _stem_end(text, begin, marker.span, inside[1].span[0])
                others = [x for x in named if x not in marker.labels]
                _give(out.stems, others, trim(text, begin, shared))
        else:
            joint = _JOINT.match(text, begin)
            begin = joint.end() if joint else begin
        tail = text[stop:end]
        last = i == len(inside) - 1
        keeps = last
        if last and len(inside) > 1 and re.search(r"\w", tail) and not re.match(r"\s*[,;]", tail):
            keeps = len(tail.split()) <= KEPT_WORDS
            _give(out.stems, [x for x in named if not keeps or x not in marker.labels], trim(text, stop, end))
        _give(out.segments, marker.labels, trim(text, begin, end if keeps else stop))
        begin = stop


def _is_subject(text: str, start: int, end: int, inside: Sequence[Placed]) -> bool:
    """Whether the items are the subject of one statement: "Liver (a) and spleen (b) show necrosis."."""
    begin = trim(text, start, end)[0]
    states = _STATES.match(text, inside[-1].span[1], end)
    return bool(states) and _stem_end(text, begin, inside[0].span, inside[1].span[0]) == begin


def _stem_end(text: str, start: int, first: Span, second: int) -> int:
    """Where the words that "X of a (A) and b (B)" shares end; `start` where the clauses stand alone."""
    joint = _JOINT.match(text, first[1], second)
    item = text[joint.end() if joint else first[1] : second]
    head = text[start : first[0]]
    if _FINITE.search(item) or not item.strip():
        return start
    opening = _FUNCTION_WORD.match(item)
    if opening:
        same = [m.start() for m in _FUNCTION_WORD.finditer(head) if m.group().lower() == opening.group().lower()]
        if same:
            return start + same[-1]
    ends = [m.end() for m in _FUNCTION_WORD.finditer(head)]
    return start + ends[-1] if ends else start


def _led_over(text: str, start: int, stop: int) -> int:
    """Where the words begin that lead from one text to the next marker; `stop` where there are none."""
    over = _LEADS_OVER.search(text, start, stop)
    return over.start() if over and re.search(r"\w", text[start : over.start()]) else stop


def _own(text: str, start: int, stop: int, more: bool) -> Span:
    """The text behind a leading marker, without the words that lead over to the next one."""
    left = _AFTER_MARKER.match(text, start, stop)
    start = left.end() if left else start
    if more:
        right = re.search(r"[\s,;]*(?:\b(?:and|or)\b)?\s*$", text[start:stop])
        if right and right.start() > 0:
            stop = start + right.start() + (text[start + right.start()] in ";,")
    return trim(text, start, stop)
