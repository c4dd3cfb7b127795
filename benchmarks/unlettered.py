"""Drawn figures without printed letters, with their panels: a check that no published figure has a part in.

    python -m benchmarks.unlettered DIR [--figures 240] [--seed 61]

Writes DIR/panels.json and DIR/images for `benchmarks.separation` and `score_panels.py`. Three of five figures are
compound: mosaics of pictures with and without gutters, scans on black, things on one ground, grids, rows and strips of
plots with and without axes of their own, blocks in a row, pictures beside plots, maps. The rest are single: schemes,
tables, structures, plots with keys and insets, maps, pictures. Layouts are drawn at random, and no network has learned
from them; what fills them is by the painters of `models.drawings`.
"""

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from models.drawings import diagrams, micrographs, photos, plots, scans
from models.drawings.canvas import (
    BLACK,
    WHITE,
    Colour,
    Paint,
    Rng,
    any_colour,
    arrow,
    blob,
    chance,
    coloured,
    fractal,
    number,
    palette,
    phrase,
    pick,
    picture,
    write,
    write_upright,
)

Box = tuple[int, int, int, int]
Figure = tuple[Image.Image, list[Box]]
PICTURES: tuple[Paint, ...] = (*photos.PHOTOS, micrographs.section, micrographs.fluorescence, micrographs.scanning)
SCHEMES: tuple[Paint, ...] = (
    *(diagrams.flow_chart, diagrams.network, diagrams.pathway, diagrams.sketch, diagrams.apparatus, diagrams.tree),
    *(diagrams.gene, diagrams.venn, diagrams.table, diagrams.molecule, diagrams.alignment),
)
PLACES = ("left", "right", "top", "bottom", "upper panel", "lower panel")


def ends(rng: Rng, start: int, end: int, parts: int, gap: int, uneven: bool) -> list[tuple[int, int]]:
    """So many stretches of a line, a gap apart."""
    shares = rng.uniform(0.6, 1.4, parts) if uneven else np.ones(parts)
    free = end - start - gap * (parts - 1)
    to = np.round(np.cumsum(shares) / shares.sum() * free).astype(int)
    return [
        (start + int(a) + i * gap, start + int(b) + i * gap)
        for i, (a, b) in enumerate(zip([0, *to[:-1]], to, strict=True))
    ]


def cells(rng: Rng, box: Box, gap: int, most: int = 5, uneven: float = 0.3) -> list[Box]:
    """Rows of pictures in a box: one raster, or rows that are cut each in its own way."""
    width, height = box[2] - box[0], box[3] - box[1]
    while True:
        rows, columns = int(rng.integers(1, most)), int(rng.integers(1, most + 1))
        if rows * columns > 1 and 0.5 < width / columns / (height / rows) < 2.2:
            break
    odd = chance(rng, uneven)
    lines = ends(rng, box[1], box[3], rows, gap, odd)
    raster = ends(rng, box[0], box[2], columns, gap, odd)
    free = odd and columns > 1 and chance(rng, 0.5)
    out = []
    for y0, y1 in lines:
        across = ends(rng, box[0], box[2], int(rng.integers(2, columns + 2)), gap, True) if free else raster
        out += [(x0, y0, x1, y1) for x0, x1 in across]
    return out


def page(rng: Rng, most: int = 1000, shade: Colour = WHITE) -> Image.Image:
    width = int(rng.integers(520, most))
    return Image.new("RGB", (width, int(width * rng.uniform(0.45, 1.2))), shade)


def paste(rng: Rng, image: Image.Image, box: Box, paint: Paint) -> None:
    image.paste(
        paint(rng, max(40, box[2] - box[0]), max(40, box[3] - box[1]))
        .convert("RGB")
        .resize((box[2] - box[0], box[3] - box[1])),
        box[:2],
    )


def mosaic(rng: Rng) -> Figure:
    """Pictures side by side, touching or a few pixels apart, with headings and margins now and then."""
    gap = int(rng.choice([0, 0, 0, 1, 2, 3, 6, 12]))
    image = page(rng, shade=pick(rng, (WHITE, WHITE, WHITE, BLACK, (200, 200, 200))) if gap else WHITE)
    margin = int(rng.integers(0, 30)) if chance(rng, 0.4) else 0
    head = 26 if gap and chance(rng, 0.3) else 0
    box = (margin, margin + head, image.width - margin, image.height - margin)
    paint, boxes = pick(rng, PICTURES), cells(rng, box, gap)
    for x0, y0, x1, y1 in boxes:
        paste(rng, image, (x0, y0, x1, y1), paint if chance(rng, 0.8) else pick(rng, PICTURES))
        if chance(rng, 0.3):
            ImageDraw.Draw(image).rectangle((x1 - 50, y1 - 12, x1 - 10, y1 - 9), fill=pick(rng, (WHITE, BLACK)))
        if head and y0 == box[1]:
            write(ImageDraw.Draw(image), ((x0 + x1) / 2, 6 + margin), phrase(rng, 1), 15, anchor="ma")
    return image, boxes


def scans_on_black(rng: Rng) -> Figure:
    """Slices of one examination, often without a gutter between them, with words in their corners."""
    gap = int(rng.choice([0, 0, 2, 4, 8]))
    image = page(rng, shade=BLACK if gap else WHITE)
    paint = pick(
        rng, (scans.axial, scans.axial, scans.brain, scans.brain, scans.micro_ct, scans.radiograph, scans.nuclear)
    )
    boxes = cells(rng, (0, 0, image.width, image.height), gap, most=4)
    for box in boxes:
        paste(rng, image, box, paint)
    return image, boxes


def on_one_ground(rng: Rng) -> Figure:
    """Things on grounds that are nearly alike and nearly the page's, photographed one by one and set edge to edge."""
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(2, 7))
    side = int(rng.integers(110, 200))
    ground, spread = int(rng.integers(150, 242)), int(rng.integers(4, 14))
    image = Image.new("RGB", (columns * side, rows * side), WHITE)
    boxes = []
    ink = any_colour(rng, 20, 130)
    for row in range(rows):
        for column in range(columns):
            shade = np.clip(ground + rng.integers(-spread, spread + 1, 3), 0, 250)
            card = np.full((side, side, 3), shade, np.float32) + rng.normal(0, rng.uniform(0, 2.5), (side, side, 1))
            tile = picture(card)
            draw = ImageDraw.Draw(tile)
            for _ in range(int(rng.integers(1, 5))):
                middle = rng.uniform(0.3, 0.7, 2) * side
                draw.polygon(blob(rng, (middle[0], middle[1]), tuple(rng.uniform(0.1, 0.3, 2) * side), 0.4), fill=ink)
            if chance(rng, 0.5):
                draw.line((side / 2, 4, side / 2, side - 4), fill=ink, width=3)
            image.paste(tile, (column * side, row * side))
            boxes.append((column * side, row * side, column * side + side, row * side + side))
    return image, boxes


def inside(rng: Rng, image: Image.Image, box: Box, kind: int, colours: list[Colour]) -> None:
    """What a plot shows between its axes."""
    x0, y0, x1, y1 = box
    draw, width, height = ImageDraw.Draw(image), x1 - x0, y1 - y0
    if kind == 0:
        for colour in colours[: int(rng.integers(1, 4))]:
            line = np.cumsum(rng.normal(0, 1, 50))
            line = (line - line.min()) / (np.ptp(line) + 1e-6) * 0.85 + 0.07
            draw.line([(x0 + 2 + (width - 4) * i / 49, y1 - v * height) for i, v in enumerate(line)], colour, 2)
    elif kind == 1:
        for u, v in rng.beta(2, 2, (int(rng.integers(20, 120)), 2)):
            x, y = x0 + u * width, y0 + v * height
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=pick(rng, colours))
    elif kind == 2:
        bars = int(rng.integers(2, 8))
        for i in range(bars):
            top = y1 - rng.uniform(0.1, 0.9) * height
            left = x0 + (i + 0.2) * width / bars
            draw.rectangle((left, top, left + 0.6 * width / bars, y1), colours[i % len(colours)], BLACK)
    elif kind == 3:
        plane = coloured(fractal(rng, max(width - 2, 4), max(height - 2, 4)), pick(rng, plots.SCALES))
        image.paste(picture(plane), (x0 + 1, y0 + 1))
    else:
        xs = np.linspace(0, 1, 120)
        curve = np.zeros_like(xs)
        for _ in range(4):
            curve += rng.uniform(0.2, 0.9) * np.exp(-(((xs - rng.uniform()) / rng.uniform(0.01, 0.08)) ** 2))
        points = [(x0 + 1 + u * (width - 2), y1 - 1 - v / 1.8 * height) for u, v in zip(xs, curve, strict=True)]
        draw.polygon([(x0 + 1, y1 - 1), *points, (x1 - 1, y1 - 1)], fill=colours[0], outline=BLACK)


def raster_of_plots(rng: Rng, rows: int, columns: int, size: tuple[int, int], shared: bool) -> Figure:
    """Plots in rows and columns. `shared`: numbers stand on the outer axes alone, and little lies between frames."""
    letter = int(rng.integers(9, 14))
    left, below = 3 * letter, 2 * letter
    title = chance(rng, 0.5)
    head = letter + 6 if title else 0
    framed = shared or chance(rng, 0.5)
    gap = int(rng.choice([0, 2, 5, 9, 14])) if shared else int(rng.integers(2, 14))
    step = (size[0] + gap, size[1] + gap + head) if shared else (size[0] + left + gap, size[1] + below + head + gap)
    outer_x, outer_y = chance(rng, 0.5), chance(rng, 0.5)
    x_start, y_start = left + 4 + (30 if outer_y else 0), head + 4
    width = x_start + columns * step[0] + 10
    height = y_start + rows * step[1] + (below if shared else 0) + (30 if outer_x else 0) + 4
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    kind, colours, mixed = int(rng.integers(5)), palette(rng), chance(rng, 0.25)
    ticks, ink, rule = int(rng.integers(2, 6)), int(rng.integers(1, 3)), chance(rng, 0.2)
    boxes = []
    for row in range(rows):
        for column in range(columns):
            x0, y0 = x_start + column * step[0], y_start + row * step[1]
            x1, y1 = x0 + size[0], y0 + size[1]
            if rule:
                draw.rectangle((x0, y0, x1, y1), (235, 235, 235))
            inside(rng, image, (x0, y0, x1, y1), int(rng.integers(5)) if mixed else kind, colours)
            if framed:
                draw.rectangle((x0, y0, x1, y1), outline=BLACK, width=ink)
            else:
                draw.line((x0, y0, x0, y1, x1, y1), BLACK, ink)
            own = [x0, y0 - head, x1 + 1, y1 + 1]
            if title:
                write(draw, ((x0 + x1) / 2, y0 - head + 1), phrase(rng, 2), letter, anchor="ma")
            if not shared or column == 0:
                own[0] = x0 - 5 - 2 * letter
                for tick in range(ticks + 1):
                    y = y1 - (y1 - y0) * tick / ticks
                    draw.line((x0 - 4, y, x0, y), BLACK)
                    write(draw, (x0 - 6, y), number(rng)[:3], letter, anchor="rm")
            if not shared or row == rows - 1:
                own[3] = y1 + 5 + letter
                for tick in range(ticks + 1):
                    x = x0 + (x1 - x0) * tick / ticks
                    draw.line((x, y1, x, y1 + 4), BLACK)
                    write(draw, (x, y1 + 5), number(rng)[:3], letter, anchor="ma")
            boxes.append((max(0, own[0]), max(0, own[1]), min(width, own[2]), min(height, own[3])))
    if outer_x:
        write(draw, (width / 2, height - 6), phrase(rng, 3), letter + 5, anchor="md")
    if outer_y:
        write_upright(image, (14, height / 2), phrase(rng, 3), letter + 5)
    if chance(rng, 0.15) and rows > 1:
        for row in range(rows):
            write(draw, (2, y_start + row * step[1] - head), f"{phrase(rng, 1)} {row + 1}", letter)
    return image, boxes


def plots_apart(rng: Rng) -> Figure:
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    columns = 2 if rows * columns == 1 else columns
    return raster_of_plots(rng, rows, columns, (int(rng.integers(110, 280)), int(rng.integers(90, 220))), False)


def plots_that_share_axes(rng: Rng) -> Figure:
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    return raster_of_plots(rng, rows, columns, (int(rng.integers(100, 200)), int(rng.integers(90, 190))), True)


def strips(rng: Rng) -> Figure:
    """Long plots or pictures under each other on one line of time or depth."""
    count = int(rng.integers(2, 7))
    if chance(rng, 0.6):
        return raster_of_plots(rng, count, 1, (int(rng.integers(420, 700)), int(rng.integers(70, 150))), True)
    width, height = int(rng.integers(320, 620)), int(rng.integers(90, 240))
    gap, named = int(rng.integers(8, 40)), chance(rng, 0.7)
    gap += 22 if named else 0
    lined = chance(rng, 0.7)
    left = 90 if lined else 10
    image = Image.new("RGB", (left + width + 12, 30 + count * (height + gap)), WHITE)
    draw = ImageDraw.Draw(image)
    boxes = []
    kind = pick(rng, (micrographs.gel, micrographs.transmission, scans.ultrasound, photos.skin))
    ribs = chance(rng, 0.5)
    for k in range(count):
        y = 26 + k * (height + gap)
        if ribs:
            line = np.repeat((255 * (rng.random((1, width)) > rng.uniform(0.3, 0.6))).astype(np.uint8), height, 0)
            line = np.where(rng.random((height, width)) < 0.04, 255 - line, line)
            image.paste(Image.fromarray(line), (left, y))
        else:
            paste(rng, image, (left, y, left + width, y + height), kind)
        if named:
            write(draw, (left + 4, y - 20), phrase(rng, 3), 15)
        if lined:
            write(draw, (3, y), f"{number(rng)} m", 14)
            draw.line((40, y + 9, 56, y + 9), BLACK, 4)
        boxes.append((left, y - (20 if named else 0), left + width, y + height))
    if lined:
        draw.line((47, 12, 47, image.height - 12), BLACK, 4)
    return image, boxes


def block(rng: Rng, draw: ImageDraw.ImageDraw, box: Box, colours: list[Colour]) -> None:
    """A solid seen from a corner, in layers."""
    x0, y0, x1, y1 = box
    xm, layers = (x0 + x1) / 2, int(rng.integers(2, 6))
    skew = (y1 - y0) * 0.22
    step = (y1 - y0 - 2 * skew) / layers
    for j in range(layers):
        bottom = y1 - skew - j * step
        for far, shade in ((x0, 1.0), (x1, 0.75)):
            colour = colours[j % len(colours)]
            fill = (int(colour[0] * shade), int(colour[1] * shade), int(colour[2] * shade))
            draw.polygon(
                [(far, bottom), (xm, bottom + skew), (xm, bottom + skew - step), (far, bottom - step)], fill, BLACK
            )
    top = y0 + skew
    draw.polygon([(x0, top), (xm, y0 + 2 * skew), (x1, top), (xm, y0)], colours[-1], BLACK)


def renderings(rng: Rng) -> Figure:
    """Solid things apart on white, in rows: blocks, bodies, proteins."""
    rows, columns = int(rng.choice([1, 1, 2, 3])), int(rng.integers(2, 6))
    side, gap, named = int(rng.integers(130, 230)), int(rng.integers(12, 60)), chance(rng, 0.5)
    high = int(side * rng.uniform(0.7, 1.2))
    step = high + gap + (22 if named else 0)
    image = Image.new("RGB", (columns * (side + gap) + 8, rows * step + 8), WHITE)
    draw, colours, blocks = ImageDraw.Draw(image), [any_colour(rng, 20, 230) for _ in range(6)], chance(rng, 0.5)
    keys = blocks and chance(rng, 0.4)
    boxes = []
    for row in range(rows):
        for column in range(columns):
            x, y = 8 + column * (side + gap), 6 + row * step
            if blocks:
                block(rng, draw, (x + (12 if keys else 0), y, x + side, y + high), colours)
                for j in range(5 if keys else 0):
                    draw.rectangle((x, y + high - 50 + j * 9, x + 7, y + high - 42 + j * 9), fill=colours[j])
                boxes.append((x, y, x + side + 1, y + high + 1))
            else:
                part = photos.objects(rng, side, high).convert("L")
                body = Image.new("L", (side, high))
                ImageDraw.Draw(body).polygon(
                    blob(rng, (side / 2, high / 2), (side * 0.42, high * 0.42), 0.25), fill=255
                )
                image.paste(part.convert("RGB").point(lambda v: v * 3 // 4), (x, y), body)
                x0, y0, x1, y1 = body.getbbox() or (0, 0, side, high)
                boxes.append((x + x0, y + y0, x + x1, y + y1))
            if named:
                write(draw, (x + side / 2, y + high + 3), phrase(rng, 2)[:16], 14, anchor="ma")
                last = boxes[-1]
                boxes[-1] = (min(last[0], x + side // 4), last[1], max(last[2], x + side * 3 // 4), y + high + 20)
    return image, boxes


def pictures_and_plots(rng: Rng) -> Figure:
    """Pictures in a row above or beside plots."""
    image = page(rng)
    gap = int(rng.integers(10, 40))
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    side = chance(rng, 0.4)
    middle = int((image.width if side else image.height) * rng.uniform(0.4, 0.6))
    boxes = []
    first = (4, 4, middle - gap // 2, image.height - 4) if side else (4, 4, image.width - 4, middle - gap // 2)
    second = (
        (middle + gap // 2, 4, image.width - 4, image.height - 4)
        if side
        else (4, middle + gap // 2, image.width - 4, image.height - 4)
    )
    paint, plotted = pick(rng, PICTURES), pick(rng, (plots.bars, plots.lines, plots.boxes, plots.scatter))
    for area, count, painter in ((first, n, paint), (second, m, plotted)):
        axis = 1 if side else 0
        for a, b in ends(rng, area[axis], area[axis + 2], count, gap, False):
            box = (area[0], a, area[2], b) if side else (a, area[1], b, area[3])
            paste(rng, image, box, painter)
            boxes.append(box)
    return image, boxes


def maps(rng: Rng) -> Figure:
    """Two or more maps or satellite pictures, framed."""
    image = page(rng)
    gap = int(rng.integers(6, 30))
    rows, columns = pick(rng, ((1, 2), (2, 1), (1, 3), (2, 2), (2, 3)))
    boxes = []
    for y0, y1 in ends(rng, 4, image.height - 4, rows, gap, False):
        for x0, x1 in ends(rng, 4, image.width - 4, columns, gap, False):
            paste(rng, image, (x0, y0, x1, y1), diagrams.map_)
            ImageDraw.Draw(image).rectangle((x0, y0, x1 - 1, y1 - 1), outline=BLACK, width=2)
            boxes.append((x0, y0, x1, y1))
    return image, boxes


def whole(image: Image.Image) -> Figure:
    """A single figure: its panel is what is not page."""
    ink = image.convert("L").point(lambda value: 255 * (value < 250))
    return image, [ink.getbbox() or (0, 0, *image.size)]


def scheme(rng: Rng) -> Figure:
    image = page(rng)
    paste(rng, image, (4, 4, image.width - 4, image.height - 4), pick(rng, SCHEMES))
    return whole(image)


def facing_columns(rng: Rng) -> Figure:
    """Two or three columns of boxes and arrows on grounds of their own, with what reaches over them."""
    columns = int(rng.integers(2, 4))
    width, height = int(rng.integers(230, 330)), int(rng.integers(380, 620))
    gap = int(rng.integers(8, 50))
    image = Image.new("RGB", (columns * (width + gap) + 10, height + 20), WHITE)
    draw = ImageDraw.Draw(image)
    grounded, over = chance(rng, 0.6), chance(rng, 0.6)
    steps = int(rng.integers(3, 5))
    for column in range(columns):
        x = 8 + column * (width + gap)
        if grounded:
            draw.rounded_rectangle(
                (x, 8, x + width, height), 20, fill=any_colour(rng, 215), outline=(130, 150, 170), width=2
            )
        else:
            write(draw, (x + width / 2, 10), phrase(rng, 2), 18, anchor="ma")
        for j in range(steps):
            y = 44 + j * (height - 90) / steps
            draw.rounded_rectangle(
                (x + 50, y, x + width - 50, y + 44), 10, fill=any_colour(rng, 190), outline=BLACK, width=2
            )
            write(draw, (x + width / 2, y + 22), phrase(rng, 2)[:16], 14, anchor="mm")
            if j < steps - 1:
                arrow(draw, (x + width / 2, y + 46), (x + width / 2, y + (height - 90) / steps - 2))
    if over:
        for y in rng.uniform(0.3, 0.9, 2) * height:
            for x in range(6, image.width - 6, 14):
                draw.line((x, y, x + 6, y), (40, 110, 200), 2)
    elif gap > 16:
        arrow(draw, (8 + width, height / 2), (8 + width + gap, height / 2), width=3)
    return whole(image)


def things_and_arrows(rng: Rng) -> Figure:
    """Drawn things with words and block arrows between them, far apart."""
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    step = (int(rng.integers(190, 260)), int(rng.integers(190, 260)))
    image = Image.new("RGB", (columns * step[0] + 20, rows * step[1] + 20), WHITE)
    draw = ImageDraw.Draw(image)
    for row in range(rows):
        for column in range(columns):
            x, y = 20 + column * step[0], 16 + row * step[1]
            form = rng.integers(3)
            fill = any_colour(rng, 120) if chance(rng, 0.6) else None
            if form == 0:
                draw.ellipse((x, y, x + 110, y + 70), fill, BLACK, 3)
            elif form == 1:
                draw.rectangle((x, y, x + 100, y + 80), fill, BLACK, 2)
            else:
                draw.polygon(blob(rng, (x + 55, y + 45), (50, 40), 0.3), fill=fill or (240, 240, 240), outline=BLACK)
            for j in range(int(rng.integers(1, 4))):
                draw.rectangle((x, y + 92 + j * 24, x + 14, y + 106 + j * 24), fill=any_colour(rng))
                write(draw, (x + 22, y + 90 + j * 24), phrase(rng, 2)[:14], 14)
            if column < columns - 1:
                arrow(draw, (x + 125, y + 45), (x + step[0] - 20, y + 45), width=4, head=16)
    return whole(image)


def structures(rng: Rng) -> Figure:
    """Formulae in rows, each with its name."""
    columns, rows = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    image = Image.new("RGB", (columns * 190 + 30, rows * 210 + 10), WHITE)
    draw = ImageDraw.Draw(image)
    for k in range(rows * columns):
        x, y = 60 + k % columns * 190, 50 + k // columns * 210
        for ring in range(int(rng.integers(1, 3))):
            angle = np.arange(7) * np.pi / 3 + 0.52
            draw.line([(x + 66 * ring + 38 * np.cos(a), y + 38 * np.sin(a)) for a in angle], BLACK, 2)
        write(draw, (x - 40, y - 46), pick(rng, ("OH", "O", "NH", "R", "HO")), 14)
        if chance(rng, 0.5):
            draw.line((x - 33, y + 19, x - 55, y + 34), BLACK, 2)
        write(draw, (x, y + 80), phrase(rng, 2)[:16], 16, anchor="ma")
    return whole(image)


def scheme_with_table(rng: Rng) -> Figure:
    image = Image.new("RGB", (int(rng.integers(600, 900)), int(rng.integers(480, 760))), WHITE)
    middle = int(image.height * rng.uniform(0.4, 0.6))
    gap = int(rng.integers(6, 40))
    paste(
        rng,
        image,
        (8, 8, image.width - 8, middle - gap),
        pick(rng, (diagrams.gene, diagrams.flow_chart, diagrams.pathway)),
    )
    paste(rng, image, (8, middle, image.width - 8, image.height - 8), diagrams.table)
    return whole(image)


def one_plot(rng: Rng) -> Figure:
    """A plot with a key beside or below, sometimes with a second line of things over it."""
    image = page(rng, 800)
    below, right = (int(rng.integers(40, 110)), 0) if chance(rng, 0.5) else (0, int(rng.integers(90, 160)))
    paint = pick(rng, (*plots.PLOTS,))
    if paint is plots.pies:
        paint = plots.lines
    paste(rng, image, (4, 4, image.width - 4 - right, image.height - 4 - below), paint)
    draw = ImageDraw.Draw(image)
    x, y = (60, image.height - below + 6) if below else (image.width - right + 6, 60)
    for j in range(4):
        at = (x + j * 130, y + 6) if below and chance(rng, 0.9) else (x, y + 22 * j)
        draw.rectangle((at[0], at[1], at[0] + 14, at[1] + 12), fill=any_colour(rng))
        write(draw, (at[0] + 20, at[1] - 2), phrase(rng, 1), 13)
    return whole(image)


def one_map(rng: Rng) -> Figure:
    image = page(rng)
    paste(rng, image, (2, 2, image.width - 2, image.height - 2), diagrams.map_)
    if chance(rng, 0.6):
        w, h = int(image.width * rng.uniform(0.2, 0.35)), int(image.height * rng.uniform(0.2, 0.35))
        corner = (image.width - w - 6, 6, image.width - 6, 6 + h)
        paste(rng, image, corner, diagrams.map_)
        ImageDraw.Draw(image).rectangle(corner, outline=BLACK, width=2)
    return whole(image)


def one_picture(rng: Rng) -> Figure:
    image = page(rng)
    paint = pick(rng, (*PICTURES, scans.axial, scans.brain, scans.radiograph, scans.ultrasound, micrographs.living))
    paste(rng, image, (0, 0, image.width, image.height), paint)
    draw = ImageDraw.Draw(image)
    if chance(rng, 0.4):  # what a microscope writes below its picture
        draw.rectangle((0, int(image.height * 0.93), image.width, image.height), fill=pick(rng, (BLACK, WHITE)))
        write(draw, (12, int(image.height * 0.94)), phrase(rng, 3), 14, pick(rng, ((128, 128, 128), (200, 200, 200))))
    elif chance(rng, 0.3):  # a ruler
        x = int(image.width * rng.uniform(0.1, 0.8))
        draw.rectangle((x, 0, x + 40, image.height), fill=(235, 225, 120))
        for y in range(0, image.height, 12):
            draw.line((x, y, x + 14, y), BLACK)
    return whole(image)


COMPOUND: tuple[Callable[[Rng], Figure], ...] = (
    *(mosaic, mosaic, scans_on_black, scans_on_black, on_one_ground, plots_apart, plots_apart),
    *(plots_that_share_axes, plots_that_share_axes, strips, strips, renderings, pictures_and_plots, maps),
)
SINGLE: tuple[Callable[[Rng], Figure], ...] = (
    *(scheme, scheme, facing_columns, things_and_arrows, structures, scheme_with_table, one_plot, one_plot, one_map),
    one_picture,
)


def draw(seed: int, number: int) -> tuple[str, Image.Image, list[Box], str]:
    """The kind, picture, panels and caption of one figure: a function of both numbers."""
    rng = np.random.default_rng((seed, number))
    painters = COMPOUND if number % 5 < 3 else SINGLE
    painter = painters[number // 5 % len(painters)] if number % 5 < 3 else painters[number // 5 % len(SINGLE)]
    image, boxes = painter(rng)
    caption = f"{phrase(rng, 3).capitalize()} of {phrase(rng, 3)}."
    if chance(rng, 0.3):
        caption += f" {phrase(rng, 2).capitalize()} ({pick(rng, PLACES)}) and {phrase(rng, 2)} ({pick(rng, PLACES)})."
    if chance(rng, 0.6):
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=int(rng.integers(60, 96)))
        image = Image.open(stored).convert("RGB")
    return painter.__name__, image, boxes, caption


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--figures", type=int, default=240)
    parser.add_argument("--seed", type=int, default=61)
    args = parser.parse_args()
    (args.out / "images").mkdir(parents=True, exist_ok=True)
    figures = []
    for number_ in range(args.figures):
        kind, image, boxes, caption = draw(args.seed, number_)
        name = f"images/{number_:03}-{kind}.png"
        image.save(args.out / name)
        panels = [{"box": list(box), "label": None, "subcaption": None, "tiles": None} for box in boxes]
        figures.append({"image": name, "kind": kind, "caption": caption, "compound": len(boxes) > 1, "panels": panels})
    (args.out / "panels.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
