"""What a picture shows: radiology, microscopy, a plot …, decided from its pixels alone.

A small convolutional network (0.16 M parameters, ours) looks at the picture squeezed into a square. It was trained on
drawn pictures (`python -m models kinds`); no pixel of a published figure went into it.

Its error on real ones, 95 % intervals over articles. The kind is right for 80 of 104 figures of a development set
(.77 [.69, .84]), whose errors were looked at between two rounds of training, for 204 of its 275 panels (.74
[.63, .85]), and for 77 of 88 further figures of the same articles that nothing was chosen with (.88 [.77, .93]; plots
and tables mostly). The family (pictures, graphics, mixed) is right for .94, .96 and .95. Panels, by
the first of the kinds that were accepted (nine more answers are right by a second one):

    plots 114 of 144, the others called diagrams; diagrams 19 of 42, else plots, shaded ones microscopy;
    microscopy 34 of 48, else radiology (grey electron micrographs) or diagrams; radiology 25 of 30;
    photographs 2 of 6; gels 1 of 3.

The probability means what it says near both ends: 50 of the 51 further figures and .93 of the panels with 0.9 or more
are right; between 0.7 and 0.9 it promises .80 and keeps .65 on panels. A diagram drawn on axes and a schematic plot
are the same to it, and so are small figures of many panels: letters of 5 px do not survive the square.
"""

import enum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m import weights
from pmc15m.pictures.network import network

WEIGHTS = weights.FOLDER / "kinds.onnx"
SIDE = 128  # px of the square that the network looks at


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


PICTURES: tuple[ImageKind, ...] = (ImageKind.PHOTO, ImageKind.RADIOLOGY, ImageKind.MICROSCOPY, ImageKind.GEL)
GRAPHICS: tuple[ImageKind, ...] = (ImageKind.PLOT, ImageKind.DIAGRAM, ImageKind.TABLE_TEXT)


def classify(picture: Image.Image) -> tuple[ImageKind, float]:
    """The likeliest kind of a working picture (RGB or L), and its probability.

    Rounded, so that processors that add up in another order hardly ever give other bytes.
    """
    likely: NDArray[np.float32] = network(WEIGHTS).run(None, {"pictures": squeezed(picture)[None]})[0][0]
    best = int(likely.argmax())
    return list(ImageKind)[best], round(float(likely[best]), 3)


def squeezed(picture: Image.Image, side: int = SIDE) -> NDArray[np.uint8]:
    """uint8 (side, side, 3): what the network sees of a working picture."""
    return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))
