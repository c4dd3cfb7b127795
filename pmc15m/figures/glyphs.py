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
NARROWEST, WIDEST, INK = 0.12, 1.4, 0.15  # width of a letter in heights; share of its box that it fills
CROP = 24  # px of the reader's crops
CLOSE, WIDE = 1.7, 5.5  # side of a crop in heights of the candidate: the letter, and what surrounds it
MOST = 250  # candidates that are read in one figure: the largest
LETTER_GAP = 0.4  # of the height: letters of a word stand closer, a label and the words behind it farther apart
SMALL_PICTURE, ENLARGE = 720, 1.6  # px of the longer side below which a picture is enlarged, and how much


@dataclass(frozen=True, slots=True)
class Glyphs:
    """`boxes` (n, 4) of the working picture; `light` (n,): white on dark; `crops` uint8 (n, 2, CROP, CROP).

    Crops are of the letter and of its surroundings, always dark on light.
    """

    boxes: NDArray[np.int64]
    light: NDArray[np.bool_]
    crops: NDArray[np.uint8]


def isolated(boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes are not inside a word: at most one neighbour of like height, at letter distance, on either side.

    A label has at most brackets beside it, and nothing beside the brackets.
    """
    order = np.argsort(boxes[:, 0], kind="stable")
    x0, y0, x1, y1 = boxes[order].T
    height = y1 - y0
    reach = x1 + (LETTER_GAP * height).astype(np.int64)
    first = np.arange(len(order)) + 1
    count = np.maximum(np.searchsorted(x0, reach, side="right") - first, 0)
    left = np.repeat(np.arange(len(order)), count)
    right = np.arange(left.size) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    least = np.minimum(height[left], height[right])
    gap = x0[right] - x1[left]
    line = np.minimum(y1[left], y1[right]) - np.maximum(y0[left], y0[right])
    beside = (
        (np.abs(gap) < LETTER_GAP * least)
        & (line > 0.5 * least)
        & (np.maximum(height[left], height[right]) < 1.7 * least)
    )
    left, right = left[beside], right[beside]
    followed, preceded = np.zeros(len(order), bool), np.zeros(len(order), bool)
    followed[left], preceded[right] = True, True
    inside = np.zeros(len(order), bool)
    inside[left[followed[right]]] = True
    inside[right[preceded[left]]] = True
    alone = np.empty(len(order), bool)
    alone[order] = ~inside
    return alone


def find_glyphs(grey: NDArray[np.uint8]) -> Glyphs:
    """The candidates of a working picture, from the largest to the smallest. Small pictures are enlarged for it."""
    longest = max(grey.shape)
    enlarge = ENLARGE if longest < SMALL_PICTURE else 1.0
    if enlarge > 1:
        size = round(grey.shape[1] * enlarge), round(grey.shape[0] * enlarge)
        grey = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))
    letters: list[NDArray[np.int64]] = []
    for mask in (grey < DARK, grey > LIGHT):
        boxes, area = components(mask)
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        letter = (height >= MIN_HEIGHT) & (height <= MAX_HEIGHT * enlarge * longest)
        letter &= (width <= WIDEST * height) & (width >= NARROWEST * height) & (area >= INK * width * height)
        boxes = boxes[letter]
        letters.append(boxes[isolated(boxes)])
    boxes = np.concatenate(letters)
    light = np.repeat([False, True], [len(k) for k in letters])
    order = np.argsort(boxes[:, 1] - boxes[:, 3], kind="stable")[:MOST]
    boxes, light = boxes[order], light[order]
    return Glyphs(np.round(boxes / enlarge).astype(np.int64), light, crop(grey, boxes, light))


def crop(grey: NDArray[np.uint8], boxes: NDArray[np.int64], light: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """uint8 (n, 2, CROP, CROP): close and wide squares round the centre of each box, inverted where it is light."""
    cropped = Image.new("L", (2 * CROP, len(boxes) * CROP))  # one picture of all: an array of each costs as much again
    margin = int(WIDE * MAX_HEIGHT * max(grey.shape)) // 2 + 2
    sheet = Image.fromarray(np.pad(grey, margin, constant_values=255))
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        cx, cy, height = (x0 + x1) / 2 + margin, (y0 + y1) / 2 + margin, max(y1 - y0, 0.8 * (x1 - x0))
        for j, scale in enumerate((CLOSE, WIDE)):
            half = height * scale / 2
            square = (cx - half, cy - half, cx + half, cy + half)
            small = sheet.resize((CROP, CROP), Image.Resampling.BILINEAR, box=square)
            cropped.paste(small, (j * CROP, i * CROP))
    out = np.asarray(cropped).reshape(len(boxes), CROP, 2, CROP).swapaxes(1, 2).copy()
    out[light] = 255 - out[light]
    return out
