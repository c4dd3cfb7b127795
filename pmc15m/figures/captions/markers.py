"""Every place of a caption that could name panels: the grammar, one regular expression a style.

Nothing is decided here; `series.py` chooses among the candidates.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pmc15m.figures.captions.lists import LIST, Label, SeriesName, read_list
from pmc15m.figures.captions.model import Style

# One character for one character, so that offsets stay those of the caption that was given.
_PLAIN = str.maketrans(
    {c: chr(ord(c) - 0xFEE0) for c in map(chr, range(0xFF01, 0xFF5F))}
    | dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\u3000", " ")
)

_ODD = re.compile(f"[{''.join(map(chr, _PLAIN))}]")

_NAMED = r"(?:[Pp]anels?|PANELS?|[Ff]ig(?:ure|s?\.)?)"
# What may stand behind the list inside the brackets: "(A, left)", "(b; red points)", "(a.)".
_EXTRA = r"(?:[.:]|[,;:]\s[^()\[\]:]{1,60})?"
_START = r"(?<![^\s.;:!?(\[)\]”\"–—])"

_GRAMMAR: tuple[tuple[Style, re.Pattern[str]], ...] = (
    (
        Style.PAREN,
        re.compile(
            rf"(?:\b{_NAMED}\s*)?\(\s*(?:{_NAMED}\s*)?(?P<list>{LIST}){_EXTRA}\s*\)"
            rf"(?:\s*(?P<joint>[-–—−~,&]|to|through|and|,\s*and|/)\s*\(\s*(?P<last>{LIST})\s*\))?"
        ),
    ),
    (Style.BRACKET, re.compile(rf"\[\s*(?P<list>{LIST})\s*\]")),
    (Style.PANEL, re.compile(rf"\b{_NAMED}\s+\(?(?P<list>{LIST})\)?[.:,]?(?![\w-])")),
    (Style.HALF, re.compile(rf"(?<![\w(\[–-])(?P<list>{LIST})\s?\)(?!-)")),
    (Style.COLON, re.compile(rf"{_START}(?P<list>{LIST})\s?:(?!\d)")),
    (Style.DOT, re.compile(rf"{_START}(?P<list>{LIST})\.(?=\s*[A-Z\d(\[–—-]|\s+\w)")),
    (Style.COMMA, re.compile(rf"{_START}(?P<list>{LIST}),(?=\s)")),
    (
        Style.BARE,
        re.compile(
            rf"(?:^|(?<=[.;:!?)\]”\"])\s+|(?<=[a-z(]\.)|(?<=\()|(?<=\s)(?=[b-zB-Z](?:\W|\d)|\d{{1,2}}[A-Za-z]\W))"
            rf"(?P<list>{LIST})(?:\s+[-–—|]|\s*[–—|])?\s+(?=\w|[^\w\s]\w)"
        ),
    ),
    (Style.MENTION, re.compile(rf"\b(?:in|from|of|see|and)\s+(?P<list>{LIST})(?=[.,;)]|\s(?!and|or)\w)(?<!\ba)")),
)
# "of a Jurkat and b murine cells": an article until a bare b follows.
_INLINE_A = re.compile(r"(?<=\s)(?P<list>a)\s+(?=\S)")
_BOLD_LABEL = re.compile(rf"[\s(\[]*(?:{_NAMED}\s*)?(?P<list>{LIST})[\s)\].:,;|–—-]*")


class Candidate(NamedTuple):
    """A possible marker: its span, its list's span, its style, and every series that it can be read in."""

    start: int
    end: int
    inner: tuple[int, int]
    style: Style
    readings: dict[SeriesName, tuple[Label, ...]]
    bold: bool


def plain(text: str) -> str:
    """`text` with full-width forms and odd spaces folded; the same length."""
    return text.translate(_PLAIN) if _ODD.search(text) else text


def find_candidates(text: str, bold: Sequence[tuple[int, int]] = ()) -> list[Candidate]:
    """Candidates in the order of the text, at most one for each list: earlier styles of the grammar win."""
    candidates: list[Candidate] = []
    taken: set[int] = set()
    for style, pattern in _GRAMMAR:
        at = 0
        while match := pattern.search(text, at):
            inner = match.span("list")
            at = max(match.end(), at + 1)
            if inner[0] in taken:
                continue
            written = match["list"]
            if style is Style.PAREN and match["last"]:
                written = f"{written} {match['joint']} {match['last']}"
                inner = inner[0], match.end("last")
            readings = read_list(written)
            if not readings:
                at = inner[0] + 1  # "42.19, L)": the list may begin later
            else:
                start = match.start() + len(match[0]) - len(match[0].lstrip())
                end = match.start() + len(match[0].rstrip())
                taken.update(range(inner[0], inner[1]))
                marked = _set_apart(inner[0], bold) and _set_apart(inner[1] - 1, bold)
                candidates.append(Candidate(start, end, inner, style, readings, marked))
    bare = [c.start for c in candidates if c.style is Style.BARE and text[c.start] == "b"]
    if bare:
        for match in _INLINE_A.finditer(text, 0, max(bare)):
            if match.start() not in taken:
                marked = _set_apart(match.start(), bold)
                span = match.span("list")
                candidates.append(Candidate(*span, span, Style.BARE, read_list("a"), marked))
    for a, b in bold:
        alone = _BOLD_LABEL.fullmatch(text, a, b)
        if alone and alone.start("list") not in taken and (readings := read_list(alone["list"])):
            candidates.append(Candidate(*_trimmed(text, a, b), alone.span("list"), Style.BARE, readings, True))
    return sorted(candidates)


def _set_apart(at: int, bold: Sequence[tuple[int, int]]) -> bool:
    return any(a <= at < b for a, b in bold)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
