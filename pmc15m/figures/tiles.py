"""The second level: photographs that share one printed label."""

import itertools

from pmc15m.figures.evidence import Evidence
from pmc15m.figures.gutters import PHOTO, area, propose
from pmc15m.figures.model import Box

LEAST_AREA = 0.04  # of the panel
DEEPEST = 5  # levels of cuts inside a panel


def find_tiles(evidence: Evidence, panel: Box) -> tuple[Box, ...]:
    """The photographs of a panel in reading order of the cuts if it holds two or more, else nothing.

    Cuts as deep as gaps go; plots, headings and legends that fall out are no tiles.
    """
    leaves: list[Box] = []

    def cut(box: Box, depth: int) -> None:
        region = propose(evidence, box)
        if depth == DEEPEST or region.strength < 1:
            leaves.append(box)
            return
        lo, hi = region.axis ^ 1, (region.axis ^ 1) + 2
        ends = (box[lo], *region.at, box[hi])
        for a, b in itertools.pairwise(ends):
            part = list(box)
            part[lo], part[hi] = a, b
            trimmed = evidence.trim((part[0], part[1], part[2], part[3]))
            if trimmed is not None:
                cut(trimmed, depth + 1)

    cut(panel, 0)
    found = [box for box in leaves if area(box) >= LEAST_AREA * area(panel) and evidence.fill(box) > PHOTO]
    return tuple(found) if len(found) > 1 else ()
