"""Figures of one kind or of several, with the margins, letters and the compression of publishers."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.drawings.canvas import BLACK, WHITE, Paint, Rng, any_colour, chance, phrase, pick, write
from models.drawings.charts import CHARTS
from models.drawings.diagrams import TEXTS, soften
from models.drawings.schemes import SCHEMES
from models.drawings.views import BLOTS, MONTAGES, SCENES, VIEWS
from pmc15m.pictures.kinds import GRAPHICS, PICTURES, ImageKind

PAINTERS: dict[ImageKind, tuple[Paint, ...]] = {
    ImageKind.PHOTO: SCENES,
    ImageKind.RADIOLOGY: VIEWS,
    ImageKind.MICROSCOPY: MONTAGES,
    ImageKind.GEL: BLOTS,
    ImageKind.PLOT: CHARTS,
    ImageKind.DIAGRAM: SCHEMES,
    ImageKind.TABLE_TEXT: TEXTS,
}
# How often a kind is drawn: rarer ones more often than they are published, so that they are learned as well.
SHARES = {
    ImageKind.PHOTO: 0.1,
    ImageKind.RADIOLOGY: 0.13,
    ImageKind.MICROSCOPY: 0.15,
    ImageKind.GEL: 0.06,
    ImageKind.PLOT: 0.22,
    ImageKind.DIAGRAM: 0.17,
    ImageKind.TABLE_TEXT: 0.06,
    ImageKind.MIXED: 0.11,
}
_MIXED_FROM = 0.12  # share of the area from which the rarer family makes a figure mixed


def draw(rng: Rng) -> tuple[Image.Image, ImageKind]:
    """A figure or a panel, and its kind."""
    kind = list(SHARES)[rng.choice(len(SHARES), p=list(SHARES.values()))]
    form = rng.random()
    if kind is ImageKind.MIXED:
        image = _mixed(rng)
    elif form < 0.6:
        image = _single(rng, kind, *_size(rng))
    elif form < 0.85:
        image = _tiles(rng, kind)
    else:
        image = _patchwork(rng, kind)
    return _published(rng, image, kind), kind


def drawing(rng: Rng, painter: Paint, kind: ImageKind, longer: float) -> Image.Image:
    """One picture by one painter, its longer side about so many px."""
    return _painted(rng, painter, kind, *_size(rng, longer))


def _size(rng: Rng, longer: float = 380) -> tuple[int, int]:
    longer, aspect = longer * rng.uniform(0.7, 1.4), float(np.exp(rng.normal(0.15, 0.45)))
    width, height = (longer, longer / aspect) if aspect > 1 else (longer * aspect, longer)
    return max(48, int(width)), max(48, int(height))


def _single(rng: Rng, kind: ImageKind, width: int, height: int) -> Image.Image:
    paint = pick(rng, PAINTERS[kind])
    return _painted(rng, paint, kind, width, height)


def _painted(rng: Rng, paint: Paint, kind: ImageKind, width: int, height: int) -> Image.Image:
    """Drawn at up to the double size: what is reduced has soft edges, as published figures have."""
    factor = rng.choice([1, 1.5, 2]) if 20_000 < width * height < 80_000 else 1
    image = paint(rng, max(40, int(width * factor)), max(40, int(height * factor)))
    image = soften(rng, image) if kind in GRAPHICS else image
    return image.resize((width, height), pick(rng, (Image.Resampling.BOX, Image.Resampling.BICUBIC)))


def _letter(rng: Rng, image: Image.Image, index: int, outside: int) -> None:
    draw, size = ImageDraw.Draw(image), max(9, min(image.size) * rng.uniform(0.06, 0.1))
    letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[index % 26]
    patch = np.asarray(image.crop((0, 0, int(size), int(size))).convert("L"))
    ink = WHITE if not outside and patch.mean() < 110 else BLACK
    write(draw, (2, 1), letter.lower() if chance(rng, 0.3) else letter, size, ink)


def _tiles(rng: Rng, kind: ImageKind) -> Image.Image:
    """Panels of one kind, often of one painter, beside each other."""
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    if columns * rows == 1:
        columns = 2
    width, height = _size(rng, 900 / (columns + rows))
    paint = pick(rng, PAINTERS[kind]) if chance(rng, 0.6) else None
    dark = kind in PICTURES and chance(rng, 0.3)
    gap = int(rng.choice([0, 2, 5, 10])) if kind in PICTURES else int(rng.integers(3, 16))
    head = 14 if chance(rng, 0.25) else 0
    figure = Image.new("RGB", (columns * (width + gap), head + rows * (height + gap)), BLACK if dark else WHITE)
    lettered = chance(rng, 0.6)
    for place in range(columns * rows):
        if chance(rng, 0.03):
            continue
        panel = _painted(rng, paint or pick(rng, PAINTERS[kind]), kind, width, height)
        if lettered:
            _letter(rng, panel, place, outside=kind in GRAPHICS)
        figure.paste(panel, (place % columns * (width + gap), head + place // columns * (height + gap)))
    for column in range(columns) if head else ():
        at = (column * (width + gap) + width / 2, 1)
        write(ImageDraw.Draw(figure), at, phrase(rng, 1), 11, WHITE if dark else BLACK, "ma")
    return figure


def _mixed(rng: Rng) -> Image.Image:
    """Pictures and graphics beside each other, each at least `_MIXED_FROM` of the area."""
    width, height = _size(rng, 460)
    pictures = [kind for kind in PICTURES if chance(rng, 0.5)] or [pick(rng, PICTURES)]
    graphics = [pick(rng, (ImageKind.PLOT, ImageKind.PLOT, ImageKind.PLOT, ImageKind.DIAGRAM, ImageKind.TABLE_TEXT))]
    figure, gap = Image.new("RGB", (width, height), WHITE), int(rng.integers(2, 12))
    for _ in range(6):
        cells = _cells(rng, (0, 0, width, height), int(rng.integers(1, 4)))
        picked = [bool(rng.integers(2)) for _ in cells]
        areas = [(x1 - x0) * (y1 - y0) / width / height for x0, y0, x1, y1 in cells]
        share = sum(area for area, chosen in zip(areas, picked, strict=True) if chosen)
        if _MIXED_FROM < share < 1 - _MIXED_FROM:
            break
    else:
        cells, picked = _cells(rng, (0, 0, width, height), 1), [True, False]
    for index, (x0, y0, x1, y1) in enumerate(cells):
        kind = pick(rng, pictures) if picked[index] else pick(rng, graphics)
        panel = _single(rng, kind, max(24, x1 - x0 - gap), max(24, y1 - y0 - gap))
        if chance(rng, 0.5):
            _letter(rng, panel, index, outside=kind in GRAPHICS)
        figure.paste(panel, (x0, y0))
    return figure


def _patchwork(rng: Rng, kind: ImageKind) -> Image.Image:
    """Panels of one kind and of many sizes; among graphics now and then a small one of another kind."""
    width, height = _size(rng, 520)
    figure, gap = Image.new("RGB", (width, height), WHITE), int(rng.integers(2, 14))
    cells = sorted(
        _cells(rng, (0, 0, width, height), int(rng.integers(1, 4))), key=lambda c: (c[2] - c[0]) * (c[3] - c[1])
    )
    others = [other for other in GRAPHICS if other is not kind]
    for index, (x0, y0, x1, y1) in enumerate(cells):
        stray = index == 0 and len(cells) > 3 and kind in GRAPHICS and chance(rng, 0.5)
        panel = _single(rng, pick(rng, others) if stray else kind, max(24, x1 - x0 - gap), max(24, y1 - y0 - gap))
        if chance(rng, 0.5):
            _letter(rng, panel, index, outside=kind in GRAPHICS)
        figure.paste(panel, (x0, y0))
    return figure


def _cells(rng: Rng, box: tuple[int, int, int, int], depth: int) -> list[tuple[int, int, int, int]]:
    """A box cut in two, `depth` times over, by lines at random."""
    x0, y0, x1, y1 = box
    if depth == 0 or min(x1 - x0, y1 - y0) < 60:
        return [box]
    share = rng.uniform(0.3, 0.7)
    if (x1 - x0) * rng.uniform(0.6, 1.6) > y1 - y0:
        cut = int(x0 + share * (x1 - x0))
        parts = ((x0, y0, cut, y1), (cut, y0, x1, y1))
    else:
        cut = int(y0 + share * (y1 - y0))
        parts = ((x0, y0, x1, cut), (x0, cut, x1, y1))
    return [cell for part in parts for cell in _cells(rng, part, depth - 1)]


def _published(rng: Rng, image: Image.Image, kind: ImageKind) -> Image.Image:
    """Margins or cropped edges, words of the page, another size, grey, JPEG."""
    if chance(rng, 0.35):
        left, top, right, bottom = (int(value) for value in rng.integers(0, 26, 4))
        paper = WHITE if chance(rng, 0.93) else any_colour(rng, 200)
        page = Image.new("RGB", (image.width + left + right, image.height + top + bottom), paper)
        page.paste(image, (left, top))
        if bottom > 12 and chance(rng, 0.4):
            write(ImageDraw.Draw(page), (page.width / 2, page.height - bottom + 1), phrase(rng, 3), 10, anchor="ma")
        image = page
    elif chance(rng, 0.3):
        x, y = image.width * rng.uniform(0, 0.08), image.height * rng.uniform(0, 0.08)
        image = image.crop((int(x), int(y), image.width - int(y), image.height - int(x)))
    if chance(rng, 0.3):
        scale = rng.uniform(0.5, 1)
        image = image.resize(
            (max(32, int(image.width * scale)), max(32, int(image.height * scale))), Image.Resampling.BICUBIC
        )
    if kind in PICTURES and chance(rng, 0.25):
        contrast, lift = rng.uniform(0.5, 1.3), rng.uniform(-25, 25)
        pixels = (np.asarray(image, np.float32) - 128) * contrast + 128 + lift
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if chance(rng, 0.05):
        image = image.filter(ImageFilter.SHARPEN)
    if chance(rng, 0.25 if kind in GRAPHICS or kind is ImageKind.PHOTO else 0.08):
        image = image.convert("L").convert("RGB")
    if chance(rng, 0.7):
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=int(rng.integers(35, 97)))
        image = Image.open(stored).convert("RGB")
    return image
