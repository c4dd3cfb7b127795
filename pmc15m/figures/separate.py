"""One image and its caption in, panels out: the one entrance to both separators."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pmc15m.figures import gutters
from pmc15m.figures.model import Panel, Separation, SeparationReason, SeparationStatus
from pmc15m.figures.raster import rasterise

SEPARATORS = ("network", "gutters")
TOO_SMALL = 48  # px of the shorter side: nothing smaller holds two panels


def separate(
    image: Image.Image | np.ndarray,
    caption: str | None = None,
    markup: Sequence[tuple[int, int, str]] = (),
    *,
    separator: str = "network",
) -> Separation:
    """Find the panels of a figure.

    `image` is a decoded picture (PIL, or uint8 of shape (H, W), (H, W, 3) or (H, W, 4)), `markup` the bold and italic
    spans of the caption as `(start, end, kind)`. Pure and deterministic. Raises ValueError for an unknown separator
    and for an empty image.
    """
    if separator not in SEPARATORS:
        raise ValueError(f"unknown separator {separator!r}: one of {', '.join(SEPARATORS)}")
    raster = rasterise(image)
    if min(raster.width, raster.height) < TOO_SMALL:
        whole = Panel(order=0, box=(0, 0, raster.width, raster.height))
        return Separation(SeparationStatus.SINGLE, SeparationReason.TOO_SMALL, 0.0, (whole,))
    boxes = gutters.cut(raster.ink) or [(0, 0, raster.grey.shape[1], raster.grey.shape[0])]
    panels = tuple(Panel(order=i, box=raster.given(box)) for i, box in enumerate(boxes))
    if len(panels) == 1:
        return Separation(SeparationStatus.SINGLE, None, 0.0, panels)
    reason = SeparationReason.NO_CAPTION_LABELS if caption else SeparationReason.NO_CAPTION
    return Separation(SeparationStatus.SPLIT_UNALIGNED, reason, 1.0, panels)
