"""Turn the spans of a split caption into text, in the conventions of the data sets. Nothing is ever reworded."""

import enum
from collections.abc import Iterable

from pmc15m.figures.captions.model import CaptionSplit
from pmc15m.figures.model import Span


class Convention(enum.StrEnum):
    """What a sub-caption holds."""

    OWN = "own"  # its own text, without the marker that leads it
    SHARED = "shared"  # and the stem of its sentence, and everything that concerns the whole figure
    MARKED = "marked"  # like SHARED, with its marker


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in the order of the text, overlapping ones joined, empty ones dropped."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return tuple(out)


def without(spans: Iterable[Span], taken: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of spans where others are taken away, in the order of the text."""
    out = list(merge(spans))
    for start, end in taken:
        out = [piece for a, b in out for piece in ((a, min(b, start)), (max(a, end), b))]
        out = [(a, b) for a, b in out if a < b]
    return tuple(out)


def spans_of(split: CaptionSplit, label: str, convention: Convention) -> tuple[Span, ...]:
    """The spans of one label's sub-caption. Raises KeyError for a label that the caption does not name."""
    spans = list(split.segments[label])
    if convention is not Convention.OWN:
        spans += split.stems.get(label, ())
        spans += split.shared
    if convention is Convention.MARKED:
        spans += [marker.span for marker in split.markers if label in marker.labels]
    return merge(spans)


def render(caption: str, split: CaptionSplit, label: str, convention: Convention = Convention.OWN) -> str:
    """The sub-caption of one label: its pieces in the order of the caption, joined by single spaces."""
    return " ".join(" ".join(caption[a:b].split()) for a, b in spans_of(split, label, convention))
