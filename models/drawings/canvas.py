"""What all drawings of kinds share: colours, words, noise, blobs, arrows. Every look is drawn at random."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pmc15m.demo.pictures import font

Rng = np.random.Generator
Plane = NDArray[np.floating]
"""(height, width), usually 0…1."""
Colour = tuple[int, int, int]
Point = tuple[float, float]
Paint = Callable[[Rng, int, int], Image.Image]
T = TypeVar("T")

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
_PALETTES: tuple[tuple[Colour, ...], ...] = (
    ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75)),
    ((0, 0, 0), (90, 90, 90), (150, 150, 150), (210, 210, 210)),
    ((0, 0, 0), (0, 0, 0), (60, 60, 60)),
    ((0, 0, 255), (255, 0, 0), (0, 128, 0), (0, 0, 0), (255, 0, 255)),
    ((228, 26, 28), (55, 126, 184), (77, 175, 74), (152, 78, 163), (255, 127, 0)),
    ((102, 194, 165), (252, 141, 98), (141, 160, 203), (231, 138, 195), (166, 216, 84)),
    ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)),
    ((79, 129, 189), (192, 80, 77), (155, 187, 89), (128, 100, 162), (75, 172, 198)),
    ((248, 118, 109), (0, 186, 56), (97, 156, 255)),
)
_WORDS = """
    control treated vehicle WT KO siRNA mock time days relative expression cells protein mRNA level fold change value
    survival percent CD4 CD8 GFP DAPI merge actin tumour weight group patient score sensitivity intensity energy
    frequency nm mg kg ml min count rate input output signal model GAPDH IL-6 TNF alpha beta LPS sham left right
    anterior posterior kinase receptor membrane nucleus screened excluded randomised analysed follow-up glucose ATP
""".split()  # noqa: SIM905


def pick(rng: Rng, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def chance(rng: Rng, probability: float) -> bool:
    return bool(rng.random() < probability)


def palette(rng: Rng) -> list[Colour]:
    """Colours of one drawing: a usual scheme, or any."""
    if chance(rng, 0.2):
        return [any_colour(rng) for _ in range(5)]
    colours = pick(rng, _PALETTES)
    return [colours[int(i)] for i in rng.permutation(len(colours))]


def any_colour(rng: Rng, low: int = 0, high: int = 256) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return red, green, blue


def pale(colour: Colour, share: float = 0.7) -> Colour:
    """The colour mixed with white."""
    red, green, blue = (int(value + (255 - value) * share) for value in colour)
    return red, green, blue


def phrase(rng: Rng, most: int = 3) -> str:
    return " ".join(pick(rng, _WORDS) for _ in range(int(rng.integers(1, most + 1))))


def number(rng: Rng) -> str:
    form = rng.integers(4)
    if form == 0:
        return str(int(rng.integers(1, 60)) * 10)
    return str(int(rng.integers(0, 12))) if form < 3 else f"{rng.random():.1f}"


def write(
    draw: ImageDraw.ImageDraw,
    at: Point,
    words: str,
    size: float,
    fill: Colour = BLACK,
    anchor: str = "la",
    bold: bool = False,
) -> None:
    draw.text(
        at, words, fill=fill, font=font(max(5, round(size))), anchor=anchor, stroke_width=size / 24 if bold else 0
    )


def write_upright(image: Image.Image, centre: Point, words: str, size: float, fill: Colour = BLACK) -> None:
    """Words read from below, as the titles of vertical axes are."""
    letters = font(max(5, round(size)))
    mask = Image.new("L", (int(letters.getlength(words)) + 4, round(size * 1.4) + 2))
    ImageDraw.Draw(mask).text((2, 0), words, 255, letters)
    mask = mask.transpose(Image.Transpose.ROTATE_90)
    image.paste(fill, (int(centre[0] - mask.width / 2), int(centre[1] - mask.height / 2)), mask)


def write_aslant(image: Image.Image, end: Point, words: str, size: float, angle: float, fill: Colour = BLACK) -> None:
    """Words that rise by so many degrees to their end, as the names of bars do."""
    letters = font(max(5, round(size)))
    mask = Image.new("L", (int(letters.getlength(words)) + 4, round(size * 1.4) + 2))
    ImageDraw.Draw(mask).text((2, 0), words, 255, letters)
    mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    image.paste(fill, (int(end[0] - mask.width), int(end[1])), mask)


def arrow(
    draw: ImageDraw.ImageDraw, tail: Point, tip: Point, fill: Colour = BLACK, width: int = 2, head: float = 8
) -> None:
    """A line with a filled head."""
    angle = math.atan2(tip[1] - tail[1], tip[0] - tail[0])
    draw.line((*tail, tip[0] - head * 0.7 * math.cos(angle), tip[1] - head * 0.7 * math.sin(angle)), fill, width)
    wings = [(tip[0] - head * math.cos(angle + turn), tip[1] - head * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    draw.polygon([tip, *wings], fill)


def blob(rng: Rng, centre: Point, radii: Point, wobble: float = 0.15, corners: int = 40) -> list[Point]:
    """A closed outline: an ellipse, turned, whose radius swings by a few low frequencies."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.ones(corners)
    for frequency in range(2, 6):
        radius += wobble / frequency * 2 * rng.normal() * np.cos(frequency * angle + rng.uniform(0, 2 * np.pi))
    turn = rng.uniform(0, np.pi)
    x, y = radii[0] * radius * np.cos(angle), radii[1] * radius * np.sin(angle)
    xs = centre[0] + x * math.cos(turn) - y * math.sin(turn)
    ys = centre[1] + x * math.sin(turn) + y * math.cos(turn)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def noise(rng: Rng, width: int, height: int, cell: float) -> Plane:
    """Smooth noise, 0…1, whose features are about `cell` px wide."""
    coarse = rng.random((int(height / cell) + 3, int(width / cell) + 3), dtype=np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)


def fractal(rng: Rng, width: int, height: int, roughness: float = 0.5, coarsest: float = 0.4) -> Plane:
    """Noise of many scales, 0…1; `roughness` is what a scale weighs of the next coarser one."""
    total, weight, cell = np.zeros((height, width), np.float32), 1.0, max(width, height) * coarsest
    while cell > 1.2:
        total += weight * noise(rng, width, height, cell)
        weight, cell = weight * roughness, cell / 2.2
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def inside(level: Plane, sharpness: float) -> Plane:
    """Where a level is below 1: nearly 1, falling softly to 0 outside."""
    faded: Plane = 1 / (1 + np.exp((sharpness * (level - 1)).clip(-30, 30)))
    return faded


def grid(width: int, height: int) -> tuple[Plane, Plane]:
    """x and y of every pixel, both -1…1."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return x, y


def grey(plane: Plane) -> Image.Image:
    """An RGB picture of a plane of 0…255."""
    return Image.fromarray(plane.clip(0, 255).astype(np.uint8)).convert("RGB")


def coloured(plane: Plane, stops: Sequence[Colour]) -> Plane:
    """float32 (height, width, 3): a plane of 0…1 through a scale of colours."""
    table = np.array(stops, np.float32)
    place = plane.clip(0, 1) * (len(table) - 1)
    low = np.minimum(place.astype(int), len(table) - 2)
    share = (place - low)[..., None]
    mixed: Plane = table[low] * (1 - share) + table[low + 1] * share
    return mixed


def picture(pixels: Plane) -> Image.Image:
    """An RGB picture of float (height, width, 3), 0…255."""
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
