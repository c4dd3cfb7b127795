"""Synthetic compound figures with their panels, printed labels and gutters: layouts filled with procedural content."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from models.panels import content, layouts, traps
from models.panels.bank import Bank, fill, fill_units
from models.panels.fonts import Fonts, font
from pmc15m.pictures.kinds import GRAPHICS, PICTURES, ImageKind

Rng = np.random.Generator
Rect = tuple[int, int, int, int]
CELLS = {"tl": 0.67, "bl": 0.18, "bc": 0.07, "br": 0.045, "tr": 0.035}  # where a figure prints its labels (measured)
BANKED = 0.75  # of the figures are filled from a bank where there is one
UNITS = 0.14  # of the panels filled from it hold several units, where labels tell
TRAPS = 0.12  # of the single figures filled from it look as if cut, and are not
DARK = (ImageKind.RADIOLOGY, ImageKind.MICROSCOPY)  # what stands on black pages
PALETTES = (
    [(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189)],
    [(0, 0, 0), (90, 90, 90), (150, 150, 150), (210, 210, 210), (255, 255, 255)],
    [(228, 26, 28), (55, 126, 184), (77, 175, 74), (152, 78, 163), (255, 127, 0)],
    [(0, 0, 255), (255, 0, 0), (0, 128, 0), (0, 0, 0), (255, 200, 0)],
    [(102, 194, 165), (252, 141, 98), (141, 160, 203), (231, 138, 195), (200, 220, 160)],
)


@dataclass(frozen=True, slots=True)
class Figure:
    """RGB uint8 (height, width, 3), panel boxes, and the printed label with its glyph box (or None) of each panel."""

    pixels: np.ndarray
    panels: tuple[Rect, ...]
    labels: tuple[tuple[str, Rect] | None, ...]


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """How a figure prints its labels."""

    face: str
    height: float  # px of a capital
    before: str
    after: str
    upper: bool
    digits: bool
    cell: str
    outside: bool  # in a strip of its own beside the content
    boxed: bool  # on a white plate
    light: bool  # white letters on photographs


def label_style(rng: Rng, fonts: Fonts, width: int, cell: str | None) -> LabelStyle:
    form = rng.choice(4, p=[0.72, 0.17, 0.08, 0.03])
    case = rng.random()
    return LabelStyle(
        face=fonts.draw(rng, bold=bool(rng.random() < 0.7)),
        height=width * float(np.clip(np.exp(rng.normal(np.log(0.025), 0.33)), 0.011, 0.06)),
        before="(" if form == 1 else "",
        after=("", ")", ")", ".")[form],
        upper=bool(case < 0.72),
        digits=bool(case > 0.985),
        cell=cell or str(rng.choice(list(CELLS), p=list(CELLS.values()))),
        outside=bool(rng.random() < 0.45),
        boxed=bool(rng.random() < 0.2),
        light=bool(rng.random() < 0.6),
    )


def cell_of(layout: layouts.Layout) -> str | None:
    """The cell of the 3 x 3 raster in which most of the real labels lie."""
    votes: dict[str, int] = {}
    for panel, label in zip(layout.panels, layout.labels, strict=True):
        if label is None:
            continue
        x = ((label[0] + label[2]) / 2 - panel[0]) / (panel[2] - panel[0])
        y = ((label[1] + label[3]) / 2 - panel[1]) / (panel[3] - panel[1])
        name = ("t" if y < 0.5 else "b") + ("l" if x < 1 / 3 else "c" if x < 2 / 3 else "r")
        votes[name] = votes.get(name, 0) + 1
    return max(votes, key=votes.__getitem__) if votes else None


def print_label(rng: Rng, pen: content.Pen, panel: Rect, style: LabelStyle, text: str) -> tuple[Rect, Rect]:
    """Place the label in its cell: (box of the glyphs that read `text`, box left for the content)."""
    x0, y0, x1, y1 = panel
    face = font(style.face, round(style.height / 0.72))
    words = style.before + text + style.after
    _, _, w, h = (int(v) for v in face.getbbox(words, anchor="lt"))
    pad = int(rng.integers(1, 5))
    left = {"l": x0 + pad, "c": (x0 + x1 - w) // 2, "r": x1 - w - pad}[style.cell[1]]
    top = y0 + pad if style.cell[0] == "t" else y1 - h - pad
    left, top = max(0, min(left, pen.image.width - w - 1)), max(0, min(top, pen.image.height - h - 1))
    rest = panel
    if style.outside:
        if style.cell[1] == "l" and rng.random() < 0.4:
            rest = (left + w + 2, y0, x1, y1)
        elif style.cell[0] == "t":
            rest = (x0, top + h + 2, x1, y1)
        else:
            rest = (x0, y0, x1, top - 2)
    before = face.getlength(style.before)
    glyph = face.getbbox(text, anchor="lt")
    lead = face.getbbox(words, anchor="ls")[1] - face.getbbox(text, anchor="ls")[1]
    box = (int(left + before + glyph[0]), int(top - lead), int(left + before + glyph[2]), int(top - lead + glyph[3]))
    return box, rest


def ink_label(pen: content.Pen, panel: Rect, style: LabelStyle, text: str, box: Rect, on_photo: bool) -> None:
    face = font(style.face, round(style.height / 0.72))
    at = (box[0] - face.getlength(style.before) - face.getbbox(text, anchor="lt")[0], 0)
    words = style.before + text + style.after
    baseline = box[1] - face.getbbox(text, anchor="ls")[1]
    left, top, right, bottom = pen.draw.textbbox((at[0], baseline), words, font=face, anchor="ls")
    under = np.asarray(pen.image.crop((int(left), int(top), int(right) + 1, int(bottom) + 1)).convert("L"))
    dark = float(under.mean()) < 110
    if style.boxed and on_photo:
        pen.draw.rectangle([left - 3, top - 3, right + 3, bottom + 3], fill=(255, 255, 255))
        dark = False
    elif on_photo and style.light:
        dark = float(under.mean()) < 190
    pen.draw.text((at[0], baseline), words, font=face, fill=(255,) * 3 if dark else (0,) * 3, anchor="ls")


def series(rng: Rng, n: int, style: LabelStyle) -> list[str]:
    if style.digits:
        return [str(i + 1) for i in range(min(n, 9))] + [""] * max(0, n - 9)
    start = int(rng.integers(0, 26 - n)) if n < 26 and rng.random() < 0.15 else 0  # every letter is seen
    letters = [chr(65 + start + i) if start + i < 26 else "" for i in range(n)]
    return letters if style.upper else [c.lower() for c in letters]


def decorate(rng: Rng, pen: content.Pen, panels: list[Rect], ink: int) -> None:
    """What real figures have across or beside their gutters: lines from panel to panel, titles over and beside them."""
    if rng.random() < 0.06:
        for _ in range(int(rng.integers(1, 4))):
            a, b = (panels[i] for i in rng.integers(len(panels), size=2))
            ends = [(rng.uniform(x0, x1), rng.uniform(y0, y1)) for x0, y0, x1, y1 in (a, b)]
            pen.draw.line(ends, fill=(ink,) * 3, width=int(rng.integers(1, 3)))
    if rng.random() < 0.12:
        for x0, y0, x1, _ in panels:
            pen.text(((x0 + x1) / 2, y0 - 1), content.phrase(rng, 2), fill=ink, anchor="mb")
    if rng.random() < 0.05:
        top, bottom = min(b[1] for b in panels), max(b[3] for b in panels)
        pen.upright((0, top, int(1.2 * pen.size), bottom), content.phrase(rng))


def _scaled(box: Rect, factor: float) -> Rect:
    x0, y0, x1, y1 = box
    return round(x0 * factor), round(y0 * factor), round(x1 * factor), round(y1 * factor)


class Composer:
    """Draws figures: singles (hard negatives among them), replayed layouts and dense trees.

    With a `bank` most figures are filled from it, and get headings and lines across their gutters.
    """

    def __init__(
        self, fonts: list[Path], layout_files: list[Path], dense: float = 0.2, bank: Bank | None = None
    ) -> None:
        self.bank = bank
        self.fonts = Fonts(fonts)
        self.replayed = [each for path in layout_files for each in layouts.read_layouts(path)]
        self.dense = dense

    def draw_layout(self, rng: Rng) -> tuple[layouts.Layout, bool]:
        """A layout, and whether it is a single figure that must stay whole."""
        kind = rng.random()
        if kind < 0.35:
            width = int(rng.integers(380, 900))
            box = (3, 3, width - 3, (height := int(width * rng.uniform(0.35, 1.3))) - 3)
            return layouts.Layout(width, height, (box,), (None,)), True
        if kind < 1 - self.dense and self.replayed:
            for _ in range(4):
                layout = self.replayed[rng.integers(len(self.replayed))]
                if 1 < len(layout.panels) <= 26:
                    break
            return layouts.vary(rng, layout), False
        return layouts.tree(rng, int(rng.choice([2, 3, 4, 6, 8, 12, 18, 24]))), False

    def draw(self, rng: Rng) -> Figure:
        layout, single = self.draw_layout(rng)
        factor = float(np.clip(760 / max(layout.width, layout.height), 0.5, 2.2)) * rng.uniform(0.8, 1.15)
        width, height = round(layout.width * factor) + 1, round(layout.height * factor) + 1
        panels = [_scaled(b, factor) for b in layout.panels]
        black = (self.bank is not None or not single) and rng.random() < (0.1 if self.bank else 0.06)
        paper = 0 if black else 255 if rng.random() < 0.9 else int(rng.integers(215, 255))
        size = int(np.clip(rng.normal(0.017, 0.004) * width, 7, 22))
        pen = content.Pen(
            Image.new("RGB", (width, height), (paper,) * 3),
            self.fonts.draw(rng, bold=bool(rng.random() < 0.2)),
            self.fonts.draw(rng, bold=True),
            size,
            PALETTES[rng.integers(len(PALETTES))],
        )
        style = label_style(rng, self.fonts, width, cell_of(layout) if rng.random() < 0.7 else None)
        labelled = rng.random() < (0.04 if single else 0.7 if self.bank else 0.85)
        weights = content.HARD if single and rng.random() < 0.55 else content.USUAL
        if not single and rng.random() < 0.45:  # figures of one kind: scans, micrographs, plots
            weights = np.eye(len(content.PAINTERS))[rng.choice([0, 0, 1, 1, 2, 3, 6])]
        if black:
            weights = np.eye(len(content.PAINTERS))[0]
        if not labelled:  # without labels every visual unit is a panel of its own, so none may hold several
            weights = np.where(np.array(content.PAINTERS) == content.grid, 0, weights)
            weights = weights / weights.sum() if weights.sum() else np.eye(len(content.PAINTERS))[1]
        same_photo = int(rng.integers(7)) if rng.random() < 0.6 else None
        texts = series(rng, len(panels), style) if labelled else [""] * len(panels)
        labels: list[tuple[str, Rect] | None] = []
        ruled = rng.random() < 0.05
        shelves = None
        if self.bank and rng.random() < BANKED:
            kinds = DARK if black else GRAPHICS if single and rng.random() < 0.5 else (*PICTURES, *GRAPHICS)
            shelves = self.bank.choose(rng, kinds, single)
        for panel, text in zip(panels, texts, strict=True):
            box, rest = print_label(rng, pen, panel, style, text) if text else ((0, 0, 0, 0), panel)
            if rest[2] - rest[0] < 16 or rest[3] - rest[1] < 16:
                rest = panel
            painter = content.PAINTERS[rng.choice(len(content.PAINTERS), p=weights)]
            if shelves:
                trap = rng.random() if single and not black else 1.0
                if trap < TRAPS:
                    (traps.bands if trap < TRAPS / 2 else traps.facing)(rng, pen, rest)
                else:
                    (fill_units if labelled and rng.random() < UNITS else fill)(rng, pen, rest, shelves)
            elif painter is content.photograph:
                content.photograph(rng, pen, rest, same_photo)
            else:
                painter(rng, pen, rest)
            if ruled:
                pen.draw.rectangle([panel[0], panel[1], panel[2] - 1, panel[3] - 1], outline=(0, 0, 0))
            if text:
                on_photo = rest == panel if shelves else painter in (content.photograph, content.grid)
                ink_label(pen, panel, style, text, box, on_photo)
            labels.append((text, box) if text else None)
        if self.bank and not single:
            decorate(rng, pen, panels, 255 if black else 0)
        return self.finish(rng, pen.image, panels, labels)

    def finish(self, rng: Rng, image: Image.Image, panels: list[Rect], labels: list[tuple[str, Rect] | None]) -> Figure:
        """Margins, a remnant of the page now and then, another resolution, JPEG."""
        if rng.random() < 0.4:
            margin = [int(v) for v in rng.integers(0, 40, 4)]
            if rng.random() < 0.25:
                margin[3] += int(rng.integers(20, 60))
            paper = image.getpixel((0, 0))
            page = Image.new("RGB", (image.width + margin[0] + margin[2], image.height + margin[1] + margin[3]), paper)
            page.paste(image, (margin[0], margin[1]))
            if margin[3] > 25 and rng.random() < 0.6:
                pen = content.Pen(page, self.fonts.draw(rng, False), "", int(rng.integers(9, 16)), [])
                pen.text(
                    (margin[0], page.height - margin[3] + 6),
                    "Figure 1. " + content.phrase(rng, 12),
                    fill=255 if paper == (0, 0, 0) else 0,
                )
            dx, dy = margin[:2]
            panels = [layouts.moved(b, dx, dy) for b in panels]
            labels = [(t[0], layouts.moved(t[1], dx, dy)) if t else None for t in labels]
            image = page
        factor = float(rng.choice([1.0, rng.uniform(0.62, 1.0)]))
        if factor < 1:
            resample = Image.Resampling.BOX if rng.random() < 0.5 else Image.Resampling.BICUBIC
            image = image.resize((round(image.width * factor), round(image.height * factor)), resample)
            panels = [_scaled(b, factor) for b in panels]
            labels = [(t[0], _scaled(t[1], factor)) if t else None for t in labels]
        if rng.random() < 0.6:
            stored = io.BytesIO()
            image.save(stored, "JPEG", quality=int(rng.integers(55, 96)))
            image = Image.open(stored).convert("RGB")
        return Figure(np.asarray(image), tuple(panels), tuple(labels))
