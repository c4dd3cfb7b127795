"""One image and its caption in, panels out: the one entrance to both separators."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from pmc15m.figures import anchored, gutters, units
from pmc15m.figures.assembly import Layout, assemble
from pmc15m.figures.captions import CaptionSplit, split_caption
from pmc15m.figures.evidence import Evidence, weigh
from pmc15m.figures.glyphs import Glyphs, find_glyphs
from pmc15m.figures.lanes import find_lanes
from pmc15m.figures.model import (
    LABEL_ALPHABET,
    Box,
    LabelReading,
    Panel,
    Separation,
    SeparationReason,
    SeparationStatus,
)
from pmc15m.figures.printed import PrintedLabel, PrintedSeries, find_series
from pmc15m.figures.raster import Raster, rasterise
from pmc15m.figures.reader import Readings, read_glyphs
from pmc15m.figures.tiles import find_tiles
from pmc15m.pictures.decode import as_image
from pmc15m.weights import fitted, log_odds, probability

SEPARATORS = ("network", "gutters")
TOO_SMALL = 48  # px of the shorter side: nothing smaller holds two panels
UNREAD_GAP = 0.5  # strength of a gap that may separate a panel whose label was not read
UNREAD_PIECES, MOST_UNREAD = 2.0, 1.34  # strength of gutters that may show more panels than labels, and how many
SEEN, MOST_SEEN = 0.9, 3.0  # how many where the figure network is so sure of a gutter inside the panel of a label
UNREAD_AREA = 0.3  # of the usual panel: its least area
SERIES = 4.0  # least score of a series of printed labels that is believed
SUPPORTED, SUPPORT = 3.0, 0.9  # least score where the figure network is so sure of every cut between the labels
CLEAN, CLEAR = -0.015, 0.01  # cost of cuts, for each label, between which it says most of the boxes
UNSURE = 0.5  # how sure of a gutter inside a box the figure network must be for it to be doubted
UNNAMED_EACH = 1.5  # and where the caption names none, for each label
UNANNOUNCED = 2.5  # strength that gutters alone need where the caption names no panels
UNITS = 0.9  # probability of a compound figure that is cut between pictures and plots
WHOLE = 0.1  # probability of a compound figure that gutters do not cut
CUT, CUT_EACH = 0.3, 0.2  # and of one that they cut: at least, and for each unit of the weakest cut's strength
GUTTER = 0.5  # how sure of a gutter the figure network is where unnamed letters are read, and unread ones looked for
UNNAMED_COST = 0.2  # dearest tree of cuts, for each label, that such labels may need


def separate(
    image: Image.Image | np.ndarray,
    caption: str | None = None,
    markup: Sequence[tuple[int, int, str]] = (),
    *,
    separator: str = "network",
) -> Separation:
    """Find the panels of a figure, the labels printed in them, and the text of the caption that belongs to each.

    `image` is a decoded picture (PIL, or uint8 of shape (H, W), (H, W, 3) or (H, W, 4)), `markup` the bold and italic
    spans of the caption as `(start, end, kind)`. Pure and deterministic. Raises ValueError for an unknown separator
    and for an empty image, TypeError for what is no picture, such as a path.

    >>> from PIL import Image, ImageDraw, ImageFont
    >>> page = Image.new("L", (640, 240), "white")
    >>> for x, letter in ((10, "A"), (330, "B")):
    ...     page.paste(Image.radial_gradient("L").resize((300, 190)), (x, 40))
    ...     ImageDraw.Draw(page).text((x, 8), letter, "black", ImageFont.load_default(24))
    >>> found = separate(page, "Two cells. (A) At rest for a day. (B) After division.")
    >>> [(panel.label, text) for panel, text in zip(found.panels, found.texts)]
    [('A', 'At rest for a day.'), ('B', 'After division.')]
    """
    shown = as_image(image)
    return dataclasses.replace(Sight(shown, separator).separate(caption, markup), image=shown, caption=caption)


class Sight:
    """What is seen in a picture whatever its caption says, looked at once for all figures that show the picture."""

    def __init__(self, image: Image.Image | np.ndarray, separator: str = "network") -> None:
        if separator not in SEPARATORS:
            raise ValueError(f"unknown separator {separator!r}: one of {', '.join(SEPARATORS)}")
        self._raster = rasterise(image)
        self._by_network = separator == "network"

    def separate(self, caption: str | None = None, markup: Sequence[tuple[int, int, str]] = ()) -> Separation:
        """See `separate`."""
        raster = self._raster
        split = split_caption(caption, markup) if caption else CaptionSplit()
        if min(raster.width, raster.height) < TOO_SMALL:
            whole = Panel(order=0, box=(0, 0, raster.width, raster.height), shared_spans=split.shared)
            return Separation(SeparationStatus.SINGLE, SeparationReason.TOO_SMALL, 0.0, (whole,))
        layout = by_labels(self._evidence, *self._letters, split) if self._may_be_lettered(split) else None
        if layout is None:
            layout = by_gutters(self._evidence, split, caption is not None)
        return assemble(_in_given_pixels(layout, raster), split, caption)

    def _may_be_lettered(self, split: CaptionSplit) -> bool:
        """Whether the caption or a gutter gives reason to read letters, which is half the cost of a picture."""
        lanes = self._evidence.lanes
        return lanes is not None and (bool(split.labels) or float(lanes.maps.max()) >= GUTTER)

    @cached_property
    def _evidence(self) -> Evidence:
        return weigh(self._raster, find_lanes(self._raster.grey) if self._by_network else None)

    @cached_property
    def _letters(self) -> tuple[Glyphs, Readings]:
        glyphs = find_glyphs(self._evidence.grey)
        return glyphs, read_glyphs(glyphs)


def by_labels(evidence: Evidence, glyphs: Glyphs, readings: Readings, split: CaptionSplit) -> Layout | None:
    """Panels anchored on printed labels, or None where no series of labels is believed."""
    series = find_series(glyphs.boxes, readings, split.labels)
    tree = believed(evidence, series, bool(split.labels))
    if tree is None:
        return None
    last = LABEL_ALPHABET.index(series.labels[-1].text[0].casefold())
    printed, named = len(series.labels), len(split.labels)
    boxes = tree.boxes
    if printed >= named:  # every panel of the caption has its label, one of them misread or misprinted perhaps
        boxes = with_unread(evidence, boxes, [f.box for f in series.labels], alike=named > 0)
    if printed != named:
        boxes = fill(evidence, boxes, max(named, (last if last < 26 else last - 26) + 1))
    letters = tuple(_reading(panel, f, glyphs, readings) for panel, f in enumerate(series.labels))
    tiles = tuple(find_tiles(evidence, box) for box in boxes)
    seen = [evidence.lanes.within(box) if evidence.lanes else 0.0 for box in boxes]
    scores = tuple(box_certainty(tree.cost / len(series.labels), gutter) for gutter in seen)
    return Layout(boxes, tiles, letters, probability(series.score), scores)


def believed(evidence: Evidence, series: PrintedSeries, named: bool) -> anchored.Tree | None:
    """The panels of a series of labels, or None where it is no series, or no panels. `named`: by the caption."""
    n = len(series.labels)
    if series.score < SUPPORTED:
        return None
    tree = anchored.anchor(evidence, [f.box for f in series.labels])
    sure = series.score >= SERIES and (named or series.score >= UNNAMED_EACH * n)
    if not (sure or tree.support > SUPPORT) or (not named and tree.cost > UNNAMED_COST * n):
        return None
    return tree


def box_certainty(cost: float, gutter: float) -> float:
    """Probability that a box anchored on a label is right, from what the cuts cost for each label of the figure, and
    from how sure the figure network is of a gutter inside the box.

    Of the 77 figures with labels of panels-dev and panels-mixed all 43 with cuts along clean gutters (a cost below 0)
    had every box right, of the others 29 of 34, of those with a cost above .1 four of six. Of 282 boxes in which the
    network is less than half sure of a gutter 280 were right, of 19 with more than .9 fifteen.
    """
    traits = {"cost": min(max(cost, CLEAN), CLEAR), "excess": max(cost, 0.0), "gutter": max(gutter - UNSURE, 0.0)}
    return probability(log_odds(fitted("boxes"), traits))


def with_unread(
    evidence: Evidence, boxes: tuple[Box, ...], labels: Sequence[Box], alike: bool = False
) -> tuple[Box, ...]:
    """The pieces by gutters instead, where they hold one label each and some panel whose label was not read.

    The pieces of the labels come first, in the order of the labels. More than a third as many besides, or any where
    `alike`, only if the figure network is sure of a gutter inside the panel of a label, and the pieces are panels of
    one size.
    """
    pieces = gutters.choose(evidence, 0, UNREAD_PIECES).boxes
    holders = [gutters.nearest(label, pieces) for label in labels]
    seen = evidence.lanes is not None and max(map(evidence.lanes.within, boxes)) > SEEN
    even = seen and gutters.regular(pieces)
    most = (MOST_SEEN if even and not alike else MOST_UNREAD) * len(labels)
    if (alike and not even) or len(set(holders)) < len(labels) or not len(labels) < len(pieces) <= most:
        return boxes
    return tuple(pieces[i] for i in holders) + tuple(p for i, p in enumerate(pieces) if i not in holders)


def fill(evidence: Evidence, boxes: Sequence[Box], wanted: int) -> tuple[Box, ...]:
    """The pieces of the labels that were read, cut further at their strongest gaps for labels that were not.

    Only where the figure network, if it is asked, sees a gutter: captions name letters that nobody printed. The piece
    of a label keeps its place; what is cut from it follows behind all of them.
    """
    pieces = list(boxes)
    while len(pieces) < wanted:
        usual = sorted(map(gutters.area, pieces))[len(pieces) // 2]
        best: tuple[float, int, Box, Box] | None = None
        for i, box in enumerate(pieces):
            if evidence.lanes and evidence.lanes.within(box) < GUTTER:
                continue
            for gap in gutters.find_gaps(evidence, box, 0) + gutters.find_gaps(evidence, box, 1):
                parts = gutters.cut_box(evidence, box, gap)
                if parts is None or min(map(gutters.area, parts)) < UNREAD_AREA * usual:
                    continue
                if gap.strength > (best[0] if best else UNREAD_GAP):
                    best = gap.strength, i, *parts
        if best is None:
            break
        pieces[best[1]] = best[2]
        pieces.append(best[3])
    return tuple(pieces)


def by_gutters(evidence: Evidence, split: CaptionSplit, captioned: bool) -> Layout:
    """Panels without printed labels: the pictures and plots of the figure, else by gutters alone.

    The caption's number of labels is the number to look for; that it names places says nothing.
    """
    named = bool(split.labels) and not split.positional
    found = units.panels(evidence)
    if len(found) > 1 and (not named or len(found) == len(split.labels)):
        return Layout(found, ((),) * len(found), (), UNITS, (UNITS,) * len(found))
    silent = captioned and not named
    partition = gutters.choose(evidence, len(split.labels) if named else 0, UNANNOUNCED if silent else 1.0)
    if not named and not units.standalone(evidence, partition.boxes):
        partition = next(gutters.partitions(evidence), partition)
    compound = WHOLE if len(partition.boxes) == 1 else min(1.0, CUT + CUT_EACH * partition.strength)
    labelled = len(split.labels) > 1 and len(partition.boxes) > 1
    tiles = tuple(find_tiles(evidence, box) if labelled else () for box in partition.boxes)
    return Layout(partition.boxes, tiles, (), compound, (compound,) * len(partition.boxes))


def _reading(panel: int, label: PrintedLabel, glyphs: Glyphs, readings: Readings) -> LabelReading:
    """What was read, given that it is a label."""
    candidate, number = label.candidate, int(label.text[1:] or 0)
    letters = readings.letters[candidate, :-1].astype(float)
    letters = letters - np.log(np.exp(letters).sum())
    x0, y0, x1, y1 = glyphs.boxes[candidate].tolist()
    return LabelReading(panel, (x0, y0, x1, y1), tuple(letters.tolist()), float(readings.upper[candidate]), number)


def _in_given_pixels(layout: Layout, raster: Raster) -> Layout:
    return dataclasses.replace(
        layout,
        boxes=tuple(map(raster.given, layout.boxes)),
        tiles=tuple(tuple(map(raster.given, tiles)) for tiles in layout.tiles),
        readings=tuple(dataclasses.replace(r, box=raster.given(r.box)) for r in layout.readings),
    )
