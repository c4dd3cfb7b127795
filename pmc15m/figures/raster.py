"""The working picture of a separator: grey, and the darkest channel, at most 1,000 px."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from pmc15m.figures.model import Box
from pmc15m.pictures.decode import as_image

MAX_SIDE = 1000  # px; figures of PMC are seldom larger, and gutters survive the reduction by box filter


@dataclass(frozen=True, slots=True)
class Raster:
    """`grey` and `dark` are uint8 (height, width): luma, and the darkest channel. `scale` is working / given pixels."""

    grey: np.ndarray
    dark: np.ndarray
    scale: float
    width: int
    height: int

    def given(self, box: tuple[float, float, float, float]) -> Box:
        """A box of working pixels in pixels of the given image, at least one pixel wide and high."""
        x0, y0 = (
            min(int(v / self.scale + 1e-6), n - 1) for v, n in zip(box[:2], (self.width, self.height), strict=True)
        )
        x1 = min(max(round(box[2] / self.scale), x0 + 1), self.width)
        y1 = min(max(round(box[3] / self.scale), y0 + 1), self.height)
        return x0, y0, x1, y1


def rasterise(image: Image.Image | np.ndarray) -> Raster:
    """The working picture of an image of any mode and size: by whole factors first, then in two channels."""
    picture = as_image(image)
    width, height = picture.size
    if not width or not height:
        raise ValueError(f"an empty image of {width} x {height} pixels")
    scale = min(1.0, MAX_SIDE / max(width, height))
    if scale <= 0.5:
        picture = picture.reduce(int(1 / scale))
    grey = dark = picture
    if picture.mode != "L":
        red, green, blue = picture.split()
        grey, dark = picture.convert("L"), ImageChops.darker(ImageChops.darker(red, green), blue)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return Raster(_resized(grey, size), _resized(dark, size), scale, width, height)


def _resized(channel: Image.Image, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(channel if channel.size == size else channel.resize(size, Image.Resampling.BOX))
