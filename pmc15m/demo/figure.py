"""One figure image: pictures laid out as panels, with gutters and printed labels as journals have them."""

import io
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from pmc15m.demo import charts, photographs
from pmc15m.demo.pictures import BLACK, WHITE, Picture, PictureKind, Rng, pick, put_text

MOTLEY = 22
"""Standard deviation of the grey under a label, of 255, from which letters cannot be read on it."""

Drawer = Callable[[Rng, int, int], Picture]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 lie outside."""

PHOTOGRAPHS: tuple[Drawer, ...] = (
    photographs.histology,
    photographs.fluorescence,
    photographs.electron_micrograph,
    photographs.ct,
    photographs.mri,
    photographs.gel,
)
DRAWINGS: tuple[Drawer, ...] = (
    charts.line_plot,
    charts.bar_chart,
    charts.scatter_plot,
    charts.survival_curve,
    charts.heat_map,
    photographs.blot,
)
ALONE: tuple[Drawer, ...] = (charts.diagram, charts.tree, charts.ecg, charts.heat_map, *PHOTOGRAPHS, *DRAWINGS)


class Gutter(StrEnum):
    """What lies between panels."""

    WIDE = "wide"  # white, 3 % of the width
    NARROW = "narrow"  # white, 3 px
    BLACK = "black"  # black, 1 % of the width
    RULE = "rule"  # a black line of 1 px
    NONE = "none"


class LabelStyle(StrEnum):
    """How panel labels are printed."""

    UPPER = "upper"  # A
    LOWER = "lower"  # a
    PARENTHESES = "parentheses"  # (a)
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a figure image; its box holds the printed label and everything that belongs to it."""

    label: str | None
    """The letter alone, as printed: "A", "a"."""
    box: Box
    kind: PictureKind
    phrase: str
    note: str


@dataclass(frozen=True, slots=True)
class FigureImage:
    image: Image.Image
    panels: tuple[Panel, ...]
    gutter: Gutter
    label_style: LabelStyle
    name: str = ""
    """The same for copies of one picture."""


def draw_single(rng: Rng, width: int, height: int, drawer: Drawer | None = None) -> FigureImage:
    """A figure of one picture, without a label."""
    picture = (drawer or pick(rng, ALONE))(rng, width, height)
    panel = Panel(None, (0, 0, width, height), picture.kind, picture.phrase, picture.note)
    return FigureImage(picture.image, (panel,), Gutter.NONE, LabelStyle.NONE)


def draw_compound(
    rng: Rng,
    width: int,
    height: int,
    n_panels: int,
    gutter: Gutter | None = None,
    label_style: LabelStyle | None = None,
) -> FigureImage:
    """A figure of `n_panels` (2…26) panels in rows of unequal heights and widths."""
    photographic = bool(rng.integers(2))
    gutter = gutter or pick(rng, tuple(Gutter) if photographic else (Gutter.WIDE, Gutter.WIDE, Gutter.NARROW))
    label_style = label_style or pick(
        rng, (LabelStyle.UPPER, LabelStyle.UPPER, LabelStyle.LOWER, LabelStyle.PARENTHESES, LabelStyle.NONE)
    )
    # Plots have white margins: their labels stand above the panel. On photographs they lie in a corner.
    strip = 0 if photographic or label_style is LabelStyle.NONE else max(18, width // 24)
    same = pick(rng, PHOTOGRAPHS) if photographic and rng.integers(2) else None
    canvas = Image.new("RGB", (width, height), BLACK if gutter in (Gutter.BLACK, Gutter.RULE) else WHITE)
    corner = pick(rng, ("top left", "top left", "top left", "bottom left"))
    size = max(13, width // int(rng.integers(24, 38)))
    panels = []
    for index, box in enumerate(_cells(rng, width, height, n_panels, _gap(gutter, width))):
        x0, y0, x1, y1 = box
        drawer = same or pick(rng, PHOTOGRAPHS if photographic else DRAWINGS)
        picture = drawer(rng, x1 - x0, y1 - y0 - strip)
        canvas.paste(WHITE, box)
        canvas.paste(picture.image, (x0, y0 + strip))
        label = _letter(index, label_style)
        if label is not None:
            printed = f"({label})" if label_style is LabelStyle.PARENTHESES else label
            _print_label(canvas, box, printed, corner if photographic else "top left", size)
        panels.append(Panel(label, box, picture.kind, picture.phrase, picture.note))
    return FigureImage(canvas, tuple(panels), gutter, label_style)


def encode(image: Image.Image, file_format: str) -> bytes:
    """The image as a file: "jpeg" (quality 80), "png", "gif", "tiff" or "webp"."""
    out = io.BytesIO()
    options: dict[str, dict[str, Any]] = {
        "jpeg": {"quality": 80},
        "webp": {"quality": 80, "method": 0},
        "tiff": {"compression": "tiff_lzw"},
    }
    image.save(out, file_format, **options.get(file_format, {}))
    return out.getvalue()


def _gap(gutter: Gutter, width: int) -> int:
    return {
        Gutter.WIDE: max(10, width * 3 // 100),
        Gutter.NARROW: 3,
        Gutter.BLACK: max(5, width // 100),
        Gutter.RULE: 1,
        Gutter.NONE: 0,
    }[gutter]


def _letter(index: int, style: LabelStyle) -> str | None:
    if style is LabelStyle.NONE:
        return None
    return (string.ascii_uppercase if style is LabelStyle.UPPER else string.ascii_lowercase)[index]


def _cells(rng: Rng, width: int, height: int, n_panels: int, gap: int) -> list[Box]:
    """Cells that fill the canvas, `gap` px apart: rows in reading order or, in a quarter of the cases, columns."""
    if rng.integers(4) == 0:
        return [(x0, y0, x1, y1) for y0, x0, y1, x1 in _rows(rng, height, width, n_panels, gap)]
    return _rows(rng, width, height, n_panels, gap)


def _rows(rng: Rng, width: int, height: int, n_panels: int, gap: int) -> list[Box]:
    n_rows = max(1, round((n_panels * height / width) ** 0.5))
    per_row = [len(part) for part in np.array_split(np.arange(n_panels), min(n_rows, n_panels))]
    if rng.integers(2):
        per_row.reverse()
    boxes: list[Box] = []
    for (y0, y1), n_columns in zip(_spans(rng, height, len(per_row), gap), per_row, strict=True):
        boxes += [(x0, y0, x1, y1) for x0, x1 in _spans(rng, width, n_columns, gap)]
    return boxes


def _spans(rng: Rng, length: int, n: int, gap: int) -> list[tuple[int, int]]:
    """`n` intervals of a line, equal in half of the cases, else up to 1.6 : 1."""
    weights = np.ones(n) if rng.integers(2) else rng.uniform(1, 1.6, n)
    free = length - gap * (n - 1)
    ends = np.rint(np.cumsum(weights) / weights.sum() * free).astype(int).tolist()
    return [
        (start + index * gap, end + index * gap)
        for index, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True))
    ]


def _print_label(canvas: Image.Image, box: Box, text: str, corner: str, size: int) -> None:
    """In a corner of the panel: dark on bright ground, bright on dark, and in a white box on a motley one."""
    x, y = box[0] + size // 3, box[1] + size // 5 if corner == "top left" else box[3] - size - size // 3
    under = np.asarray(canvas.crop((x, y, x + size, y + size)).convert("L"))
    draw = ImageDraw.Draw(canvas)
    motley = float(under.std()) > MOTLEY
    if motley:
        draw.rectangle((box[0], y - size // 5, x + size * (len(text) + 1) // 2, y + size + size // 5), WHITE)
    dark = float(under.mean()) < 110 and not motley
    put_text(draw, (x, y), text, size, WHITE if dark else BLACK, bold=True)


def all_notes(panels: Sequence[Panel]) -> list[str]:
    """The panels' notes in order, one of a kind: a figure has one sentence on its scale bars."""
    first_of_kind: dict[str, str] = {}
    for panel in panels:
        if panel.note:
            first_of_kind.setdefault(panel.note.split()[0], panel.note)
    return list(first_of_kind.values())
