"""What a picture shows, decided from its measurable features."""

import enum

from pmc15m.curate.features import Features


class ImageKind(enum.StrEnum):
    """What the picture shows."""

    PHOTO = "photo"
    RADIOLOGY = "radiology"
    MICROSCOPY = "microscopy"
    PLOT = "plot"
    DIAGRAM = "diagram"
    GEL = "gel"
    TABLE_TEXT = "table_text"
    MIXED = "mixed"


def classify(features: Features) -> tuple[ImageKind, float]:
    """The kind and its probability."""
    if features.white_share > 0.4:
        return ImageKind.PLOT, 0.6
    if features.colour_share < 0.05:
        return ImageKind.RADIOLOGY, 0.5
    return ImageKind.MICROSCOPY, 0.5
