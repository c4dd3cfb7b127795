"""What a separated figure is: plain values that the separators, the caption splitter and the alignment share.

Boxes are `(x0, y0, x1, y1)` in whole pixels of the image that was given, origin top left, x1 and y1 exclusive.
Spans are `(start, end)` character offsets of the caption that was given, end exclusive.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from pmc15m.figures.drawing import Drawing

Box = tuple[int, int, int, int]
Span = tuple[int, int]


def slab(box: Box, axis: int, start: int, end: int) -> Box:
    """The part of a box between two lines across an axis: rows for axis 0, columns for axis 1."""
    x0, y0, x1, y1 = box
    return (x0, start, x1, end) if axis == 0 else (start, y0, end, y1)


# What a printed label can read: letters without case, and the digits that number panels.
LABEL_ALPHABET = "abcdefghijklmnopqrstuvwxyz123456789"
NUMBERED = re.compile(r"[A-Za-z][1-9]")  # a label that is one of several of a letter


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
    that the letter is a capital. `number` is that behind the letter ("b2"), 0 where there is none.
    """

    panel: int
    box: Box
    log_probs: tuple[float, ...]
    upper: float
    number: int = 0


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
    """A figure after separation: always at least one panel; `compound` is the probability of more than one.

    `image` and `caption` are those that `separate` was given, for `texts` and for notebooks, which show the figure with
    boxes, letters and texts.
    """

    status: SeparationStatus
    reason: SeparationReason | None
    compound: float
    panels: tuple[Panel, ...]
    image: Image.Image | None = field(default=None, compare=False, repr=False)
    caption: str | None = field(default=None, compare=False, repr=False)

    def text_spans(self, panel: Panel, caption: str | None) -> tuple[Span, ...]:
        """Where a panel's text stands in the caption: the whole of it where the figure is one panel."""
        if self.status is SeparationStatus.SINGLE and caption:
            return ((0, len(caption)),)
        return panel.subcaption_spans

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each panel, in the order of `panels`; empty where none belongs to it alone."""
        from pmc15m.figures.captions import text_of  # which is made of spans, too

        caption = self.caption or ""
        return tuple(text_of(caption, self.text_spans(panel, caption)) for panel in self.panels)

    def drawing(self) -> Drawing:
        """The figure with its panels marked. Raises ValueError where it holds no image."""
        from pmc15m.figures.drawing import Drawing, Mark  # which draws separations, too

        if self.image is None:
            raise ValueError("a separation without its image cannot be drawn")
        marks = tuple(
            Mark(panel.box, panel.label, text, panel.alignment_score)
            for panel, text in zip(self.panels, self.texts, strict=True)
        )
        told = tuple(word.replace("_", " ") for word in (self.status, self.reason) if word)
        return Drawing(self.image, marks, self.caption or "", told)

    def _repr_html_(self) -> str | None:
        return self.drawing()._repr_html_() if self.image else None

    def _repr_png_(self) -> bytes | None:
        return self.drawing()._repr_png_() if self.image else None
