"""Drawn pages for the tests of separators: photographs, plots and printed letters at known places."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Box = tuple[int, int, int, int]


def photograph(page: Image.Image, box: Box, seed: int = 0) -> None:
    """Smooth grey texture without a quiet line."""
    x0, y0, x1, y1 = box
    grain = np.random.default_rng(seed).integers(60, 200, (max(2, (y1 - y0) // 6), max(2, (x1 - x0) // 6)), np.uint8)
    page.paste(Image.fromarray(grain).resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC), (x0, y0))


def plot(page: Image.Image, box: Box) -> None:
    """Axes with a title below and a number left of them: white gaps inside one panel."""
    x0, y0, x1, y1 = box
    draw = ImageDraw.Draw(page)
    draw.line([x0 + 30, y0, x0 + 30, y1 - 30, x1 - 1, y1 - 30], fill=0, width=2)
    draw.line([x0 + 32, y1 - 40, (x0 + x1) // 2, y0 + 20, x1 - 1, y0 + 40], fill=0, width=3)
    draw.text(((x0 + x1) // 2, y1 - 14), "time", fill=0, font=ImageFont.load_default(12))
    draw.text((x0, (y0 + y1) // 2), "10", fill=0, font=ImageFont.load_default(12))


def letter(page: Image.Image, at: tuple[int, int], text: str, size: int = 24, fill: int = 0) -> None:
    """A label with its top left corner at a place."""
    ImageDraw.Draw(page).text(at, text, fill=fill, font=ImageFont.load_default(size), anchor="lt")


def page(width: int, height: int, paper: int = 255) -> Image.Image:
    return Image.new("L", (width, height), paper)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
