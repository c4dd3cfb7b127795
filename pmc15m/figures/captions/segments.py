"""Which stretch of the caption belongs to which label, once the markers are known."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from pmc15m.figures.captions.model import Marker, Style
from pmc15m.figures.captions.sentences import sentences, trim
from pmc15m.figures.model import Span

_LEADING = frozenset({Style.HALF, Style.COLON, Style.DOT, Style.COMMA, Style.PANEL, Style.BARE})
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
_LEGEND = re.compile(
    r"scale bars?\b|\bbars?\s*[,:=]|error bars?|\babbreviations?\b|\bnotes?:|see also|source data|additional details"
    r"|\b(?:in )?all (?:the )?(?:images|panels|data|values|experiments|graphs|figures|pictures|cases)\b"
    r"|\b(?:data|values|results|means|bars|numbers|images) (?:are|were|represent|shown?|indicate|points)\b"
    r"|presented (?:are|as)|magnification|\barrow(?:s|heads?)?\b[^.]{0,25}(?:indicat|point|mark|show)|^arrow"
    r"|asterisk|significan|\b(?:t|anova|tukey|wilcoxon|mann)[- ]?test|\banova\b|student|\bn\s*=\s*\d+"
    r"|\bp\s*[<>=≤]|\*\s*p?|\bs\.?e\.?m\.?\b|standard (?:error|deviation)|^[A-Z][\w+-]{0,9}\s*[=,:]\s"
    r"|\bcolou?rs?\b|symbols|dashed lines?|solid lines?|reprinted|reproduced|adapted from|the authors?",
    re.I,
)


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


def cut(text: str, placed: Sequence[Placed], labels: Sequence[str]) -> Segments:
    """Cut `text` at the markers `placed` (in order, not overlapping), which name `labels`."""
    out = Segments({label: [] for label in labels}, {label: [] for label in labels}, [], [], [])
    whole = sentences(text)
    primary = _primary(text, placed, whole, out)
    current: tuple[str, ...] = ()
    at = 0
    done: set[str] = set()
    for n, (start, end) in enumerate(whole):
        inside = []
        while at < len(primary) and primary[at].span[0] < end:
            inside.append(primary[at])
            at += 1
        if not inside:
            if current and not (done >= set(labels) and _closes(text, n, whole, start, end, out, current)):
                _give(out.segments, current, (start, end))
            else:
                out.shared.append((start, end))
                if current:
                    current = ()
            continue
        leads = _leads(text, start, inside)
        (_cut_leading if leads else _cut_trailing)(text, start, end, inside, out, current)
        done.update(label for marker in inside for label in marker.labels)
        current = inside[-1].labels
        named = {label for marker in inside for label in marker.labels}
        if not leads and len(inside) > 1 and named == set(labels):
            current = ()  # one sentence names them all: what follows is about the whole figure
    return out


def _give(to: dict[str, list[Span]], labels: Sequence[str], span: Span) -> None:
    if span[0] < span[1]:
        for label in labels:
            if label in to:
                to[label].append(span)


def _primary(text: str, placed: Sequence[Placed], whole: Sequence[Span], out: Segments) -> list[Placed]:
    """The markers that start or end a text of their own; the rest are references."""
    primary: list[Placed] = []
    seen: set[str] = set()
    for marker in placed:
        start = marker.span[0]
        before = text[:start]
        fresh = not seen.issuperset(marker.labels)
        clause = bool(_CLAUSE_START.search(before[-8:])) or any(a == start for a, _ in whole)
        if fresh or (clause and not _POINTS_AT.search(before[-12:]) and _opens(text, marker)):
            primary.append(marker)
            out.markers.append(Marker(marker.span, marker.labels))
            seen.update(marker.labels)
        else:
            out.references.append(Marker(marker.span, marker.labels))
    return primary


def _opens(text: str, marker: Placed) -> bool:
    return not _TRAILS.match(text, marker.span[1])


def _leads(text: str, start: int, inside: Sequence[Placed]) -> bool:
    """Whether the markers of a sentence stand before their text."""
    votes = 0
    for marker in inside:
        a, b = marker.span
        before = text[start:a]
        led = bool(_LED.search(before[-8:]))
        trails = bool(_TRAILS.match(text, b))
        if a == start:
            votes += 2
        elif marker.style in _LEADING or (led and not trails):
            votes += 1
        elif trails and not led:
            votes -= 1
        elif not led:
            votes += 1 if marker is inside[0] and len(inside) > 1 else 0
    return votes > 0


def _cut_leading(
    text: str, start: int, end: int, inside: Sequence[Placed], out: Segments, current: tuple[str, ...]
) -> None:
    first = inside[0].span[0]
    named = tuple(label for marker in inside for label in marker.labels)
    if _JOINT.sub("", text[start:first]):
        head = trim(text, start, first)
        if text[start:first].rstrip().endswith((".", ";")) and current:
            _give(out.segments, current, head)
        elif len(inside) > 1 or not current:
            _give(out.stems, named, head)
        else:
            _give(out.segments, inside[0].labels, head)
    for marker, following in zip_longest(inside, inside[1:]):
        stop = following.span[0] if following else end
        _give(out.segments, marker.labels, _own(text, marker.span[1], stop, bool(following)))


def _cut_trailing(
    text: str, start: int, end: int, inside: Sequence[Placed], out: Segments, current: tuple[str, ...]
) -> None:
    named = tuple(label for marker in inside for label in marker.labels)
    begin = start
    for i, marker in enumerate(inside):
        begin = _JOINT.match(text, begin).end() if i else begin  # type: ignore[union-attr]
        stop = marker.span[1]
        if i == 0 and len(inside) > 1:
            own = _stem_end(text, start, marker.span[0], inside[1].span[0], marker.span[1])
            _give(out.stems, [x for x in named if x not in marker.labels], trim(text, start, own))
        _give(out.segments, marker.labels, trim(text, begin, stop))
        begin = stop
    tail = text[begin:end]
    if len(inside) == 1 or not re.search(r"\w", tail) or re.match(r"\s*[,;]", tail):
        spans = out.segments.get(inside[-1].labels[-1], [])
        last = spans[-1] if spans else None
        for label in inside[-1].labels:
            if label in out.segments and out.segments[label] and out.segments[label][-1] == last and last:
                out.segments[label][-1] = trim(text, last[0], end)
    else:
        _give(out.stems, named, trim(text, begin, end))


def _stem_end(text: str, start: int, first: int, second: int, after: int) -> int:
    """Where the words that "X of a (A) and b (B)" shares end; `start` where the clauses stand alone."""
    joint = _JOINT.match(text, after, second)
    item = text[joint.end() if joint else after : second]
    head = text[start:first]
    if _FINITE.search(item) or not item.strip():
        return start
    opening = _FUNCTION_WORD.match(item)
    if opening:
        same = [m.start() for m in _FUNCTION_WORD.finditer(head) if m.group().lower() == opening.group().lower()]
        if same:
            return start + same[-1]
    found = [m.end() for m in _FUNCTION_WORD.finditer(head)]
    return start + found[-1] if found else start


def _own(text: str, start: int, stop: int, more: bool) -> Span:
    """The text behind a leading marker, without the words that lead over to the next one."""
    piece = text[start:stop]
    left = re.match(r"[\s:–—|-]*(?:[.,]\s)?\s*", piece)
    start += left.end() if left else 0
    if more:
        piece = text[start:stop]
        right = re.search(r"[\s,;]*(?:\b(?:and|or)\b)?\s*$", piece)
        if right and right.start() > 0:
            stop = start + right.start()
            if text[stop : stop + 1] in (";", ","):
                stop += 1
    return trim(text, start, stop)


def _closes(
    text: str,
    n: int,
    whole: Sequence[Span],
    start: int,
    end: int,
    out: Segments,
    current: tuple[str, ...],
) -> bool:
    """Whether a sentence behind the last marker begins the legend of the whole figure."""
    named = {label for r in out.references if start <= r.span[0] < end for label in r.labels}
    if named:
        return not named & set(current)
    return bool(_LEGEND.search(text, start, end))
