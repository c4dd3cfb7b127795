"""Spans of a caption: joined, taken away from each other, and turned into text, the one way everywhere."""

from collections.abc import Iterable

from pmc15m.figures.model import Span


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


def text_of(caption: str, spans: Iterable[Span]) -> str:
    """The spans' text in the order of the caption, pieces and words apart by single blanks. Nothing is reworded."""
    return " ".join(" ".join(caption[start:end] for start, end in merge(spans)).split())
