"""The sentence around a place in a paragraph."""

import re

_END = re.compile(r"[.!?][\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-ZÀ-ÞΑ-Ω0-9])")
_ABBREVIATIONS = re.compile(
    r"(?:\b(?:Figs?|Fig|Abb|Tabs?|Refs?|Eqs?|Suppl?|Ext|Nos?|Vols?|Eds?|Drs?|Mr|Mrs|Ms|Prof|St|vs|cf|ca|approx|resp|al|"
    r"etc|spp?|var|subsp|e\.g|i\.e|viz|incl|max|min|Inc|Ltd|Co|Corp|pp?|pos|fig|figs|no)|(?<!\w)[A-Z])\.$"
)


def sentence_around(paragraph: str, start: int, end: int) -> str:
    """The sentence of `paragraph` that holds the characters `start` to `end`.

    A rule of thumb: a full stop before a blank and a capital or digit ends a sentence, unless the word before
    is an abbreviation ('Fig.', 'et al.') or an initial.
    """
    first, last = 0, len(paragraph)
    for boundary in _END.finditer(paragraph):
        stop = boundary.start() + 1
        if boundary[0][0] == "." and _ABBREVIATIONS.search(paragraph, max(0, stop - 12), stop):
            continue
        if boundary.end() <= start:
            first = boundary.end()
        elif boundary.start() >= end - 1:
            last = boundary.end()
            break
    return paragraph[first:last].strip()
