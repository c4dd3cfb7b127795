"""Diagrams (charts of boxes, pathways, networks, sketches, molecules, maps, apparatus), and tables and text."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.drawings.canvas import (
    BLACK,
    WHITE,
    Colour,
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
    palette,
    phrase,
    pick,
    picture,
    write,
)


class Sheet:
    """Paper with the look that all of a drawing's parts share."""

    def __init__(self, rng: Rng, width: int, height: int) -> None:
        self.rng, self.width, self.height = rng, width, height
        self.paper: Colour = WHITE if chance(rng, 0.88) else pale(any_colour(rng), 0.85)
        if chance(rng, 0.04):
            self.paper = BLACK
        self.ink: Colour = WHITE if self.paper == BLACK else BLACK
        self.image = Image.new("RGB", (width, height), self.paper)
        self.draw = ImageDraw.Draw(self.image)
        self.size = max(7.0, min(width, height) * rng.uniform(0.03, 0.1))
        self.line = int(rng.integers(1, max(2, min(width, height) // 70) + 1))
        self.bold = chance(rng, 0.3)
        self.colours = palette(rng)
        self.tinted = chance(rng, 0.7)

    def fill(self) -> Colour:
        if not self.tinted:
            return WHITE if self.paper != BLACK else BLACK
        colour = pick(self.rng, self.colours)
        return pale(colour, self.rng.uniform(0.3, 0.8)) if chance(self.rng, 0.6) else colour

    def at(self, x: float, y: float) -> Point:
        return x * self.width, y * self.height

    def place(self, low: float = 0.08, high: float = 0.92) -> Point:
        x, y = self.rng.uniform(low, high, 2).tolist()
        return self.at(x, y)

    def say(self, at: Point, words: int = 2, anchor: str = "mm", scale: float = 1.0) -> None:
        x, y = int(np.clip(at[0], 0, self.width - 1)), int(np.clip(at[1], 0, self.height - 1))
        dark = np.asarray(self.image.crop((x, y, x + 1, y + 1))).sum() < 250
        write(self.draw, at, phrase(self.rng, words), self.size * scale, WHITE if dark else BLACK, anchor, self.bold)

    def box(self, centre: Point, half: Point, form: int, words: int = 2) -> None:
        """A box with words: square, rounded, oval or a diamond."""
        x, y = centre
        corners = (x - half[0], y - half[1], x + half[0], y + half[1])
        outline = self.ink if not self.tinted or chance(self.rng, 0.6) else None
        if form == 0:
            self.draw.rectangle(corners, self.fill(), outline, self.line)
        elif form == 1 and min(half) > 4:
            self.draw.rounded_rectangle(corners, min(half) * 0.4, self.fill(), outline, self.line)
        elif form < 3:
            self.draw.ellipse(corners, self.fill(), outline, self.line)
        else:
            self.draw.polygon(
                [(x, y - half[1]), (x + half[0], y), (x, y + half[1]), (x - half[0], y)], self.fill(), self.ink
            )
        for line in range(max(1, min(3, int(half[1] * 2 / self.size / 1.4)))):
            if line == 0 or chance(self.rng, 0.6):
                self.say((x, y + line * self.size * 1.1 - half[1] * 0.3 * (half[1] > self.size)), words)


def flow_chart(rng: Rng, width: int, height: int) -> Image.Image:
    sheet = Sheet(rng, width, height)
    rows, columns = int(rng.integers(1, 7)), int(rng.integers(1, 5))
    if rows * columns < 3:
        rows += 2
    form = int(rng.choice([0, 0, 1, 1, 2]))
    half = (width / columns * rng.uniform(0.25, 0.42), min(height / rows * rng.uniform(0.18, 0.38), sheet.size * 3.5))
    centres = {
        (row, column): ((column + 0.5) * width / columns, (row + 0.5) * height / rows)
        for row in range(rows)
        for column in range(columns)
        if chance(rng, 0.85) or columns == 1
    }
    head, elbows = sheet.size * 0.7, chance(rng, 0.5)
    for (row, column), (x, y) in centres.items():
        for step in ((1, 0), (0, 1), (1, 1)):
            other = centres.get((row + step[0], column + step[1]))
            if other is None or (step == (1, 1) and chance(rng, 0.7)) or chance(rng, 0.15):
                continue
            if step == (1, 0):
                arrow(sheet.draw, (x, y + half[1]), (x, other[1] - half[1]), sheet.ink, sheet.line, head)
            elif step == (0, 1):
                arrow(sheet.draw, (x + half[0], y), (other[0] - half[0], y), sheet.ink, sheet.line, head)
            elif elbows:
                sheet.draw.line((x, y, x, other[1], *other), sheet.ink, sheet.line)
            else:
                arrow(sheet.draw, (x, y), (other[0] - half[0], other[1] - half[1]), sheet.ink, sheet.line, head)
    for centre in centres.values():
        sheet.box(centre, half, 3 if chance(rng, 0.06) else form)
    return sheet.image


def network(rng: Rng, width: int, height: int) -> Image.Image:
    """Nodes and edges: graphs, interactions, automata, rings."""
    sheet = Sheet(rng, width, height)
    count = int(rng.integers(4, 40))
    if chance(rng, 0.4):
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
        places = [sheet.at(0.5 + 0.38 * math.cos(a), 0.5 + 0.38 * math.sin(a)) for a in angle]
    else:
        places = [sheet.place() for _ in range(count)]
    radius = min(width, height) * rng.uniform(0.012, 0.07) * (1 if count < 15 else 0.6)
    directed, named = chance(rng, 0.4), chance(rng, 0.6)
    edge = pick(rng, (sheet.ink, (150, 150, 150), sheet.colours[0]))
    full = count < 12 and chance(rng, 0.3)
    for first in range(count):
        for second in range(first + 1, count):
            if full or chance(rng, 2.2 / count):
                a, b = places[first], places[second]
                if directed:
                    arrow(sheet.draw, a, b, edge, sheet.line, sheet.size * 0.6)
                else:
                    sheet.draw.line((*a, *b), edge, sheet.line)
    square, one = chance(rng, 0.25), sheet.fill()
    for x, y in places:
        corners = (x - radius, y - radius, x + radius, y + radius)
        fill = one if chance(rng, 0.5) else sheet.fill()
        (sheet.draw.rectangle if square else sheet.draw.ellipse)(corners, fill, sheet.ink)
        if named:
            sheet.say((x, y + (radius + sheet.size * 0.6 if radius < sheet.size else 0)), 1, scale=0.8)
    return sheet.image


def pathway(rng: Rng, width: int, height: int) -> Image.Image:
    """Words joined by arrows, straight and bent, with side products; no boxes, or few."""
    sheet = Sheet(rng, width, height)
    for _ in range(int(rng.integers(1, 4))):
        x = rng.uniform(0.15, 0.85)
        steps = int(rng.integers(3, 10))
        for step in range(steps):
            y0, y1 = (step + 0.3) / steps, (step + 0.95) / steps
            sheet.say(sheet.at(x, (step + 0.15) / steps), 1)
            if step < steps - 1:
                colour = pick(rng, (sheet.ink, sheet.ink, sheet.colours[0]))
                arrow(sheet.draw, sheet.at(x, y0), sheet.at(x, y1), colour, sheet.line, sheet.size * 0.6)
            if chance(rng, 0.5):
                side = pick(rng, (-1, 1)) * rng.uniform(0.06, 0.2)
                box = (*sheet.at(x - abs(side), y0), *sheet.at(x + abs(side), y1))
                start = 90 if side < 0 else -90
                sheet.draw.arc(box, start, start + 180, sheet.ink, sheet.line)
                sheet.say(sheet.at(x + side * 1.3, y0), 1, scale=0.8)
    for _ in range(int(rng.integers(0, 5))):
        tail, tip = sheet.place(), sheet.place()
        arrow(sheet.draw, tail, tip, pick(rng, sheet.colours), sheet.line, sheet.size * 0.7)
    for _ in range(int(rng.integers(0, 4))):
        sheet.box(sheet.place(), (sheet.size * 3, sheet.size), int(rng.integers(3)), 1)
    return sheet.image


def _shaded(rng: Rng, radius: int, colour: Colour) -> tuple[Image.Image, Image.Image]:
    """A ball lit from the upper left, and its mask."""
    side = max(4, 2 * radius)
    x, y = grid(side, side)
    light = (1.15 - 0.75 * np.hypot(x + 0.35, y + 0.35)).clip(0.15, 1.2)[..., None]
    pixels = np.array(colour, np.float32) * light + 90 * (light > 1.05)
    mask = Image.fromarray(((x * x + y * y < 1) * 255).astype(np.uint8))
    return picture(pixels), mask


def sketch(rng: Rng, width: int, height: int) -> Image.Image:
    """A cell, an organ, an experiment: outlines and filled shapes, some shaded, names with leader lines, arrows."""
    sheet = Sheet(rng, width, height)
    smooth = chance(rng, 0.35)
    scale = min(width, height)
    for _ in range(int(rng.integers(1, 4))):
        outline = blob(rng, sheet.place(0.25, 0.75), (scale * rng.uniform(0.15, 0.45), scale * rng.uniform(0.15, 0.4)))
        sheet.draw.polygon(outline, sheet.fill() if chance(rng, 0.7) else None, sheet.ink, sheet.line)
    if smooth:  # shading in the fills, as in drawn illustrations
        light = 0.75 + 0.25 * fractal(rng, width, height, 0.4, 0.8)[..., None]
        sheet.image = picture(np.asarray(sheet.image, np.float32) * light)
        paper = Image.new("RGB", (width, height), sheet.paper)
        shapes = Image.new("L", (width, height))
        ImageDraw.Draw(shapes).polygon(blob(rng, sheet.at(0.5, 0.5), (width * 0.45, height * 0.45)), 255)
        sheet.image = Image.composite(sheet.image, paper, shapes)
        sheet.draw = ImageDraw.Draw(sheet.image)
    for _ in range(int(rng.integers(2, 20))):
        centre, form = sheet.place(), rng.integers(5)
        radius = scale * rng.uniform(0.015, 0.09)
        if form == 0:
            sheet.draw.polygon(blob(rng, centre, (radius, radius * rng.uniform(0.4, 1))), sheet.fill(), sheet.ink)
        elif form == 1:
            sheet.box(centre, (radius * 1.4, radius), int(rng.integers(3)), 1)
        elif form == 2 and smooth:
            ball, mask = _shaded(rng, max(3, int(radius)), pick(rng, sheet.colours))
            sheet.image.paste(ball, (int(centre[0] - radius), int(centre[1] - radius)), mask)
        elif form == 3:
            angles = np.linspace(0, rng.uniform(4, 25), 60)
            wave = [(centre[0] + a * radius / 6, centre[1] + radius * 0.4 * math.sin(a)) for a in angles]
            sheet.draw.line(wave, pick(rng, sheet.colours), sheet.line)
        else:
            corners = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
            sheet.draw.ellipse(corners, sheet.fill(), sheet.ink if chance(rng, 0.6) else None)
    for _ in range(int(rng.integers(1, 9))):
        tail, tip = sheet.place(), sheet.place(0.2, 0.8)
        if chance(rng, 0.5):
            arrow(sheet.draw, tail, tip, pick(rng, (sheet.ink, *sheet.colours)), sheet.line + 1, sheet.size)
        else:
            sheet.draw.line((*tail, *tip), sheet.ink)
            sheet.say(tail, 2)
    for _ in range(int(rng.integers(1, 7))):
        sheet.say(sheet.place(), 2)
    return sheet.image


def molecule(rng: Rng, width: int, height: int) -> Image.Image:
    """Structural formulas, or balls and sticks."""
    sheet = Sheet(rng, width, height)
    bond = min(width, height) * rng.uniform(0.05, 0.13)
    solid = chance(rng, 0.35)
    for _ in range(int(rng.integers(1, 5))):
        x, y = sheet.place(0.15, 0.7)
        direction = 0.0
        for _ in range(int(rng.integers(3, 14))):
            if not solid and chance(rng, 0.25):
                ring = [(x + bond * math.cos(a), y + bond * math.sin(a)) for a in np.arange(6) * math.pi / 3]
                sheet.draw.polygon(ring, outline=sheet.ink, width=sheet.line)
                inner = bond * 0.6
                sheet.draw.ellipse((x - inner, y - inner, x + inner, y + inner), outline=sheet.ink)
            direction += pick(rng, (-1, 1)) * math.pi / 3
            end = (x + bond * math.cos(direction), y + bond * math.sin(direction))
            sheet.draw.line((x, y, *end), (120, 120, 120) if solid else sheet.ink, sheet.line * (3 if solid else 1))
            if solid:
                radius = max(3, int(bond * rng.uniform(0.2, 0.6)))
                ball, mask = _shaded(rng, radius, pick(rng, sheet.colours))
                sheet.image.paste(ball, (int(x - radius), int(y - radius)), mask)
            elif chance(rng, 0.35):
                write(
                    sheet.draw, end, pick(rng, ("OH", "O", "N", "NH", "CH3", "COOH", "Cl")), sheet.size, sheet.ink, "mm"
                )
            x, y = end
    for _ in range(int(rng.integers(0, 3))):
        arrow(sheet.draw, sheet.at(0.4, 0.5), sheet.at(0.6, 0.5), sheet.ink, sheet.line, sheet.size)
    if chance(rng, 0.6):
        sheet.say(sheet.at(0.5, 0.95), 2)
    return sheet.image


def folded(rng: Rng, width: int, height: int) -> Image.Image:
    """A protein or an orbital: shaded ribbons and lobes on plain ground."""
    sheet = Sheet(rng, width, height)
    scale = min(width, height)
    for _ in range(int(rng.integers(1, 5))):
        points = np.cumsum(rng.normal(0, scale * 0.09, (14, 2)), axis=0)
        points += np.array([width, height]) / 2 - points.mean(axis=0)
        thick = max(3, int(scale * rng.uniform(0.02, 0.09)))
        colour = pick(rng, sheet.colours)
        steps = np.linspace(0, 13, 150)
        xs, ys = (np.interp(steps, np.arange(14), points[:, axis]) for axis in (0, 1))
        xs, ys = (np.convolve(np.pad(v, 6, "edge"), np.ones(13) / 13, "valid") for v in (xs, ys))
        ball, mask = _shaded(rng, thick, colour)
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            sheet.image.paste(ball, (int(x - thick), int(y - thick)), mask)
    for _ in range(int(rng.integers(0, 4))):
        radius = int(scale * rng.uniform(0.08, 0.25))
        ball, mask = _shaded(rng, radius, pale(pick(rng, sheet.colours), 0.3))
        x, y = sheet.place(0.25, 0.75)
        sheet.image.paste(ball, (int(x - radius), int(y - radius)), mask)
    if chance(rng, 0.35):  # translucent lobes
        clear = Image.new("RGB", (width, height), sheet.paper)
        for _ in range(int(rng.integers(1, 5))):
            mask = Image.new("L", (width, height))
            radii = (scale * rng.uniform(0.1, 0.4), scale * rng.uniform(0.1, 0.4))
            ImageDraw.Draw(mask).polygon(blob(rng, sheet.place(0.25, 0.75), radii, 0.08), int(rng.integers(90, 220)))
            clear.paste(pale(pick(rng, sheet.colours), 0.3), (0, 0), mask.filter(ImageFilter.GaussianBlur(1.5)))
        sheet.image = Image.blend(clear, sheet.image, rng.uniform(0, 0.4))
        sheet.draw = ImageDraw.Draw(sheet.image)
    for _ in range(int(rng.integers(0, 6))):
        sheet.say(sheet.place(), 1)
    return sheet.image


def map_(rng: Rng, width: int, height: int) -> Image.Image:
    """Land and sea in outlines or plain colours, names, dots, a scale, a grid."""
    sheet = Sheet(rng, width, height)
    field = fractal(rng, width, height, rng.uniform(0.45, 0.6), 0.6)
    levels = np.digitize(field, np.sort(rng.uniform(0.25, 0.75, int(rng.integers(1, 4)))))
    colours = np.array([sheet.fill() if sheet.tinted else pick(rng, (WHITE, (200, 200, 200), WHITE)) for _ in range(5)])
    pixels = colours[levels].astype(np.float32)
    edges = np.zeros((height, width), bool)
    edges[1:] |= levels[1:] != levels[:-1]
    edges[:, 1:] |= levels[:, 1:] != levels[:, :-1]
    pixels[edges] = sheet.ink
    sheet.image = picture(pixels)
    sheet.draw = ImageDraw.Draw(sheet.image)
    if chance(rng, 0.5):
        sheet.draw.rectangle((1, 1, width - 2, height - 2), outline=BLACK, width=sheet.line)
    for _ in range(int(rng.integers(2, 15))):
        x, y = sheet.place()
        r = sheet.size * 0.25
        sheet.draw.ellipse((x - r, y - r, x + r, y + r), pick(rng, (BLACK, (220, 0, 0))))
        if chance(rng, 0.6):
            sheet.say((x + r * 2, y), 1, "lm", 0.8)
    for x in (0.2, 0.5, 0.8) if chance(rng, 0.4) else ():
        sheet.draw.line((*sheet.at(x, 0), *sheet.at(x, 1)), (150, 150, 150))
        sheet.draw.line((*sheet.at(0, x), *sheet.at(1, x)), (150, 150, 150))
    return sheet.image


def apparatus(rng: Rng, width: int, height: int) -> Image.Image:
    """Circuits, optics, set-ups: parts on straight connections."""
    sheet = Sheet(rng, width, height)
    count = int(rng.integers(3, 9))
    places = [sheet.place(0.12, 0.88) for _ in range(count)]
    wire = pick(rng, (sheet.ink, sheet.ink, (220, 0, 0)))
    for a, b in zip(places, places[1:] + places[:1], strict=True):
        sheet.draw.line((*a, b[0], a[1], *b), wire, sheet.line)
    part = min(width, height) * rng.uniform(0.03, 0.09)
    for x, y in places:
        form = rng.integers(5)
        if form == 0:
            teeth = [(x - part + part * i / 4, y + (part / 3 if i % 2 else -part / 3)) for i in range(9)]
            sheet.draw.line(teeth, sheet.ink, sheet.line)
        elif form == 1:
            sheet.draw.ellipse((x - part, y - part, x + part, y + part), WHITE, sheet.ink, sheet.line)
            sheet.say((x, y), 1, scale=0.8)
        elif form == 2:
            sheet.draw.line((x - 4, y - part, x - 4, y + part), sheet.ink, sheet.line)
            sheet.draw.line((x + 4, y - part, x + 4, y + part), sheet.ink, sheet.line)
        else:
            sheet.box((x, y), (part * 1.6, part), 0, 1)
    for _ in range(int(rng.integers(1, 5))):
        sheet.say(sheet.place(), 2)
    return sheet.image


def tree(rng: Rng, width: int, height: int) -> Image.Image:
    """Phylogenies and other hierarchies, upright, lying or round the clock."""
    sheet = Sheet(rng, width, height)
    count = int(rng.integers(5, 40))
    nodes = [(0.65, (index + 0.5) / count) for index in range(count)]
    upright, named = chance(rng, 0.3), chance(rng, 0.85)

    def at(x: float, y: float) -> Point:
        return sheet.at(y, 1 - x) if upright else sheet.at(x, y)

    size = min(sheet.size, (width if upright else height) / count * 0.8)
    for x, y in nodes if named else ():
        words = phrase(rng, 1 if upright else 2)
        write(
            sheet.draw,
            at(x + 0.01, y),
            words,
            size,
            pick(rng, (sheet.ink, *sheet.colours[:1])),
            "mb" if upright else "lm",
        )
    while len(nodes) > 1:
        index = int(rng.integers(len(nodes) - 1))
        (x0, y0), (x1, y1) = nodes[index], nodes[index + 1]
        x = max(0.02, min(x0, x1) - rng.uniform(0.2, 1) * 1.2 / count)
        sheet.draw.line([at(x0, y0), at(x, y0), at(x, y1), at(x1, y1)], sheet.ink, sheet.line)
        nodes = [*nodes[:index], (x, (y0 + y1) / 2), *nodes[index + 2 :]]
        if chance(rng, 0.3):
            write(sheet.draw, at(x, (y0 + y1) / 2), number(rng), size * 0.7, sheet.ink)
    return sheet.image


def gene(rng: Rng, width: int, height: int) -> Image.Image:
    """Gene models, constructs, time lines, schedules: bars and boxes on horizontal lines, a row each."""
    sheet = Sheet(rng, width, height)
    rows = int(rng.integers(1, 7))
    blocks = chance(rng, 0.7)
    for row in range(rows):
        y = (row + 0.6) * height / rows
        start, end = (width * 0.2, width * 0.95) if chance(rng, 0.6) else (width * 0.05, width * 0.95)
        if chance(rng, 0.4):
            arrow(sheet.draw, (start, y), (end, y), sheet.ink, sheet.line, sheet.size)
        else:
            sheet.draw.line((start, y, end, y), sheet.ink, sheet.line)
        sheet.say((start - 4, y), 1, "rm")
        x = start
        thick = min(height / rows * 0.25, sheet.size * 1.5)
        while x < end - 10:
            x += rng.uniform(0.02, 0.12) * width
            wide = rng.uniform(0.02, 0.2) * width
            if blocks and x + wide < end:
                form = rng.integers(3)
                if form < 2:
                    sheet.draw.rectangle((x, y - thick, x + wide, y + thick), sheet.fill(), sheet.ink)
                else:
                    tip = [
                        (x, y - thick),
                        (x + wide * 0.7, y - thick),
                        (x + wide, y),
                        (x + wide * 0.7, y + thick),
                        (x, y + thick),
                    ]
                    sheet.draw.polygon(tip, sheet.fill(), sheet.ink)
                if chance(rng, 0.5):
                    sheet.say((x + wide / 2, y), 1, scale=0.8)
                x += wide
            else:
                sheet.draw.line((x, y - thick, x, y), sheet.ink, sheet.line)
                sheet.say((x, y - thick), 1, "mb", 0.8)
    return sheet.image


def venn(rng: Rng, width: int, height: int) -> Image.Image:
    """Overlapping sets, quadrants and other concepts drawn with a few lines and words."""
    sheet = Sheet(rng, width, height)
    if chance(rng, 0.5):
        pixels = np.asarray(sheet.image, np.float32).copy()
        across, down = grid(width, height)
        for index in range(int(rng.integers(2, 5))):
            angle = index * 2.1 + rng.random()
            inside = np.hypot(across - 0.3 * math.cos(angle), down - 0.3 * math.sin(angle)) < rng.uniform(0.4, 0.6)
            pixels[inside] = pixels[inside] * 0.55 + np.array(pick(rng, sheet.colours)) * 0.45
        sheet.image = picture(pixels)
        sheet.draw = ImageDraw.Draw(sheet.image)
    else:  # axes that measure nothing
        arrow(sheet.draw, sheet.at(0.1, 0.5), sheet.at(0.92, 0.5), sheet.ink, sheet.line, sheet.size)
        arrow(sheet.draw, sheet.at(0.5, 0.92), sheet.at(0.5, 0.08), sheet.ink, sheet.line, sheet.size)
    for _ in range(int(rng.integers(0, 4))):  # block arrows
        x, y = sheet.place(0.2, 0.8)
        long, thick = sheet.size * rng.uniform(2, 8), sheet.size * rng.uniform(0.5, 1.5)
        block = [(0, -0.6), (0.7, -0.6), (0.7, -1), (1, 0), (0.7, 1), (0.7, 0.6), (0, 0.6)]
        upright = chance(rng, 0.5)
        corners = [(x + v * thick, y + u * long) if upright else (x + u * long, y + v * thick) for u, v in block]
        sheet.draw.polygon(corners, sheet.fill(), sheet.ink if chance(rng, 0.6) else None)
    for _ in range(int(rng.integers(3, 9))):
        sheet.say(sheet.place(), 2)
    return sheet.image


def slabs(rng: Rng, width: int, height: int) -> Image.Image:
    """Layers and boxes in depth: network architectures, devices, lattices."""
    sheet = Sheet(rng, width, height)
    count = int(rng.integers(3, 9))
    for index in range(count):
        x, y = width * (index + 0.3) / (count + 0.5), height * 0.5
        wide, high = width / count * rng.uniform(0.2, 0.6), height * rng.uniform(0.1, 0.33)
        lean = wide * rng.uniform(0.3, 1)
        front = (x, y - high, x + wide, y + high)
        colour = sheet.fill()
        sheet.draw.polygon(
            [(x, y - high), (x + lean, y - high - lean), (x + wide + lean, y - high - lean), (x + wide, y - high)],
            pale(colour, 0.3),
            sheet.ink,
        )
        sheet.draw.polygon(
            [
                (x + wide, y - high),
                (x + wide + lean, y - high - lean),
                (x + wide + lean, y + high - lean),
                (x + wide, y + high),
            ],
            pale(colour, 0.15),
            sheet.ink,
        )
        sheet.draw.rectangle(front, colour, sheet.ink)
        sheet.say((x + wide / 2, y + high + sheet.size), 1, scale=0.8)
        if index and chance(rng, 0.6):
            arrow(sheet.draw, (x - width / count * 0.3, y), (x, y), sheet.ink, sheet.line, sheet.size * 0.7)
    return sheet.image


def table(rng: Rng, width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    rows, columns = int(rng.integers(3, 24)), int(rng.integers(2, 9))
    size = float(np.clip(height / rows * rng.uniform(0.35, 0.65), 6, 20))
    head, striped, ruled, boxed = pale(any_colour(rng)), chance(rng, 0.25), chance(rng, 0.5), chance(rng, 0.3)
    tinted, first = chance(rng, 0.15), rng.uniform(0.15, 0.4)
    lefts = [4, *(width * (first + (1 - first) * index / max(1, columns - 1)) for index in range(columns - 1))]
    if chance(rng, 0.4):
        draw.rectangle((0, 0, width, height / rows), head)
    for row in range(rows):
        y = (row + 0.5) * height / rows
        if striped and row % 2:
            draw.rectangle((0, y - height / rows / 2, width, y + height / rows / 2), (238, 238, 244))
        for column, x in enumerate(lefts):
            if tinted and row and column and chance(rng, 0.6):
                draw.rectangle(
                    (x - 2, y - height / rows / 2, x + width / columns, y + height / rows / 2),
                    pale(any_colour(rng), 0.5),
                )
            words = phrase(rng, 3) if column == 0 or row == 0 else f"{rng.uniform(0, 99):.{int(rng.integers(3))}f}"
            room = max(2, int(((lefts[column + 1] if column + 1 < len(lefts) else width) - x) / size / 0.55))
            write(draw, (x, y), words[:room], size, anchor="lm")
        if ruled or row in (0, rows - 1):
            draw.line((0, y + height / rows / 2 - 1, width, y + height / rows / 2 - 1), BLACK)
    for x in lefts if boxed else ():
        draw.line((x - 3, 0, x - 3, height), BLACK)
    return image


def prose(rng: Rng, width: int, height: int) -> Image.Image:
    """Running text, lists, questionnaires, formulas, screens."""
    paper = WHITE if chance(rng, 0.8) else pick(rng, (pale(any_colour(rng), 0.85), (40, 44, 52)))
    ink = WHITE if sum(paper) < 300 else BLACK
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    size = max(7.0, min(width, height) * rng.uniform(0.03, 0.09))
    y, marked = size * 0.5, chance(rng, 0.4)
    while y < height - size:
        if chance(rng, 0.9):
            colour = ink if chance(rng, 0.85) else any_colour(rng)
            line = ("- " if marked else "") + phrase(rng, 16)
            write(draw, (size * rng.choice([0.5, 0.5, 1.5]), y), line[: int(width / size / 0.5)], size, colour)
        y += size * rng.uniform(1.2, 1.5)
    return image


def alignment(rng: Rng, width: int, height: int) -> Image.Image:
    """Sequences below each other, conserved columns coloured."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    step = max(5.0, min(width, height) * rng.uniform(0.025, 0.05))
    letters, shades = pick(rng, ("ACGT", "ACDEFGHIKLMNPQRSTVWY")), [pale(colour, 0.4) for colour in palette(rng)]
    rows, columns = int(height / step / 1.2), int(width / step)
    names, block = 5, int(rng.integers(4, 12))
    for column in range(columns):
        common, kept = pick(rng, letters), rng.random()
        for row in range(rows):
            if row % block == block - 1:
                continue
            x, y = column * step, row * step * 1.2
            letter = common if chance(rng, kept) or column < names else pick(rng, letters)
            if column >= names and letter == common and kept > 0.5:
                draw.rectangle((x, y, x + step, y + step * 1.2), shades[ord(common) % len(shades)])
            write(draw, (x, y), letter, step, anchor="la")
    return image


def formula(rng: Rng, width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    rows, signs = int(rng.integers(1, 4)), "=+-/*"
    for row in range(rows):
        size = min(height / rows * 0.45, width / 16)
        parts = [
            pick(rng, ("x", "k", "Vmax", "[S]", "exp", "B", "log p", "dt", "n", "(1 - a)", "f(x)")) for _ in range(9)
        ]
        words = " ".join(f"{part} {pick(rng, signs)}" for part in parts[: int(rng.integers(3, 9))])
        write(draw, (width / 2, (row + 0.5) * height / rows), words, size, anchor="mm")
    return image


def soften(rng: Rng, image: Image.Image) -> Image.Image:
    """Now and then the blur or the paper of a scanned page."""
    if chance(rng, 0.06):
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
    if chance(rng, 0.04):
        pixels = np.asarray(image, np.float32) * rng.uniform(0.85, 1) + rng.normal(0, 5, (image.height, image.width, 1))
        image = picture(pixels)
    return image


DIAGRAMS: tuple[Paint, ...] = (flow_chart, flow_chart, flow_chart, network, network, pathway, pathway, sketch, sketch)
DIAGRAMS += (sketch, sketch, molecule, folded, map_, apparatus, apparatus, tree, tree, gene, gene, venn, venn, slabs)
TEXTS = (table, table, table, prose, prose, alignment, formula)
