"""The figure network: where straight gutters divide panels, however wide or narrow they are. The weights are ours.

Trained on synthetic figures alone; see models/panels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m import weights
from pmc15m.figures.model import Box
from pmc15m.pictures.network import network

WEIGHTS = weights.FOLDER / "panels.onnx"
SIDE = 320  # px of the square that the network sees
STRIDE = 4  # px of the square a cell of its maps
NEAR, BORDER = 0.75, 4  # cells beside a gutter that are near it; times that, what counts as the side of a panel


@dataclass(frozen=True, slots=True)
class Lanes:
    """`maps` float32 (2, cells, cells): probability that a cell lies in a horizontal, a vertical gutter between panels.

    `scale` is cells a pixel of the working picture.
    """

    maps: NDArray[np.float32]
    scale: float

    def along(self, box: Box, axis: int) -> NDArray[np.float64]:
        """float64 (lines,), 0..1: the mean probability along each row (axis 0) or column (axis 1) of a box."""
        x0, y0, x1, y1 = box
        (low, high), (start, end) = ((x0, x1), (y0, y1)) if axis == 0 else ((y0, y1), (x0, x1))
        first = int(low * self.scale)
        lines = self.maps[axis] if axis == 0 else self.maps[axis].T
        mean = lines[:, first : max(first + 1, round(high * self.scale))].mean(1)
        places = (np.arange(start, end) + 0.5) * self.scale - 0.5
        return np.asarray(np.interp(places, np.arange(len(mean)), mean))

    @property
    def near(self) -> int:
        """Pixels of the working picture by which a gutter may lie beside where it was seen."""
        return max(1, round(NEAR / self.scale))

    def beside(self, box: Box, axis: int, places: Sequence[int]) -> list[float]:
        """How sure the gutters are that run through a box at some lines or just beside them, 0..1."""
        line, first = self.along(box, axis), box[axis ^ 1]
        return [float(line[max(0, at - first - self.near) : at - first + self.near + 1].max()) for at in places]

    def within(self, box: Box) -> float:
        """The surest gutter through a panel, away from its sides."""
        inner = [self.along(box, axis)[BORDER * self.near : -BORDER * self.near] for axis in (0, 1)]
        return max((float(line.max()) for line in inner if line.size), default=0.0)


def letterbox(grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """uint8 (SIDE, SIDE) with the picture, uint8 (height, width), at the top left on white; and its pixels a pixel."""
    height, width = grey.shape
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.full((SIDE, SIDE), 255, np.uint8)
    square[: size[1], : size[0]] = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    return square, scale


def find_lanes(grey: NDArray[np.uint8]) -> Lanes:
    """What the network sees in a working picture, uint8 (height, width)."""
    square, scale = letterbox(grey)
    (gutters,) = network(WEIGHTS).run(None, {"figure": square[None].astype(np.float32)})
    return Lanes(gutters[0], scale / STRIDE)
