"""Captions that name panels by their place: "(left)", "Top row: ...", "the second column shows"."""

import re

from pmc15m.figures.captions.model import Style
from pmc15m.figures.captions.tokens import Placed

_PLACE = (
    r"(?P<place>(?:upper|lower|top|bottom)[- ](?:left|right|middle|cent(?:er|re))"
    r"|left|right|upper|lower|top|bottom|middle|cent(?:er|re)|first|second|third|fourth|last)(?:[- ]most)?"
)
_NOUN = r"(?:rows?|columns?|panels?|images?|pictures?|photo(?:graph)?s?|plots?|graphs?|insets?)"
_MARKERS = re.compile(
    rf"\((?:{_PLACE})(?:[- ]hand)?(?:\s+{_NOUN})?\)"
    rf"|(?:^|(?<=[.;:]\s))(?:[Tt]he\s+)?(?:{_PLACE.replace('place', 'start')})(?:[- ]hand)?"
    rf"(?:(?:\s+{_NOUN})?\s*[:,](?=\s)|\s+{_NOUN}(?=\s+(?:shows?|is|are|represents?|displays?|depicts?)\b))",
    re.IGNORECASE,
)
# Places that a caption names beside each other: left and right, top and second. One alone names no panels.
_FAMILIES = (
    frozenset({"left", "right", "middle", "center", "centre"}),
    frozenset({"top", "bottom", "upper", "lower", "middle", "center", "centre"})
    | frozenset({"first", "second", "third", "fourth", "last"}),
)


def find_positions(text: str) -> list[Placed]:
    """The markers of a caption that names two places or more of one family; empty otherwise."""
    markers = []
    for match in _MARKERS.finditer(text):
        place = (match["place"] or match["start"]).lower().replace("-", " ")
        markers.append(Placed(match.span(), (place,), Style.POSITION))
    places = {marker.labels[0] for marker in markers}
    corners = {place for place in places if " " in place}
    for family in (*_FAMILIES, frozenset(corners)):
        if len(places & family) > 1:
            return [marker for marker in markers if marker.labels[0] in family]
    return []
