"""Plots and drawings: lines, bars, dots, maps, boxes. What is drawn is what the phrase says."""

import numpy as np
from PIL import Image, ImageDraw

from pmc15m.demo.pictures import BLACK, WHITE, Colour, Picture, PictureKind, Rng, font, pick, put_text

PALETTE: tuple[tuple[str, Colour], ...] = (
    ("blue", (31, 119, 180)),
    ("orange", (255, 127, 14)),
    ("green", (44, 160, 44)),
    ("red", (214, 39, 40)),
    ("purple", (148, 103, 189)),
    ("black", (20, 20, 20)),
)
QUANTITIES = ("viability", "relative expression", "body weight", "tumour volume", "glucose", "optical density")
GROUPS = ("control", "low dose", "high dose", "vehicle", "siRNA", "knockout", "sham")
DRAWN_AS = dict(zip((name for name, _ in PALETTE), GROUPS, strict=False))  # a group has its colour in all line graphs
MEANS = ("Data are means ± s.e.m. (n = 3).", "Data are means ± SD; n = 6.", "*P < 0.05, t-test.")


class _Axes:
    """A frame with ticks and titles; maps 0…1 × 0…1 to pixels."""

    def __init__(self, width: int, height: int, x_title: str, y_title: str) -> None:
        self.image = Image.new("RGB", (width, height), WHITE)
        self.draw = ImageDraw.Draw(self.image)
        self.size = max(9, min(width, height) // 20)
        self.pen = max(3, min(width, height) // 45)
        self.left, self.top = int(width * 0.19), int(height * 0.09)
        self.right, self.bottom = int(width * 0.96), int(height * 0.8)
        self.draw.line((self.left, self.top, self.left, self.bottom), BLACK, 2)
        self.draw.line((self.left, self.bottom, self.right, self.bottom), BLACK, 2)
        for tick in range(5):
            _, y = self.at(0, tick / 4)
            self.draw.line((self.left - 4, y, self.left, y), BLACK, 1)
            put_text(self.draw, (self.left - 6, y), str(tick * 25), self.size, anchor="rm")
        put_text(self.draw, ((self.left + self.right) / 2, height - 3), x_title, self.size, anchor="md")
        title = Image.new("L", (self.bottom - self.top + 40, self.size + 4))
        ImageDraw.Draw(title).text((title.width / 2, 0), y_title, 255, font(self.size), "ma")
        turned = title.rotate(90, expand=True)
        self.image.paste(BLACK, (2, (self.top + self.bottom - turned.height) // 2), turned)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)

    def under(self, labels: list[str]) -> None:
        """Labels below the axis, evenly spread."""
        for index, label in enumerate(labels):
            x, _ = self.at((index + 0.5) / len(labels), 0)
            put_text(self.draw, (x, self.bottom + 4), label, self.size, anchor="ma")


def line_plot(rng: Rng, width: int, height: int) -> Picture:
    quantity = pick(rng, QUANTITIES)
    axes = _Axes(width, height, "Time (h)", quantity.capitalize())
    axes.under([str(hour) for hour in (0, 6, 12, 24, 48)])
    rising = bool(rng.integers(2))
    colours = [PALETTE[int(i)] for i in rng.permutation(5)[: int(rng.integers(1, 4))]]
    names = []
    for index, (name, colour) in enumerate(colours):
        x = np.linspace(0.05, 0.95, 7)
        y = 0.12 + 0.75 * x ** (0.6 + index * 0.6)
        y = (y if rising else 1 - y) + rng.normal(0, 0.02, 7)
        points = [axes.at(*point) for point in zip(x.tolist(), y.clip(0.03, 0.97).tolist(), strict=True)]
        axes.draw.line(points, colour, axes.pen)
        for px, py in points:
            axes.draw.line((px, py - 2 * axes.pen, px, py + 2 * axes.pen), colour, 1)
            axes.draw.circle((px, py), axes.pen, colour)
        names.append(f"{DRAWN_AS[name]} ({name})")
    trend = "increasing" if rising else "decreasing"
    phrase = f"Line graph of {quantity} {trend} over time in {' and '.join(names)}"
    return Picture(axes.image, PictureKind.LINE_PLOT, phrase, pick(rng, MEANS))


def bar_chart(rng: Rng, width: int, height: int) -> Picture:
    quantity = pick(rng, QUANTITIES)
    axes = _Axes(width, height, "", quantity.capitalize())
    groups = [GROUPS[int(i)] for i in rng.permutation(len(GROUPS))[: int(rng.integers(2, 5))]]
    highest = int(rng.integers(len(groups)))
    colour_name, colour = pick(rng, PALETTE)
    for index, _ in enumerate(groups):
        value = rng.uniform(0.78, 0.9) if index == highest else rng.uniform(0.2, 0.6)
        (x0, y0), (x1, y1) = axes.at((index + 0.2) / len(groups), value), axes.at((index + 0.8) / len(groups), 0)
        axes.draw.rectangle((x0, y0, x1, y1), colour, BLACK)
        middle, error = (x0 + x1) / 2, rng.uniform(4, 12)
        axes.draw.line((middle, y0 - error, middle, y0 + error), BLACK, 2)
        axes.draw.line((middle - 5, y0 - error, middle + 5, y0 - error), BLACK, 2)
        if index == highest:
            put_text(axes.draw, (middle, y0 - error - 2), "*", axes.size * 2, anchor="mm")
    axes.under(groups)
    phrase = (
        f"Bar graph ({colour_name}) of {quantity} in {len(groups)} groups; it is highest in the"
        f" {('first', 'second', 'third', 'fourth')[highest]} group ({groups[highest]})"
    )
    return Picture(axes.image, PictureKind.BAR_CHART, phrase, pick(rng, MEANS))


def scatter_plot(rng: Rng, width: int, height: int) -> Picture:
    first, second = (QUANTITIES[int(i)] for i in rng.permutation(len(QUANTITIES))[:2])
    axes = _Axes(width, height, first.capitalize(), second.capitalize())
    slope = int(rng.integers(-1, 2))
    colour_name, colour = pick(rng, PALETTE)
    x = rng.uniform(0.05, 0.95, 70)
    spread = 0.07 if slope else 0.25
    y = (0.5 + slope * 0.8 * (x - 0.5) + rng.normal(0, spread, 70)).clip(0.02, 0.98)
    for point in zip(x.tolist(), y.tolist(), strict=True):
        axes.draw.circle(axes.at(*point), axes.pen, colour)
    if slope:
        axes.draw.line((*axes.at(0.05, 0.5 - slope * 0.36), *axes.at(0.95, 0.5 + slope * 0.36)), BLACK, 2)
    relation = {-1: "a negative correlation", 0: "no correlation", 1: "a positive correlation"}[slope]
    phrase = f"Scatter plot ({colour_name} dots) showing {relation} between {first} and {second}"
    return Picture(axes.image, PictureKind.SCATTER_PLOT, phrase)


def survival_curve(rng: Rng, width: int, height: int) -> Picture:
    axes = _Axes(width, height, "Time (months)", "Survival (%)")
    (good, good_colour), (poor, poor_colour) = (PALETTE[int(i)] for i in rng.permutation(5)[:2])
    for colour, floor in ((good_colour, rng.uniform(0.6, 0.75)), (poor_colour, rng.uniform(0.1, 0.3))):
        times = np.sort(rng.uniform(0, 1, 12))
        level, points = 1.0, [axes.at(0, 1)]
        for time in times.tolist():
            points.append(axes.at(time, level))
            level -= (1 - floor) / 12
            points.append(axes.at(time, level))
        axes.draw.line([*points, axes.at(1, level)], colour, axes.pen)
    axes.under(["0", "12", "24", "36", "48", "60"])
    phrase = f"Kaplan-Meier survival curves; patients in the {good} group lived longer than those in the {poor} group"
    return Picture(axes.image, PictureKind.SURVIVAL_CURVE, phrase, "Log-rank test, P < 0.001.")


def heat_map(rng: Rng, width: int, height: int) -> Picture:
    rows, columns = int(rng.integers(8, 20)), int(rng.integers(4, 10))
    low, high, words = pick(
        rng,
        (
            ((0, 0, 255), (255, 0, 0), "blue, low; red, high"),
            ((0, 170, 0), (230, 0, 0), "green, low; red, high"),
            ((255, 255, 229), (140, 20, 20), "pale, low; dark red, high"),
        ),
    )
    values = rng.random((rows, columns))
    values[: rows // 2, : columns // 2] *= 0.4
    values[rows // 2 :, columns // 2 :] = 1 - 0.4 * values[rows // 2 :, columns // 2 :]
    cells = np.array(low) + values[..., None] * (np.array(high) - np.array(low))
    image = Image.new("RGB", (width, height), WHITE)
    map_width, map_height = int(width * 0.8), int(height * 0.92)
    tiles = Image.fromarray(cells.astype(np.uint8)).resize((map_width, map_height), Image.Resampling.NEAREST)
    image.paste(tiles, (int(width * 0.02), int(height * 0.04)))
    draw = ImageDraw.Draw(image)
    size = max(8, map_height // rows - 3)
    for row in range(rows):
        y = height * 0.04 + (row + 0.5) * map_height / rows
        put_text(draw, (width * 0.84, y), f"G{row + 1}", min(size, 13), anchor="lm")
    phrase = f"Heat map of the expression of {rows} genes in {columns} samples ({words})"
    return Picture(image, PictureKind.HEAT_MAP, phrase)


def ecg(rng: Rng, width: int, height: int) -> Picture:
    image = Image.new("RGB", (width, height), (255, 240, 240))
    draw = ImageDraw.Draw(image)
    for step in range(0, max(width, height), 12):
        grey = (240, 170, 170) if step % 60 == 0 else (250, 214, 214)
        draw.line((step, 0, step, height), grey)
        draw.line((0, step, width, step), grey)
    fast = bool(rng.integers(2))
    beats = int(rng.integers(9, 13)) if fast else int(rng.integers(3, 6))
    leads = int(rng.integers(1, 4))
    x = np.arange(width)
    phase = (x * beats / width) % 1
    wave = 0.12 * np.exp(-(((phase - 0.2) / 0.04) ** 2)) + np.exp(-(((phase - 0.4) / 0.012) ** 2))
    wave += 0.25 * np.exp(-(((phase - 0.65) / 0.06) ** 2)) - 0.2 * np.exp(-(((phase - 0.435) / 0.012) ** 2))
    for lead in range(leads):
        base = height * (lead + 0.7) / leads
        y = base - wave * height / leads * 0.55 + rng.normal(0, 0.8, width)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), BLACK, 2)
        put_text(draw, (4, base - height / leads * 0.6), ("I", "II", "III")[lead], 14)
    rhythm = "tachycardia" if fast else "a slow sinus rhythm"
    lead_words = "1 lead" if leads == 1 else f"{leads} leads"
    return Picture(image, PictureKind.ECG, f"Electrocardiogram ({lead_words}) showing {rhythm}")


def diagram(rng: Rng, width: int, height: int) -> Picture:
    """A flow chart of boxes and arrows."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    words = ("Screened", "Enrolled", "Randomised", "Treated", "Followed up", "Analysed")
    steps = int(rng.integers(3, 6))
    upright = height >= width or bool(rng.integers(2))
    colour_name, colour = pick(rng, (("blue", (204, 222, 245)), ("green", (208, 236, 208)), ("grey", (228, 228, 228))))
    along, across = (height, width) if upright else (width, height)
    box, gap = along / (steps * 1.5), along / (steps * 3)
    size = max(9, min(int(box / 5 if not upright else box / 2.6), 18))
    previous = 0.0
    for index in range(steps):
        start = gap / 2 + index * (box + gap)
        corners = (across * 0.2, start, across * 0.8, start + box)
        if not upright:
            corners = (corners[1], corners[0] * 1.4, corners[3], across * 0.72)
        draw.rounded_rectangle(corners, 6, colour, BLACK, 2)
        centre = ((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2)
        put_text(draw, centre, words[index], size, anchor="mm")
        if index:
            tip = (centre[0], start) if upright else (start, centre[1])
            tail = (centre[0], previous) if upright else (previous, centre[1])
            draw.line((*tail, *tip), BLACK, 2)
            draw.regular_polygon(
                (tip[0], tip[1] - 4, 5) if upright else (tip[0] - 4, tip[1], 5), 3, 180 if upright else 270, BLACK
            )
        previous = start + box
    ends = f"from {words[0].lower()} to {words[steps - 1].lower()}"
    phrase = f"Flow diagram of the study design with {steps} {colour_name} boxes, {ends}"
    return Picture(image, PictureKind.DIAGRAM, phrase)


def tree(rng: Rng, width: int, height: int) -> Picture:
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    taxa = int(rng.integers(6, 13))
    size = max(9, min(15, int(height / taxa * 0.6)))
    tips = [(width * 0.66, (index + 0.5) * height / taxa) for index in range(taxa)]
    genera = ("E. coli", "B. subtilis", "S. aureus", "P. putida", "V. cholerae", "L. casei")
    for index, (x, y) in enumerate(tips):
        put_text(draw, (x + 4, y), f"{genera[index % len(genera)]} {index + 1}", size, anchor="lm")
    nodes = tips
    while len(nodes) > 1:
        index = int(rng.integers(len(nodes) - 1))
        (x0, y0), (x1, y1) = nodes[index], nodes[index + 1]
        x = min(x0, x1) - width * 0.6 / taxa
        draw.line((x0, y0, x, y0, x, y1, x1, y1), BLACK, 2)
        nodes = [*nodes[:index], (x, (y0 + y1) / 2), *nodes[index + 2 :]]
    phrase = f"Maximum-likelihood phylogenetic tree of {taxa} bacterial strains"
    return Picture(image, PictureKind.TREE, phrase, "Scale, substitutions per site.")


def table(rng: Rng, width: int, height: int) -> Picture:
    """A table as an image, as publishers deliver them."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    rows, columns = int(rng.integers(4, 9)), int(rng.integers(3, 6))
    size = max(9, min(15, height // (rows * 2)))
    for y in (2, height / rows, height - 3):
        draw.line((4, y, width - 4, y), BLACK, 2)
    for row in range(rows):
        for column in range(columns):
            cell = f"{rng.uniform(0, 99):.1f}"
            if row == 0 or column == 0:
                cell = "Variable" if row == column == 0 else (f"Group {column}" if row == 0 else f"Item {row}")
            put_text(draw, (8 + column * width / columns, (row + 0.5) * height / rows), cell, size, anchor="lm")
    return Picture(image, PictureKind.TABLE, f"Table of {rows - 1} items in {columns - 1} groups")


def formula(rng: Rng, width: int, height: int) -> Picture:
    image = Image.new("RGB", (width, height), WHITE)
    text = pick(rng, ("y = a x + b", "v = Vmax [S] / (Km + [S])", "E = m c²"))
    put_text(
        ImageDraw.Draw(image), (width / 2, height / 2), text, max(9, min(height // 2, width // len(text))), anchor="mm"
    )
    return Picture(image, PictureKind.FORMULA, f"Formula {text}")
