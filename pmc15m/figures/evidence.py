"""What speaks for a straight cut at a line of a region: empty paper of any shade, or an edge between photographs."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pmc15m.figures.lanes import Lanes
from pmc15m.figures.model import Box
from pmc15m.figures.raster import Raster

PAPER_TOLERANCE = 14  # grey levels: JPEG noise beside gutters reaches 12
BLACK, PALE = 28, 160  # luma that still counts as a black ground; from which a shade counts as paper
BLACK_RING, SHADED_RING = 0.6, 0.8  # share of the outermost ring that a black page, and one of another shade, has
STEP = 18  # luma step across a line that counts as an edge
TOUCHING = 0.6  # share of content from which photographs may touch: the axis of a plot is an edge as well
SHADED = 0.4  # share of content from which a gutter may have another shade than the page
EDGE_COST, SHADE_COST = 0.25, 0.04  # what an edge, and a gutter of another shade, cost beside an empty line


@dataclass(slots=True)
class Evidence:
    """Masks of one working picture. `content` (height, width) is what differs from the page.

    `lanes` is what the figure network sees; None where it is not asked. `black`: whether the page is black.
    """

    grey: NDArray[np.uint8]
    content: NDArray[np.bool_]
    lanes: Lanes | None = None
    black: bool = False
    _edges: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    _steps: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    _costs: dict[tuple[Box, int], NDArray[np.float64]] = field(default_factory=dict)
    _trimmed: dict[Box, Box | None] = field(default_factory=dict)

    def unseen(self) -> "Evidence":
        """The same without what the figure network sees: for cuts inside a panel."""
        return replace(self, lanes=None)

    @property
    def whole(self) -> Box:
        height, width = self.grey.shape
        return 0, 0, width, height

    @property
    def longer(self) -> int:
        return int(max(self.grey.shape))

    def trim(self, box: Box) -> Box | None:
        """The box without its empty margins, or None if nothing is in it."""
        if box not in self._trimmed:
            self._trimmed[box] = self._trim(box)
        return self._trimmed[box]

    def _trim(self, box: Box) -> Box | None:
        x0, y0, x1, y1 = box
        part = self.content[y0:y1, x0:x1]
        rows = np.flatnonzero(part.any(1))
        if not rows.size:
            return None
        part = part[rows[0] : rows[-1] + 1]
        columns = np.flatnonzero(part.any(0))
        return x0 + int(columns[0]), y0 + int(rows[0]), x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1

    def fill(self, box: Box) -> float:
        """Share of the box that is not page."""
        x0, y0, x1, y1 = box
        return np.count_nonzero(self.content[y0:y1, x0:x1]) / ((y1 - y0) * (x1 - x0))

    def busy(self, box: Box, axis: int) -> NDArray[np.float64]:
        """Share of content along each line: rows for axis 0 (length height), columns for axis 1 (length width)."""
        x0, y0, x1, y1 = box
        return shares(self.content[y0:y1, x0:x1], axis)

    def cost(self, box: Box, axis: int) -> NDArray[np.float64]:
        """float64 (lines,), 0..1: what it costs to cut along each line of the box.

        The least of: content on the page's ground; unevenness, for gutters of another shade; and how far an edge is
        from running the whole length.
        """
        if (box, axis) in self._costs:
            return self._costs[box, axis]
        x0, y0, x1, y1 = box
        busy = self.busy(box, axis)
        if self.fill(box) > SHADED:
            busy = np.minimum(busy, SHADE_COST + self.uneven(box, axis))
        cost = busy
        if self.fill(box) > TOUCHING:
            edge = shares(self.edges(axis)[y0:y1, x0:x1], axis)
            cost = np.minimum(busy, EDGE_COST + (1 - edge))
        self._costs[box, axis] = cost
        return cost

    def uneven(self, box: Box, axis: int) -> NDArray[np.float64]:
        """Share of pixels along each line that differ from the line's own mean: 0 for a gutter of any one shade."""
        x0, y0, x1, y1 = box
        part = self.grey[y0:y1, x0:x1]
        mean = part.mean(1 - axis, keepdims=True, dtype=np.float32)
        away = np.abs(part - mean.round().astype(np.int16)) > PAPER_TOLERANCE
        return shares(away, axis)

    def steps(self, axis: int) -> NDArray[np.uint8]:
        """How much luma differs between the two neighbours of a line, so that a soft edge counts as well."""
        if axis not in self._steps:
            grey, out = self.grey, np.zeros(self.grey.shape, np.uint8)
            a, b, inner = (grey[2:], grey[:-2], out[1:-1]) if axis == 0 else (grey[:, 2:], grey[:, :-2], out[:, 1:-1])
            np.subtract(np.maximum(a, b), np.minimum(a, b), out=inner)
            self._steps[axis] = out
        return self._steps[axis]

    def edges(self, axis: int) -> NDArray[np.bool_]:
        """Where luma jumps across a line."""
        if axis not in self._edges:
            self._edges[axis] = self.steps(axis) > STEP
        return self._edges[axis]


def shares(mask: NDArray[np.bool_], axis: int) -> NDArray[np.float64]:
    """float64 (lines,): the share of True along each line of a mask; a fifth of what `mean` of booleans costs."""
    counts = mask.view(np.uint8).sum(1 - axis, dtype=np.uint16)
    return np.asarray(counts / mask.shape[1 - axis])


def weigh(raster: Raster, lanes: Lanes | None = None) -> Evidence:
    """The evidence of a picture. The page is white unless the outermost ring says black or another single shade."""
    grey, dark = raster.grey, raster.dark
    ring = np.concatenate((dark[0], dark[-1], dark[:, 0], dark[:, -1]))
    shade = int(np.bincount(ring, minlength=256).argmax())
    share = float((np.abs(ring.astype(np.int16) - shade) <= PAPER_TOLERANCE // 2).mean())
    black_page = shade <= BLACK and share > BLACK_RING
    if black_page:
        content = grey > BLACK
    elif shade < 255 - PAPER_TOLERANCE and share > SHADED_RING and shade > PALE:
        content = np.abs(dark.astype(np.int16) - shade) > PAPER_TOLERANCE
        content &= dark < 255 - PAPER_TOLERANCE
    else:
        content = dark < 255 - PAPER_TOLERANCE
    return Evidence(grey, content, lanes, black_page)
