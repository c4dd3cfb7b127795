"""Validation on synthetic figures that replay layouts no training has seen (PanelSeg eval).

    python -m models.panels.validate --fonts /usr/share/fonts --layouts DIR [--figures 200] [--drawings 8]

Prints F1 of panels and labels of `separate` (without captions) for both separators, and how well the gutter maps of the
figure network cover the true gutters. With --drawings most figures are filled with that many drawings of every painter,
as in training, but of another seed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.panels.bank import Bank
from models.panels.compose import Composer, Figure
from models.panels.targets import targets
from pmc15m.figures import Box, Separation, separate
from pmc15m.figures.lanes import WEIGHTS
from pmc15m.pictures.network import network

SEED = 2016


def iou(a: Sequence[int], b: Sequence[int]) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def matched(true: Sequence[Box], found: Sequence[Box], least: float) -> list[tuple[int, int]]:
    """Pairs (true, found), one to one, by falling IoU above `least`."""
    pairs = sorted(((iou(t, f), i, j) for i, t in enumerate(true) for j, f in enumerate(found)), reverse=True)
    taken: list[tuple[int, int]] = []
    for value, i, j in pairs:
        if value > least and all(i != a and j != b for a, b in taken):
            taken.append((i, j))
    return taken


def score(figure: Figure, found: Separation) -> np.ndarray:
    """int (9,): hits, true and found panels at .5 and at .75, then hits, true and found labels."""
    boxes = [panel.box for panel in found.panels]
    row = []
    for least in (0.5, 0.75):
        row += [len(matched(figure.panels, boxes, least)), len(figure.panels), len(boxes)]
    texts = [label[0] if label else "" for label in figure.labels]
    read = [panel.label or "" for panel in found.panels]
    pairs = matched(figure.panels, boxes, 0.5)
    hits = sum(bool(read[j]) and read[j].casefold() == texts[i].casefold() for i, j in pairs)
    return np.array([*row, hits, sum(map(bool, texts)), sum(map(bool, read))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--layouts", type=Path, required=True)
    parser.add_argument("--figures", type=int, default=200)
    parser.add_argument("--drawings", type=int, default=0)
    args = parser.parse_args()
    bank = Bank(SEED, args.drawings) if args.drawings else None
    composer = Composer(args.fonts, [args.layouts / "panelseg_eval.csv.gz"], bank=bank)
    figures = [composer.draw(np.random.default_rng((SEED, i))) for i in range(args.figures)]
    for separator in ("network", "gutters"):
        total = sum((score(f, separate(f.pixels, separator=separator)) for f in figures), np.zeros(9, int))
        panels, strict, labels = (2 * h / max(t + f, 1) for h, t, f in total.reshape(3, 3))
        print(f"{separator}: panels F1@.5 {panels:.3f}, F1@.75 {strict:.3f}; labels F1 {labels:.3f}")
    shared = union = 0
    for figure in figures:
        square, wanted, _ = targets(figure)
        seen = network(WEIGHTS).run(None, {"figure": square[None].astype(np.float32)})[0][0] > 0.5
        true = wanted[:2] > 127
        shared, union = shared + int((seen & true).sum()), union + int((seen | true).sum())
    print(f"gutter maps: IoU {shared / max(union, 1):.3f}")


if __name__ == "__main__":
    main()
