"""Drawings of every kind of picture (`models.drawings`), kept to fill panels with: drawing each anew costs too much.

A figure keeps to one painter, to one kind or to none, so that its panels look as alike as those of a real one.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.drawings import diagrams, photos, plots
from models.drawings.canvas import Paint
from models.drawings.compose import PAINTERS, SHARES, drawing
from models.panels import traps
from models.panels.content import Pen
from pmc15m.pictures.kinds import GRAPHICS, PICTURES, ImageKind

Rng = np.random.Generator
Rect = tuple[int, int, int, int]
SIDE = 360  # px of the longer side, roughly: a panel seldom fills more of the network's square
STRETCH = 1.35  # of the aspect: what a graphic bears; beyond it stands on paper, while a picture is cut
SEVERAL: tuple[Paint, ...] = (plots.pies, diagrams.molecule, diagrams.folded, photos.objects)  # draw things apart
TRIED = 6  # drawings, of which the one of the likeliest aspect is taken


@dataclass(frozen=True, slots=True)
class Shelf:
    """Drawings by one painter; `several` if they may hold things that stand apart like panels."""

    kind: ImageKind
    several: bool
    drawings: tuple[Image.Image, ...]


class Bank:
    """`each` drawings by every painter. The same seed gives the same drawings."""

    def __init__(self, seed: int, each: int) -> None:
        self.shelves: list[Shelf] = []
        weights: list[float] = []
        for kind, painters in PAINTERS.items():
            for painter in painters:
                rngs = (np.random.default_rng((seed, len(self.shelves), i)) for i in range(each))
                drawn = tuple(drawing(rng, painter, kind, SIDE) for rng in rngs)
                self.shelves.append(Shelf(kind, painter in SEVERAL, drawn))
                weights.append(SHARES[kind] / len(painters))
        self.weights = np.array(weights) / sum(weights)

    def choose(self, rng: Rng, kinds: tuple[ImageKind, ...], single: bool) -> list[Shelf]:
        """Shelves for the panels of one figure: one painter's, those of a kind, or all of `kinds`."""
        allowed = [s.kind in kinds and not (single and s.several) for s in self.shelves]
        weights = np.where(allowed, self.weights, 0)
        shelf = self.shelves[rng.choice(len(self.shelves), p=weights / weights.sum())]
        scope = rng.random()
        if scope < 0.45:
            return [shelf]
        usable = [s for s, use in zip(self.shelves, allowed, strict=True) if use]
        return [s for s in usable if s.kind is shelf.kind] if scope < 0.7 else usable


def fill(rng: Rng, pen: Pen, box: Rect, shelves: list[Shelf]) -> None:
    """A drawing from one of the shelves in a box, graphics often with a key or lines, now and then with an inset."""
    shelf = shelves[rng.integers(len(shelves))]
    if shelf.kind is ImageKind.PLOT and rng.random() < 0.2:
        box = traps.legend(rng, pen, box)
    _paste(rng, pen.image, box, shelf)
    if shelf.kind in GRAPHICS and rng.random() < 0.06:
        traps.across(rng, pen, box)
    if rng.random() < 0.05:
        part = traps.corner(rng, box)
        if min(part[2] - part[0], part[3] - part[1]) > 20:
            _paste(rng, pen.image, part, shelves[rng.integers(len(shelves))])
            pen.draw.rectangle(list(part), outline=int(rng.choice([0, 255])), width=int(rng.integers(1, 3)))


def _paste(rng: Rng, page: Image.Image, box: Rect, shelf: Shelf) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    tried = [shelf.drawings[i] for i in rng.integers(len(shelf.drawings), size=TRIED)]
    aspects = [abs(np.log(d.width / d.height * height / width)) for d in tried]
    drawn = tried[int(np.argmin(aspects))]
    if shelf.kind in PICTURES:
        drawn = _cut(rng, drawn, width / height)
        if rng.random() < 0.5:
            drawn = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        page.paste(drawn.resize((width, height), Image.Resampling.BILINEAR), box[:2])
        return
    scale = min(width / drawn.width, height / drawn.height)
    size = (min(width, round(drawn.width * scale * STRETCH)), min(height, round(drawn.height * scale * STRETCH)))
    at = (box[0] + (width - size[0]) // 2, box[1] + (height - size[1]) // 2)
    page.paste(drawn.resize((max(1, size[0]), max(1, size[1])), Image.Resampling.BILINEAR), at)


def fill_units(rng: Rng, pen: Pen, box: Rect, shelves: list[Shelf]) -> None:
    """Several drawings in one box, in rows and columns: units that share one label."""
    aspect = (box[2] - box[0]) / (box[3] - box[1])
    columns, rows = max(1, min(5, round(rng.uniform(1, 4) * aspect))), int(rng.integers(1, 4))
    columns = 2 if columns * rows == 1 else columns
    shelf = shelves[rng.integers(len(shelves))]
    gap = int(rng.choice([0, 1, 2, 3, 5, 9]))
    xs = np.linspace(box[0], box[2] + gap, columns + 1).astype(int).tolist()
    ys = np.linspace(box[1], box[3] + gap, rows + 1).astype(int).tolist()
    for x0, x1 in itertools.pairwise(xs):
        for y0, y1 in itertools.pairwise(ys):
            if min(x1 - x0, y1 - y0) - gap > 12:
                _paste(rng, pen.image, (x0, y0, x1 - gap, y1 - gap), shelf)


def _cut(rng: Rng, drawn: Image.Image, aspect: float) -> Image.Image:
    """A part of a picture that has this aspect (width / height)."""
    width, height = min(drawn.width, drawn.height * aspect), min(drawn.height, drawn.width / aspect)
    share = rng.uniform(0.75, 1)
    width, height = max(2, int(width * share)), max(2, int(height * share))
    x, y = int(rng.integers(drawn.width - width + 1)), int(rng.integers(drawn.height - height + 1))
    return drawn.crop((x, y, x + width, y + height))
