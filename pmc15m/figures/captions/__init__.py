"""Captions of compound figures: which panels they name, and which text belongs to each."""

from pmc15m.figures.captions.model import CaptionSplit, Marker, Style
from pmc15m.figures.captions.spans import text_of, without
from pmc15m.figures.captions.split import split_caption

__all__ = ["CaptionSplit", "Marker", "Style", "split_caption", "text_of", "without"]
