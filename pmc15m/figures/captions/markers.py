"""Every place of a caption that could name panels: one pass over its lists of labels, the style by what stands around.

Nothing is decided here; `series.py` chooses among the candidates.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from pmc15m.figures.captions.lists import LIST, Label, SeriesName, read_list, read_start
from pmc15m.figures.captions.model import Style

# One character for one character, so that offsets stay those of the caption that was given.
_PLAIN = str.maketrans(
    {c: chr(ord(c) - 0xFEE0) for c in map(chr, range(0xFF01, 0xFF5F))}
    | dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\u3000", " ")
)

_ODD = re.compile(f"[{''.join(map(chr, _PLAIN))}]")

_NAMED = r"(?:[Pp]anels?|PANELS?|[Ff]ig(?:ure|s?\.)?)"
# "in the wellsA) Level": a title glued to the first marker.
_SCAN = re.compile(rf"(?<!\w){LIST}|(?<=[a-z]{{2}})[A-Z](?=\)\s?[A-Z]|[.:]\s[A-Z])")
_AHEAD = 20  # characters in front of a list in which "Panels (" and the like can stand
_BRACKET = re.compile(rf"(?:\b{_NAMED}\s*)?\(\s*(?:{_NAMED}\s*)?$")
_CALLED = re.compile(rf"(?:\((?:[Ss]ee|[Cc]f\.?|[Cc]ompare)\s+)?\b{_NAMED}\s+\(?$")
_WORDS_IN_BRACKET = re.compile(r"\([^()\[\]]{1,60}[,;]\s$")
# What may stand behind the list inside the brackets: "(A, left)", "(b; red points)", "(a.)".
_CLOSE = re.compile(r"(?:[.:]|[,;:]\s[^()\[\]:]{1,60})?\s*\)")
_SECOND = re.compile(rf"\s*(?P<joint>[-–—−~,&]|to|through|and|,\s*and|/)\s*\(\s*(?P<last>{LIST})\s*\)")
_SQUARE = re.compile(r"\s*\]")
_CALLED_END = re.compile(r"\)?[.:,]?(?![\w-])")
_HALF = re.compile(r"\s?\)(?!-)")
_STOPS = (
    (Style.COLON, re.compile(r"\s?:(?!\d)")),
    (Style.DOT, re.compile(r"\.(?=\s*[A-Z\d(\[–—-]|\s+\w)")),
    (Style.COMMA, re.compile(r",(?=\s)")),
)
_EPITHET = re.compile(r"\s[a-z]{3,}(?:a|ae|us|um|is|ii?)\b")  # "B. subtilis"
_WORD_FOLLOWS = re.compile(r"(?:\s+[-–—|]|\s*[–—|])?\s+(?=\w|[^\w\s]\w)")
_INLINE = re.compile(r"[b-zB-Z](?:\W|\d)|\d{1,2}[A-Za-z]\W")
_UNIT = re.compile(r"[hdsgmlMVACKNJWL] (?![A-Z])")  # "for 2 h and"
_GLUED_STOP = re.compile(r"[a-z]\.$")
_POINTS = re.compile(r"\b(?:in|from|of|see|and)\s+$")
_POINTED_AT = re.compile(r"[.,;)]|\s(?!and|or)\w")
_LABEL_ALONE = re.compile(rf"[\s(\[]*(?:{_NAMED}\s*)?(?P<list>{LIST})[\s)\].:,;|–—-]*")


class Candidate(NamedTuple):
    """A possible marker: its span, its list's span, its style, and every series that it can be read in.

    `bold`: the publisher set it apart; `opens`: it stands where a sentence, a clause or a paragraph begins.
    """

    start: int
    end: int
    inner: tuple[int, int]
    style: Style
    readings: dict[SeriesName, tuple[Label, ...]]
    bold: bool
    opens: bool


def plain(text: str) -> str:
    """`text` with full-width forms and odd spaces folded; the same length."""
    return text.translate(_PLAIN) if _ODD.search(text) else text


def is_label(text: str, start: int, end: int) -> bool:
    """Whether a span holds labels and nothing else but brackets and stops."""
    return _LABEL_ALONE.fullmatch(text, start, end) is not None


def find_candidates(text: str, bold: Sequence[tuple[int, int]] = (), blocks: Collection[int] = ()) -> list[Candidate]:
    """Candidates in the order of the text, at most one for each list.

    `bold` are the spans that the publisher set apart, `blocks` the places where a paragraph or an item begins.
    """
    candidates: list[Candidate] = []
    articles: list[Candidate] = []  # "of a Jurkat and b murine cells": an article until a bare b follows
    done = 0
    for start, end, readings in _lists(text, bold):
        if start < done:
            continue
        marked = _set_apart(start, bold) and _set_apart(end - 1, bold)
        opens = start in blocks or _opens(text, start)
        found = _styled(text, start, end, opens)
        if found is None and marked:
            found = Style.BARE, start, end
        if found is None:
            if end - start == 1 and text[start] == "a" and text[end : end + 1].isspace():
                articles.append(Candidate(start, end, (start, end), Style.BARE, readings, marked, opens))
            continue
        style, begin, stop = found
        if style is Style.PAREN and (second := _SECOND.match(text, stop)):
            joined = read_list(f"{text[start:end]} {second['joint']} {second['last']}")
            if joined:
                readings, end, stop = joined, second.end("last"), second.end()
        opens = opens or begin in blocks or _opens(text, begin)
        candidates.append(Candidate(begin, stop, (start, end), style, readings, marked, opens))
        done = stop
        if style is Style.BARE and text[start] == "b":
            candidates += articles
            articles = []
    return sorted(candidates)


def _lists(
    text: str, bold: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, dict[SeriesName, tuple[Label, ...]]]]:
    """Every list of labels with its readings; what the publisher set apart is one as far as it goes ("BLepidium")."""
    apart = []
    for a, b in sorted(bold, reverse=True):
        alone = _LABEL_ALONE.fullmatch(text, a, b)
        if alone and read_list(alone["list"]):
            apart.append(alone.span("list"))
    at = 0
    while (match := _SCAN.search(text, at)) or apart:
        start, end = match.span() if match else (len(text), len(text))
        while apart and (apart[-1][0] < start or (apart[-1][0] == start and apart[-1][1] > end)):
            start, end = apart.pop()  # the last is the first; "A, B" of "A, BLepidium" is longer than "A"
            match = None
        if match is None and start == len(text):
            return
        while apart and apart[-1][0] < end:
            apart.pop()
        readings, length = read_start(text[start:end])
        at = start + max(length, 1)
        if readings:
            yield start, at, readings


def _opens(text: str, at: int) -> bool:
    before = text[max(0, at - 3) : at].rstrip()
    return not before or before[-1] in '.;:!?)]”"–—'


def _styled(text: str, start: int, end: int, opens: bool) -> tuple[Style, int, int] | None:
    """The style of a list by what stands around it, and the span of the marker; None where nothing sets it off."""
    ahead = max(0, start - _AHEAD)
    before = text[ahead:start]
    last = before.rstrip()[-1:]
    if last and last in "(.slegSLEG":
        bracket = _BRACKET.search(before)
        if bracket and (close := _CLOSE.match(text, end)):
            return Style.PAREN, ahead + bracket.start(), close.end()
        called = _CALLED.search(before)
        if called and (stop := _CALLED_END.match(text, end)):
            return Style.PANEL, ahead + called.start(), stop.end()
    elif last == "[" and (square := _SQUARE.match(text, end)):
        return Style.BRACKET, ahead + before.rindex("["), square.end()
    follows = text[end : end + 1]
    if (start == 0 or text[start - 1] not in "([–-") and (half := _HALF.match(text, end)):
        within = last in ",;" and _WORDS_IN_BRACKET.search(text, max(0, start - 64), start)
        return Style.PAREN if within else Style.HALF, start, half.end()
    if follows in " :.," and (start == 0 or text[start - 1].isspace() or text[start - 1] in '.;:!?([)]”"–—'):
        for style, pattern in _STOPS:
            if stop := pattern.match(text, end):
                species = style is Style.DOT and not opens and _EPITHET.match(text, stop.end())
                return None if species else (style, start, stop.end())
    if follows.isspace() or follows in "–—|":
        free = last == "(" or (opens and (text[start - 1].isspace() or _GLUED_STOP.search(before)))
        inline = start > 0 and text[start - 1].isspace() and _INLINE.match(text, start)
        if inline and last.isdigit() and _UNIT.match(text, start):
            return None
        if (start == 0 or free or inline) and (word := _WORD_FOLLOWS.match(text, end)):
            return Style.BARE, start, start + len(text[start : word.end()].rstrip())
    points = _POINTS.search(before)
    if points and _POINTED_AT.match(text, end) and text[start:end] != "a":
        return Style.MENTION, start, end
    return None


def _set_apart(at: int, bold: Sequence[tuple[int, int]]) -> bool:
    return any(a <= at < b for a, b in bold)
