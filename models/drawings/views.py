"""Pictures as figures arrange them: cells in rows under headings, slices on white, renderings, plates, like things."""

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
    coloured,
    fractal,
    grey,
    grid,
    noise,
    phrase,
    pick,
    picture,
    write,
    write_aslant,
    write_upright,
)
from models.drawings.micrographs import (
    CHANNELS,
    GELS,
    MICROGRAPHS,
    fluorescence,
    gel,
    living,
    scanning,
    section,
    transmission,
)
from models.drawings.photos import PHOTOS, leaves, objects, scene, skin
from models.drawings.plots import SCALES
from models.drawings.scans import SCANS, axial, brain, radiograph, ultrasound


def _place(rng: Rng, width: int, height: int, low: float = 0, high: float = 1) -> Point:
    x, y = rng.uniform(low, high, 2).tolist()
    return x * width, y * height


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (int(value * share) for value in colour)
    return red, green, blue


def _rows(rng: Rng, width: int, height: int, tile: Paint, dark: bool = False) -> Image.Image:
    """Equal tiles in rows and columns, headings above in the colour of their dye, names at the left."""
    paper, ink = (BLACK, WHITE) if dark else (WHITE, BLACK)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    rows, columns = int(rng.integers(1, 8)), int(rng.integers(2, 9))
    size = max(6.0, min(width, height) * rng.uniform(0.03, 0.06))
    left, top = size * rng.uniform(0.2, 4), size * (1.3 if chance(rng, 0.7) else 0.1)
    gap = rng.uniform(0, 0.09)
    wide, high = (width - left) / columns, (height - top) / rows
    upright, tinted = chance(rng, 0.5), chance(rng, 0.5)
    for row in range(rows):
        if left > size:
            colour = _darker(pick(rng, CHANNELS[:4]), 0.75) if tinted else ink
            at = (left / 2, top + (row + 0.5) * high)
            if upright:
                write_upright(image, at, phrase(rng, 1), size, colour)
            else:
                write(draw, at, phrase(rng, 1)[:8], size * 0.8, colour, "mm")
        for column in range(columns):
            w, h = max(8, int(wide * (1 - gap))), max(8, int(high * (1 - gap)))
            image.paste(tile(rng, w, h), (int(left + column * wide), int(top + row * high)))
    for column in range(columns) if top > size else ():
        colour = _darker(pick(rng, CHANNELS[:4]), 0.75) if tinted else ink
        write(draw, (left + (column + 0.45) * wide, 1), phrase(rng, 1), size, colour, "ma")
    return image


def _cell(rng: Rng, width: int, height: int, ground: int, tint: Colour | None) -> Image.Image:
    """A few soft bodies on even grey, bright specks; black where a dye stains nothing."""
    image = Image.new("L", (width, height), ground)
    draw = ImageDraw.Draw(image)
    scale = min(width, height)
    for _ in range(int(rng.integers(1, 7))):
        centre = _place(rng, width, height)
        size = scale * rng.uniform(0.1, 0.32)
        draw.polygon(blob(rng, centre, (size, size * rng.uniform(0.6, 1)), 0.08), int(ground + rng.integers(15, 110)))
    for _ in range(int(rng.integers(0, 40))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.3, 1.6)
        draw.ellipse((x - r, y - r, x + r, y + r), int(rng.integers(150, 255)))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, scale / 60 + 0.5))), np.float32)
    plane = blurred + rng.normal(0, rng.uniform(0, 7), blurred.shape)
    if tint is None:
        return grey(plane)
    return picture(plane[..., None] * np.array(tint, np.float32) / 255)


def montage(rng: Rng, width: int, height: int) -> Image.Image:
    """Cells over time and dyes: small grey or tinted tiles."""
    ground, tinted = int(rng.integers(0, 110)), chance(rng, 0.35)
    tints = [pick(rng, CHANNELS) for _ in range(3)]
    empty = chance(rng, 0.2)

    def tile(rng: Rng, width: int, height: int) -> Image.Image:
        if empty and chance(rng, 0.3):
            return Image.new("RGB", (width, height), (ground // 3,) * 3)
        return _cell(rng, width, height, ground, pick(rng, tints) if tinted else None)

    return _rows(rng, width, height, tile, chance(rng, 0.2))


def _parts(rng: Rng, paint: Paint, width: int, height: int) -> Paint:
    """Tiles that are parts of one or two pictures by a painter: quick, and alike, as fields of one slide are."""
    whole = [paint(rng, max(64, width // 2), max(64, height // 2)) for _ in range(2 if chance(rng, 0.5) else 1)]

    def tile(rng: Rng, width: int, height: int) -> Image.Image:
        image = pick(rng, whole)
        share = rng.uniform(0.35, 0.8)
        w, h = int(image.width * share), int(image.height * share)
        x, y = int(rng.integers(image.width - w + 1)), int(rng.integers(image.height - h + 1))
        return image.crop((x, y, x + w, y + h)).resize((width, height))

    return tile


def plate(rng: Rng, width: int, height: int) -> Image.Image:
    """One microscope's tiles under headings: sections, fluorescence, living cells, electrons."""
    paint = pick(rng, (section, fluorescence, fluorescence, living, scanning, transmission))
    return _rows(rng, width, height, _parts(rng, paint, width, height), chance(rng, 0.15))


def neuropil(rng: Rng, width: int, height: int) -> Image.Image:
    """Crowded membranes of hard contrast (TEM of tissue), dark bodies with stripes, or the same in flat colours."""
    step = min(width, height) * rng.uniform(0.03, 0.12)
    count = max(6, int(width * height / step**2))
    seeds = rng.random((min(count, 260), 2)) * (width, height)
    y, x = np.mgrid[0:height:2, 0:width:2].astype(np.float32)
    warp = step * 1.5
    x, y = (
        x + warp * (noise(rng, x.shape[1], x.shape[0], 14) - 0.5),
        y + warp * (noise(rng, x.shape[1], x.shape[0], 14) - 0.5),
    )
    flat = np.stack([x.ravel(), y.ravel()], 1)
    stretch = np.array([1.0, rng.uniform(0.5, 1.6)])
    far = (
        ((flat * stretch) ** 2).sum(1)[:, None]
        + ((seeds * stretch) ** 2).sum(1)
        - 2 * (flat * stretch) @ (seeds * stretch).T
    )
    nearest = np.partition(far, 1, 1)[:, :2].clip(0)
    owner = far.argmin(1).reshape(x.shape)
    gap = (np.sqrt(nearest[:, 1]) - np.sqrt(nearest[:, 0])).reshape(x.shape)
    level = rng.uniform(150, 240)
    tone = rng.normal(level, rng.uniform(5, 35), len(seeds))[owner]
    plane = np.where(gap < rng.uniform(1.2, 3), rng.uniform(10, 80), tone)
    plane = plane - 120 * (fractal(rng, x.shape[1], x.shape[0], 0.8, 0.04) > rng.uniform(0.7, 0.85))
    image = Image.fromarray(plane.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 9))):
        size = step * rng.uniform(0.5, 1.1)
        points = blob(rng, _place(rng, width, height), (size, size * 0.6), 0.1)
        draw.polygon(points, int(rng.integers(20, 110)), 10)
    pixels = np.asarray(image, np.float32)[..., None].repeat(3, 2) + rng.normal(
        0, rng.uniform(3, 22), (height, width, 1)
    )
    if chance(rng, 0.3):
        colours = rng.integers(30, 255, (len(seeds), 3)).astype(np.float32)[owner]
        tint = np.asarray(picture(colours).resize((width, height), Image.Resampling.NEAREST), np.float32)
        share = rng.uniform(0.35, 0.85)
        pixels = pixels * (1 - share) + tint * share * (pixels / 255 + 0.2).clip(0, 1)
    image = picture(pixels)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 5)) if chance(rng, 0.4) else 0):
        at = _place(rng, width, height)
        write(
            draw,
            at,
            pick(rng, ("M", "SV", "N", "ax")),
            max(8, min(width, height) / 18),
            pick(rng, (WHITE, BLACK, (230, 0, 0))),
        )
    return image


def grain(rng: Rng, width: int, height: int) -> Image.Image:
    """One or a few particles: bright and rough on dark (SEM), or dark and ragged on pale (TEM); a bar in a box."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale, dark = min(width, height), chance(rng, 0.6)
    rough = fractal(rng, width, height, rng.uniform(0.6, 0.95), rng.uniform(0.05, 0.3))
    plane = (rng.uniform(15, 90) if dark else rng.uniform(170, 225)) + 12 * (noise(rng, width, height, scale / 3) - 0.5)
    for _ in range(int(rng.choice([1, 1, 2, 4, 9]))):
        cx, cy = rng.uniform(0.2, 0.8, 2) * (width, height)
        r, stretch = scale * rng.uniform(0.12, 0.45), rng.uniform(0.6, 1.4)
        far = np.hypot((x - cx) * stretch, y - cy) / r + (rough - 0.5) * rng.uniform(0.1, 0.9)
        body = (far < 1).astype(np.float32)
        light = 0.75 + 0.45 * (cx - x + cy - y) / r / 2.8
        steep = 90 * (np.abs(np.gradient(rough)[0]) + np.abs(np.gradient(rough)[1])) * scale / 40
        inside = (
            (rng.uniform(90, 160) * light + 70 * (rough - 0.4) + steep)
            if dark
            else rng.uniform(5, 70) + 90 * (rough - 0.3)
        )
        if dark:
            inside = inside + 60 * np.exp(-(((far - 0.97) / 0.05) ** 2))
        plane = plane * (1 - body) + inside * body
    image = grey(plane + rng.normal(0, rng.uniform(2, 9), plane.shape)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9))
    )
    draw = ImageDraw.Draw(image)
    size = max(9.0, scale * rng.uniform(0.06, 0.12))
    if chance(rng, 0.6):
        draw.rectangle((width - size * 4, height - size * 1.6, width, height), BLACK)
        write(
            draw,
            (width - size * 2, height - size * 1.5),
            f"{pick(rng, ('50', '500', '1', '2'))} {pick(rng, ('nm', 'µm'))}",
            size,
            WHITE,
            "ma",
        )
        draw.line((width - size * 3.5, height - 4, width - size * 0.5, height - 4), WHITE, 3)
    if chance(rng, 0.4):
        draw.rectangle((0, 0, size * 1.4, size * 1.4), BLACK)
        write(draw, (size * 0.7, size * 0.7), pick(rng, "ABCDEFG"), size, WHITE, "mm", True)
    if chance(rng, 0.25):  # its pattern of diffraction
        side = scale // 3
        gx, gy = grid(side, side)
        spots = 30 + 220 * np.exp(-((gx * gx + gy * gy) / 0.02)) + 150 * ((np.sin(gx * 14) * np.sin(gy * 14)) > 0.93)
        image.paste(grey(spots), (0, height - side))
    if chance(rng, 0.3):
        arrow(
            draw,
            (width * 0.3, height * 0.3),
            (width * rng.uniform(0.4, 0.7), height * 0.6),
            pick(rng, (BLACK, WHITE)),
            2,
            size,
        )
        write(draw, (width * 0.2, height * 0.2), phrase(rng, 1).title(), size, pick(rng, (BLACK, WHITE)), bold=True)
    return image


def sided(rng: Rng, width: int, height: int) -> Image.Image:
    """A micrograph with its name on the white beside or below it."""
    paint = pick(rng, (grain, neuropil, *MICROGRAPHS))
    size = max(8.0, min(width, height) * rng.uniform(0.06, 0.12))
    image, room = Image.new("RGB", (width, height), WHITE), int(size * rng.uniform(1.3, 3))
    if chance(rng, 0.5):
        image.paste(paint(rng, max(16, width - room), height), (room, 0))
        write_upright(image, (room / 2, height / 2), phrase(rng, 2), size)
    else:
        image.paste(paint(rng, width, max(16, height - room)), (0, 0))
        words = f"({pick(rng, 'abcAB')}) {phrase(rng, 5)}" if chance(rng, 0.6) else f"({pick(rng, 'ABC')})"
        write(ImageDraw.Draw(image), (width * pick(rng, (0.02, 0.4)), height - room + 2), words, size * 0.8)
    return image


def traced(rng: Rng, width: int, height: int) -> Image.Image:
    """Reconstructed cells and regions: many thin coloured threads, soft coloured bodies, names; on black or white."""
    paper = BLACK if chance(rng, 0.5) else WHITE
    ink = WHITE if paper == BLACK else BLACK
    image = Image.new("RGB", (width, height), paper)
    scale, x, y = min(width, height), *grid(width, height)
    for _ in range(int(rng.integers(0, 6))):
        cx, cy, r = rng.uniform(-0.5, 0.5), rng.uniform(-0.6, 0.6), rng.uniform(0.15, 0.45)
        rough = fractal(rng, width, height, 0.6, 0.15)
        far = np.hypot(x - cx, (y - cy) * rng.uniform(0.7, 1.6)) / r + (rough - 0.5) * 0.5
        body = (
            np.array(any_colour(rng, 60), np.float32) * (1.15 - 0.5 * far.clip(0, 1) + 0.4 * (rough - 0.5))[..., None]
        )
        image.paste(picture(body), (0, 0), Image.fromarray(((far < 1) * int(rng.integers(90, 255))).astype(np.uint8)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 7))):
        colour, home = any_colour(rng, 40), rng.uniform(0.2, 0.8, 2) * (width, height)
        course = rng.uniform(0, 6.3)
        for _ in range(int(rng.integers(3, 60))):
            (px, py), angle, path = home + rng.normal(0, scale * 0.04, 2), course + rng.normal(0, 0.5), []
            for _ in range(22):
                angle += rng.normal(0, 0.35)
                px, py = px + scale * 0.02 * math.cos(angle), py + scale * 0.02 * math.sin(angle)
                path.append((float(px), float(py)))
            draw.line(path, colour, 1)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 9))):
        at = _place(rng, width, height, 0.05, 0.85)
        write(draw, at, phrase(rng, 1)[:6], scale * rng.uniform(0.04, 0.07), ink)
    return image


def slices(rng: Rng, width: int, height: int) -> Image.Image:
    """Scans of one patient in rows, on white or black, dates or letters on them, now and then coloured parts."""
    paint = pick(rng, (axial, axial, axial, brain, brain, radiograph, ultrasound))
    part = pick(rng, ((255, 40, 20), (250, 160, 0), (80, 220, 90)))
    marked, boxed = chance(rng, 0.25), chance(rng, 0.3)
    scans = [paint(rng, max(48, width // 3), max(48, height // 3)) for _ in range(int(rng.integers(2, 7)))]

    def tile(rng: Rng, width: int, height: int) -> Image.Image:
        image = pick(rng, scans).resize((width, height))
        draw = ImageDraw.Draw(image)
        if marked:
            where = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.7))
            draw.polygon(blob(rng, where, (width * 0.1, height * 0.08)), part)
        if boxed:
            for tick in range(8):
                draw.line((width - 6, height * (0.2 + 0.07 * tick), width - 2, height * (0.2 + 0.07 * tick)), WHITE)
            write(draw, (width - 3, 2), "CT2020", max(5, height / 16), WHITE, "ra")
        return image

    return _rows(rng, width, height, tile, chance(rng, 0.4))


def tracts(rng: Rng, width: int, height: int) -> Image.Image:
    """Bundles of fibres and maps of a brain's parts, glowing on black, axes of the body and headings round them."""
    scale = min(width, height)
    plane = np.zeros((height, width, 3), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        colour = np.array(pick(rng, CHANNELS), np.float32)
        layer = Image.new("L", (width, height))
        draw = ImageDraw.Draw(layer)
        home, course = rng.uniform(0.3, 0.7, 2) * (width, height), rng.uniform(0, 6.3)
        for _ in range(int(rng.integers(20, 140))):
            (x, y), angle, path = home + rng.normal(0, scale * 0.06, 2), course + rng.normal(0, 0.25), []
            bend = rng.normal(0, 0.06)
            for _ in range(24):
                angle += bend
                x, y = x + scale * 0.02 * math.cos(angle), y + scale * 0.02 * math.sin(angle)
                path.append((float(x), float(y)))
            draw.line(path, int(rng.integers(20, 90)), 2)
        glow = np.asarray(layer.filter(ImageFilter.GaussianBlur(rng.uniform(1, 6))), np.float32)
        plane += glow[..., None] * colour / 255 * rng.uniform(1, 4)
    if chance(rng, 0.6):  # the organ behind them
        mask = Image.new("L", (width, height))
        for side in (0.3, 0.7) if chance(rng, 0.5) else (0.5,):
            centre = (width * side, height * 0.5)
            ImageDraw.Draw(mask).polygon(
                blob(rng, centre, (scale * 0.16, scale * 0.34), 0.15), int(rng.integers(25, 120))
            )
        body = np.asarray(mask.filter(ImageFilter.GaussianBlur(2)), np.float32) * (
            0.6 + 0.6 * noise(rng, width, height, 5)
        )
        plane += body[..., None]
    image = picture(plane)
    draw = ImageDraw.Draw(image)
    size = max(7.0, scale * rng.uniform(0.04, 0.07))
    if chance(rng, 0.7):
        write(draw, (width / 2, 3), phrase(rng, 5), size, WHITE, "ma")
    for _ in range(int(rng.integers(0, 4))):
        at = _place(rng, width, height, 0.1, 0.8)
        arrow(draw, at, (at[0] + size * 2, at[1] + size), pick(rng, (WHITE, (250, 180, 0))), 2, size * 0.7)
    if chance(rng, 0.5):
        y = height - size * 1.2
        arrow(draw, (width * 0.2, y), (width * 0.8, y), (140, 140, 140), 1, 6)
        write(draw, (width * 0.15, y), pick(rng, "PMLA"), size, (160, 160, 160), "mm")
    if chance(rng, 0.3):  # round corners on white
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).rounded_rectangle((1, 1, width - 2, height - 2), scale * 0.12, 255)
        image = Image.composite(image, Image.new("RGB", (width, height), WHITE), mask)
    return image


def parcels(rng: Rng, width: int, height: int) -> Image.Image:
    """A brain cut into parts: grey cortex with coloured nuclei on black, or outlines of sulci."""
    image = brain(rng, width, height) if chance(rng, 0.6) else Image.new("RGB", (width, height), BLACK)
    draw, scale = ImageDraw.Draw(image), min(width, height)
    for _ in range(int(rng.integers(3, 20))):
        at = _place(rng, width, height, 0.15, 0.85)
        points = blob(rng, at, (scale * rng.uniform(0.03, 0.22), scale * rng.uniform(0.02, 0.1)), 0.3)
        grey_ = int(rng.integers(60, 250))
        fill = pick(rng, ((grey_,) * 3, (grey_,) * 3, None, (240, 90, 20), (40, 70, 230), (240, 200, 20)))
        draw.polygon(points, fill, (200, 200, 200) if fill is None else None)
    if chance(rng, 0.4):
        write(draw, (4, 2), pick(rng, "ABCD"), scale * 0.1, WHITE, bold=True)
    return image


def solid(rng: Rng, width: int, height: int) -> Image.Image:
    """A surface rendered from slices: bone, a scaffold, a part in false colours with its scale; on black."""
    x, y = grid(width, height)
    period = rng.uniform(4, 16)
    lattice = np.sin(period * (x + 0.3 * y)) * np.sin(period * (y - 0.2 * x))
    rough = fractal(rng, width, height, 0.6, 0.2)
    mask = (np.abs(x) ** 3 + np.abs(y) ** 3 + (rough - 0.5) * rng.uniform(0, 0.5) < rng.uniform(0.3, 0.7)).astype(
        np.float32
    )
    open_ = chance(rng, 0.5)
    if open_:
        mask = mask * (lattice > rng.uniform(-0.5, 0.1))
    down, across = np.gradient(rough + 0.12 * lattice)
    light = np.clip(0.72 + 14 * (across - down) * min(width, height) / 250, 0.15, 1.15)
    tinted = chance(rng, 0.5)
    stops = pick(rng, (SCALES[0], ((20, 40, 230), (20, 210, 90), (240, 230, 0), (230, 20, 0))))
    tone = (
        coloured((rough * 1.6 - 0.3).clip(0, 1), stops)
        if tinted
        else np.full((height, width, 3), rng.uniform(150, 215), np.float32)
    )
    ground = rng.uniform(0, 25)
    image = picture(tone * light[..., None] * mask[..., None] + ground * (1 - mask[..., None]))
    draw = ImageDraw.Draw(image)
    if tinted or chance(rng, 0.3):
        bar = picture(coloured(np.linspace(1, 0, 60, dtype=np.float32)[:, None] * np.ones((1, 6)), stops))
        at = int(width * pick(rng, (0.03, 0.92)))
        image.paste(bar.resize((max(3, width // 40), int(height * 0.7))), (at, int(height * 0.15)))
        for tick in range(5):
            write(
                draw,
                (at + width / 30, height * (0.15 + 0.17 * tick)),
                f"{rng.random():.2f}",
                max(5, height / 40),
                WHITE,
                "lm",
            )
    if chance(rng, 0.3):
        size = min(width, height) * 0.08
        arrow(draw, (width * 0.3, height * 0.75), (width * 0.5, height * 0.5), (150, 230, 30), 3, size)
    return image


def aerial(rng: Rng, width: int, height: int) -> Image.Image:
    """Land and water from above, in greys or natural colours, names and a scale in white."""
    field = fractal(rng, width, height, rng.uniform(0.6, 0.85), rng.uniform(0.3, 0.8))
    water = field < np.quantile(field, rng.uniform(0.2, 0.7))
    down, across = np.gradient(field)
    relief = (across - down) * min(width, height) / 4
    land = (90 + 80 * field + 160 * relief).clip(10, 240)
    natural = chance(rng, 0.4)
    tint = np.array((0.75, 0.95, 0.6) if natural else (1, 1, 1), np.float32)
    sea = np.array((20, 50, 90) if natural else (35, 35, 35), np.float32)
    pixels = np.where(
        water[..., None], sea + 25 * fractal(rng, width, height, 0.9, 0.1)[..., None], land[..., None] * tint
    )
    edge = np.zeros(water.shape, bool)
    edge[1:] = water[1:] != water[:-1]
    pixels[edge] = 215
    image = picture(pixels + rng.normal(0, 5, (height, width, 1))).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.4, 1.2))
    )
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 6))):
        at = _place(rng, width, height, 0.05, 0.75)
        write(
            draw,
            at,
            phrase(rng, 2).title(),
            max(8, min(width, height) * rng.uniform(0.05, 0.1)),
            WHITE,
            bold=chance(rng, 0.5),
        )
    return image


def lined_up(rng: Rng, width: int, height: int) -> Image.Image:
    """Like things in one or two rows on an even ground, a ruler before them: pellets, bones, seeds, fish, dishes."""
    ground = np.array(
        pick(rng, ((225, 225, 220), (200, 215, 220), (30, 30, 35), any_colour(rng, 90, 240), WHITE)), np.float32
    )
    pixels = ground * (0.9 + 0.2 * noise(rng, width, height, max(width, height) / 2))[..., None]
    image = picture(pixels + rng.normal(0, 2, (height, width, 1)))
    rows, count = int(rng.integers(1, 4)), int(rng.integers(2, 9))
    colour, ruler = np.array(any_colour(rng, 40, 220), np.float32), chance(rng, 0.5)
    room, texture = height * (0.72 if ruler else 0.95), fractal(rng, width, height, 0.8, 0.08)
    for row in range(rows):
        for column in range(count):
            cx, cy = width * (column + 0.5) / count, room * (row + 0.5) / rows
            r = min(width / count, room / rows) * rng.uniform(0.38, 0.47)
            texture = np.roll(texture, 17, 1)
            y, x = np.mgrid[0:height, 0:width].astype(np.float32)
            far = np.hypot(x - cx, (y - cy) * 1.1) / r
            body = colour * (0.55 + 0.5 * texture + 0.35 * ((cx - x) + (cy - y)) / r / 2).clip(0.1, 1.3)[..., None]
            image.paste(
                BLACK, (0, 0), Image.fromarray((130 * np.exp(-(((far - 0.9) / 0.18) ** 2)) * (y > cy)).astype(np.uint8))
            )
            image.paste(picture(body), (0, 0), Image.fromarray(((far < 1) * 255).astype(np.uint8)))
    draw = ImageDraw.Draw(image)
    if ruler:
        y0 = int(height * 0.78)
        draw.rectangle((0, y0, width, height), pick(rng, ((215, 215, 210), (190, 160, 110), (240, 235, 190))))
        for tick in range(0, width, max(2, width // 90)):
            long = tick % (5 * max(2, width // 90)) == 0
            draw.line((tick, y0, tick, y0 + height * (0.08 if long else 0.04)), BLACK)
        for tick in range(12):
            write(draw, (width * tick / 11, y0 + height * 0.09), str(tick), max(7, height * 0.07), BLACK, "ma")
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1)))


def cultures(rng: Rng, width: int, height: int) -> Image.Image:
    """Spots and colonies on plates: grey or coloured discs in rows, dots on them by dilution, words at the edges."""
    white = chance(rng, 0.5)
    image = Image.new("RGB", (width, height), WHITE if white else any_colour(rng, 20, 120))
    draw = ImageDraw.Draw(image)
    rows, columns = int(rng.integers(1, 6)), int(rng.integers(2, 8))
    size, base = max(7.0, min(width, height) * 0.05), int(rng.integers(90, 215))
    tint = pick(rng, ((base, base, base), (base, int(base * 0.8), int(base * 0.55)), (base, base, int(base * 0.7))))
    top, left = size * 1.5, size * 2
    for row in range(rows):
        write(draw, (2, top + (height - top) * (row + 0.4) / rows), phrase(rng, 1)[:5], size * 0.8)
        for column in range(columns):
            cx, cy = left + (width - left) * (column + 0.5) / columns, top + (height - top) * (row + 0.5) / rows
            r = min((width - left) / columns, (height - top) / rows) * 0.43
            draw.ellipse((cx - r, cy - r, cx + r, cy + r), tint, _darker(tint, 0.5) if chance(rng, 0.3) else None)
            for _ in range(int(90 / (1 + 1.5 * column + row))):
                a, far, q = rng.uniform(0, 6.3), r * math.sqrt(rng.random()) * 0.9, r * rng.uniform(0.03, 0.12)
                x, y, ink = (
                    cx + far * math.cos(a),
                    cy + far * math.sin(a),
                    pick(rng, ((60, 60, 60), (240, 235, 215), (40, 40, 40))),
                )
                draw.ellipse((x - q, y - q, x + q, y + q), ink)
    write(draw, (width / 2, 1), phrase(rng, 2), size, BLACK if white else WHITE, "ma")
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.4))), np.float32)
    return picture(
        pixels * (0.93 + 0.14 * noise(rng, width, height, max(width, height) / 3))[..., None]
        + rng.normal(0, 3, pixels.shape)
    )


def specimens(rng: Rng, width: int, height: int) -> Image.Image:
    """One animal or plant a tile, on the same even ground, without gaps or with thin ones."""
    ground, colour = any_colour(rng, 150, 245), any_colour(rng, 60, 200)
    rows, columns, gap = int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.choice([0, 0, 2, 5]))
    image = Image.new("RGB", (width, height), WHITE)
    for row in range(rows):
        for column in range(columns):
            w, h = max(12, width // columns - gap), max(12, height // rows - gap)
            tile = picture(np.array(ground, np.float32) * (0.92 + 0.16 * noise(rng, w, h, max(w, h) / 2))[..., None])
            long, thin = min(w, h) * rng.uniform(0.3, 0.48), min(w, h) * rng.uniform(0.06, 0.2)
            mask = Image.new("L", (w, h))
            pen = ImageDraw.Draw(mask)
            pen.polygon(blob(rng, (w / 2, h / 2), (long, thin), 0.12), 255)
            for _ in range(int(rng.integers(0, 9))):
                a = rng.uniform(0, 6.3)
                pen.line(
                    (w / 2, h / 2, w / 2 + long * math.cos(a), h / 2 + long * math.sin(a)), 255, max(1, int(thin / 6))
                )
            body = np.array(colour, np.float32) * (0.5 + fractal(rng, w, h, 0.8, 0.15))[..., None]
            tile.paste(picture(body), (0, 0), mask.filter(ImageFilter.GaussianBlur(0.8)))
            pixels = np.asarray(tile, np.float32) + rng.normal(0, 4, (h, w, 1))
            image.paste(picture(pixels), (column * (w + gap), row * (h + gap)))
    if chance(rng, 0.5):
        write(ImageDraw.Draw(image), (4, 3), pick(rng, "ABab"), max(9, min(width, height) * 0.08), BLACK, bold=True)
    return image


def sunken(rng: Rng, width: int, height: int) -> Image.Image:
    """Blue or green haze: under water, at night, through a screen; things in it, a band of rope, rough ground."""
    base = scene(rng, width, height) if chance(rng, 0.6) else leaves(rng, width, height)
    haze = np.array(pick(rng, ((15, 60, 130), (10, 90, 100), (20, 30, 60), (60, 30, 90))), np.float32)
    share = (0.35 + 0.5 * fractal(rng, width, height, 0.4, 0.8))[..., None] * rng.uniform(0.7, 1.1)
    image = picture(np.asarray(base, np.float32) * (1 - share.clip(0, 0.95)) + haze * share.clip(0, 0.95))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 3))):
        x, y = width * rng.uniform(0.2, 0.7), height * rng.uniform(0.4, 0.7)
        tone = any_colour(rng, 90)
        draw.rounded_rectangle((x, y, x + width * 0.25, y + height * 0.1), 4, tone)
        draw.arc(
            (x, y - height * 0.35, x + width * 0.2, y + height * 0.05), 90, 330, pick(rng, ((230, 200, 60), WHITE)), 3
        )
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1)))


def framed_blot(rng: Rng, width: int, height: int) -> Image.Image:
    """Few strips in frames on white: groups ruled above them, hours or doses, names and weights beside them."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    strips, lanes = int(rng.integers(1, 5)), int(rng.integers(3, 13))
    size = max(6.0, min(width / 18, height / (strips + 2) / 2.2))
    left, right, top = width * rng.uniform(0.14, 0.28), width * rng.uniform(0.84, 0.98), size * rng.uniform(2, 3.4)
    lane, y = (right - left) / lanes, top
    for group in range(int(rng.integers(1, 4))):
        a, b = left + (right - left) * group / 3, left + (right - left) * (group + 0.85) / 3
        draw.line((a, size * 1.15, b, size * 1.15), BLACK, 1)
        write(draw, ((a + b) / 2, 1), phrase(rng, 2)[:12], size * 0.9, anchor="ma")
    for index in range(lanes):
        write(
            draw,
            (left + (index + 0.5) * lane, top - 1),
            pick(rng, ("0", "1", "2", "6", "24", "+", "-", "KO")),
            size * 0.8,
            anchor="mb",
        )
    for _ in range(strips):
        high = (height - top) / strips * rng.uniform(0.5, 0.9)
        level, faint = rng.uniform(205, 250), rng.uniform(0.2, 1)
        plane = np.full((max(4, int(high)), int(right - left)), level, np.float32)
        ys, xs = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]].astype(np.float32)
        for row in range(int(rng.choice([1, 1, 2, 3]))):
            middle, thick = plane.shape[0] * rng.uniform(0.25, 0.8), plane.shape[0] * rng.uniform(0.05, 0.16)
            for index in range(lanes):
                cx, strength = (index + 0.5) * lane, rng.uniform(0, 1) * faint * (180 if row == 0 else 90)
                far = np.abs((xs - cx) / (lane * 0.4)) ** 4 + ((ys - middle) / thick) ** 2
                plane -= strength * np.exp(-far)
        strip_image = grey(plane + rng.normal(0, 2, plane.shape)).filter(ImageFilter.GaussianBlur(0.6))
        image.paste(strip_image, (int(left), int(y)))
        if chance(rng, 0.75):
            draw.rectangle((left, y, right, y + strip_image.height), outline=BLACK, width=max(1, int(size / 8)))
        write(draw, (left - 3, y + high / 2), phrase(rng, 1)[:9], size, anchor="rm")
        if right < width * 0.94:
            write(draw, (right + 3, y + high / 2), phrase(rng, 1)[:5], size * 0.8, anchor="lm")
        y += (height - top) / strips
    return image


def small_gel(rng: Rng, width: int, height: int) -> Image.Image:
    """A gel that fills a part of its panel: slanted names above, lengths in bp at the right, much white."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    left, top, right = width * rng.uniform(0.05, 0.25), height * rng.uniform(0.2, 0.45), width * rng.uniform(0.7, 0.95)
    w, h, lanes = max(16, int(right - left)), max(16, int(height * 0.95 - top)), int(rng.integers(2, 8))
    inner = gel(rng, w, h)
    image.paste(inner, (int(left), int(top)))
    size = max(6.0, min(width, height) * 0.06)
    for index in range(lanes):
        write_aslant(image, (left + w * (index + 0.9) / lanes + size, top - size * 3), phrase(rng, 1), size, 50)
    for _ in range(int(rng.integers(1, 5))):
        write(
            draw,
            (right + 3, top + h * rng.uniform(0.1, 0.9)),
            f"{int(rng.integers(50, 900))} bp",
            size * 0.9,
            anchor="lm",
        )
    return image


MONTAGES: tuple[Paint, ...] = (*MICROGRAPHS, montage, montage, montage, plate, plate, neuropil, neuropil, grain, grain)
MONTAGES += (sided, sided, traced, traced)
VIEWS: tuple[Paint, ...] = (*SCANS, slices, slices, slices, slices, tracts, tracts, parcels, parcels, solid, solid)
SCENES: tuple[Paint, ...] = (*PHOTOS, aerial, aerial, lined_up, lined_up, lined_up, cultures, cultures, cultures)
SCENES += (specimens, specimens, sunken, sunken, objects, skin)
BLOTS: tuple[Paint, ...] = (*GELS, framed_blot, framed_blot, small_gel)
