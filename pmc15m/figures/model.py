"""What a separated figure is: plain values that the separators, the caption splitter and the alignment share.

Boxes are `(x0, y0, x1, y1)` in whole pixels of the image that was given, origin top left, x1 and y1 exclusive.
Spans are `(start, end)` character offsets of the caption that was given, end exclusive.
"""

import enum
from dataclasses import dataclass

Box = tuple[int, int, int, int]
Span = tuple[int, int]


def slab(box: Box, axis: int, start: int, end: int) -> Box:
    """The part of a box between two lines across an axis: rows for axis 0, columns for axis 1."""
    x0, y0, x1, y1 = box
    return (x0, start, x1, end) if axis == 0 else (start, y0, end, y1)


# What a printed label can read: letters without case, and the digits that number panels.
LABEL_ALPHABET = "abcdefghijklmnopqrstuvwxyz123456789"


class SeparationStatus(enum.StrEnum):
    """What became of a figure."""

    SINGLE = "single"  # one panel: the whole figure with the whole caption
    SPLIT_ALIGNED = "split_aligned"  # panels, and labels with sub-captions that are certain enough
    SPLIT_UNALIGNED = "split_unaligned"  # panels, but the whole caption for each of them
    KEPT_WHOLE = "kept_whole"  # compound by its caption, but not to be split with confidence


class SeparationReason(enum.StrEnum):
    """Why panels keep the whole caption, or a compound figure stays whole."""

    NO_CAPTION = "no_caption"
    NO_CAPTION_LABELS = "no_caption_labels"
    NO_PRINTED_LABELS = "no_printed_labels"
    UNCERTAIN_ALIGNMENT = "uncertain_alignment"
    TOO_SMALL = "too_small"
    NO_SEPARATORS = "no_separators"


@dataclass(frozen=True, slots=True)
class LabelReading:
    """One printed letter, as the reader saw it inside a panel.

    `panel` is the index of the panel that it stands in; `log_probs` holds one natural logarithm per character of
    `LABEL_ALPHABET`, the probability of "no label at all" being what is left to one; `upper` is the probability
    that the letter is a capital.
    """

    panel: int
    box: Box
    log_probs: tuple[float, ...]
    upper: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: what a printed label names, or one visual unit where nothing is labelled.

    `tiles` are the visual units inside the panel when there are several, else empty. `score` is the certainty of
    the box and `alignment_score` that of label and text together (None: no claim), both in 0..1. `subcaption_spans`
    is a panel's text: its own words and those that its sentence or list shares with it ("*CT of* the head (A)"), the
    latter also in `stem_spans`. `shared_spans` is what concerns the whole figure.
    """

    order: int
    box: Box
    tiles: tuple[Box, ...] = ()
    score: float = 1.0
    label: str | None = None
    label_box: Box | None = None
    subcaption_spans: tuple[Span, ...] = ()
    stem_spans: tuple[Span, ...] = ()
    shared_spans: tuple[Span, ...] = ()
    alignment_score: float | None = None


@dataclass(frozen=True, slots=True)
class Separation:
    """A figure after separation: always at least one panel; `compound` is the probability of more than one."""

    status: SeparationStatus
    reason: SeparationReason | None
    compound: float
    panels: tuple[Panel, ...]
