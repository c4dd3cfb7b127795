"""Plots that lack the usual two axes: circles, axes that cross inside, one axis or none, names aslant, contours."""

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
    write_aslant,
    write_upright,
)
from models.drawings.plots import PLOTS, SCALES, curve, marker

_GREYS = ((0, 0, 0), (110, 110, 110), (170, 170, 170), (205, 205, 205))
_ANGLES = ("0", "π/2", "π", "-π/2", "90", "180", "270", "N", "E", "S", "W", "45°")


class _Chart:
    """A white sheet with a letter size that small panels have, too: words stay readable beside what they name."""

    def __init__(self, rng: Rng, width: int, height: int) -> None:
        self.rng, self.width, self.height = rng, width, height
        paper = WHITE if chance(rng, 0.93) else pick(rng, ((247, 247, 250), (238, 238, 238)))
        self.image = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.size = max(6.0, min(width, height) * rng.uniform(0.05, 0.12))
        self.ink = max(1, round(min(width, height) * rng.uniform(0.003, 0.013)))
        self.colours = palette(rng)

    def colour(self, index: int) -> Colour:
        return self.colours[index % len(self.colours)]

    def headed(self) -> "_Chart":
        """A title, a key, a word: what stands round a plot, whatever its axes are."""
        rng = self.rng
        if chance(rng, 0.35):
            write(self.draw, (self.width / 2, 1), phrase(rng, 3), self.size, BLACK, "ma")
        if chance(rng, 0.35):
            x, y = self.width * pick(rng, (0.02, 0.68)), self.height * pick(rng, (0.12, 0.8))
            for row in range(int(rng.integers(1, 5))):
                at = y + row * self.size
                self.draw.line((x, at, x + self.size, at), self.colour(row), self.ink + 1)
                write(self.draw, (x + self.size * 1.3, at), phrase(rng, 1), self.size * 0.8, anchor="lm")
        return self


def circular(rng: Rng, width: int, height: int) -> Image.Image:
    """What is measured at an angle: a closed curve with its band, dots, arrows, sectors, between rings and names."""
    chart = _Chart(rng, width, height).headed()
    draw, cx, cy = chart.draw, width * rng.uniform(0.42, 0.58), height * rng.uniform(0.45, 0.58)
    radius = min(width, height) * rng.uniform(0.26, 0.4)
    line, dashed = pick(rng, (BLACK, (90, 90, 90), (190, 190, 190))), chance(rng, 0.4)

    def ring(share: float, colour: Colour, thick: int) -> None:
        r = radius * share
        for start in range(0, 360, 14 if dashed and share < 1 else 360):
            draw.arc(
                (cx - r, cy - r, cx + r, cy + r), start, start + (8 if dashed and share < 1 else 360), colour, thick
            )

    def at(angle: float, share: float) -> Point:
        return cx + radius * share * math.sin(angle), cy - radius * share * math.cos(angle)

    rings = int(rng.integers(1, 5))
    for index in range(1, rings + 1):
        ring(index / rings, line if index == rings else (190, 190, 190), chart.ink if index == rings else 1)
    spokes = int(rng.choice([0, 4, 4, 8, 12, 16]))
    for spoke in range(spokes):
        draw.line((cx, cy, *at(2 * math.pi * spoke / spokes, 1)), (200, 200, 200))
    named, words = int(rng.choice([1, 2, 4, 4, 8])), pick(rng, (True, False))
    for index in range(named):
        angle = 2 * math.pi * index / named
        name = pick(rng, _ANGLES) if words else f"{360 * index // named}°"
        x, y = at(angle, 1 + 1.1 * chart.size / radius)
        if chance(rng, 0.15):
            write_upright(chart.image, (x, y), name, chart.size)
        else:
            write(draw, (x, y), name, chart.size, anchor="mm")
    for index in range(1, rings + 1) if chance(rng, 0.6) else ():
        write(draw, at(math.pi / 2.3, index / rings), number(rng), chart.size * 0.75, anchor="mm")
    form = rng.integers(5)
    for index in range(int(rng.integers(1, 4))):
        turn = np.linspace(0, 2 * np.pi, 73)
        swing = sum(rng.normal(0, 0.25) / k * np.cos(k * (turn - rng.uniform(0, 6.3))) for k in (1, 2, 3))
        reach = np.clip(rng.uniform(0.3, 0.85) * (1 + swing), 0.05, 1.0)
        points = [at(a, r) for a, r in zip(turn.tolist(), reach.tolist(), strict=True)]
        if form in (0, 1):
            if chance(rng, 0.5):
                wide = [at(a, r * 1.12) for a, r in zip(turn.tolist(), reach.tolist(), strict=True)]
                near = [at(a, r * 0.88) for a, r in zip(turn.tolist(), reach.tolist(), strict=True)]
                draw.polygon(wide, pale(chart.colour(index), 0.6))
                draw.polygon(near, WHITE)
                ring(0.5, (190, 190, 190), 1)
            draw.line(points, chart.colour(index), chart.ink + 1)
        elif form == 2:
            for _ in range(int(rng.integers(8, 150))):
                place = at(rng.uniform(0, 6.3), math.sqrt(rng.random()) if index else rng.normal(0.95, 0.03))
                marker(draw, place, max(1.0, radius * 0.035), 0, chart.colour(index))
        elif form == 3:
            count = int(rng.integers(6, 25))
            for part in range(count):
                r = radius * rng.uniform(0.1, 1)
                start = 360 * part / count
                draw.pieslice((cx - r, cy - r, cx + r, cy + r), start, start + 330 / count, chart.colour(index), BLACK)
            break
        else:
            for _ in range(int(rng.integers(1, 12))):
                arrow(draw, (cx, cy), at(rng.uniform(0, 6.3), rng.uniform(0.2, 1)), chart.colour(index), chart.ink, 6)
    if chance(rng, 0.3):  # whence it is measured
        x, y, r = cx, cy - radius - chart.size * 1.6, chart.size * 0.5
        pick(rng, (draw.ellipse, draw.rectangle))((x - r, y - r, x + r, y + r), BLACK)
        draw.arc((cx - radius * 1.15, cy - radius * 1.15, cx + radius * 1.15, cy + radius * 1.15), 215, 260, BLACK)
    return chart.image


def doughnuts(rng: Rng, width: int, height: int) -> Image.Image:
    """Rings and pies with their shares written beside them."""
    chart = _Chart(rng, width, height)
    count = max(1, min(3, round(width / height)))
    for index in range(count):
        cx, cy = width * (index + 0.5) / count, height * 0.52
        radius, start = min(width / count, height) * rng.uniform(0.28, 0.38), float(rng.uniform(0, 360))
        shares = rng.dirichlet(np.ones(int(rng.integers(2, 7))))
        hole, level = chance(rng, 0.4), 1.0
        for part, share in enumerate(shares.tolist()):
            box = (cx - radius * level, cy - radius * level, cx + radius * level, cy + radius * level)
            chart.draw.pieslice(box, start, start + 360 * share, chart.colour(part), pick(rng, (WHITE, BLACK, None)))
            angle = math.radians(start + 180 * share)
            away = 0.6 if share > 0.2 and chance(rng, 0.5) else 1.2
            at = (cx + radius * away * math.cos(angle), cy + radius * away * math.sin(angle))
            words = f"{phrase(rng, 3)}: {share:.0%}" if chance(rng, 0.6) else f"{share:.0%}"
            write(chart.draw, at, words, chart.size * 0.8, anchor="mm" if away < 1 else "lm" if at[0] > cx else "rm")
            start += 360 * share
        if hole:
            r = radius * rng.uniform(0.4, 0.7)
            chart.draw.ellipse((cx - r, cy - r, cx + r, cy + r), WHITE)
        write(chart.draw, (cx, 1), phrase(rng, 5), chart.size, anchor="ma")
    return chart.image


def crossed(rng: Rng, width: int, height: int) -> Image.Image:
    """Two axes that meet inside, numbers beside them; curves, points with names, arrows from the middle."""
    chart = _Chart(rng, width, height)
    draw, x0, y0 = chart.draw, width * rng.uniform(0.2, 0.6), height * rng.uniform(0.35, 0.85)
    left, right, top, bottom = width * 0.06, width * 0.94, height * 0.08, height * 0.93
    dotted = chance(rng, 0.2)
    for a, b in (((left, y0), (right, y0)), ((x0, top), (x0, bottom))):
        for k in range(30 if dotted else 1):
            n = 30 if dotted else 1
            p, q = k / n, (k + 0.5) / n if dotted else 1
            draw.line(
                (
                    a[0] + (b[0] - a[0]) * p,
                    a[1] + (b[1] - a[1]) * p,
                    a[0] + (b[0] - a[0]) * q,
                    a[1] + (b[1] - a[1]) * q,
                ),
                BLACK,
                chart.ink,
            )
    small, steps = chart.size * 0.8, int(rng.integers(2, 6))
    if chance(rng, 0.85):
        for k in range(steps + 1):
            x, y = left + (right - left) * k / steps, top + (bottom - top) * k / steps
            write(draw, (x, y0 + 2), f"{(k - 1) / steps:.1f}" if chance(rng, 0.5) else number(rng), small, anchor="ma")
            write(draw, (x0 - 3, y), number(rng), small, anchor="rm")
            draw.line((x, y0 - 2, x, y0 + 2), BLACK)
            draw.line((x0 - 2, y, x0 + 2, y), BLACK)
    if chance(rng, 0.7):
        write(draw, (right, y0 - 3), phrase(rng, 2), chart.size, anchor="rb")
        write(draw, (x0 + 4, 1), phrase(rng, 1), chart.size)
    if chance(rng, 0.3):  # loadings and what is scored
        for _ in range(int(rng.integers(3, 9))):
            tip = (float(rng.uniform(left, right)), float(rng.uniform(top, bottom)))
            arrow(draw, (x0, y0), tip, chart.colour(0) if chance(rng, 0.4) else BLACK, chart.ink, chart.size * 0.7)
            write(draw, tip, phrase(rng, 2), chart.size * 0.9, anchor="mb", bold=chance(rng, 0.4))
        for _ in range(int(rng.integers(3, 16))):
            at = (float(rng.uniform(left, right)), float(rng.uniform(top, bottom)))
            marker(draw, at, chart.size * 0.35, int(rng.integers(5)), pick(rng, (BLACK, *_GREYS, *chart.colours)))
            write(draw, (at[0] + chart.size * 0.5, at[1]), phrase(rng, 1), chart.size * 0.85, anchor="lm")
        return chart.image
    for index in range(int(rng.integers(1, 4))):
        times, values = curve(rng, int(rng.choice([2, 6, 12, 60])))
        path = [(left + (right - left) * a, bottom - (bottom - top) * b) for a, b in zip(times, values, strict=True)]
        if chance(rng, 0.4):
            half = chart.size * rng.uniform(0.3, 1)
            draw.polygon(
                [(a, b - half) for a, b in path] + [(a, b + half) for a, b in path[::-1]], pale(chart.colour(index))
            )
        draw.line(path, chart.colour(index), chart.ink + 1)
    return chart.headed().image


def dotted(rng: Rng, width: int, height: int) -> Image.Image:
    """Dots, bars or boxes of groups over names that stand upright or aslant; often no line below them."""
    chart = _Chart(rng, width, height)
    draw, size = chart.draw, chart.size
    left, right = size * rng.uniform(2.2, 4.5), width - size * 0.5
    top, bottom = size * rng.uniform(0.6, 2), height - size * rng.uniform(2.5, 5)
    left, bottom = min(left, width * 0.45), max(bottom, height * 0.5)
    thick = chart.ink + int(rng.integers(0, 2))
    draw.line((left, top, left, bottom), BLACK, thick)
    steps = int(rng.integers(2, 7))
    for step in range(steps + 1):
        y = bottom + (top - bottom) * step / steps
        draw.line((left - size * 0.35, y, left, y), BLACK, thick)
        write(draw, (left - size * 0.5, y), number(rng), size * 0.9, anchor="rm")
    based, level = chance(rng, 0.45), bottom + (top - bottom) * rng.uniform(0, 0.6)
    if based:
        draw.line((left, bottom, right, bottom), BLACK, thick)
    elif chance(rng, 0.6):
        for dash in range(int(left), int(right), max(4, int(size * 0.6))):
            draw.line((dash, level, dash + size * 0.3, level), BLACK, thick)
    if chance(rng, 0.8):
        write_upright(chart.image, (size * 0.7, (top + bottom) / 2), phrase(rng, 3), size)
    groups, form, aslant = int(rng.integers(2, 9)), int(rng.integers(4)), int(rng.integers(3))
    tinted, spread = chance(rng, 0.6), (bottom - top) * rng.uniform(0.03, 0.2)
    for group in range(groups):
        x, half = left + (right - left) * (group + 0.5) / groups, (right - left) / groups * rng.uniform(0.2, 0.4)
        middle = rng.uniform(top + 2 * spread, bottom - spread)
        colour = chart.colour(group) if tinted else BLACK
        if form in (0, 3):  # bars, one or two on each other
            draw.rectangle((x - half, min(middle, bottom - 2), x + half, bottom), pale(colour, 0.2), BLACK, chart.ink)
            if chance(rng, 0.4):
                draw.rectangle((x - half, (middle + bottom) / 2, x + half, bottom), WHITE, BLACK, chart.ink)
        if form in (1, 3, 2):
            shape = int(rng.integers(5))
            for value in rng.normal(middle, spread, int(rng.integers(5, 45))).clip(top, bottom).tolist():
                place = (x + float(rng.uniform(-half, half)) * 0.9, value)
                marker(draw, place, max(1.2, size * 0.16), shape, pale(colour, 0.2) if tinted else BLACK)
            draw.line((x - half, middle, x + half, middle), BLACK, thick)
            if chance(rng, 0.4):
                draw.line((x, middle - spread, x, middle + spread), BLACK, thick)
                for y in (middle - spread, middle + spread):
                    draw.line((x - half / 2, y, x + half / 2, y), BLACK, thick)
        name = phrase(rng, 2)[:16]
        if aslant == 0:
            write_upright(chart.image, (x, bottom + size * 2), name[:9], size * 0.9)
        elif aslant == 1:
            write_aslant(chart.image, (x, bottom + size * 0.4), name, size * 0.9, float(pick(rng, (30, 45, 60))))
        else:
            write(draw, (x, bottom + size * 0.4), name[:6], size * 0.8, anchor="ma")
    if chance(rng, 0.4):
        a, b = sorted(rng.uniform(left, right, 2).tolist())
        draw.line((a, top, b, top), BLACK, thick)
        write(draw, ((a + b) / 2, top), pick(rng, ("*", "**", "***", "ns", "#")), size, anchor="mb")
    return chart.image


def lying(rng: Rng, width: int, height: int) -> Image.Image:
    """Bars from left to right, long names beside them, in one frame or in several; the numbers below or above."""
    chart = _Chart(rng, width, height)
    draw, rows = chart.draw, int(rng.integers(4, 30))
    size = min(chart.size, height / rows * 0.75)
    left, right, top, bottom = (
        width * rng.uniform(0.2, 0.45),
        width * 0.96,
        height * 0.08,
        height * rng.uniform(0.8, 0.92),
    )
    zero = left + (right - left) * (rng.uniform(0.2, 0.6) if chance(rng, 0.35) else 0)
    frames, series, above = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 4])), chance(rng, 0.3)
    stacked, step = chance(rng, 0.4), (bottom - top) / rows
    for frame in range(frames) if chance(rng, 0.4) else ():
        box = (left - 4 if chance(rng, 0.5) else 3, top + frame * (bottom - top) / frames, right, 0)
        draw.rectangle((*box[:3], box[1] + (bottom - top) / frames - 3), outline=BLACK)
    draw.line((zero, top, zero, bottom), BLACK, chart.ink)
    for row in range(rows):
        y = top + row * step
        write(draw, (left - 4, y + step / 2), phrase(rng, 4)[:24], size, anchor="rm")
        x = zero
        for index in range(series):
            reach = (right - zero if zero == left or chance(rng, 0.5) else left - zero) * rng.uniform(0.02, 0.95)
            a, b = (x, x + reach / series) if stacked else (zero, zero + reach)
            y0 = y + step * (0.1 if stacked else 0.1 + 0.8 * index / series)
            y1 = y + step * (0.9 if stacked else 0.1 + 0.8 * (index + 1) / series)
            fill = pick(rng, _GREYS) if chart.colours[0] == BLACK else chart.colour(index)
            draw.rectangle((min(a, b), y0, max(a, b), max(y0 + 1, y1)), fill, BLACK if stacked else None)
            x = b if stacked else x
    for tick in range(6):
        x = left + (right - left) * tick / 5
        write(draw, (x, top - 2 if above else bottom + 2), number(rng), size, anchor="mb" if above else "ma")
    if chance(rng, 0.6):
        write(draw, (width / 2, height - 1), "  ".join(phrase(rng, 2) for _ in range(series + 1)), size, anchor="md")
    return chart.image


def contours(rng: Rng, width: int, height: int) -> Image.Image:
    """Levels of a field as lines with their numbers, over greys or pale colours, a bar beside them."""
    chart = _Chart(rng, width, height)
    size = min(chart.size, min(width, height) / 12)
    left, top, right, bottom = (round(v) for v in (size * 3, size * 1.6, width - size * 4.5, height - size * 2.4))
    wide, high = max(16, right - left), max(16, bottom - top)
    field = fractal(rng, wide, high, rng.uniform(0.15, 0.4), rng.uniform(0.5, 0.9))
    field = field + np.linspace(0, rng.uniform(-2, 2), high)[:, None] + np.linspace(0, rng.normal(), wide)
    field = (field - field.min()) / np.ptp(field)
    levels = np.floor(field * rng.integers(6, 22))
    stops = pick(
        rng, (*SCALES, ((90, 90, 90), (235, 235, 235), (150, 60, 70)), (WHITE, (230, 230, 230)), (WHITE, WHITE))
    )
    shaded = coloured(field if chance(rng, 0.7) else levels / max(1.0, float(levels.max())), stops)
    edges = np.zeros(field.shape, bool)
    edges[1:], edges[:, 1:] = levels[1:] != levels[:-1], edges[:, 1:] | (levels[:, 1:] != levels[:, :-1])
    if chance(rng, 0.5):
        edges[1:] |= edges[:-1].copy()
    shaded[edges] = pick(rng, (BLACK, (60, 60, 60), WHITE))
    inside = picture(shaded)
    inner = ImageDraw.Draw(inside)
    spots = np.argwhere(edges)
    for _ in range(int(rng.integers(3, 16)) if len(spots) and chance(rng, 0.7) else 0):
        y, x = (int(v) for v in spots[int(rng.integers(len(spots)))])
        write(inner, (x, y), str(int(rng.integers(1, 90)) * 10), size * 0.7, anchor="mm")
    chart.image.paste(inside, (left, top))
    chart.draw.rectangle((left, top, left + wide, top + high), outline=BLACK)
    bar = picture(coloured(np.linspace(1, 0, high, dtype=np.float32)[:, None] * np.ones((1, 8)), stops))
    tall = max(8, int(high * rng.uniform(0.5, 1)))
    chart.image.paste(bar.resize((max(4, int(size)), tall)), (left + wide + int(size), top))
    for tick in range(6):
        write(chart.draw, (left + wide + size * 2.2, top + tall * tick / 5), number(rng), size * 0.9, anchor="lm")
        write(chart.draw, (left - 3, top + high * tick / 5), number(rng), size * 0.9, anchor="rm")
        write(chart.draw, (left + wide * tick / 5, top + high + 2), number(rng), size * 0.9, anchor="ma")
    write(chart.draw, (left + wide / 2, height - 1), phrase(rng, 2), size, anchor="md")
    write(chart.draw, (left + wide / 2, 1), phrase(rng, 3), size, anchor="ma")
    return chart.image


def cut_off(rng: Rng, width: int, height: int) -> Image.Image:
    """A part of a plot as crops of figures show it: filled peaks or lines over one axis, names in it, words cut."""
    chart = _Chart(rng, width, height)
    draw, base, count = chart.draw, height * rng.uniform(0.74, 0.95), 90
    total, colours = np.zeros(count), [pale(colour, rng.uniform(0, 0.6)) for colour in chart.colours]
    x = np.linspace(-0.02, 1.02, count)
    for index in range(int(rng.integers(1, 5))):
        peak = rng.uniform(0.15, 0.9) * np.exp(-(((x - rng.uniform(0.1, 0.9)) / rng.uniform(0.04, 0.25)) ** 2))
        total = np.maximum(total, peak) if chance(rng, 0.3) else total + peak * 0.7
        points = [(a * width, base - b * base * 0.85) for a, b in zip(x.tolist(), peak.tolist(), strict=True)]
        if chance(rng, 0.7):
            draw.polygon([*points, (width, base), (0, base)], colours[index % len(colours)])
        else:
            draw.line(points, chart.colour(index), chart.ink)
    path = [(a * width, base - min(b, 1.1) * base * 0.85) for a, b in zip(x.tolist(), total.tolist(), strict=True)]
    draw.line(path, BLACK, chart.ink)
    for place in path[:: int(rng.integers(1, 5))] if chance(rng, 0.5) else ():
        marker(draw, (place[0], place[1] + float(rng.normal(0, 2))), 1.6, 1, (90, 90, 90))
    if chance(rng, 0.85):
        draw.line((0, base + 2, width, base + 2), BLACK, chart.ink)
        for _ in range(int(rng.integers(2, 7))):
            at = width * rng.uniform(0, 1)
            draw.line((at, base + 2, at, base + 2 + chart.size * 0.4), BLACK)
            write(draw, (at, base + 3), number(rng), chart.size, anchor="ma")
    for _ in range(int(rng.integers(0, 5))):
        write(draw, (width * rng.uniform(-0.1, 0.8), height * rng.uniform(0, 0.5)), phrase(rng, 2), chart.size * 1.1)
    return chart.image


def wandering(rng: Rng, width: int, height: int) -> Image.Image:
    """Paths in the plane, orbits, phase portraits, in a thin frame with small numbers or in none."""
    chart = _Chart(rng, width, height)
    size = min(chart.size, min(width, height) / 12)
    left, top, right, bottom = size * 2, size, width - size, height - size * 2
    if chance(rng, 0.75):
        chart.draw.rectangle((left, top, right, bottom), outline=pick(rng, (BLACK, (150, 150, 150))))
        for tick in range(5):
            write(chart.draw, (left - 2, top + (bottom - top) * tick / 4), number(rng), size * 0.7, anchor="rm")
            write(chart.draw, (left + (right - left) * tick / 4, bottom + 2), number(rng), size * 0.7, anchor="ma")
    for index in range(int(rng.choice([1, 1, 1, 4, 9]))):
        count = int(rng.integers(100, 1500))
        turn = np.cumsum(rng.normal(0, rng.uniform(0.1, 1.5), count))
        step = np.stack([np.cos(turn), np.sin(turn)], 1) if chance(rng, 0.5) else rng.normal(0, 1, (count, 2))
        walk = np.cumsum(step, axis=0)
        walk = (walk - walk.min(axis=0)) / np.ptp(walk, axis=0)
        where, share = rng.uniform(0, 0.4, 2), rng.uniform(0.4, 0.6)
        places = (where + walk * share) if index else walk * 0.96 + 0.02
        path = [(left + (right - left) * a, top + (bottom - top) * b) for a, b in places.tolist()]
        chart.draw.line(path, chart.colour(index), 1 if chance(rng, 0.8) else 2)
    return chart.image


def sequences(rng: Rng, width: int, height: int) -> Image.Image:
    """What happens when: a noisy course over stripes of states, ticks and dots in rows below it, a bar for the time."""
    chart = _Chart(rng, width, height)
    draw, size = chart.draw, chart.size * 0.8
    left, rows = width * rng.uniform(0.04, 0.22), int(rng.integers(1, 6))
    course = height * rng.uniform(0.3, 0.65)
    count = max(30, int(width - left))
    x = np.linspace(left, width * 0.98, count)
    for index in range(int(rng.integers(1, 3))):
        y = np.abs(np.convolve(rng.normal(0, 1, count + 4), np.ones(5) / 5, "valid"))
        path = list(zip(x.tolist(), (course - y / y.max() * course * 0.85).tolist(), strict=True))
        draw.line(path, chart.colour(index), 1)
    edges = np.sort(rng.uniform(left, width * 0.98, int(rng.integers(6, 50)))).tolist()
    for row in range(rows):
        y0, y1 = course + (height - course) * (row + 0.1) / rows, course + (height - course) * (row + 0.8) / rows
        if left > width * 0.1:
            write(draw, (left - 3, (y0 + y1) / 2), phrase(rng, 1), size, anchor="rm")
        form = rng.integers(3)
        for index, (a, b) in enumerate(pairwise(edges)):
            if form == 0:
                draw.rectangle((a, y0, b, y1), chart.colour(index % 2))
            elif form == 1:
                draw.line((a, y0, a, y1), chart.colour(index % 3), chart.ink)
            else:
                marker(draw, (a, (y0 + y1) / 2), max(1.5, size * 0.2), 0, chart.colour(index % 3))
    if chance(rng, 0.6):
        draw.line((width * 0.85, height - 3, width * 0.97, height - 3), BLACK, 2)
        write(draw, (width * 0.91, height - 4), f"{int(rng.integers(1, 60))}s", size, anchor="mb")
    return chart.image


def fields(rng: Rng, width: int, height: int) -> Image.Image:
    """Maps of density or heat side by side, headings above and beside them, one bar: no axes."""
    chart = _Chart(rng, width, height)
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    stops, size = pick(rng, (*SCALES, ((180, 0, 90), WHITE, (40, 120, 10)))), chart.size * 0.8
    left, top, right = size * 1.5, size * 1.5, width * rng.uniform(0.84, 1)
    wide, high = (right - left) / columns, (height - top) / rows
    round_, coarse = chance(rng, 0.3), chance(rng, 0.5)
    for row in range(rows):
        write_upright(chart.image, (size * 0.7, top + (row + 0.5) * high), phrase(rng, 1), size)
        for column in range(columns):
            w, h = max(6, int(wide * 0.88)), max(6, int(high * 0.85))
            field = (
                rng.random((int(rng.integers(6, 30)), int(rng.integers(6, 30))))
                if coarse
                else fractal(rng, w, h, 0.3, 0.8)
            )
            tile = picture(coloured(np.asarray(field, np.float32), stops)).resize((w, h), Image.Resampling.NEAREST)
            mask = Image.new("L", (w, h), 0 if round_ else 255)
            if round_:
                ImageDraw.Draw(mask).ellipse((0, 0, w - 1, h - 1), 255)
            at = (int(left + column * wide), int(top + row * high))
            chart.image.paste(tile, at, mask)
            if round_:
                chart.draw.ellipse((*at, at[0] + w, at[1] + h), outline=(150, 150, 150))
            if row == 0:
                write(chart.draw, (at[0] + w / 2, 1), phrase(rng, 2), size, anchor="ma")
    if right < width * 0.95:
        bar = picture(coloured(np.linspace(1, 0, 60, dtype=np.float32)[:, None] * np.ones((1, 8)), stops))
        chart.image.paste(
            bar.resize((max(4, int(size * 0.7)), max(10, int(height * 0.6)))), (int(right + 2), int(height * 0.2))
        )
        for tick in range(3):
            write(chart.draw, (right + size, height * (0.2 + 0.3 * tick)), number(rng), size * 0.9, anchor="lm")
    return chart.image


# Half of the plots that are drawn have the usual axes.
CHARTS: tuple[Paint, ...] = (*PLOTS, circular, circular, circular, doughnuts, crossed, crossed, crossed, dotted, dotted)
CHARTS += (dotted, lying, lying, contours, contours, cut_off, cut_off, wandering, sequences, fields)
