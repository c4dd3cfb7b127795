"""Diagrams of few strokes: states, block arrows, time lines, pulses, lobes, measured parts, lists, cards."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.drawings.canvas import (
    BLACK,
    WHITE,
    Paint,
    Point,
    Rng,
    any_colour,
    arrow,
    blob,
    chance,
    fractal,
    grid,
    number,
    pale,
    phrase,
    pick,
    picture,
    write,
    write_upright,
)
from models.drawings.diagrams import DIAGRAMS, Sheet


def states(rng: Rng, width: int, height: int) -> Image.Image:
    """Round states in a row or two, arrows straight and bent, loops, sets round them whole or dashed, words below."""
    sheet = Sheet(rng, width, height)
    draw, rows, columns = sheet.draw, int(rng.integers(1, 3)), int(rng.integers(2, 6))
    below = sheet.size * 2 if chance(rng, 0.6) else 4
    step = (width / columns, (height - below) / rows)
    radius = min(step) * rng.uniform(0.2, 0.33)
    filled, square = chance(rng, 0.3), chance(rng, 0.15)
    places = [((c + 0.5) * step[0], (r + 0.5) * step[1]) for r in range(rows) for c in range(columns)]
    for _ in range(int(rng.integers(0, 4))):  # the sets
        first, last = sorted(rng.integers(0, columns, 2).tolist())
        box = (first * step[0] + 2, 2, (last + 1) * step[0] - 2, height - below - 2)
        if chance(rng, 0.5):
            draw.rounded_rectangle(box, radius * 0.7, outline=sheet.ink, width=sheet.line)
        else:
            _dashes(draw, (box[0], box[1]), (box[2], box[1]), sheet)
            _dashes(draw, (box[0], box[3]), (box[2], box[3]), sheet)
            _dashes(draw, (box[0], box[1]), (box[0], box[3]), sheet)
            _dashes(draw, (box[2], box[1]), (box[2], box[3]), sheet)
    head = radius * 0.45
    for index, (x, y) in enumerate(places):
        if index % columns < columns - 1 and chance(rng, 0.85):
            to = places[index + 1]
            if chance(rng, 0.3):
                draw.arc((x, y - radius, to[0], y + radius), 200, 340, sheet.ink, sheet.line)
                draw.arc((x, y - radius, to[0], y + radius), 20, 160, sheet.ink, sheet.line)
            arrow(draw, (x + radius, y), (to[0] - radius, y), sheet.ink, sheet.line, head)
        if index + columns < len(places) and chance(rng, 0.6):
            arrow(draw, (x, y + radius), (x, places[index + columns][1] - radius), sheet.ink, sheet.line, head)
        if chance(rng, 0.2):
            draw.arc(
                (x - radius * 0.6, y - radius * 1.8, x + radius * 0.6, y - radius * 0.4), 120, 60, sheet.ink, sheet.line
            )
        (draw.rectangle if square else draw.ellipse)(
            (x - radius, y - radius, x + radius, y + radius),
            sheet.fill() if filled else sheet.paper,
            sheet.ink,
            sheet.line,
        )
        name = pick(rng, (f"{int(rng.integers(8)):03b}", phrase(rng, 1)[:5], f"S{index}", "AB", "q"))
        write(draw, (x, y), name, radius * 0.7, BLACK if sheet.paper != BLACK or filled else WHITE, "mm")
    if chance(rng, 0.35):
        arrow(draw, (1, places[0][1]), (places[0][0] - radius, places[0][1]), sheet.ink, sheet.line, head)
    if below > 4:
        write(draw, (width / 2, height - 2), f"({pick(rng, 'abcdef')}) {phrase(rng, 3)}", sheet.size, sheet.ink, "md")
    return sheet.image


def _dashes(draw: ImageDraw.ImageDraw, start: Point, end: Point, sheet: Sheet) -> None:
    count = max(3, int(math.dist(start, end) / max(4, sheet.size)))
    for index in range(count):
        a, b = index / count, (index + 0.55) / count
        points = [start[k] + (end[k] - start[k]) * share for share in (a, b) for k in (0, 1)]
        draw.line(points, sheet.ink, sheet.line)


def block_arrows(rng: Rng, width: int, height: int) -> Image.Image:
    """A few thick arrows, shaded or plain, words inside them and at their ends; ovals and thin arrows between."""
    sheet = Sheet(rng, width, height)
    draw, count, upright = sheet.draw, int(rng.integers(1, 4)), chance(rng, 0.6)
    for index in range(count):
        across = (index + 0.5) / count + rng.uniform(-0.08, 0.08)
        low, high = rng.uniform(0.1, 0.25), rng.uniform(0.75, 0.92)
        thick, tip = rng.uniform(0.05, 0.14), rng.uniform(0.08, 0.16)
        outline = [(low, thick * 0.55), (high - tip, thick * 0.55), (high - tip, thick), (high, 0)]
        outline += [(a, -b) for a, b in outline[::-1]]
        ends = [(1 - a if index % 2 else a, across + b) for a, b in outline]
        colour = pick(rng, (*sheet.colours, (150, 150, 150), (110, 160, 60), (140, 40, 40)))
        draw.polygon([sheet.at(b, a) if upright else sheet.at(a, b) for a, b in ends], colour, None)
        middle = sheet.at(across, 0.5) if upright else sheet.at(0.5, across)
        ink = WHITE if sum(colour) < 420 else BLACK
        if upright:
            write_upright(sheet.image, middle, phrase(rng, 2), sheet.size * 1.1, ink)
        else:
            write(draw, middle, phrase(rng, 2), sheet.size * 1.1, ink, "mm")
        for share in (0.04, 0.96):
            sheet.say(sheet.at(across, share) if upright else sheet.at(share, across), 2)
    for _ in range(int(rng.integers(0, 5))):
        tail, tip_ = sheet.place(0.2, 0.8), sheet.place(0.2, 0.8)
        if chance(rng, 0.5):
            box = (min(tail[0], tip_[0]), min(tail[1], tip_[1]), max(tail[0], tip_[0]) + 2, max(tail[1], tip_[1]) + 2)
            draw.arc(box, 180, 350, pick(rng, sheet.colours), sheet.line + 1)
        arrow(draw, tail, tip_, pick(rng, sheet.colours), sheet.line + 1, sheet.size)
        sheet.box(tip_, (sheet.size * 2.2, sheet.size * 1.2), 2, 1)
    return sheet.image


def milestones(rng: Rng, width: int, height: int) -> Image.Image:
    """One line of time: posts with words at different heights, spans with two heads, counts below."""
    sheet = Sheet(rng, width, height)
    draw, level = sheet.draw, rng.uniform(0.35, 0.65)
    if chance(rng, 0.5):
        thick = rng.uniform(0.02, 0.06)
        draw.rectangle(
            (*sheet.at(0.04, level - thick / 2), *sheet.at(0.93, level + thick / 2)), sheet.fill(), sheet.ink
        )
    arrow(draw, sheet.at(0.04, level), sheet.at(0.97, level), sheet.ink, sheet.line, sheet.size)
    posts = np.sort(rng.uniform(0.05, 0.92, int(rng.integers(3, 9)))).tolist()
    spans = chance(rng, 0.5)
    for index, x in enumerate(posts):
        top = rng.uniform(0.04, level - 0.08)
        draw.line((*sheet.at(x, top), *sheet.at(x, level)), sheet.ink, sheet.line)
        for line in range(int(rng.integers(1, 4))):
            at = sheet.at(x + 0.01, top)
            write(draw, (at[0], at[1] + line * sheet.size * 1.1), phrase(rng, 2), sheet.size * 0.9, sheet.ink)
        y = level + 0.08 + (0.9 - level) * 0.8 * index / len(posts)
        if spans and index:
            arrow(draw, sheet.at(posts[0], y), sheet.at(x, y), sheet.ink, sheet.line, sheet.size * 0.6)
            arrow(draw, sheet.at(x, y), sheet.at(posts[0], y), sheet.ink, sheet.line, sheet.size * 0.6)
            sheet.say(sheet.at((posts[0] + x) / 2, y + 0.03), 1)
        elif chance(rng, 0.5):
            write(draw, sheet.at(x, level + 0.05), f"{number(rng)}", sheet.size, sheet.ink, "ma")
    return sheet.image


def pulses(rng: Rng, width: int, height: int) -> Image.Image:
    """Trains of pulses, protocols, gates: steps up and down in rows, filled or not, arrows and names between them."""
    sheet = Sheet(rng, width, height)
    draw, rows = sheet.draw, int(rng.integers(1, 6))
    filled, colour = chance(rng, 0.5), pick(rng, sheet.colours)
    for row in range(rows):
        y0, y1 = height * (row + 0.2) / rows, height * (row + 0.62) / rows
        sheet.say((width * 0.07, (y0 + y1) / 2), 1)
        path, x, up = [(width * 0.15, y1)], width * 0.15, False
        while x < width * 0.93:
            x2 = min(width * 0.95, x + width * rng.uniform(0.04, 0.28))
            if up and filled:
                for k in range(12):
                    a = x + (x2 - x) * k / 12
                    draw.rectangle((a, y0, a + (x2 - x) / 12 + 1, y1), pale(colour, 0.9 - 0.8 * k / 12))
            path += [(x, y0 if up else y1), (x2, y0 if up else y1)]
            if up and chance(rng, 0.6):
                sheet.say(((x + x2) / 2, (y0 + y1) / 2), 1)
            x, up = x2, not up
        draw.line(path, sheet.ink, sheet.line)
        for _ in range(int(rng.integers(0, 8))):
            x, y = width * rng.uniform(0.15, 0.9), y1 + sheet.size
            arrow(draw, (x, y + sheet.size), (x, y), pick(rng, (sheet.ink, (220, 0, 0))), 1, sheet.size * 0.5)
        if chance(rng, 0.4):
            a, b = sorted(rng.uniform(0.15, 0.9, 2) * width)
            _dashes(draw, (a, y1 + sheet.size), (b, y1 + sheet.size), sheet)
    return sheet.image


def lobes(rng: Rng, width: int, height: int) -> Image.Image:
    """Orbitals, domains, balls and sticks: few large smooth shapes that let others show through, cut close."""
    sheet = Sheet(rng, width, height)
    pair = pick(
        rng, (((240, 120, 170), (125, 200, 230)), ((90, 120, 220), (230, 90, 80)), (any_colour(rng), any_colour(rng)))
    )
    pixels = np.asarray(sheet.image, np.float32).copy()
    x, y = grid(width, height)
    upright = height > width or chance(rng, 0.3)
    for index in range(int(rng.integers(2, 6))):
        along, across = rng.uniform(-0.7, 0.7), rng.uniform(-0.35, 0.35) * pick(rng, (0, 1))
        a, b = rng.uniform(0.25, 1.0), rng.uniform(0.15, 0.6)
        u, v = ((x - across) / a, (y - along) / b) if upright else ((x - along) / b, (y - across) / a)
        level = np.abs(u) ** 2.2 + np.abs(v) ** 2.2
        cover = (level < 1).astype(np.float32) * rng.uniform(0.55, 0.95)
        light = (1.08 - 0.25 * level.clip(0, 1)) * (1 + rng.normal(0, 0.015, level.shape))
        colour = np.array(pair[index % 2], np.float32) * light[..., None].astype(np.float32)
        pixels = pixels * (1 - cover[..., None]) + colour * cover[..., None]
    sheet.image = picture(pixels)
    draw = ImageDraw.Draw(sheet.image)
    if chance(rng, 0.6):
        r, c = min(width, height) * rng.uniform(0.06, 0.13), (width / 2, height / 2)
        far = height * 0.25 if upright else width * 0.25
        ends = [(c[0], c[1] + s * far) if upright else (c[0] + s * far, c[1]) for s in (-1, 1)]
        draw.line((*ends[0], *ends[1]), (110, 110, 110), max(2, int(r * 0.7)))
        for end, colour in zip(ends, (pair[0], pick(rng, (BLACK, (220, 30, 30), pair[1]))), strict=True):
            draw.ellipse((end[0] - r, end[1] - r, end[0] + r, end[1] + r), colour)
    return sheet.image.filter(ImageFilter.GaussianBlur(0.5))


def particles(rng: Rng, width: int, height: int) -> Image.Image:
    """Dark bodies of one material in loud colours: what moves between them, named."""
    sheet = Sheet(rng, width, height)
    draw, scale = sheet.draw, min(width, height)
    for band in range(int(rng.integers(0, 4))):
        draw.rectangle(
            (0, height * band / 3, width, height), pick(rng, ((255, 240, 0), (190, 190, 190), (30, 60, 200), WHITE))
        )
    tone = pick(rng, ((60, 60, 60), (90, 60, 40), (40, 90, 60)))
    for _ in range(int(rng.integers(0, 3))):
        draw.polygon(blob(rng, sheet.place(0.2, 0.8), (scale * 0.4, scale * 0.3)), (180, 180, 180))
    size = scale * rng.uniform(0.04, 0.2)
    for _ in range(int(np.clip(0.15 * width * height / size**2, 2, 70))):
        centre, turn = sheet.place(0.1, 0.9), rng.uniform(0.5, 1)
        for step in range(4):
            r = size * (1 - 0.22 * step)
            red, green, blue = (min(255, value + 22 * step) for value in tone)
            draw.polygon(blob(rng, centre, (r, r * turn), 0.05), (red, green, blue))
    for _ in range(int(rng.integers(1, 10))):
        colour = pick(rng, ((0, 230, 0), (230, 0, 0), (0, 0, 230), BLACK))
        arrow(draw, sheet.place(), sheet.place(), colour, sheet.line + 1, sheet.size)
    for _ in range(int(rng.integers(1, 5))):
        x, y = sheet.place()
        r, colour = scale * rng.uniform(0.05, 0.1), pick(rng, ((230, 0, 0), (0, 230, 0), (255, 160, 0)))
        draw.ellipse((x - r, y - r, x + r, y + r), colour)
        write(draw, (x, y), pick(rng, ("e-", "Li+", "H+", "O2", "Na")), r, WHITE if chance(rng, 0.3) else BLACK, "mm")
        sheet.say(sheet.place(), 2)
    return sheet.image


def measured(rng: Rng, width: int, height: int) -> Image.Image:
    """Parts drawn to measure: outlines, an axis of dots and dashes, extents with two heads, numbered leaders."""
    sheet = Sheet(rng, width, height)
    draw, x, middle = sheet.draw, width * 0.15, height * rng.uniform(0.4, 0.55)
    parts: list[tuple[float, float, float]] = []
    while x < width * 0.8 and len(parts) < 9:
        wide, half = width * rng.uniform(0.05, 0.25), height * rng.uniform(0.06, 0.28)
        draw.rectangle(
            (x, middle - half, x + wide, middle + half),
            sheet.fill() if chance(rng, 0.3) else None,
            sheet.ink,
            sheet.line,
        )
        if chance(rng, 0.3):
            for k in range(int(wide / 5)):
                draw.line((x + 5 * k, middle + half, x + 5 * k + 5, middle - half), sheet.ink)
        parts.append((x, half, wide))
        x += wide
    for k in range(0, width, 24):
        draw.line((k, middle, k + 14, middle), sheet.ink)
        draw.line((k + 18, middle, k + 20, middle), sheet.ink)
    for index, (at, half, wide) in enumerate(parts):
        if chance(rng, 0.5):
            y = middle - half - sheet.size * rng.uniform(1, 3)
            arrow(draw, (at, y), (at + wide, y), sheet.ink, 1, sheet.size * 0.6)
            arrow(draw, (at + wide, y), (at, y), sheet.ink, 1, sheet.size * 0.6)
            write(draw, (at + wide / 2, y - 2), number(rng), sheet.size, sheet.ink, "mb")
        if chance(rng, 0.6):
            end = (at + wide * rng.uniform(-0.5, 1.5), middle + half + height * rng.uniform(0.08, 0.25))
            arrow(draw, end, (at + wide / 2, middle + half * 0.5), sheet.ink, sheet.line, sheet.size * 0.7)
            write(draw, end, str(index + 1), sheet.size * 1.2, sheet.ink, "ma")
    return sheet.image


def agenda(rng: Rng, width: int, height: int) -> Image.Image:
    """Rows of coloured boxes with words, one column or two, an arrow or dots between; calendars, plans, ladders."""
    sheet = Sheet(rng, width, height)
    draw, rows, columns = sheet.draw, int(rng.integers(3, 10)), int(rng.integers(1, 6))
    spine = columns <= 2 and chance(rng, 0.6)
    if spine:
        ends = [
            sheet.at(0.45, 0.08),
            sheet.at(0.55, 0.08),
            sheet.at(0.55, 0.88),
            sheet.at(0.6, 0.88),
            sheet.at(0.5, 0.99),
        ]
        draw.polygon([*ends, sheet.at(0.4, 0.88), sheet.at(0.45, 0.88)], WHITE, sheet.ink)
    for row in range(rows):
        y0, y1 = height * (0.1 + 0.8 * row / rows), height * (0.1 + 0.8 * (row + 0.8) / rows)
        fill = pale(pick(rng, sheet.colours), 0.6)
        for column in range(columns):
            if chance(rng, 0.15):
                continue
            wide = (0.38 if spine else 0.95 / columns) * rng.uniform(0.7, 1)
            x0 = (0.04 + 0.56 * column if spine else 0.03 + 0.95 * column / columns) * width
            draw.rectangle(
                (x0, y0, x0 + wide * width, y1),
                fill if columns < 3 else sheet.fill(),
                sheet.ink if chance(rng, 0.5) else None,
            )
            sheet.say((x0 + wide * width / 2, (y0 + y1) / 2), 4 if columns < 3 else 1, scale=0.9)
        if spine:
            x, y = sheet.at(0.5, 0)[0], (y0 + y1) / 2
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill, sheet.ink)
    for column in range(columns):
        sheet.say(sheet.at((column + 0.5) / columns, 0.04), 2)
    return sheet.image


def reactions(rng: Rng, width: int, height: int) -> Image.Image:
    """Thin black pathways: words in a column, arrows between, side arcs with what enters and leaves, a boxed word."""
    sheet = Sheet(rng, width, height)
    sheet.tinted = sheet.tinted and chance(rng, 0.3)
    draw, columns = sheet.draw, int(rng.integers(1, 4))
    steps = int(rng.integers(3, 10))
    size = min(sheet.size, height / steps / 2.6, width / columns / 7)
    for column in range(columns):
        x = width * (column + rng.uniform(0.35, 0.5)) / columns
        for step in range(steps):
            y0, y1 = height * (step + 0.35) / steps, height * (step + 0.92) / steps
            write(
                draw,
                (x, height * (step + 0.15) / steps),
                pick(rng, ("Glucose", "Pyruvate", "GAP", "PEP", "AcCoA", "X5P", phrase(rng, 1))),
                size * 1.2,
                sheet.ink,
                "mm",
                chance(rng, 0.5),
            )
            if step < steps - 1:
                arrow(draw, (x, y0), (x, y1), sheet.ink, sheet.line, size * 0.7)
                if chance(rng, 0.55):
                    side = pick(rng, (-1, 1))
                    half = size * rng.uniform(1.5, 4)
                    box = (x - half, y0, x + half, y1)
                    draw.arc(box, 90 if side < 0 else -90, 270 if side < 0 else 90, sheet.ink, sheet.line)
                    for y in (y0, y1):
                        write(
                            draw,
                            (x + side * half, y),
                            pick(rng, ("ATP", "ADP", "NAD", "NADH", "CO2", "Pi")),
                            size * 0.8,
                            sheet.ink,
                            "lm" if side > 0 else "rm",
                        )
        if chance(rng, 0.6):
            at = (x + width / columns * 0.3, height * rng.uniform(0.3, 0.8))
            draw.rectangle(
                (at[0] - size * 3, at[1] - size, at[0] + size * 3, at[1] + size), sheet.paper, sheet.ink, sheet.line
            )
            write(draw, at, phrase(rng, 1), size, sheet.ink, "mm")
        if chance(rng, 0.4):
            r = size * 1.4
            centre = (x + width / columns * 0.35, r * 1.5)
            draw.ellipse((centre[0] - r, centre[1] - r, centre[0] + r, centre[1] + r), outline=sheet.ink)
            write(draw, centre, pick(rng, "ABC"), r, sheet.ink, "mm")
    return sheet.image


def loops(rng: Rng, width: int, height: int) -> Image.Image:
    """Two or three bodies that act on each other and on themselves: round arrows, weights beside them, a heading."""
    sheet = Sheet(rng, width, height)
    draw, count = sheet.draw, int(rng.integers(2, 4))
    systems = int(rng.integers(1, 4)) if height > width else 1
    for system in range(systems):
        y = height * (system + 0.6) / systems
        if chance(rng, 0.7):
            write(draw, (width / 2, height * (system + 0.1) / systems), phrase(rng, 3), sheet.size, sheet.ink, "ma")
        r = min(width / count, height / systems) * rng.uniform(0.12, 0.2)
        for index in range(count):
            x = width * (index + 0.5) / count
            if index < count - 1:
                box = (x, y - r * 1.4, x + width / count, y + r * 1.4)
                draw.arc(box, 200, 340, sheet.ink, sheet.line)
                draw.arc(box, 20, 160, sheet.ink, sheet.line)
                sheet.say((x + width / count / 2, y - r * 1.9), 1, scale=0.9)
                sheet.say((x + width / count / 2, y + r * 1.9), 1, scale=0.9)
            draw.arc((x - r * 1.9, y - r * 0.8, x - r * 0.3, y + r * 0.8), 60, 300, sheet.ink, sheet.line)
            fill = pick(rng, (BLACK, *sheet.colours))
            draw.ellipse((x - r, y - r, x + r, y + r), fill, sheet.ink)
            write(draw, (x, y), pick(rng, "LRABXYFT"), r * 1.2, WHITE if sum(fill) < 420 else BLACK, "mm", True)
    return sheet.image


def icons(rng: Rng, width: int, height: int) -> Image.Image:
    """Small filled pictograms (people, screens, flasks, animals, documents) joined by coloured arrows, words below."""
    sheet = Sheet(rng, width, height)
    draw, scale = sheet.draw, min(width, height)
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    for row in range(rows):
        for column in range(columns):
            x, y, s = width * (column + 0.5) / columns, height * (row + 0.45) / rows, scale * rng.uniform(0.05, 0.11)
            colour, other, form = pick(rng, sheet.colours), pale(pick(rng, sheet.colours), 0.5), rng.integers(5)
            if form == 0:  # a person
                draw.ellipse((x - s * 0.4, y - s * 1.2, x + s * 0.4, y - s * 0.4), colour)
                draw.pieslice((x - s, y - s * 0.4, x + s, y + s * 1.6), 180, 360, colour)
            elif form == 1:  # a screen
                draw.rectangle((x - s, y - s * 0.8, x + s, y + s * 0.5), colour, sheet.ink)
                draw.rectangle((x - s * 0.8, y - s * 0.6, x + s * 0.8, y + s * 0.3), other)
                draw.polygon(
                    [
                        (x - s * 0.3, y + s * 0.5),
                        (x + s * 0.3, y + s * 0.5),
                        (x + s * 0.6, y + s),
                        (x - s * 0.6, y + s),
                    ],
                    colour,
                )
            elif form == 2:  # a flask
                draw.polygon(
                    [
                        (x - s * 0.2, y - s),
                        (x + s * 0.2, y - s),
                        (x + s * 0.2, y),
                        (x + s, y + s),
                        (x - s, y + s),
                        (x - s * 0.2, y),
                    ],
                    other,
                    sheet.ink,
                )
            elif form == 3:  # an animal
                draw.ellipse((x - s * 1.3, y - s * 0.5, x + s * 0.8, y + s * 0.5), colour)
                draw.ellipse((x + s * 0.5, y - s * 0.7, x + s * 1.3, y + s * 0.1), colour)
                draw.arc((x - s * 2, y - s, x - s, y + s * 0.6), 20, 200, colour, 2)
            else:  # a document
                draw.rectangle((x - s * 0.7, y - s, x + s * 0.7, y + s), WHITE, colour, 2)
                for line in range(4):
                    draw.line(
                        (x - s * 0.5, y - s * 0.7 + line * s * 0.4, x + s * 0.5, y - s * 0.7 + line * s * 0.4), other, 2
                    )
            if chance(rng, 0.7):
                sheet.say((x, y + s * 1.7), 2)
            if column < columns - 1 and chance(rng, 0.8):
                tint = pick(rng, (sheet.ink, (240, 190, 30), (70, 110, 200)))
                arrow(draw, (x + s * 1.6, y), (x + width / columns - s * 1.6, y), tint, sheet.line + 1, sheet.size)
    return sheet.image


def anatomy(rng: Rng, width: int, height: int) -> Image.Image:
    """A shaded organ or two on white, drawn, with folds and a coloured part."""
    sheet = Sheet(rng, width, height)
    count = int(rng.integers(1, 3))
    for index in range(count):
        centre = (
            (width / 2, height * (index + 0.5) / count)
            if height > width
            else (width * (index + 0.5) / count, height / 2)
        )
        room = (width * 0.42, height / count * 0.42) if height > width else (width / count * 0.42, height * 0.42)
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).polygon(blob(rng, centre, (min(room), min(room) * rng.uniform(0.6, 1)), 0.08), 255)
        folds = np.abs(fractal(rng, width, height, 0.5, 0.08) - 0.5)
        tone = np.array(pick(rng, ((225, 225, 225), (235, 200, 190), (210, 190, 160))), np.float32)
        shaded = picture(tone * (0.65 + 1.2 * folds.clip(0, 0.3))[..., None])
        sheet.image.paste(shaded, (0, 0), mask)
        draw = ImageDraw.Draw(sheet.image)
        part = blob(
            rng,
            (centre[0] + room[0] * rng.uniform(-0.4, 0.4), centre[1] + room[1] * rng.uniform(-0.4, 0.4)),
            (min(room) * 0.3, min(room) * 0.2),
        )
        draw.polygon(
            part, pick(rng, ((230, 170, 60), (220, 60, 60), (90, 130, 220))), BLACK if chance(rng, 0.3) else None
        )
    sheet.draw = ImageDraw.Draw(sheet.image)
    for _ in range(int(rng.integers(0, 4))):
        sheet.say(sheet.place(), 1)
    return sheet.image


def coasts(rng: Rng, width: int, height: int) -> Image.Image:
    """Land in one grey or white with a thin coast, large names, an inset's frame and lines that lead to it."""
    field = fractal(rng, width, height, rng.uniform(0.5, 0.65), rng.uniform(0.4, 0.9))
    land = field > np.quantile(field, rng.uniform(0.3, 0.7))
    tone = pick(rng, ((205, 205, 210), (190, 190, 190), (235, 235, 220), BLACK, WHITE))
    pixels = np.where(land[..., None], np.array(tone, np.float32), 255.0)
    edges = np.zeros(land.shape, bool)
    edges[1:] |= land[1:] != land[:-1]
    edges[:, 1:] |= land[:, 1:] != land[:, :-1]
    pixels[edges] = 0
    image = picture(pixels)
    draw = ImageDraw.Draw(image)
    size = max(8.0, min(width, height) * rng.uniform(0.06, 0.13))
    for _ in range(int(rng.integers(1, 6))):
        at = (width * rng.uniform(0.05, 0.7), height * rng.uniform(0.05, 0.9))
        write(
            draw,
            at,
            phrase(rng, 2).title(),
            size * rng.uniform(0.6, 1),
            BLACK if tone != BLACK else (120, 120, 120),
            bold=chance(rng, 0.5),
        )
    for _ in range(int(rng.integers(0, 20))):
        x, y = width * rng.random(), height * rng.random()
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), pick(rng, (BLACK, (200, 0, 0))))
    if chance(rng, 0.6):
        draw.rectangle((0, 0, width - 1, height - 1), outline=BLACK)
    for _ in range(int(rng.integers(0, 3))):
        draw.line((0, height * rng.random(), width * rng.random(), height * rng.random()), BLACK, 2)
    return image


def cards(rng: Rng, width: int, height: int) -> Image.Image:
    """Filled boxes in rows or columns: plain, rounded or shaded, with few words, arrows, lines or nothing."""
    sheet = Sheet(rng, width, height)
    draw, lying = sheet.draw, chance(rng, 0.5)
    count, lanes = int(rng.integers(2, 9)), int(rng.choice([1, 1, 1, 2, 3]))
    head = sheet.size * 1.6 if chance(rng, 0.3) else 0
    margin = min(width, height) * rng.uniform(0.01, 0.12)
    along, across = (width if lying else height - head) - 2 * margin, (height - head if lying else width) - 2 * margin
    step, breadth = along / count, across / lanes
    length, thick = step * rng.uniform(0.4, 0.92), breadth * rng.uniform(0.25, 0.9)
    even, one, shaded = chance(rng, 0.8), sheet.fill() if chance(rng, 0.6) else None, chance(rng, 0.25)
    outline = pick(rng, (sheet.ink, sheet.ink, None, (120, 120, 120), sheet.colours[0])) if sheet.tinted else sheet.ink
    round_ = rng.uniform(2, min(length, thick) / 2) if chance(rng, 0.5) and min(length, thick) > 6 else 0
    link, lines = rng.integers(4), int(rng.choice([0, 1, 1, 1, 2, 3]))
    if head:
        sheet.say((width / 2, head / 2), 2)
    for index in range(count * lanes):
        place, lane = index % count, index // count
        middle, side = margin + (place + 0.5) * step, margin + (lane + 0.5) * breadth
        half = (length / 2, thick / 2 * (1 if even else rng.uniform(0.4, 1)))
        x, y = (middle, head + side) if lying else (side, head + middle)
        half = half if lying else (half[1], half[0])
        box = (int(x - half[0]), int(y - half[1]), int(x + half[0]), int(y + half[1]))
        fill = one or sheet.fill()
        draw.rounded_rectangle(box, max(0, min(round_, min(half) - 2)), fill, outline, sheet.line)
        if shaded and min(box[2] - box[0], box[3] - box[1]) > 4:
            light = np.linspace(1.15, rng.uniform(0.6, 0.95), box[3] - box[1])[:, None, None]
            tinted = np.broadcast_to(np.array(fill) * light, (box[3] - box[1], box[2] - box[0], 3))
            sheet.image.paste(picture(tinted), box[:2])
            draw.rectangle(box, None, outline, sheet.line)
        size = min(sheet.size, half[0] / 2.5, half[1])
        for line in range(lines):
            sheet.say((x, y + (line - (lines - 1) / 2) * size * 1.3), 1, scale=size / sheet.size)
        if place and link < 3:
            tip = middle - length / 2
            tail = tip - (step - length)
            ends = ((tail, y), (tip, y)) if lying else ((x, head + tail), (x, head + tip))
            if link < 2:
                arrow(draw, *ends, sheet.ink, sheet.line, min(sheet.size * 0.7, step - length))
            else:
                draw.line((*ends[0], *ends[1]), sheet.ink, sheet.line)
    return sheet.image


# Half of the diagrams that are drawn are of few strokes.
SCHEMES: tuple[Paint, ...] = (
    *DIAGRAMS,
    states,
    states,
    states,
    block_arrows,
    block_arrows,
    milestones,
    milestones,
    pulses,
)
SCHEMES += (
    lobes,
    lobes,
    particles,
    measured,
    agenda,
    agenda,
    reactions,
    reactions,
    loops,
    loops,
    icons,
    icons,
    anatomy,
)
SCHEMES += (coasts, cards, cards)
