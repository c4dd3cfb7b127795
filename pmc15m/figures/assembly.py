"""From boxes and letters to a separation: labels and texts joined to panels, a status, and how sure all of it is."""

from dataclasses import dataclass

from pmc15m.figures.align import Alignment, align
from pmc15m.figures.captions import CaptionSplit
from pmc15m.figures.model import Box, LabelReading, Panel, Separation, SeparationReason, SeparationStatus

NAMES_OTHERS = 0.4  # probability that a caption does not describe a panel whose label it does not name beside others
ANNOUNCED = 0.7  # probability of a compound figure whose caption names panels that were not found


@dataclass(frozen=True, slots=True)
class Layout:
    """Panels in pixels of the given image, the tiles and letters in them, and how sure the separator is.

    `compound` is the probability of more than one panel, `scores` that of each box.
    """

    boxes: tuple[Box, ...]
    tiles: tuple[tuple[Box, ...], ...]
    readings: tuple[LabelReading, ...]
    compound: float
    scores: tuple[float, ...]


def assemble(layout: Layout, split: CaptionSplit, caption: str | None) -> Separation:
    """Panels in reading order, each with its label and its text."""
    if len(layout.boxes) == 1:
        announced = len(split.labels) > 1 and not split.positional
        compound = max(layout.compound, ANNOUNCED if announced else 0.0)
        whole = Panel(order=0, box=layout.boxes[0], score=1 - compound, shared_spans=_everything(split, caption))
        if announced:
            return Separation(SeparationStatus.KEPT_WHOLE, SeparationReason.NO_SEPARATORS, compound, (whole,))
        return Separation(SeparationStatus.SINGLE, None, compound, (whole,))
    alignment = align(layout.boxes, layout.readings, split)
    panels = tuple(
        _panel(order, index, layout, split, alignment, caption) for order, index in enumerate(alignment.order)
    )
    if caption is None:
        return Separation(SeparationStatus.SPLIT_UNALIGNED, SeparationReason.NO_CAPTION, layout.compound, panels)
    status = SeparationStatus.SPLIT_UNALIGNED if alignment.reason else SeparationStatus.SPLIT_ALIGNED
    return Separation(status, alignment.reason, layout.compound, panels)


def _panel(
    order: int, index: int, layout: Layout, split: CaptionSplit, alignment: Alignment, caption: str | None
) -> Panel:
    match = alignment.matches[index]
    text = match.name if alignment.reason is None else None
    spans, stem = (split.segments[text], split.stems[text]) if text else ((), ())
    certainty = (
        match.certainty * layout.scores[index] * text_certainty(split, match.label, caption) if match.label else None
    )
    return Panel(
        order=order,
        box=layout.boxes[index],
        tiles=layout.tiles[index],
        score=layout.scores[index],
        label=match.label,
        label_box=layout.readings[match.reading].box if match.reading is not None else None,
        subcaption_spans=spans,
        stem_spans=stem,
        shared_spans=split.shared,
        alignment_score=certainty,
    )


def text_certainty(split: CaptionSplit, label: str, caption: str | None) -> float:
    """Probability that the text of a label is what the caption says of it; 1 where there is no caption."""
    if not caption:
        return 1.0
    return split.certainties.get(label, NAMES_OTHERS if split.labels else split.certainty)


def _everything(split: CaptionSplit, caption: str | None) -> tuple[tuple[int, int], ...]:
    """The caption of a figure that stays whole, all of it shared."""
    return ((0, len(caption)),) if caption else split.shared
