"""The sentence around a place in a paragraph."""

import re

_END = re.compile(
    r"(?:[.!?][\"'”’)\]]*|(?<=[^\W\d_][.])(?:\d{1,3}|[⁰¹²³⁴-⁹]{1,3})(?:[,–-](?:\d{1,3}|[⁰¹²³⁴-⁹]{1,3}))*)"
    r"\s+(?=[\"'“‘(\[]*[A-ZÀ-ÞΑ-Ω0-9])"
)
"""A stop before a blank and a capital or digit; the numbers of references may stand between: 'cells.12 The'."""
_ABBREVIATION = re.compile(
    r"(?:\b(?:[Ff]igs?|Abb|Tabs?|Refs?|Eqs?|Suppl?|Ext|[Nn]os?|Vols?|Eds?|Drs?|Mr|Mrs|Ms|Prof|St|vs|cf|ca|approx|"
    r"resp|al|etc|spp?|var|subsp|e\.g|i\.e|viz|incl|max|min|Inc|Ltd|Co|Corp|pp?|pos)|(?<!\w)[A-Z])\.$"
)
_LONGEST_ABBREVIATION = 8


def sentence_around(paragraph: str, start: int, end: int) -> str:
    """The sentence of `paragraph` that holds the characters `start` to `end`.

    A rule of thumb: a full stop before a blank and a capital or digit ends a sentence, unless the word before
    is an abbreviation ('Fig.', 'et al.') or an initial.
    """
    first, last = 0, len(paragraph)
    for boundary in _END.finditer(paragraph):
        stop = boundary.start() + 1
        if boundary[0][0] == "." and _ABBREVIATION.search(paragraph, max(0, stop - _LONGEST_ABBREVIATION), stop):
            continue
        if boundary.end() <= start:
            first = boundary.end()
        elif boundary.start() >= end - 1:
            last = boundary.end()
            break
    return paragraph[first:last].strip()
