"""What a picture shows: radiology, microscopy, a plot …, decided from its pixels alone.

A small convolutional network (0.16 M parameters, ours) looks at the picture squeezed into a square. It was trained on
drawn pictures (`python -m models kinds`); no pixel of a published figure went into it.

Its error on real ones, 95 % intervals over articles. The kind is right for 90 of 106 figures of a development set
(.85 [.78, .91]), whose errors were looked at before the last round of training, for 238 of its 285 panels (.84
[.74, .91]), and for 44 of 53 further figures of the same articles (.83 [.73, .92]; plots and tables mostly), which
took part in choosing among four networks. The family (pictures, graphics, mixed) is right for .95, .98 and .91. Panels,
by the first of the kinds that were accepted:

    plots 133 of 144; diagrams 30 of 44, else plots; microscopy 33 of 49, else radiology (grey electron micrographs);
    radiology 29 of 36; photographs 2 of 6; gels 1 of 3.

The probability means what it says, or less: of those with 0.9 or more 40 of 41 figures, 100 of 103 panels and 21 of 21
further figures are right, of panels between 0.7 and 0.9 it promises .81 and keeps .82. Of rows of shaded boxes without
much else, as the demo draws them, 4 of 10 are called gels.
"""

import enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m import weights
from pmc15m.pictures.network import network

WEIGHTS = weights.FOLDER / "kinds.onnx"
SIDE = 192  # px of the square that the network looks at


class ImageKind(enum.StrEnum):
    """What the picture shows; the order is that of the network's outputs."""

    PHOTO = "photo"
    RADIOLOGY = "radiology"
    MICROSCOPY = "microscopy"
    GEL = "gel"  # gels and blots
    PLOT = "plot"
    DIAGRAM = "diagram"
    TABLE_TEXT = "table_text"
    MIXED = "mixed"  # pictures and graphics beside each other


class ImageFamily(enum.StrEnum):
    """Which kinds of things the picture shows: what a camera or scanner saw, what was drawn or plotted, or both."""

    PICTURE = "picture"
    GRAPHIC = "graphic"
    MIXED = "mixed"


PICTURES: tuple[ImageKind, ...] = (ImageKind.PHOTO, ImageKind.RADIOLOGY, ImageKind.MICROSCOPY, ImageKind.GEL)
GRAPHICS: tuple[ImageKind, ...] = (ImageKind.PLOT, ImageKind.DIAGRAM, ImageKind.TABLE_TEXT)


class Seen(NamedTuple):
    """Columns of `pixels` and `panels`, by their names; probabilities, of three digits."""

    family: ImageFamily
    family_score: float
    kind: ImageKind
    kind_score: float


def family_of(kind: ImageKind) -> ImageFamily:
    return ImageFamily.PICTURE if kind in PICTURES else ImageFamily.GRAPHIC if kind in GRAPHICS else ImageFamily.MIXED


def classify(picture: Image.Image) -> Seen:
    """What a working picture (RGB or L) shows: the likeliest family, and the likeliest kind of that.

    Rounded, so that processors that add up in another order hardly ever give other bytes.
    """
    return judged(likelihoods(picture))


def likelihoods(picture: Image.Image) -> NDArray[np.float32]:
    """Float (kinds,): the probability of each kind, in the order of `ImageKind`."""
    likely: NDArray[np.float32] = network(WEIGHTS).run(None, {"pictures": squeezed(picture)[None]})[0][0]
    return likely


def judged(likely: NDArray[np.float32]) -> Seen:
    """`likely`: float (kinds,), the probability of each kind."""
    kinds = dict(zip(ImageKind, likely.tolist(), strict=True))
    families = {family: sum(kinds[kind] for kind in kinds if family_of(kind) is family) for family in ImageFamily}
    family = max(families, key=families.__getitem__)
    kind = max((kind for kind in kinds if family_of(kind) is family), key=kinds.__getitem__)
    return Seen(family, round(families[family], 3), kind, round(kinds[kind], 3))


def squeezed(picture: Image.Image, side: int = SIDE) -> NDArray[np.uint8]:
    """uint8 (side, side, 3): what the network sees of a working picture."""
    shown = picture if picture.mode == "RGB" else picture.convert("RGB")
    return np.asarray(shown.resize((side, side), Image.Resampling.BILINEAR))
