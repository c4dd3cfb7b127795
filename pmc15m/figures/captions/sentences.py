"""Where the sentences of a caption begin and end."""

import re

from pmc15m.figures.model import Span

_END = re.compile(r"[.!?][\"'”’)\]]*(?=\s+[\"“‘'(\[]?[^\W_]|\s*$|\s*[(\[]|\s*\n)|(?<=[a-z0-9)])\.(?=[A-Z][a-z ])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[Ff]igs?|et al|e\.?g|i\.?e|vs?|approx|ca|spp?|cf|No|nos?|mag|var|subsp|resp|Refs?|Eqs?"
    r"|Dr|Prof|St|Inc|Ltd|Co|max|min|avg|etc|incl|Suppl|pp?|vol|cv|str|wt|sect|magn|orig|f|gen|nov|figs|panel)|\b[A-Z]|(?:^|[\s(])[b-z])$"
)
_SHORTENED = re.compile(r"(?:^|[\s(])[A-Z][a-z]{1,3}$")  # "An. funestus"


def sentences(text: str) -> list[Span]:
    """Spans of the sentences, without the white space around them; together they hold every other character."""
    out: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if text[match.start()] == "." and _is_abbreviation(text, start, match):
            continue
        out.append((start, match.end()))
        start = match.end()
    out.append((start, len(text)))
    return [trim(text, a, b) for a, b in out if text[a:b].strip()]


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    rest = text[match.end() :].lstrip()
    before = max(start, match.start() - 12), match.start()
    return bool(rest) and bool(
        _ABBREVIATION.search(text, *before) or (rest[0].islower() and _SHORTENED.search(text, *before))
    )


def trim(text: str, start: int, end: int) -> Span:
    """The span without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
