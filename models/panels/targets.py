"""What the figure network learns from a synthetic figure: letterboxed picture, gutter maps, label map, panel count."""

import numpy as np
from PIL import Image

from models.panels.compose import Figure
from models.panels.layouts import lanes
from models.panels.network import COUNTS
from pmc15m.figures.lanes import SIDE, STRIDE, letterbox

CELLS = SIDE // STRIDE
LEAST = 2  # cells: the width at which gutters are drawn at least, so that touching panels have one too


def targets(figure: Figure) -> tuple[np.ndarray, np.ndarray, int]:
    """(square, maps uint8 (3, CELLS, CELLS) of 0..255, count class); labels are Gaussian bumps."""
    square, scale = letterbox(np.asarray(Image.fromarray(figure.pixels).convert("L")))
    scale /= STRIDE
    maps = np.zeros((3, CELLS, CELLS), np.float32)
    for lane in lanes(figure.panels, slack=round(2 / scale)):
        x0, y0, x1, y1 = (v * scale for v in lane.box)
        lo, hi = (y0, y1) if lane.axis == 0 else (x0, x1)
        if hi - lo < LEAST:
            lo, hi = (lo + hi - LEAST) / 2, (lo + hi + LEAST) / 2
        a, b = max(0, round(lo)), round(hi)
        if lane.axis == 0:
            maps[0, a:b, max(0, int(x0)) : int(np.ceil(x1))] = 1
        else:
            maps[1, max(0, int(y0)) : int(np.ceil(y1)), a:b] = 1
    yy, xx = np.mgrid[:CELLS, :CELLS] + 0.5
    for label in figure.labels:
        if label is not None:
            x0, y0, x1, y1 = (v * scale for v in label[1])
            sigma = max(0.8, (y1 - y0) / 3)
            bump = np.exp(-(((xx - (x0 + x1) / 2) ** 2 + (yy - (y0 + y1) / 2) ** 2) / (2 * sigma**2)))
            np.maximum(maps[2], bump, out=maps[2])
    return square, np.round(255 * maps).astype(np.uint8), min(len(figure.panels), COUNTS) - 1
