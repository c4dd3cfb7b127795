"""Captions of compound figures: which panels they name, and which text belongs to each."""

from pmc15m.figures.captions.model import CaptionSplit, Marker, Style
from pmc15m.figures.captions.render import Convention, merge, render, spans_of, without
from pmc15m.figures.captions.split import split_caption

__all__ = ["CaptionSplit", "Convention", "Marker", "Style", "merge", "render", "spans_of", "split_caption", "without"]
