"""Plots: axes of every dress, and what is drawn in them."""

import math
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from models.drawings.canvas import (
    BLACK,
    WHITE,
    Colour,
    Paint,
    Point,
    Rng,
    any_colour,
    arrow,
    chance,
    coloured,
    fractal,
    number,
    pale,
    palette,
    phrase,
    pick,
    picture,
    write,
    write_upright,
)

SCALES: tuple[tuple[Colour, ...], ...] = (
    ((0, 0, 140), (0, 120, 255), (120, 255, 140), (255, 200, 0), (140, 0, 0)),
    ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)),
    ((30, 60, 180), (245, 245, 245), (190, 20, 30)),
    ((0, 200, 0), (0, 0, 0), (230, 0, 0)),
    ((255, 255, 255), (200, 40, 40)),
    ((255, 255, 240), (30, 60, 140)),
    ((255, 255, 255), (0, 0, 0)),
    ((10, 5, 30), (130, 30, 110), (250, 120, 50), (250, 250, 180)),
)


class Axes:
    """A plot's surround (frame, ticks, numbers, titles, legend), and the map from 0…1 × 0…1 to pixels."""

    def __init__(self, rng: Rng, width: int, height: int, *, plain: bool = False) -> None:
        self.rng, self.width, self.height = rng, width, height
        self.image = Image.new("RGB", (width, height), WHITE)
        self.draw = ImageDraw.Draw(self.image)
        self.size = min(max(7.0, min(width, height) * rng.uniform(0.028, 0.1)), min(width, height) / 11)
        self.colours = palette(rng)
        self.ink = int(rng.integers(1, max(2, min(width, height) // 70) + 1))
        self.bold = chance(rng, 0.3)
        size = self.size
        self.left, self.right = size * rng.uniform(1.5, 4.5), width - size * rng.uniform(0.4, 2)
        self.top, self.bottom = size * rng.uniform(0.5, 3), height - size * rng.uniform(1.5, 4.5)
        if chance(rng, 0.12):  # a legend beside the plot
            self.right -= size * 4
            self._legend((self.right + size * 0.5, self.top + size))
        self.left, self.right = min(self.left, width * 0.4), max(self.right, width * 0.7)  # small plots keep an inside
        self.top, self.bottom = min(self.top, height * 0.4), max(self.bottom, height * 0.7)
        if not plain:
            self._surround()

    def at(self, x: float, y: float) -> Point:
        return self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)

    def colour(self, index: int) -> Colour:
        return self.colours[index % len(self.colours)]

    def _surround(self) -> None:
        rng, draw, frame = self.rng, self.draw, self.rng.random()
        rows_named = chance(rng, 0.12)
        if rows_named:
            self.left = min(self.left + self.size * 2, self.width * 0.5)
        line = BLACK if chance(rng, 0.8) else (120, 120, 120)
        box = (self.left, self.top, self.right, self.bottom)
        if chance(rng, 0.12):
            draw.rectangle(box, pick(rng, ((235, 235, 235), (240, 244, 250), (250, 248, 235))))
        x_ticks, y_ticks = (int(value) for value in rng.integers(2, 9, 2))
        if chance(rng, 0.25):
            rule = pick(rng, ((215, 215, 215), (235, 235, 235), WHITE))
            for tick in range(1, y_ticks + 1):
                draw.line((*self.at(0, tick / y_ticks), *self.at(1, tick / y_ticks)), rule)
            for tick in range(1, x_ticks + 1) if chance(rng, 0.5) else ():
                draw.line((*self.at(tick / x_ticks, 0), *self.at(tick / x_ticks, 1)), rule)
        if frame < 0.06:  # axes that cross inside
            x, y = self.at(*rng.uniform(0.1, 0.6, 2))
            draw.line((x, self.top, x, self.bottom), line, self.ink)
            draw.line((self.left, y, self.right, y), line, self.ink)
        elif frame < 0.35:
            draw.rectangle(box, outline=line, width=self.ink)
        elif frame < 0.93:
            draw.line((self.left, self.top, self.left, self.bottom, self.right, self.bottom), line, self.ink)
        else:
            draw.line((self.left, self.bottom, self.right, self.bottom), line, self.ink)
        length = self.size * rng.uniform(0.15, 0.5) * (-1 if chance(rng, 0.25) else 1)
        ticked, names, slanted = chance(rng, 0.88), chance(rng, 0.3), chance(rng, 0.3)
        for tick in range(y_ticks + 1):
            x, y = self.at(0, tick / y_ticks)
            if ticked:
                draw.line((x - length, y, x, y), line, max(1, self.ink - 1))
            words = phrase(rng, 2)[:14] if rows_named else number(rng)
            write(draw, (x - max(length, 0) - 3, y), words, self.size * 0.85, line, "rm", self.bold)
        for tick in range(x_ticks + 1):
            x, y = self.at((tick + 0.5 * names) / (x_ticks + names), 0)
            if ticked:
                draw.line((x, y, x, y + length), line, max(1, self.ink - 1))
            words = phrase(rng, 1) if names else number(rng)
            if names and slanted:
                write_upright(self.image, (x, y + self.size * 1.8), words[:6], self.size * 0.8, line)
            else:
                write(draw, (x, y + max(length, 0) + 2), words[:7], self.size * 0.85, line, "ma", self.bold)
        if chance(rng, 0.85):
            middle = (self.left + self.right) / 2
            write(draw, (middle, self.height - 2), phrase(rng), self.size, line, "md", self.bold)
            write_upright(self.image, (self.size * 0.7, (self.top + self.bottom) / 2), phrase(rng), self.size, line)
        if chance(rng, 0.35):
            write(draw, ((self.left + self.right) / 2, 2), phrase(rng), self.size * 1.1, line, "ma", self.bold)

    def finish(self, legend: float = 0.35) -> Image.Image:
        """A legend inside now and then, brackets of significance, a sentence."""
        if chance(self.rng, legend):
            self._legend(self.at(self.rng.uniform(0.05, 0.6), self.rng.uniform(0.6, 1)))
        for _ in range(int(self.rng.integers(1, 6)) if chance(self.rng, 0.3) else 0):
            words = phrase(self.rng, 2) if chance(self.rng, 0.6) else "p < 0.05"
            place = self.at(self.rng.uniform(0.05, 0.8), self.rng.uniform(0.1, 1))
            write(self.draw, place, words, self.size, pick(self.rng, (BLACK, *self.colours)))
        return self.image

    def _legend(self, corner: Point) -> None:
        x, y = corner
        size, mark, rows = self.size, self.rng.integers(3), int(self.rng.integers(1, 5))
        if chance(self.rng, 0.3):
            self.draw.rectangle((x - 3, y - 3, x + size * 6, y + size * 1.3 * rows), WHITE, BLACK)
        for row in range(rows):
            middle, colour = y + size * (1.25 * row + 0.5), self.colour(row)
            if mark == 0:
                self.draw.rectangle((x, middle - size * 0.3, x + size * 0.8, middle + size * 0.3), colour)
            elif mark == 1:
                self.draw.line((x, middle, x + size * 1.2, middle), colour, self.ink + 1)
            else:
                self.draw.ellipse((x, middle - size * 0.3, x + size * 0.6, middle + size * 0.3), colour)
            write(self.draw, (x + size * 1.5, middle), phrase(self.rng, 1), size * 0.85, anchor="lm")


def curve(rng: Rng, points: int) -> tuple[list[float], list[float]]:
    """x and y, 0…1, of one of the courses that measurements take."""
    x = np.linspace(0, 1, points)
    form = rng.integers(7)
    if form == 0:
        y = 1 / (1 + np.exp(-(x - rng.uniform(0.2, 0.8)) * rng.uniform(5, 25)))
    elif form == 1:
        y = np.exp(-x * rng.uniform(1, 8))
    elif form == 2:
        y = np.sin(x * rng.uniform(3, 30) + rng.uniform(0, 6)) * np.exp(-x * rng.uniform(0, 2)) / 2 + 0.5
    elif form == 3:  # a spectrum
        y = sum(
            rng.uniform(0.1, 1) * np.exp(-(((x - rng.random()) / rng.uniform(0.004, 0.05)) ** 2))
            for _ in range(int(rng.integers(2, 14)))
        ) + np.zeros(points)
    elif form == 4:
        y = np.cumsum(rng.normal(0, 1, points))
    elif form == 5:
        y = x ** rng.uniform(0.3, 3)
    else:
        y = rng.normal(0, 1, points)
    y = y + rng.normal(0, rng.choice([0, 0.01, 0.05]), points)
    low, high = sorted(rng.uniform(0.03, 0.97, 2))
    y = low + (y - y.min()) / max(float(np.ptp(y)), 1e-6) * (high - low)
    return x.tolist(), (1 - y if chance(rng, 0.3) else y).tolist()


def marker(draw: ImageDraw.ImageDraw, at: Point, radius: float, form: int, colour: Colour) -> None:
    x, y = at
    if form == 0:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    elif form == 1:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), WHITE, colour)
    elif form == 2:
        draw.rectangle((x - radius, y - radius, x + radius, y + radius), colour)
    elif form == 3:
        draw.polygon([(x, y - radius), (x - radius, y + radius), (x + radius, y + radius)], colour)
    else:
        draw.line((x - radius, y - radius, x + radius, y + radius), colour)
        draw.line((x - radius, y + radius, x + radius, y - radius), colour)


def _whisker(axes: Axes, x: float, low: float, high: float, colour: Colour = BLACK, cap: float = 0.012) -> None:
    (px, y0), (_, y1) = axes.at(x, low), axes.at(x, high)
    half = cap * (axes.right - axes.left)
    axes.draw.line((px, y0, px, y1), colour, axes.ink)
    for y in (y0, y1):
        axes.draw.line((px - half, y, px + half, y), colour, axes.ink)


def lines(rng: Rng, width: int, height: int) -> Image.Image:
    axes = Axes(rng, width, height)
    points, marked = int(rng.choice([5, 8, 15, 60, 300])), chance(rng, 0.5)
    bars, bands, steps, dashed = chance(rng, 0.3), chance(rng, 0.2), chance(rng, 0.15), chance(rng, 0.2)
    for index in range(int(rng.integers(1, 6))):
        colour = axes.colour(index)
        x, y = curve(rng, points)
        path = [axes.at(*point) for point in zip(x, y, strict=True)]
        if bands:
            half = rng.uniform(0.02, 0.1)
            over = [axes.at(a, min(1, b + half)) for a, b in zip(x, y, strict=True)]
            under = [axes.at(a, max(0, b - half)) for a, b in zip(x, y, strict=True)]
            axes.draw.polygon([*over, *under[::-1]], pale(colour))
        if steps:
            path = [corner for a, b in pairwise(path) for corner in (a, (b[0], a[1]))]
        if dashed and index % 2:
            for a, b in zip(path[::2], path[1::2], strict=False):
                axes.draw.line((*a, *b), colour, axes.ink)
        else:
            axes.draw.line(path, colour, int(rng.integers(1, axes.ink + 2)))
        if marked and points < 30:
            form, radius = int(rng.integers(5)), axes.size * rng.uniform(0.15, 0.4)
            for right, up, at in zip(x, y, path, strict=False):
                if bars:
                    error = rng.uniform(0.01, 0.08)
                    _whisker(axes, right, max(0, up - error), min(1, up + error), colour)
                marker(axes.draw, at, radius, form, colour)
    if chance(rng, 0.12):  # a walk in the plane
        walk = np.cumsum(rng.normal(0, 1, (400, 2)), axis=0)
        walk = (walk - walk.min(axis=0)) / np.ptp(walk, axis=0)
        axes.draw.line([axes.at(*place) for place in walk.tolist()], axes.colour(0))
    if chance(rng, 0.15):
        x0, _ = axes.at(rng.random(), 0)
        axes.draw.line((x0, axes.top, x0, axes.bottom), (120, 120, 120), axes.ink)
    return axes.finish()


def scatter(rng: Rng, width: int, height: int) -> Image.Image:
    axes = Axes(rng, width, height, plain=chance(rng, 0.12))
    radius = max(1.0, axes.size * rng.uniform(0.06, 0.3))
    total = int(rng.choice([12, 40, 150, 600]))
    form, groups = int(rng.integers(5)), int(rng.integers(1, 6))
    slope, spread = rng.normal(0, 0.8), rng.uniform(0.02, 0.3)
    clustered = chance(rng, 0.4)
    for index in range(groups):
        count = max(3, total // groups)
        if clustered:
            x, y = rng.uniform(0.15, 0.85, 2)[:, None] + rng.normal(0, rng.uniform(0.02, 0.13), (2, count))
        else:
            x = rng.uniform(0, 1, count)
            y = 0.5 + slope * (x - 0.5) + rng.normal(0, spread, count)
        inside = (x > 0) & (x < 1) & (y > 0) & (y < 1)
        for point in zip(x[inside].tolist(), y[inside].tolist(), strict=True):
            marker(axes.draw, axes.at(*point), radius, form, axes.colour(index))
    if chance(rng, 0.4) and not clustered:
        ends = [(x, float(np.clip(0.5 + slope * (x - 0.5), 0, 1))) for x in (0.0, 1.0)]
        axes.draw.line([axes.at(*end) for end in ends], BLACK, axes.ink)
    for level in rng.random(2) if chance(rng, 0.15) else ():
        axes.draw.line((*axes.at(0, level), *axes.at(1, level)), (130, 130, 130))
    return axes.finish()


def bars(rng: Rng, width: int, height: int) -> Image.Image:
    axes = Axes(rng, width, height)
    groups, series = int(rng.integers(2, 14)), int(rng.choice([1, 1, 2, 3, 4]))
    stacked, flat, edged, errors = chance(rng, 0.2), chance(rng, 0.2), chance(rng, 0.6), chance(rng, 0.6)
    gap, base = rng.uniform(0.05, 0.6), 0.5 if chance(rng, 0.08) else 0.0
    for group in range(groups):
        level = base
        for index in range(series):
            value = rng.uniform(0.02, 0.9) / (series if stacked else 1)
            start = (group + gap / 2) / groups
            step = (1 - gap) / groups / (1 if stacked else series)
            a = start if stacked else start + index * step
            low = level if stacked else base
            high = low + value * (rng.choice([-0.5, 0.5]) if base else 1)
            if stacked:
                level = high
            (x0, y0), (x1, y1) = (
                (axes.at(low, a), axes.at(high, a + step)) if flat else (axes.at(a, low), axes.at(a + step, high))
            )
            box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            fill = WHITE if edged and chance(rng, 0.1) else axes.colour(index)
            axes.draw.rectangle(box, fill, BLACK if edged else None, axes.ink)
            if errors and not flat and not stacked:
                error = rng.uniform(0.01, 0.07)
                _whisker(axes, a + step / 2, high - error, high + error)
                if chance(rng, 0.2):
                    write(axes.draw, axes.at(a + step / 2, high + error), pick(rng, "*ab"), axes.size, anchor="mb")
    if chance(rng, 0.15) and not flat:
        left, right = sorted(rng.uniform(0, 1, 2))
        axes.draw.line((*axes.at(left, 0.97), *axes.at(right, 0.97)), BLACK, axes.ink)
        write(axes.draw, axes.at((left + right) / 2, 0.97), pick(rng, ("*", "**", "ns")), axes.size, anchor="md")
    return axes.finish()


def histogram(rng: Rng, width: int, height: int) -> Image.Image:
    axes = Axes(rng, width, height)
    count = int(rng.integers(12, 70))
    x = (np.arange(count) + 0.5) / count
    y = np.exp(-(((x - rng.uniform(0.1, 0.8)) / rng.uniform(0.08, 0.4)) ** 2)) * rng.uniform(0.7, 1.2, count) * 0.75
    for place, value in zip(x.tolist(), y.tolist(), strict=True):
        (x0, y0), (x1, y1) = axes.at(place - 0.5 / count, value), axes.at(place + 0.5 / count, 0)
        axes.draw.rectangle((x0, min(y0, y1), x1, y1), axes.colour(0), BLACK if count < 30 else None)
    return axes.finish()


def boxes(rng: Rng, width: int, height: int) -> Image.Image:
    """Box plots, violins, dots with means: one distribution a group."""
    axes = Axes(rng, width, height)
    groups, form, filled = int(rng.integers(2, 10)), int(rng.integers(3)), chance(rng, 0.7)
    for group in range(groups):
        middle, half, colour = (group + 0.5) / groups, rng.uniform(0.15, 0.4) / groups, axes.colour(group)
        low, first, median, third, high = np.sort(rng.uniform(0.05, 0.95, 5)).tolist()
        if form == 0:
            _whisker(axes, middle, low, high)
            axes.draw.rectangle(
                (*axes.at(middle - half, third), *axes.at(middle + half, first)),
                colour if filled else WHITE,
                BLACK,
                axes.ink,
            )
            axes.draw.line((*axes.at(middle - half, median), *axes.at(middle + half, median)), BLACK, axes.ink + 1)
        elif form == 1:
            y = np.linspace(low, high, 30)
            wide = half * np.exp(-(((y - median) / (high - low + 0.01) * 2.5) ** 2))
            right = [axes.at(middle + w, v) for w, v in zip(wide.tolist(), y.tolist(), strict=True)]
            left = [axes.at(middle - w, v) for w, v in zip(wide.tolist(), y.tolist(), strict=True)]
            axes.draw.polygon([*right, *left[::-1]], colour, BLACK)
        else:
            axes.draw.line((*axes.at(middle - half, median), *axes.at(middle + half, median)), BLACK, axes.ink + 1)
        if form == 2 or chance(rng, 0.3):
            for value in rng.normal(median, rng.uniform(0.03, 0.15), int(rng.integers(5, 60))).clip(0, 1).tolist():
                place = axes.at(middle + rng.uniform(-half, half) * 0.8, value)
                marker(axes.draw, place, axes.size * 0.14, 0, colour if form == 2 else BLACK)
    return axes.finish(0.15)


def forest(rng: Rng, width: int, height: int) -> Image.Image:
    """Estimates with intervals, a row each, words at the left and often numbers at the right."""
    axes = Axes(rng, width, height, plain=True)
    rows, left, right = int(rng.integers(4, 24)), rng.uniform(0.25, 0.5), rng.uniform(0.7, 0.95)
    zero = axes.at(rng.uniform(left + 0.1, right - 0.1), 0)[0]
    axes.draw.line((zero, axes.top, zero, axes.bottom), BLACK)
    size = min(axes.size, (axes.bottom - axes.top) / rows * 0.7)
    for row in range(rows):
        y = axes.at(0, (row + 0.5) / rows)[1]
        write(axes.draw, (3, y), phrase(rng, 2), size, anchor="lm")
        middle, half = rng.uniform(left + 0.05, right - 0.05), rng.uniform(0.02, 0.12)
        axes.draw.line((axes.at(middle - half, 0)[0], y, axes.at(middle + half, 0)[0], y), axes.colour(0), axes.ink)
        marker(axes.draw, (axes.at(middle, 0)[0], y), size * 0.3, 2, axes.colour(0))
        if right < 0.85:
            write(axes.draw, (axes.at(right, 0)[0], y), f"{rng.random():.2f} ({rng.random():.2f})", size, anchor="lm")
    axes.draw.line((axes.at(left, 0)[0], axes.bottom, axes.at(right, 0)[0], axes.bottom), BLACK)
    for tick in range(5):
        x = axes.at(left + (right - left) * tick / 4, 0)[0]
        axes.draw.line((x, axes.bottom, x, axes.bottom + 4), BLACK)
        write(axes.draw, (x, axes.bottom + 5), number(rng), size, anchor="ma")
    return axes.image


def heat(rng: Rng, width: int, height: int) -> Image.Image:
    """Heat maps of cells and of fields, with a colour bar, a tree or numbers; contours."""
    axes = Axes(rng, width, height, plain=chance(rng, 0.5))
    box = tuple(round(value) for value in (axes.left, axes.top, axes.right, axes.bottom))
    wide, high = max(8, box[2] - box[0]), max(8, box[3] - box[1])
    stops = pick(rng, SCALES)
    bar = chance(rng, 0.5)
    if bar:
        wide = max(8, int(wide * 0.82))
    numbers = False
    if chance(rng, 0.35):  # a field: spectrogram, density, simulation
        field = fractal(rng, wide, high, rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.6))
        levels = np.round(field * rng.integers(5, 14))
        if chance(rng, 0.4):
            field = levels / max(1.0, float(levels.max()))
        shaded = coloured(field, stops if chance(rng, 0.8) else (WHITE, WHITE))
        if chance(rng, 0.4):  # contours
            edges = np.zeros(field.shape, bool)
            edges[1:], edges[:, 1:] = levels[1:] != levels[:-1], levels[:, 1:] != levels[:, :-1]
            shaded[edges] = pick(rng, (BLACK, BLACK, WHITE))
        inside = picture(shaded)
    else:
        rows, columns = int(rng.integers(3, 60)), int(rng.integers(3, 40))
        cells = rng.random((rows, columns)).astype(np.float32) * rng.uniform(0.3, 1)
        cells[: rows // 2] += rng.uniform(0, 0.5)
        cells[:, columns // 2 :] *= rng.uniform(0.3, 1)
        inside = picture(coloured(cells, stops)).resize((wide, high), Image.Resampling.NEAREST)
        numbers = rows * columns < 80 and chance(rng, 0.5)
        if numbers:
            inner = ImageDraw.Draw(inside)
            for row in range(rows):
                for column in range(columns):
                    at = ((column + 0.5) * wide / columns, (row + 0.5) * high / rows)
                    write(inner, at, f"{cells[row, column]:.2f}", min(high / rows, wide / columns) * 0.35, anchor="mm")
    axes.image.paste(inside, (box[0], box[1]))
    if bar:
        x = box[0] + wide + axes.size * 0.6
        scale = picture(coloured(np.linspace(1, 0, high, dtype=np.float32)[:, None] * np.ones((1, 8)), stops))
        axes.image.paste(scale.resize((max(3, int(axes.size * 0.8)), high)), (int(x), box[1]))
        for tick in range(4):
            write(
                axes.draw, (x + axes.size, box[1] + high * (tick + 0.5) / 4), number(rng), axes.size * 0.8, anchor="lm"
            )
    if chance(rng, 0.2) and box[1] > 12:  # a dendrogram above
        for _ in range(12):
            a, b = sorted(rng.uniform(box[0], box[0] + wide, 2))
            y = rng.uniform(2, box[1] - 2)
            axes.draw.line((a, box[1], a, y, b, y, b, box[1]), BLACK)
    return axes.image


def polar(rng: Rng, width: int, height: int) -> Image.Image:
    """Radar charts, polar histograms, directions on a circle."""
    axes = Axes(rng, width, height, plain=True)
    cx, cy, radius = width / 2, height / 2, min(width, height) * rng.uniform(0.28, 0.4)
    spokes = int(rng.integers(4, 12))
    line, spoked = pick(rng, (BLACK, (170, 170, 170))), chance(rng, 0.6)
    for ring in range(1, int(rng.integers(2, 6))):
        r = radius / ring
        axes.draw.ellipse((cx - r, cy - r, cx + r, cy + r), outline=line)
    for spoke in range(spokes):
        angle = 2 * math.pi * spoke / spokes
        edge = (cx + radius * math.cos(angle), cy + radius * math.sin(angle))
        if spoked:
            axes.draw.line((cx, cy, *edge), line)
        at = (cx + radius * 1.15 * math.cos(angle), cy + radius * 1.15 * math.sin(angle))
        write(axes.draw, at, number(rng) if chance(rng, 0.5) else phrase(rng, 1), axes.size, anchor="mm")
    for index in range(int(rng.integers(1, 4))):
        angles = np.linspace(0, 2 * np.pi, spokes if chance(rng, 0.5) else 40, endpoint=False)
        reach = radius * (0.2 + 0.7 * rng.random(len(angles)) * rng.uniform(0.2, 1) + 0.1)
        points = [(cx + r * math.cos(a), cy + r * math.sin(a)) for r, a in zip(reach, angles, strict=True)]
        if chance(rng, 0.3):
            for point in points:
                marker(axes.draw, point, axes.size * 0.2, 0, axes.colour(index))
        else:
            axes.draw.polygon(points, outline=axes.colour(index), width=axes.ink)
    return axes.finish(0.3)


def pies(rng: Rng, width: int, height: int) -> Image.Image:
    axes = Axes(rng, width, height, plain=True)
    count = int(rng.integers(1, 4)) if width > height else 1
    for index in range(count):
        cx, cy = width * (index + 0.5) / count, height * rng.uniform(0.45, 0.55)
        radius = min(width / count, height) * rng.uniform(0.25, 0.4)
        edges = np.sort(rng.uniform(0, 360, int(rng.integers(2, 8)))).tolist()
        box = (cx - radius, cy - radius, cx + radius, cy + radius)
        for part, (a, b) in enumerate(zip(edges, [*edges[1:], edges[0] + 360], strict=True)):
            axes.draw.pieslice(box, a, b, axes.colour(part), pick(rng, (BLACK, WHITE)))
            angle = math.radians((a + b) / 2)
            at = (cx + radius * 1.2 * math.cos(angle), cy + radius * 1.2 * math.sin(angle))
            write(axes.draw, at, f"{rng.integers(100)}%", axes.size, anchor="mm")
        if chance(rng, 0.3):
            r = radius * 0.5
            axes.draw.ellipse((cx - r, cy - r, cx + r, cy + r), WHITE)
    return axes.finish(0.6)


def traces(rng: Rng, width: int, height: int) -> Image.Image:
    """Recordings below each other: ECG, EEG, spikes, chromatograms, sequencing; often with no axes at all."""
    axes = Axes(rng, width, height, plain=chance(rng, 0.6))
    if chance(rng, 0.2):  # chart paper
        for step in range(0, max(width, height), max(5, width // 40)):
            axes.draw.line((step, 0, step, height), (250, 205, 205))
            axes.draw.line((0, step, width, step), (250, 205, 205))
    rows, points = int(rng.integers(1, 9)), int(rng.integers(150, 500))
    overlaid = chance(rng, 0.2)
    for row in range(rows):
        x = np.linspace(0, 1, points)
        y = rng.normal(0, rng.uniform(0.02, 0.25), points)
        for _ in range(int(rng.integers(0, 25))):
            y += rng.uniform(-0.3, 1) * np.exp(-(((x - rng.random()) / rng.uniform(0.002, 0.02)) ** 2))
        y = (y - y.min()) / np.ptp(y)
        low = 0.0 if overlaid else row / rows
        share = 0.9 if overlaid else 0.9 / rows
        path = [axes.at(a, low + b * share) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        axes.draw.line(path, axes.colour(row) if chance(rng, 0.6) else BLACK, int(rng.integers(1, 3)))
        if chance(rng, 0.4):
            write(axes.draw, (2, axes.at(0, low + share / 2)[1]), phrase(rng, 1)[:5], axes.size, anchor="lm")
    for index in range(int(rng.integers(10, 40)) if chance(rng, 0.15) else 0):  # bases above
        write(axes.draw, (axes.left + index * axes.size, 2), pick(rng, "ACGT"), axes.size, axes.colour(index))
    return axes.finish(0.1)


def bubbles(rng: Rng, width: int, height: int) -> Image.Image:
    """A matrix of dots whose size and colour tell."""
    axes = Axes(rng, width, height)
    rows, columns = int(rng.integers(4, 25)), int(rng.integers(4, 30))
    largest = min((axes.right - axes.left) / columns, (axes.bottom - axes.top) / rows) * 0.45
    sparse, one, stops = rng.uniform(0.1, 1), chance(rng, 0.5), pick(rng, SCALES)
    for row in range(rows):
        for column in range(columns):
            if chance(rng, sparse):
                place = axes.at((column + 0.5) / columns, (row + 0.5) / rows)
                own = pick(rng, stops)
                colour = axes.colour(0) if one else own
                marker(axes.draw, place, max(1.0, largest * rng.random()), 0, colour)
    return axes.finish(0.2)


def flow(rng: Rng, width: int, height: int) -> Image.Image:
    """Flow cytometry: clouds by density, gates with percentages."""
    axes = Axes(rng, width, height)
    stops = pick(rng, SCALES[:2])
    for _ in range(int(rng.integers(1, 5))):
        count = int(rng.integers(100, 700))
        centre, spread = rng.uniform(0.15, 0.85, 2), rng.uniform(0.03, 0.12, 2)
        for a, b in rng.normal(0, 1, (count, 2)).tolist():
            x, y = centre[0] + a * spread[0], centre[1] + b * spread[1]
            if 0 < x < 1 and 0 < y < 1:
                near = np.array([[math.exp(-(a * a + b * b) / 2)]], np.float32)
                red, green, blue = (int(value) for value in coloured(near, stops)[0, 0])
                axes.draw.point(axes.at(x, y), (red, green, blue))
    if chance(rng, 0.5):
        x, y = rng.uniform(0.3, 0.7, 2)
        axes.draw.line((*axes.at(x, 0), *axes.at(x, 1)), BLACK)
        axes.draw.line((*axes.at(0, y), *axes.at(1, y)), BLACK)
    else:
        (x0, y1), (x1, y0) = axes.at(0.2, 0.2), axes.at(0.7, 0.8)
        axes.draw.rectangle((x0, y0, x1, y1), outline=BLACK)
    for _ in range(4):
        write(axes.draw, axes.at(*rng.uniform(0.05, 0.8, 2)), f"{rng.uniform(0, 99):.1f}", axes.size)
    return axes.image


def surface(rng: Rng, width: int, height: int) -> Image.Image:
    """A surface or columns over a plane, in parallel projection."""
    axes = Axes(rng, width, height, plain=True)
    count, stops = int(rng.integers(8, 26)), pick(rng, SCALES)
    field = fractal(rng, count, count, 0.3, 0.7)
    for row in range(count - 1):
        for column in range(count - 1):
            corners = []
            for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
                u, v = (column + a) / count, (row + b) / count
                lift = float(field[row + b, column + a])
                corners.append(axes.at(0.1 + 0.55 * u + 0.3 * (1 - v), 0.35 * (1 - v) + 0.1 * u + 0.45 * lift))
            red, green, blue = (
                int(value) for value in coloured(field[row : row + 1, column : column + 1], stops)[0, 0]
            )
            axes.draw.polygon(corners, (red, green, blue), BLACK if chance(rng, 0.9) else None)
    axes.draw.line([axes.at(0.4, 0.35), axes.at(0.1, 0), axes.at(0.65, 0.1)], BLACK, axes.ink)
    for _ in range(8):
        write(axes.draw, axes.at(rng.uniform(0.05, 0.9), rng.uniform(-0.05, 0.2)), number(rng), axes.size)
    return axes.image


def genome(rng: Rng, width: int, height: int) -> Image.Image:
    """Points along chromosomes, or tracks of bars below each other."""
    axes = Axes(rng, width, height)
    if chance(rng, 0.5):
        edges = np.linspace(0, 1, int(rng.integers(5, 24)))
        for index, (a, b) in enumerate(pairwise(edges)):
            for x in rng.uniform(a, b, 40).tolist():
                marker(axes.draw, axes.at(x, min(1.0, rng.exponential(0.12))), 1.2, 0, axes.colour(index % 2))
        axes.draw.line((*axes.at(0, 0.7), *axes.at(1, 0.7)), any_colour(rng))
        return axes.finish(0.05)
    rows = int(rng.integers(2, 8))
    for row in range(rows):
        for x in rng.random(90).tolist():
            top = axes.at(x, (row + rng.random() * 0.8) / rows)
            axes.draw.line((*top, *axes.at(x, row / rows)), axes.colour(row))
    if chance(rng, 0.4):
        arrow(axes.draw, axes.at(0.3, 0.95), axes.at(0.5, 0.9), BLACK)
    return axes.image


PLOTS: tuple[Paint, ...] = (
    lines,
    lines,
    lines,
    scatter,
    scatter,
    bars,
    bars,
    histogram,
    boxes,
    boxes,
    forest,
    heat,
    heat,
    polar,
    pies,
    traces,
)
PLOTS += (polar, bubbles, flow, surface, genome)
