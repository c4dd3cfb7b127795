"""Sentences of a paragraph, by a rule of thumb that knows scientific prose."""

import re
from bisect import bisect_right

from pmc15m.jats.tree import names_of

_STOP = re.compile(r"[.!?][\"'”’)\]]*(?:\d[\d,–-]*|[⁰¹²³⁴-⁹][⁰¹²³⁴-⁹,–-]*)?\s+(?=[\"'“‘(\[]*[A-ZÀ-ÞΑ-Ω0-9])")
"""A stop before a blank and a capital or digit; the numbers of references may stand between: 'cells.12 The'."""
_ABBREVIATIONS = names_of(
    """fig figs abb tab tabs ref refs eq eqs suppl ext no nos vol vols ed eds dr drs mr mrs ms prof st vs cf ca
    approx resp al spp sp var subsp e.g i.e viz incl max min inc ltd co corp pp p pos"""
)
_LAST_WORD = re.compile(r"[^\s(\[,;/–-]*$")
_LONGEST = 7
"""Longer words are no abbreviations."""


class Sentences:
    """The sentences of one paragraph."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(stop.end() for stop in _STOP.finditer(text) if _ends_sentence(text, stop))]

    def around(self, start: int, end: int) -> str:
        """The sentence, or sentences, that hold the characters `start` to `end`."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, max(start, end - 1))
        stop = self._starts[last] if last < len(self._starts) else len(self._text)
        return self._text[self._starts[first] : stop].rstrip()


def _ends_sentence(text: str, stop: re.Match[str]) -> bool:
    """False after an abbreviation ('Fig.', 'et al.') or an initial, and where a number only has a decimal point."""
    place = stop.start()
    if text[place] != "." or text[place - 1 : place] == ")" or text[max(0, place - _LONGEST) : place].isalpha():
        return True
    last = _LAST_WORD.search(text, max(0, place - _LONGEST), place)
    word = last[0] if last else ""
    if len(word) == 1 and word.isupper():
        return False
    if word[-1:].isdigit() and stop[0][1].isdigit():
        return False
    return word.casefold() not in _ABBREVIATIONS
