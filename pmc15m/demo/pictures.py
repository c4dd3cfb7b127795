"""What every drawing shares: the picture with its words, text in the built-in font, noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Rng = np.random.Generator
Plane = npt.NDArray[np.float32]
"""(height, width), usually 0…1."""
Colour = tuple[int, int, int]
T = TypeVar("T")

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


class PictureKind(StrEnum):
    """What a picture shows."""

    HISTOLOGY = "histology"
    FLUORESCENCE = "fluorescence"
    ELECTRON_MICROGRAPH = "electron_micrograph"
    CT = "ct"
    MRI = "mri"
    BLOT = "blot"
    GEL = "gel"
    LINE_PLOT = "line_plot"
    BAR_CHART = "bar_chart"
    SCATTER_PLOT = "scatter_plot"
    SURVIVAL_CURVE = "survival_curve"
    HEAT_MAP = "heat_map"
    ECG = "ecg"
    DIAGRAM = "diagram"
    TREE = "tree"
    TABLE = "table"
    FORMULA = "formula"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Picture:
    """One drawn visual unit and what a caption says about it."""

    image: Image.Image
    kind: PictureKind
    phrase: str
    """A noun phrase with a capital and no full stop: "Western blot of p53 in …"."""
    note: str = ""
    """What captions add at their end: "Scale bar, 50 µm."."""


def pick(rng: Rng, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


@lru_cache(maxsize=64)
def font(size: int) -> Any:
    """Pillow's own scalable font, so that every machine draws the same letters."""
    return ImageFont.load_default(size)


def put_text(
    draw: ImageDraw.ImageDraw,
    xy: tuple[float, float],
    text: str,
    size: int,
    colour: Colour = BLACK,
    anchor: str = "la",
    bold: bool = False,
) -> None:
    draw.text(xy, text, fill=colour, font=font(size), anchor=anchor, stroke_width=0.5 if bold else 0)


def noise(rng: Rng, width: int, height: int, cell: float) -> Plane:
    """Smooth noise, 0…1, whose features are about `cell` pixels wide."""
    coarse = rng.random((int(height / cell) + 3, int(width / cell) + 3), dtype=np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)


def from_planes(red: Plane, green: Plane, blue: Plane) -> Image.Image:
    """An RGB image from three planes of 0…255."""
    return Image.fromarray(np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8))


def from_grey(plane: Plane) -> Image.Image:
    return from_planes(plane, plane, plane)


def scale_bar(image: Image.Image, colour: Colour) -> None:
    width, height = image.size
    length = width // 5
    x, y = width - length - width // 20, height - height // 14
    ImageDraw.Draw(image).rectangle((x, y, x + length, y + max(2, height // 90)), fill=colour)
