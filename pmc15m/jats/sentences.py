"""Sentences of a paragraph, by a rule of thumb that knows scientific prose."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from pmc15m.jats.tree import names_of

_STOP = re.compile(r"[.!?][\"'”’)\]]*(?:\d[\d,–-]*|[⁰¹²³⁴-⁹][⁰¹²³⁴-⁹,–-]*)?\s+(?=[\"'“‘(\[]*[A-ZÀ-ÞΑ-Ω0-9])")
"""A stop before a blank and a capital or digit; the numbers of references may stand between: 'cells.12 The'."""
_ABBREVIATIONS = names_of(
    """fig figs abb tab tabs ref refs eq eqs suppl ext no nos vol vols ed eds dr drs mr mrs ms prof st vs cf ca
    approx resp al spp sp var subsp e.g i.e viz incl max min inc ltd co corp pp p pos"""
)
_LAST_WORD = re.compile(r"[^\s(\[,;/–-]*$")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-Z]")
_LONGEST = 7
"""Longer words are no abbreviations."""


class Sentences:
    """The sentences of one paragraph."""

    __slots__ = ("_ends", "_stops", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._stops = list(_STOP.finditer(text))
        self._ends = [stop.end() for stop in self._stops]

    def __iter__(self) -> Iterator[str]:
        start = 0
        for stop in self._stops:
            if ends_sentence(self._text, stop):
                yield self._text[start : stop.end()].rstrip()
                start = stop.end()
        yield self._text[start:]

    def around(self, start: int, end: int) -> str:
        """The sentence, or sentences, that hold the characters `start` to `end`."""
        first, last = bisect_right(self._ends, start), bisect_right(self._ends, max(start, end - 1))
        while first and not ends_sentence(self._text, self._stops[first - 1]):
            first -= 1
        while last < len(self._stops) and not ends_sentence(self._text, self._stops[last]):
            last += 1
        begin = self._ends[first - 1] if first else 0
        stop = self._ends[last] if last < len(self._ends) else len(self._text)
        return self._text[begin:stop].rstrip()


def ends_sentence(text: str, stop: re.Match[str]) -> bool:
    """False after an abbreviation ('Fig.', 'et al.') or initials, and where a number only has a decimal point."""
    place = stop.start()
    if text[place] != "." or text[place - 1 : place] == ")" or text[max(0, place - _LONGEST) : place].isalpha():
        return True
    last = _LAST_WORD.search(text, max(0, place - _LONGEST), place)
    word = last[0] if last else ""
    if word[-1:].isupper() and _INITIALS.fullmatch(word):
        return False
    if word[-1:].isdigit() and stop[0][1].isdigit():
        return False
    return word.casefold() not in _ABBREVIATIONS
