"""Procedural content of one panel: photographs, plots, gels, diagrams, tables. Nothing is taken from real figures.

Every painter is `paint(rng, pen, box)`, draws inside `box` = (x0, y0, x1, y1) of `pen.image` and leaves the rest alone.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from models.panels.fonts import font

Rng = np.random.Generator
Rect = tuple[int, int, int, int]
WORDS = """
    control treated vehicle WT KO siRNA Mock time days hours dose relative expression cells protein mRNA level fold
    change p value survival percent CD4 CD8 GFP DAPI merge actin tumor volume weight group A B C N T patient score ROC
    sensitivity specificity density intensity energy frequency wavelength nm mg kg ml min count number of rate input
    output signal model baseline day 0 7 14 GAPDH IL-6 TNF alpha beta Ctrl LPS Veh Sham left right anterior posterior
""".split()  # noqa: SIM905


@dataclass
class Pen:
    """The canvas of a figure and the look that its panels share."""

    image: Image.Image
    face: str
    bold: str
    size: int  # px per em of ordinary text
    colours: list[tuple[int, int, int]]
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.image)

    def text(
        self, at: tuple[float, float], words: str, *, size: int = 0, fill: int | tuple[int, ...] = 0, anchor: str = "lt"
    ) -> None:
        ink = (fill, fill, fill) if isinstance(fill, int) else fill
        self.draw.text(at, words, font=font(self.face, size or self.size), fill=ink, anchor=anchor)

    def upright(self, box: Rect, words: str) -> None:
        """Text turned by 90 degrees, centred in the box."""
        x0, y0, x1, y1 = box
        if x1 - x0 < 6 or y1 - y0 < 12:
            return
        strip = Image.new("RGB", (y1 - y0, x1 - x0), self.image.getpixel((x0, y0)))
        ImageDraw.Draw(strip).text(
            ((y1 - y0) / 2, (x1 - x0) / 2), words, font=font(self.face, self.size), fill=0, anchor="mm"
        )
        self.image.paste(strip.transpose(Image.Transpose.ROTATE_90), (x0, y0))


def phrase(rng: Rng, most: int = 3) -> str:
    return " ".join(WORDS[i] for i in rng.integers(len(WORDS), size=rng.integers(1, most + 1)))


def number(rng: Rng) -> str:
    style = rng.integers(4)
    return str(
        rng.integers(0, 200) * 10 if style == 0 else rng.integers(0, 10) if style < 3 else round(rng.random(), 1)
    )


def noise(rng: Rng, width: int, height: int, octaves: int = 4, roughness: float = 0.6) -> np.ndarray:
    """float32 (height, width) in 0..1: summed value noise, coarse to fine."""
    total = np.zeros((height, width), np.float32)
    n, weight = int(rng.integers(2, 6)), 1.0
    for _ in range(octaves):
        grid = rng.random((max(2, n * height // max(width, 1) + 1), n), np.float32)
        total += weight * np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BILINEAR))
        n, weight = min(n * 3, max(4, width // 2)), weight * roughness
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def photograph(rng: Rng, pen: Pen, box: Rect, kind: int | None = None) -> None:
    """Histology, fluorescence, electron micrograph, scan, gel or a coloured field, to the very edge of the box."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    if w < 4 or h < 4:
        return
    kind = int(rng.integers(7)) if kind is None else kind
    field_ = noise(rng, w, h, int(rng.integers(3, 6)), float(rng.uniform(0.4, 0.95)))[..., None]
    if kind == 0:  # stained tissue
        ends = np.array([[240, 225, 238], [160, 60, 140]]) + rng.integers(-30, 15, (2, 3))
        pixels = ends[0] * (1 - field_) + ends[1] * field_
    elif kind == 1:  # fluorescence on black
        hue = np.array([[20, 255, 40], [255, 30, 30], [60, 80, 255], [230, 230, 230], [200, 60, 220]])[rng.integers(5)]
        pixels = hue * np.clip(field_ * 2.2 - rng.uniform(0.8, 1.5), 0, 1)
    elif kind == 2:  # electron micrograph
        grain = rng.normal(0, 12, (h, w, 1))
        pixels = np.repeat(rng.uniform(30, 90) + field_ * rng.uniform(80, 160) + grain, 3, 2)
    elif kind == 3:  # radiograph or slice on black
        yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        body = (xx / rng.uniform(0.6, 1.1)) ** 2 + (yy / rng.uniform(0.6, 1.1)) ** 2 < 0.8
        pixels = np.repeat((body * (60 + 150 * field_[..., 0]))[..., None], 3, 2)
    elif kind == 4:  # any two colours, smooth
        ends = rng.integers(0, 256, (2, 3))
        pixels = ends[0] * (1 - field_) + ends[1] * field_
    elif kind == 5:  # bright photograph with shade
        pixels = np.repeat(120 + 130 * field_, 3, 2) * rng.uniform(0.8, 1, 3)
    else:  # heat map of blocks
        n, m = rng.integers(3, 14, 2)
        table = np.array([[0, 0, 160], [240, 240, 240], [180, 0, 0]])[
            np.clip((rng.random((n, m)) * 3).astype(int), 0, 2)
        ] * rng.uniform(0.6, 1, (n, m, 1))
        pixels = np.asarray(
            Image.fromarray(table.clip(0, 255).astype(np.uint8)).resize((w, h), Image.Resampling.NEAREST)
        )
    pen.image.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), (x0, y0))
    ink = (255, 255, 255) if kind in (1, 2, 3) or rng.random() < 0.3 else (0, 0, 0)
    for _ in range(int(rng.integers(0, 12)) if kind in (0, 1, 2, 5) else 0):
        r, cx, cy = rng.uniform(0.01, 0.07) * max(w, h), rng.integers(x0, x1), rng.integers(y0, y1)
        spot = tuple(int(v) for v in rng.integers(0, 256, 3))
        oval = [max(x0, cx - r), max(y0, cy - r), min(x1 - 1, cx + r), min(y1 - 1, cy + r * rng.uniform(0.5, 1))]
        if oval[2] > oval[0] and oval[3] > oval[1]:
            pen.draw.ellipse(oval, fill=spot)
    if rng.random() < 0.5:  # scale bar
        length = int(w * rng.uniform(0.1, 0.3))
        pen.draw.rectangle([x1 - length - 6, y1 - 8, x1 - 6, y1 - 6], fill=ink)
        if rng.random() < 0.5 and w > 90:
            pen.text((x1 - 6, y1 - 10), f"{rng.integers(1, 20) * 10} µm", fill=ink, anchor="rb")
    if rng.random() < 0.25 and w > 60:
        pen.text((x0 + w * rng.uniform(0.1, 0.5), y0 + h * rng.uniform(0.05, 0.8)), phrase(rng, 1), fill=ink)
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.3 else 0):
        left, top = int(rng.uniform(x0, max(x0 + 1, x1 - 12))), int(rng.uniform(y0, max(y0 + 1, y1 - 12)))
        pen.draw.line([left, top, left + 10, top + 8], fill=ink, width=2)


def axes(rng: Rng, pen: Pen, box: Rect) -> Rect | None:
    """Axes with ticks, numbers, titles and perhaps a heading; the inner rectangle, or None in too small a box."""
    x0, y0, x1, y1 = box
    s = pen.size
    left = x0 + int(s * rng.uniform(1.5, 4.2))
    bottom = y1 - int(s * rng.uniform(1.4, 3.2))
    top = y0 + (int(s * 1.5) if rng.random() < 0.45 else int(s * 0.4))
    right = x1 - int(s * rng.uniform(0.2, 1.5))
    if right - left < 14 or bottom - top < 14:
        return None
    width = int(rng.integers(1, 3))
    if rng.random() < 0.35:
        pen.draw.rectangle([left, top, right, bottom], outline=(0, 0, 0), width=width)
    else:
        pen.draw.line([left, top, left, bottom, right, bottom], fill=(0, 0, 0), width=width)
    for i in range(n := int(rng.integers(2, 8))):
        y = bottom - (bottom - top) * i // n
        pen.draw.line([left - 4, y, left, y], fill=(0, 0, 0))
        if left - x0 > 1.4 * s:
            pen.text((left - 5, y), number(rng), size=max(6, int(s * 0.85)), anchor="rm")
    if rng.random() < 0.3:
        for i in range(n):
            y = bottom - (bottom - top) * i // n
            pen.draw.line([left, y, right, y], fill=(215, 215, 215))
    words = rng.random() < 0.5
    for i in range(n := int(rng.integers(2, 8))):
        x = left + (right - left) * (2 * i + 1) // (2 * n)
        pen.draw.line([x, bottom, x, bottom + 4], fill=(0, 0, 0))
        pen.text((x, bottom + 5), phrase(rng, 1)[:6] if words else number(rng), size=max(6, int(s * 0.85)), anchor="mt")
    if left - x0 > 2.6 * s:
        pen.upright((x0, top, x0 + int(1.2 * s), bottom), phrase(rng))
    if y1 - bottom > 2.3 * s:
        pen.text(((left + right) / 2, y1), phrase(rng), anchor="mb")
    if top - y0 > s:
        pen.text(((left + right) / 2, y0), phrase(rng), anchor="mt")
    return left + 2, top + 1, right - 1, bottom - 1


def plot(rng: Rng, pen: Pen, box: Rect) -> None:
    """Lines, bars, points, boxes, steps or a filled map in axes, perhaps with a legend."""
    inner = axes(rng, pen, box)
    if inner is None:
        photograph(rng, pen, box)
        return
    x0, y0, x1, y1 = inner
    w, h = x1 - x0, y1 - y0
    kind, n = int(rng.integers(7)), int(rng.integers(1, 5))

    def colour() -> tuple[int, int, int]:
        return pen.colours[rng.integers(len(pen.colours))]

    if kind == 0:
        for _ in range(n):
            xs = np.linspace(x0, x1, int(rng.integers(4, 60)))
            ys = y0 + h * noise(rng, len(xs), 2)[0]
            pen.draw.line(
                [v for p in zip(xs, ys, strict=True) for v in p], fill=colour(), width=int(rng.integers(1, 4))
            )
    elif kind == 1:
        bars = int(rng.integers(2, 14))
        gap = rng.uniform(0.1, 0.6)
        fills = [colour() for _ in range(min(n, 3))]
        for i in range(bars):
            a, b, t = x0 + w * (i + gap / 2) / bars, x0 + w * (i + 1 - gap / 2) / bars, y1 - h * rng.uniform(0.05, 0.85)
            pen.draw.rectangle([a, t, max(a + 1, b), y1], fill=fills[i % len(fills)], outline=(0, 0, 0))
            pen.draw.line([(a + b) / 2, t - h * 0.06, (a + b) / 2, t], fill=(0, 0, 0))
            if rng.random() < 0.2:
                pen.text(((a + b) / 2, t - h * 0.07), "*ab"[rng.integers(3)], anchor="mb")
    elif kind == 2:
        r, points = int(rng.integers(1, 4)), int(rng.integers(10, 150))
        for px, py in zip(x0 + w * rng.random(points), y0 + h * rng.random(points), strict=True):
            pen.draw.ellipse([px - r, py - r, px + r, py + r], fill=colour())
    elif kind == 3:
        for i in range(m := int(rng.integers(2, 8))):
            c, half, q = x0 + w * (i + 0.5) / m, w * 0.25 / m, np.sort(y0 + h * rng.random(5))
            pen.draw.line([c, q[0], c, q[4]], fill=(0, 0, 0))
            pen.draw.rectangle([c - half, q[1], max(c + half, c - half + 1), q[3]], fill=colour(), outline=(0, 0, 0))
            pen.draw.line([c - half, q[2], c + half, q[2]], fill=(0, 0, 0))
    elif kind == 4:
        for _ in range(n):
            xs, ys = np.sort(rng.random(12)), np.sort(rng.random(12))
            path = [v for a, b in zip(xs, ys, strict=True) for v in (x0 + w * a, y0 + h * b)]
            pen.draw.line(path, fill=colour(), width=2)
    elif kind == 5:
        photograph(rng, pen, inner, kind=int(rng.choice([4, 6])))
    else:
        for _ in range(n):
            xs = np.linspace(x0, x1, 30)
            ys = y1 - h * 0.9 * np.exp(-(((np.arange(30) - rng.uniform(5, 25)) / rng.uniform(1, 8)) ** 2))
            pen.draw.polygon([x0, y1, *[v for p in zip(xs, ys, strict=True) for v in p], x1, y1], outline=colour())
    if rng.random() < 0.4 and w > 5 * pen.size and h > 3 * pen.size:
        lx, ly = x0 + w * rng.uniform(0.05, 0.6), y0 + h * rng.uniform(0, 0.3)
        for i in range(n):
            pen.draw.rectangle(
                [lx, ly + i * pen.size * 1.2, lx + pen.size, ly + i * pen.size * 1.2 + pen.size // 2], fill=colour()
            )
            pen.text((lx + 1.3 * pen.size, ly + i * pen.size * 1.2), phrase(rng, 1), size=max(6, int(pen.size * 0.85)))


def gel(rng: Rng, pen: Pen, box: Rect) -> None:
    """Strips of bands, one protein a strip: white gaps inside ONE panel."""
    x0, y0, x1, y1 = box
    strips, lanes = int(rng.integers(1, 6)), int(rng.integers(2, 10))
    names = rng.random() < 0.8
    left = x0 + (int(pen.size * rng.uniform(2, 4)) if names else 0)
    top = y0 + (int(pen.size * 1.6) if rng.random() < 0.7 else 0)
    if left + 20 > x1 or top + 12 > y1:
        photograph(rng, pen, box)
        return
    if top > y0:
        for i in range(lanes):
            pen.text((left + (x1 - left) * (2 * i + 1) / (2 * lanes), top - 3), "+-"[rng.integers(2)], anchor="mb")
    gap, paper, bands = int(rng.integers(2, 10)), int(rng.integers(170, 235)), int(rng.integers(10, 90))
    step = (y1 - top) / strips
    for s in range(strips):
        a, b = int(top + s * step), int(top + (s + 1) * step) - gap
        if b - a < 4:
            continue
        pen.draw.rectangle([left, a, x1 - 1, b], fill=(paper,) * 3, outline=(0, 0, 0) if rng.random() < 0.4 else None)
        for i in range(lanes):
            c, half = left + (x1 - left) * (2 * i + 1) / (2 * lanes), (x1 - left) * 0.35 / lanes
            thick = min((b - a) * rng.uniform(0.1, 0.35), 9)
            middle = (a + b) / 2
            if rng.random() < 0.8:
                pen.draw.ellipse([c - half, middle - thick, c + half, middle + thick], fill=(bands,) * 3)
        if names:
            pen.text((left - 4, (a + b) / 2), phrase(rng, 1)[:6], anchor="rm")


def diagram(rng: Rng, pen: Pen, box: Rect) -> None:
    """Boxes with words and arrows between them, or a network, or a tree: wide white lanes that cut nothing."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    n, m = (int(v) for v in rng.integers(1, 7, 2))
    if n * m < 4:
        n, m = n + 1, m + 1
    centres = [(x0 + w * (i + 0.5) / n, y0 + h * (j + 0.5) / m) for j in range(m) for i in range(n)]
    half_w, half_h = w * rng.uniform(0.2, 0.42) / n, min(h * rng.uniform(0.15, 0.4) / m, 3 * pen.size)
    for _ in range(len(centres) + 1):
        a, b = (centres[i] for i in rng.integers(len(centres), size=2))
        pen.draw.line([a, (a[0], b[1]), b], fill=(0, 0, 0), width=int(rng.integers(1, 3)))
    outline, shape = rng.random() < 0.7, rng.random()
    for cx, cy in centres:
        fill = pen.colours[rng.integers(len(pen.colours))] if rng.random() < 0.6 else (255, 255, 255)
        corner = [cx - half_w, cy - half_h, cx + half_w, cy + half_h]
        edge = (0, 0, 0) if outline else None
        if shape < 0.6:
            pen.draw.rectangle(corner, fill=fill, outline=edge)
        else:
            pen.draw.ellipse(corner, fill=fill, outline=edge)
        word = phrase(rng, 2)[: max(1, int(2 * half_w / (0.6 * pen.size)))]
        pen.text((cx, cy), word, anchor="mm", fill=0 if sum(fill) > 300 else 255)


def words(rng: Rng, pen: Pen, box: Rect) -> None:
    """Rows of text: a table, an alignment, a legend."""
    x0, y0, x1, y1 = box
    columns = int(rng.integers(1, 6))
    step = int(pen.size * rng.uniform(1.2, 2.2))
    width = (x1 - x0) / columns
    ruled = rng.random() < 0.5
    for y in range(y0, y1 - step, step):
        for c in range(columns):
            chars = max(1, int((width - 6) / (0.62 * pen.size)))
            pen.text((x0 + c * width + 2, y), phrase(rng, 4)[:chars])
        if ruled and rng.random() < 0.5:
            pen.draw.line([x0, y + step - 2, x1, y + step - 2], fill=(0, 0, 0))


def pie(rng: Rng, pen: Pen, box: Rect) -> None:
    """A pie, ring or radial chart with a legend."""
    x0, y0, x1, y1 = box
    r = min(x1 - x0, y1 - y0) / 2 - 2
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    if r < 8:
        photograph(rng, pen, box)
        return
    angles = np.sort(rng.uniform(0, 360, int(rng.integers(2, 7))))
    for a, b in zip(angles, np.roll(angles, -1), strict=True):
        end = b if b > a else b + 360
        pen.draw.pieslice(
            [cx - r, cy - r, cx + r, cy + r], a, end, fill=pen.colours[rng.integers(len(pen.colours))], outline=0
        )
    if rng.random() < 0.3:
        pen.draw.ellipse([cx - r / 2, cy - r / 2, cx + r / 2, cy + r / 2], fill=(255, 255, 255))
    pen.text((cx, cy - r * 0.5), number(rng), anchor="mm")


def grid(rng: Rng, pen: Pen, box: Rect) -> None:
    """Several units of one kind that share ONE label: tiles of photographs, or a group of small plots."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    n, m = max(1, min(5, round(rng.uniform(1, 4) * w / max(h, 1)))), int(rng.integers(1, 4))
    if n * m == 1:
        n = 2
    painter = [photograph, photograph, plot, gel][rng.integers(4)]
    gap = int(rng.choice([0, 1, 2, 3, 4, 8])) if painter is photograph else int(rng.integers(2, 12))
    head = int(pen.size * 1.4) if rng.random() < 0.6 else 0
    kind = int(rng.integers(7))
    for i in range(n):
        a, b = x0 + w * i // n, x0 + w * (i + 1) // n - gap
        if head:
            pen.text(((a + b) / 2, y0), phrase(rng, 1), anchor="mt")
        for j in range(m):
            cell = (a, y0 + head + (h - head) * j // m, b, y0 + head + (h - head) * (j + 1) // m - gap)
            if cell[2] - cell[0] < 12 or cell[3] - cell[1] < 12:
                continue
            if painter is photograph:
                photograph(rng, pen, cell, kind)
            else:
                painter(rng, pen, cell)


PAINTERS = (photograph, plot, gel, diagram, words, pie, grid)
USUAL = np.array([0.3, 0.38, 0.07, 0.09, 0.02, 0.03, 0.11])
HARD = np.array([0.02, 0.28, 0.1, 0.28, 0.08, 0.04, 0.2])  # single figures that a cutter loves to cut


def paint(rng: Rng, pen: Pen, box: Rect, weights: np.ndarray) -> str:
    """One panel's content of a kind drawn by weight; the name of the kind."""
    painter = PAINTERS[rng.choice(len(PAINTERS), p=weights)]
    painter(rng, pen, box)
    return painter.__name__
