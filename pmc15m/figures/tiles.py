"""The second level: photographs that share one printed label."""

from pmc15m.figures.evidence import Evidence
from pmc15m.figures.gutters import PHOTO, area, pieces, propose
from pmc15m.figures.model import Box

LEAST_AREA = 0.04  # of the panel
DEEPEST = 5  # levels of cuts inside a panel


def find_tiles(evidence: Evidence, panel: Box) -> tuple[Box, ...]:
    """The photographs of a panel in reading order of the cuts if it holds two or more, else nothing.

    Cuts as deep as gaps go; plots, headings and legends that fall out are no tiles.
    """
    evidence = evidence.unseen()
    leaves: list[Box] = []

    def cut(box: Box, depth: int) -> None:
        region = propose(evidence, box)
        if depth == DEEPEST or region.strength < 1:
            leaves.append(box)
            return
        for piece in pieces(evidence, region):
            cut(piece, depth + 1)

    cut(panel, 0)
    photographs = [box for box in leaves if area(box) >= LEAST_AREA * area(panel) and evidence.fill(box) > PHOTO]
    return tuple(photographs) if len(photographs) > 1 else ()
