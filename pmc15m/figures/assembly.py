"""From boxes and letters to a separation: labels and texts joined to panels, a status, and how sure all of it is."""

import math
from dataclasses import dataclass

from pmc15m.figures.align import Alignment, align
from pmc15m.figures.captions import CaptionSplit
from pmc15m.figures.model import Box, LabelReading, Panel, Separation, SeparationReason, SeparationStatus

# Log odds that the text of a label is cut where a person would cut it, and what speaks against it: a last segment
# runs into the legend, a stem or a reference belongs to it as well, pieces and long segments may hold too much.
# Fitted to the sub-captions of panels-dev.
TEXT = 1.6
LAST, STEM, REFERRED, IN_PIECES, LONG = 0.4, 0.9, 0.4, 0.6, 0.3
LONG_TEXT = 200  # characters
ANNOUNCED = 0.7  # probability of a compound figure whose caption names panels that were not found


@dataclass(frozen=True, slots=True)
class Found:
    """Panels in pixels of the given image, the tiles and letters in them, and how sure the separator is.

    `compound` is the probability of more than one panel, `score` that of the boxes.
    """

    boxes: tuple[Box, ...]
    tiles: tuple[tuple[Box, ...], ...]
    readings: tuple[LabelReading, ...]
    compound: float
    score: float


def assemble(found: Found, split: CaptionSplit, caption: str | None) -> Separation:
    """Panels in reading order, each with its label and its text."""
    if len(found.boxes) == 1:
        announced = len(split.labels) > 1
        compound = max(found.compound, ANNOUNCED if announced else 0.0)
        whole = Panel(order=0, box=found.boxes[0], score=1 - compound, shared_spans=_everything(split, caption))
        if announced:
            return Separation(SeparationStatus.KEPT_WHOLE, SeparationReason.NO_SEPARATORS, compound, (whole,))
        return Separation(SeparationStatus.SINGLE, None, compound, (whole,))
    alignment = align(found.boxes, found.readings, split)
    panels = tuple(_panel(order, index, found, split, alignment) for order, index in enumerate(alignment.order))
    if caption is None:
        return Separation(SeparationStatus.SPLIT_UNALIGNED, SeparationReason.NO_CAPTION, found.compound, panels)
    status = SeparationStatus.SPLIT_UNALIGNED if alignment.reason else SeparationStatus.SPLIT_ALIGNED
    return Separation(status, alignment.reason, found.compound, panels)


def _panel(order: int, index: int, found: Found, split: CaptionSplit, alignment: Alignment) -> Panel:
    match = alignment.matches[index]
    text = match.name if alignment.reason is None else None
    return Panel(
        order=order,
        box=found.boxes[index],
        tiles=found.tiles[index],
        score=found.score,
        label=match.label,
        label_box=found.readings[match.reading].box if match.reading is not None else None,
        subcaption_spans=split.segments[text] if text else (),
        shared_spans=split.shared,
        alignment_score=match.confidence * found.score * text_certainty(split, match.label) if match.label else None,
    )


def text_certainty(split: CaptionSplit, label: str) -> float:
    """Probability that the text of a label has the right ends; 1 where the caption gives it none."""
    if label not in split.segments:
        return 1.0
    spans = split.segments[label]
    odds = TEXT
    odds -= LAST * (label == split.labels[-1])
    odds -= STEM * bool(split.stems.get(label))
    odds -= REFERRED * any(label in marker.labels for marker in split.references)
    odds -= IN_PIECES * (len(spans) > 1)
    odds -= LONG * (sum(end - start for start, end in spans) > LONG_TEXT)
    return 1 / (1 + math.exp(-odds))


def _everything(split: CaptionSplit, caption: str | None) -> tuple[tuple[int, int], ...]:
    """The caption of a figure that stays whole, all of it shared."""
    return ((0, len(caption)),) if caption else split.shared
