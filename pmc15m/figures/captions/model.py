"""What a split caption is. All spans are character offsets of the caption that was given, end exclusive."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from pmc15m.figures.model import Span


class Style(enum.StrEnum):
    """How a caption sets off its labels; the style of most of its markers."""

    NONE = "none"
    PAREN = "paren"  # (A) text
    BRACKET = "bracket"  # [A] text
    HALF = "half"  # A) text
    COLON = "colon"  # A: text
    DOT = "dot"  # A. Text
    COMMA = "comma"  # A, text
    PANEL = "panel"  # Panel A shows text
    BARE = "bare"  # a Text
    MENTION = "mention"  # text shown in A
    POSITION = "position"  # (left) text; Top row: text


@dataclass(frozen=True, slots=True)
class Marker:
    """One place where the caption names labels: the span with its brackets, and the labels in order."""

    span: Span
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionSplit:
    """Which text of a caption belongs to which panel.

    `labels` stand in the order of their series. `segments` holds for each label its text, without its markers: its
    own words and those that its sentence or list shares with it; `stems` are the shared ones among them ("Axial (a) and
    coronal (b) *views of the lung*"). `shared` is what concerns the whole figure: opening and closing
    legends. `references` are places that only point to a panel; they stay in the text around them. `certainty` is the
    probability that the label set is right, `certainties` for each label that its text is what a person would give it.
    """

    labels: tuple[str, ...] = ()
    segments: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    stems: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    markers: tuple[Marker, ...] = ()
    shared: tuple[Span, ...] = ()
    references: tuple[Marker, ...] = ()
    positional: bool = False
    style: Style = Style.NONE
    certainty: float = 0.0
    certainties: Mapping[str, float] = field(default_factory=dict)
