"""Measurable features of a picture: what filters ask by and what the image kind is decided from."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

_WHITE = 241  # grey level from which a pixel is paper; JPEG noise beside ink stays above
_COLOUR = 24  # difference of the channels from which a pixel has colour; JPEG's chroma noise stays below


@dataclass(frozen=True, slots=True)
class Features:
    """Shares are of all pixels, 0..1; `entropy` in bit, 0..8."""

    entropy: float
    white_share: float
    black_share: float
    colour_share: float


def image_features(image: Image.Image) -> Features:
    """The features of a working picture (RGB or L)."""
    grey = np.asarray(image.convert("L"))
    histogram = np.bincount(grey.ravel(), minlength=256) / grey.size
    seen = histogram[histogram > 0]
    colour = 0.0
    if image.mode != "L":
        channels = np.asarray(image.convert("RGB"))
        colour = float(np.mean(np.ptp(channels, axis=2) > _COLOUR))
    return Features(
        entropy=float(-(seen * np.log2(seen)).sum()),
        white_share=float(histogram[_WHITE:].sum()),
        black_share=float(histogram[:16].sum()),
        colour_share=colour,
    )
