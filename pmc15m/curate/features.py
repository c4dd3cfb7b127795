"""Measurable features of a picture: what filters ask by, and what the image kind is decided from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE = 241  # grey level from which a pixel is paper; JPEG noise beside ink stays above
_BLACK = 32
_COLOUR = 24  # difference of the channels from which a pixel has colour; JPEG's chroma noise stays below
_BLOCK = 8  # px
_EDGE = 40  # grey levels between neighbours: a stroke, not a texture


@dataclass(frozen=True, slots=True)
class Features:
    """Shares are 0..1, of all pixels where nothing else is said."""

    brightness: float  # mean of grey: the same at every size
    entropy: float  # of the grey histogram, bit
    white_share: float
    black_share: float
    middle_share: float  # neither near white nor near black
    colour_share: float
    colour_strength: float  # mean difference of the channels, of the pixels with colour
    pink_share: float  # red and blue above green: eosin, haematoxylin
    single_share: float  # bright in one or two channels and dark in another: fluorescence
    tone_share: float  # of blocks: continuous tone, as in photographs
    tone_of_content: float  # of blocks that are not paper
    flat_share: float  # neighbours equal: paper, filled shapes
    edge_share: float  # neighbours far apart: strokes
    row_line: float  # longest dark or coloured run in a row, of the width: axes, frames, rules
    column_line: float
    row_strokes: float  # strokes met on the way along a row, per 100 px, mean
    column_strokes: float
    dark_border: float  # share of black in the outer tenth
    bands: float  # how much more rows differ from each other than columns do (gels have lanes and bands)


NAMES = tuple(Features.__dataclass_fields__)


def image_features(image: Image.Image) -> Features:
    """The features of a working picture (RGB or L)."""
    grey = np.asarray(image.convert("L"))
    histogram = np.bincount(grey.ravel(), minlength=256) / grey.size
    seen = histogram[histogram > 0]
    level = grey.astype(np.int16)
    across, down = np.abs(np.diff(level, axis=1)), np.abs(np.diff(level, axis=0))
    ink = grey < 160
    tone, content = _tones(grey, across)
    border = np.ones(grey.shape, bool)
    inset_y, inset_x = max(1, grey.shape[0] // 10), max(1, grey.shape[1] // 10)
    border[inset_y:-inset_y, inset_x:-inset_x] = False
    row_means, column_means = level.mean(axis=1), level.mean(axis=0)
    return Features(
        brightness=float(grey.mean() / 255),
        entropy=float(-(seen * np.log2(seen)).sum()),
        white_share=float(histogram[_WHITE:].sum()),
        black_share=float(histogram[:_BLACK].sum()),
        middle_share=float(histogram[64:216].sum()),
        **_colours(image),
        tone_share=float(tone.mean()),
        tone_of_content=float(tone.sum() / max(1, content.sum())),
        flat_share=float(((across[:-1] == 0) & (down[:, :-1] == 0)).mean()) if min(grey.shape) > 1 else 1.0,
        edge_share=float(((across > _EDGE).mean() + (down > _EDGE).mean()) / 2) if min(grey.shape) > 1 else 0.0,
        row_line=_longest_run(ink),
        column_line=_longest_run(ink.T),
        row_strokes=_strokes(ink),
        column_strokes=_strokes(ink.T),
        dark_border=float((grey[border] < _BLACK).mean()),
        bands=float(np.log((row_means.std() + 1) / (column_means.std() + 1))),
    )


def _colours(image: Image.Image) -> dict[str, float]:
    if image.mode == "L":
        return dict.fromkeys(("colour_share", "colour_strength", "pink_share", "single_share"), 0.0)
    channels = np.asarray(image.convert("RGB")).astype(np.int16)
    red, green, blue = channels[..., 0], channels[..., 1], channels[..., 2]
    high, low = channels.max(axis=2), channels.min(axis=2)
    coloured = high - low > _COLOUR
    return {
        "colour_share": float(coloured.mean()),
        "colour_strength": float((high - low)[coloured].mean() / 255) if coloured.any() else 0.0,
        "pink_share": float((coloured & (red > green) & (blue > green) & (high > 100)).mean()),
        "single_share": float(((low < 40) & (high > 70)).mean()),
    }


def _tones(grey: NDArray[np.uint8], across: NDArray[np.int16]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """bool a block of 8 x 8 px: continuous tone (most neighbours differ, and by little); anything but paper."""
    rows, columns = grey.shape[0] // _BLOCK * _BLOCK, (grey.shape[1] - 1) // _BLOCK * _BLOCK
    if not rows or not columns:
        return np.zeros((1, 1), bool), np.ones((1, 1), bool)

    def share(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        blocks = mask[:rows, :columns].reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
        means: NDArray[np.float64] = blocks.mean(axis=(1, 3))
        return means

    paper = share(grey >= _WHITE)
    soft = share((across > 0) & (across <= _EDGE))
    return (soft > 0.5) & (paper < 0.5), paper < 0.98


def _longest_run(ink: NDArray[np.bool_]) -> float:
    """The longest run of ink along a row, as a share of the row; median of the three best rows' runs."""
    height, width = ink.shape
    column = np.arange(width)
    gap = np.maximum.accumulate(np.where(ink, -1, column), axis=1)
    runs = np.where(ink, column - gap, 0).max(axis=1) / width
    return float(np.sort(runs)[-min(3, height) :][0])


def _strokes(ink: NDArray[np.bool_]) -> float:
    """Beginnings of ink along the rows, per 100 px."""
    return float((ink[:, 1:] & ~ink[:, :-1]).mean() * 100) if ink.shape[1] > 1 else 0.0
