"""One image and its caption in, panels and sub-captions out. Pure functions; nothing here knows files or tables."""

from pmc15m.figures.model import (
    LABEL_ALPHABET,
    Box,
    LabelReading,
    Panel,
    Separation,
    SeparationReason,
    SeparationStatus,
    Span,
)
from pmc15m.figures.separate import Sight, separate

__all__ = [
    "LABEL_ALPHABET",
    "Box",
    "LabelReading",
    "Panel",
    "Separation",
    "SeparationReason",
    "SeparationStatus",
    "Sight",
    "Span",
    "separate",
]
