"""A caption in pieces: whose words each piece is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters with one meaning."""

    text: str
    panels: tuple[int, ...] = ()
    """Positions of the panels whose text it is part of."""
    is_shared: bool = False
    """It stands in a sentence or list that several panels share, or concerns the whole figure."""


def pieces(caption: str, panels: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """The caption cut where a panel's words begin or end; the pieces' texts are the caption.

    Of each panel `subcaption_spans`, `stem_spans` (its words that others share) and `shared_spans` (what concerns the
    whole figure) count: lists of {start, end}, in characters, end exclusive.
    """
    own, stems, whole = (
        [[(span["start"], span["end"]) for span in panel[name] or ()] for panel in panels]
        for name in ("subcaption_spans", "stem_spans", "shared_spans")
    )
    edges = {0, len(caption)} | {edge for spans in (*own, *stems, *whole) for span in spans for edge in span}
    cut = []
    for start, end in pairwise(sorted(edge for edge in edges if 0 <= edge <= len(caption))):
        owners = tuple(n for n, spans in enumerate(own) if _covers(spans, start))
        shared = len(owners) > 1 or any(_covers(spans, start) for spans in (*stems, *whole))
        cut.append(Piece(caption[start:end], owners, shared))
    return cut


def _covers(spans: Sequence[tuple[int, int]], place: int) -> bool:
    return any(start <= place < end for start, end in spans)
