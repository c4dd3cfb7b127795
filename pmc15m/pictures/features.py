"""Measurable features of a picture: what filters ask by. All of them are columns of `pixels` and `panels`."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

_WHITE = 241  # grey level from which a pixel is paper; JPEG noise beside ink stays above
_COLOUR = 24  # difference of the channels from which a pixel has colour; JPEG's chroma noise stays below


@dataclass(frozen=True, slots=True)
class Features:
    """Shares are 0..1, of all pixels."""

    brightness: float  # mean of grey: the same at every size
    entropy: float  # of the grey histogram, bit
    white_share: float
    colour_share: float


def image_features(image: Image.Image) -> Features:
    """The features of a working picture (RGB or L)."""
    counts = np.array(image.convert("L").histogram())
    histogram = counts / counts.sum()
    seen = histogram[histogram > 0]
    return Features(
        brightness=float(counts @ np.arange(256) / counts.sum() / 255),
        entropy=float(-(seen * np.log2(seen)).sum()),
        white_share=float(histogram[_WHITE:].sum()),
        colour_share=_colour_share(image),
    )


def _colour_share(image: Image.Image) -> float:
    if image.mode == "L":
        return 0.0
    red, green, blue = image.split()
    high = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    low = ImageChops.darker(ImageChops.darker(red, green), blue)
    return sum(ImageChops.subtract(high, low).histogram()[_COLOUR + 1 :]) / (image.width * image.height)
