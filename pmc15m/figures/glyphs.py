"""Candidates for printed labels: isolated components of the height of a letter, and their crops for the reader."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m.figures.components import components

# Luma below or above which a pixel belongs to a letter: black on paper, white on a photograph.
DARK, LIGHT = 128, 190
MIN_HEIGHT = 6  # px of the working picture
MAX_HEIGHT = 0.09  # of the longer side; labels have .018 to .052 of the width (p5 to p95)
CROP = 24  # px of the reader's crops
CLOSE, WIDE = 1.7, 5.5  # side of a crop in heights of the candidate: the letter, and what surrounds it
MOST = 400  # candidates that are read in one figure: the largest


@dataclass(frozen=True, slots=True)
class Glyphs:
    """`boxes` (n, 4) of the working picture; `light` (n,): white on dark; `crops` uint8 (n, 2, CROP, CROP).

    Crops are of the letter and of its surroundings, always dark on light.
    """

    boxes: NDArray[np.int64]
    light: NDArray[np.bool_]
    crops: NDArray[np.uint8]


def isolated(boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes are not inside a word: fewer than three neighbours of like height on one line, at letter distance."""
    if not len(boxes):
        return np.zeros(0, bool)
    x0, y0, x1, y1 = boxes.T
    height = y1 - y0
    near = 0.7 * np.minimum(height[:, None], height[None])
    gap = np.maximum(x0[None] - x1[:, None], x0[:, None] - x1[None])
    line = np.minimum(y1[:, None], y1[None]) - np.maximum(y0[:, None], y0[None])
    alike = (height[None] < 1.7 * height[:, None]) & (height[None] > 0.6 * height[:, None])
    beside = (gap < near) & (gap > -near) & (line > 0.5 * np.minimum(height[:, None], height[None])) & alike
    np.fill_diagonal(beside, False)
    ahead = beside & (x0[None] > x0[:, None])
    behind = beside & (x0[None] < x0[:, None])
    # a label has at most brackets beside it, and nothing beside the brackets
    two_ahead = (ahead.astype(np.float32) @ ahead.astype(np.float32)).any(1)
    two_behind = (behind.astype(np.float32) @ behind.astype(np.float32)).any(1)
    return np.asarray(~(two_ahead | two_behind))


def find_glyphs(grey: NDArray[np.uint8]) -> Glyphs:
    """The candidates of a working picture, from the largest to the smallest."""
    longest = MAX_HEIGHT * max(grey.shape)
    kept: list[NDArray[np.int64]] = []
    for mask in (grey < DARK, grey > LIGHT):
        boxes, area = components(mask)
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        letter = (height >= MIN_HEIGHT) & (height <= longest) & (width <= 1.4 * height) & (width >= 0.12 * height)
        letter &= area >= 0.15 * width * height
        letter[letter] = isolated(boxes[letter]) if letter.sum() < 4000 else False
        kept.append(boxes[letter])
    boxes = np.concatenate(kept)
    light = np.repeat([False, True], [len(k) for k in kept])
    order = np.argsort(boxes[:, 1] - boxes[:, 3], kind="stable")[:MOST]
    boxes, light = boxes[order], light[order]
    return Glyphs(boxes, light, crop(grey, boxes, light))


def crop(grey: NDArray[np.uint8], boxes: NDArray[np.int64], light: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """uint8 (n, 2, CROP, CROP): close and wide squares round the centre of each box, inverted where it is light."""
    out = np.empty((len(boxes), 2, CROP, CROP), np.uint8)
    margin = int(WIDE * MAX_HEIGHT * max(grey.shape)) // 2 + 2
    sheet = Image.fromarray(np.pad(grey, margin, constant_values=255))
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        cx, cy, height = (x0 + x1) / 2 + margin, (y0 + y1) / 2 + margin, max(y1 - y0, 0.8 * (x1 - x0))
        for j, scale in enumerate((CLOSE, WIDE)):
            half = height * scale / 2
            square = (cx - half, cy - half, cx + half, cy + half)
            out[i, j] = np.asarray(sheet.resize((CROP, CROP), Image.Resampling.BILINEAR, box=square))
    out[light] = 255 - out[light]
    return out
