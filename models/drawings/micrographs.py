"""Microscopy (stained sections, fluorescence, electron micrographs, living cells), and gels and blots."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.drawings.canvas import (
    BLACK,
    WHITE,
    Colour,
    Paint,
    Plane,
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
)

# Ground, second ground and nuclei: eosin, trichrome, DAB, silver, toluidine, PAS, alcian and the like.
STAINS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((240, 200, 222), (210, 120, 170), (85, 50, 125)),
    ((248, 225, 235), (225, 150, 190), (100, 60, 140)),
    ((232, 170, 195), (190, 80, 130), (60, 30, 90)),
    ((200, 90, 105), (95, 130, 200), (60, 30, 60)),
    ((228, 228, 236), (200, 180, 165), (120, 70, 30)),
    ((222, 226, 236), (190, 198, 215), (70, 90, 150)),
    ((205, 222, 240), (120, 160, 214), (34, 50, 130)),
    ((235, 225, 190), (200, 160, 100), (60, 40, 20)),
    ((236, 210, 225), (200, 60, 140), (70, 60, 140)),
    ((225, 240, 240), (90, 180, 190), (160, 40, 60)),
)
CHANNELS: tuple[Colour, ...] = (
    (30, 255, 50),
    (255, 30, 25),
    (60, 90, 255),
    (255, 40, 230),
    (40, 230, 230),
    (255, 255, 255),
    (255, 220, 40),
)


def _annotate(rng: Rng, image: Image.Image, ink: Colour) -> Image.Image:
    draw = ImageDraw.Draw(image)
    width, height = image.size
    size = max(7.0, min(width, height) * rng.uniform(0.035, 0.08))
    if chance(rng, 0.5):
        x = width - size if chance(rng, 0.75) else width * 0.35
        y = height - size * 0.7
        draw.rectangle((x - width * rng.uniform(0.1, 0.3), y, x, y + max(1, size / 5)), ink)
        if chance(rng, 0.5):
            write(draw, (x, y - 2), f"{int(rng.choice([1, 2, 5, 10, 20, 50, 100]))} µm", size, ink, "rd")
    for _ in range(int(rng.integers(1, 6)) if chance(rng, 0.25) else 0):
        x, y = width * rng.uniform(0.15, 0.85), height * rng.uniform(0.15, 0.85)
        angle = rng.uniform(0, 6.3)
        colour = pick(rng, (ink, (255, 255, 0), (255, 0, 0)))
        tail = (x + size * 2 * math.cos(angle), y + size * 2 * math.sin(angle))
        arrow(draw, tail, (x, y), colour, max(1, int(size / 5)), size * 0.8)
    if chance(rng, 0.3):
        write(draw, (size * 0.4, size * 0.3), phrase(rng, 1), size * 1.2, ink)
    if chance(rng, 0.08):  # a magnified part
        side = int(min(width, height) * 0.35)
        x, y = (int(value) for value in rng.integers(0, max(1, min(width, height) - side // 2), 2))
        image.paste(image.crop((x, y, x + side // 2, y + side // 2)).resize((side, side)), (width - side, 0))
        draw.rectangle((width - side, 0, width - 1, side), outline=ink)
    return image


def section(rng: Rng, width: int, height: int) -> Image.Image:
    """A stained section: two grounds, fibres, lumina, nuclei in crowds and rows."""
    first, second, nuclei = pick(rng, STAINS)
    shift = rng.normal(0, 12, 3)
    streak = pick(rng, (1.0, 1.0, 3.0, 6.0))
    mix = fractal(rng, int(width * streak) + 1, height, rng.uniform(0.5, 0.85), 0.3)
    mix = np.asarray(Image.fromarray(mix).resize((width, height)))
    contrast = rng.uniform(1, 2.4)
    mix = ((mix - 0.5) * contrast + 0.5).clip(0, 1)
    pixels = coloured(mix, (first, second)) + shift.astype(np.float32)
    empty = fractal(rng, width, height, 0.4, rng.uniform(0.15, 0.5))
    if chance(rng, 0.55):
        pixels[empty > np.quantile(empty, rng.uniform(0.6, 0.97))] = rng.uniform(225, 252)
    image = picture(pixels)
    draw = ImageDraw.Draw(image)
    crowd = fractal(rng, width, height, 0.5, 0.4)
    radius = min(width, height) * rng.uniform(0.004, 0.03)
    count = int(min(900, width * height / radius**2 * rng.uniform(0.005, 0.06)))
    for x, y in (rng.random((count, 2)) * (width - 1, height - 1)).tolist():
        if crowd[int(y), int(x)] > rng.uniform(0.2, 0.7):
            tone = rng.normal(0, 15)
            red, green, blue = (int(np.clip(value + tone, 0, 255)) for value in nuclei)
            size = radius * rng.uniform(0.7, 1.3)
            draw.polygon(blob(rng, (x, y), (size, size * rng.uniform(0.4, 1)), 0.1, 9), (red, green, blue))
    for _ in range(int(rng.integers(1, 9)) if chance(rng, 0.4) else 0):  # glands and vessels
        x, y, size = rng.uniform(0, width), rng.uniform(0, height), min(width, height) * rng.uniform(0.04, 0.18)
        draw.polygon(blob(rng, (x, y), (size * 1.2, size)), nuclei)
        draw.polygon(blob(rng, (x, y), (size, size * 0.8)), first)
        draw.polygon(blob(rng, (x, y), (size * 0.6, size * 0.45)), (245, 242, 245))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.4)))
    pixels = np.asarray(image, np.float32) + rng.normal(0, rng.uniform(1, 7), (height, width, 1))
    return _annotate(rng, picture(pixels), BLACK if chance(rng, 0.8) else WHITE)


def fluorescence(rng: Rng, width: int, height: int) -> Image.Image:
    """Cells, nuclei, filaments, puncta, neurons, tissue: one to three channels that add up on black."""
    pixels = np.zeros((height, width, 3), np.float32)
    scale = min(width, height)
    size = scale * rng.uniform(0.02, 0.16)
    count = int(np.clip(width * height / size**2 * rng.uniform(0.05, 0.5), 3, 250))
    centres = rng.random((count, 2)) * (width, height)
    colours = [CHANNELS[int(i)] for i in rng.permutation(len(CHANNELS))]
    for channel in range(int(rng.choice([1, 1, 2, 2, 3]))):
        plane = Image.new("L", (width, height))
        draw = ImageDraw.Draw(plane)
        form = rng.integers(6)
        if form in (0, 1):  # bodies or nuclei
            for x, y in centres.tolist():
                r = size * rng.uniform(0.5, 1) * (0.45 if form else 1)
                draw.polygon(blob(rng, (x, y), (r, r * rng.uniform(0.5, 1)), 0.12, 16), int(rng.integers(80, 255)))
        elif form == 2:  # filaments, neurites
            for _ in range(int(rng.integers(5, 60))):
                x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 6.3)
                path = [(x, y)]
                for _ in range(20):
                    angle += rng.normal(0, 0.3)
                    x, y = x + scale * 0.025 * math.cos(angle), y + scale * 0.025 * math.sin(angle)
                    path.append((x, y))
                draw.line(path, int(rng.integers(80, 255)), int(rng.integers(1, 4)))
        elif form == 3:  # puncta
            for x, y in (rng.random((int(rng.integers(10, 500)), 2)) * (width, height)).tolist():
                r = rng.uniform(0.5, 2.5)
                draw.ellipse((x - r, y - r, x + r, y + r), int(rng.integers(80, 255)))
        elif form == 4:  # membranes
            for x, y in centres.tolist():
                draw.line(blob(rng, (x, y), (size, size * 0.8), 0.12, 16), int(rng.integers(90, 255)), 2)
        else:  # tissue
            field = fractal(rng, width, height, rng.uniform(0.5, 0.9), 0.3)
            plane = Image.fromarray(((field - rng.uniform(0.2, 0.6)).clip(0, 1) * 400).clip(0, 255).astype(np.uint8))
        soft: Plane = np.asarray(plane.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 3))), np.float32)
        soft = soft * (0.3 + 0.9 * fractal(rng, width, height, 0.7, 0.2)) * rng.uniform(0.4, 1.3)
        pixels += soft[..., None] / 255 * np.array(colours[channel], np.float32)
    pixels *= rng.choice([1, 1, 0.5, 1.6])
    pixels += rng.uniform(0, 14) * np.array(colours[0], np.float32) / 255 + rng.normal(
        0, rng.uniform(0, 6), (height, width, 1)
    )
    return _annotate(rng, picture(pixels), WHITE)


def scanning(rng: Rng, width: int, height: int) -> Image.Image:
    """A surface lit from the side (SEM): particles, fibres, rough ground; a bar of data below."""
    relief = fractal(rng, width, height, rng.uniform(0.5, 0.85), rng.uniform(0.05, 0.4)) * rng.uniform(10, 50)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    form = rng.integers(3)
    scale = min(width, height)
    if form == 0:
        size = scale * rng.uniform(0.02, 0.2)
        for _ in range(int(np.clip(width * height / size**2 * rng.uniform(0.1, 0.6), 3, 90))):
            cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), size * rng.uniform(0.4, 1.2)
            ball = r * r - (x - cx) ** 2 - (y - cy) ** 2
            relief = np.where(ball > 0, np.maximum(relief, np.sqrt(ball.clip(0)) + rng.uniform(0, r)), relief)
    elif form == 1:
        for _ in range(int(rng.integers(6, 40))):
            angle, offset, thick = rng.uniform(0, 3.2), rng.uniform(-0.7, 0.7) * scale, scale * rng.uniform(0.005, 0.04)
            across = (x - width / 2) * math.sin(angle) + (y - height / 2) * math.cos(angle) - offset
            rod = thick * thick - across**2
            relief = np.where(rod > 0, np.maximum(relief, np.sqrt(rod.clip(0)) + rng.uniform(0, 30)), relief)
    down, across = np.gradient(relief)
    steep = np.hypot(down, across)
    plane = (
        rng.uniform(50, 130)
        + rng.uniform(8, 30) * (across - down).clip(-4, 4)
        + 25 * np.minimum(steep, 3)
        + relief * rng.uniform(0, 1.2)
    )
    if chance(rng, 0.45):  # what lies deep is dark
        depth = relief - relief.min()
        plane = plane * (depth / max(float(np.quantile(depth, 0.9)), 1e-3)).clip(0, 1) ** rng.uniform(0.4, 1.5)
    plane = (plane - plane.mean()) * rng.uniform(0.7, 1.5) + plane.mean() + rng.normal(0, 15)
    plane = plane + rng.normal(0, rng.uniform(2, 16), plane.shape)
    image = grey(plane).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1)))
    if chance(rng, 0.45):
        draw, high = ImageDraw.Draw(image), max(9, height // 14)
        draw.rectangle((0, height - high, width, height), pick(rng, (BLACK, BLACK, WHITE, (60, 60, 60))))
        write(draw, (4, height - high / 2), "15.0kV 8.2mm x5.00k SE", high * 0.7, (200, 200, 200), "lm")
        draw.line((width * 0.7, height - high / 2, width * 0.95, height - high / 2), (220, 220, 220), 2)
    return _annotate(rng, image, WHITE)


def transmission(rng: Rng, width: int, height: int) -> Image.Image:
    """Thin matter (TEM): membranes, organelles, dark particles, lattices, neuropil."""
    level = rng.uniform(90, 225)
    plane = level + rng.uniform(20, 90) * (fractal(rng, width, height, rng.uniform(0.5, 0.9), 0.3) - 0.5)
    form = rng.integers(4)
    if form == 0:
        field = fractal(rng, width, height, 0.5, rng.uniform(0.08, 0.3))
        for contour in rng.uniform(0.25, 0.75, int(rng.integers(1, 6))):
            plane -= rng.uniform(50, 120) * (np.abs(field - contour) < rng.uniform(0.008, 0.02))
    elif form == 1:
        x, y = grid(width, height)
        plane += rng.uniform(8, 40) * np.sin(
            rng.uniform(40, 140) * (x + rng.normal() * y) + 3 * noise(rng, width, height, 60)
        )
    image = Image.fromarray(plane.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    scale = min(width, height)
    for _ in range(int(rng.integers(3, 60)) if form != 1 else 0):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), scale * rng.uniform(0.01, 0.12)
        dark = int(level - rng.uniform(30, 120))
        points = blob(rng, (cx, cy), (r, r * rng.uniform(0.4, 1)), 0.15)
        if form == 2:
            draw.polygon(points, max(0, dark))
        else:
            draw.polygon(points, int(level - rng.uniform(-30, 40)), max(0, dark), int(rng.integers(1, 4)))
            for step in range(-2, 3) if chance(rng, 0.4) else ():
                draw.line((cx - r * 0.5, cy + step * r / 4, cx + r * 0.5, cy + step * r / 4), max(0, dark), 1)
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.5))), np.float32)
    pixels: Plane = blurred[..., None].repeat(3, 2)
    if chance(rng, 0.12):  # segments in colour
        parts = fractal(rng, width, height, 0.5, 0.15)
        colours = np.array([any_colour(rng) for _ in range(13)], np.float32)
        share = rng.uniform(0.3, 0.9)
        pixels = pixels * (1 - share) + share * colours[(parts * 12).astype(int)]
    pixels = pixels + rng.normal(0, rng.uniform(2, 14), (height, width, 1))
    return _annotate(rng, picture(pixels), BLACK if chance(rng, 0.5) else WHITE)


def living(rng: Rng, width: int, height: int) -> Image.Image:
    """Cells in phase contrast or bright field: rims of light and dark on even grey or tinted ground."""
    ground = rng.uniform(110, 215)
    plane = ground + 12 * (noise(rng, width, height, max(width, height) / 2) - 0.5)
    image = Image.fromarray(plane.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    scale = min(width, height)
    size, long = scale * rng.uniform(0.015, 0.1), rng.uniform(0.25, 1)
    for x, y in (rng.random((int(rng.integers(3, 120)), 2)) * (width, height)).tolist():
        points = blob(rng, (x, y), (size, size * long), 0.15, 24)
        draw.polygon(points, int(ground - rng.uniform(0, 50)), int(min(255, ground + 60)), 2)
        draw.line(points, int(max(0, ground - 70)), 1)
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), int(max(0, ground - 80)))
    plane2: Plane = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5))), np.float32)
    plane2 = plane2 + 20 * (fractal(rng, width, height, 0.8, 0.1) - 0.5) + rng.normal(0, 4, plane2.shape)
    tint = np.array([1, 1, 1]) if chance(rng, 0.6) else rng.uniform(0.75, 1.05, 3)
    return _annotate(rng, picture(plane2[..., None] * tint.astype(np.float32)), BLACK)


def rendered(rng: Rng, width: int, height: int) -> Image.Image:
    """Traced cells and stained regions in many colours on black or white: reconstructions from microscopy."""
    paper = BLACK if chance(rng, 0.75) else WHITE
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    scale = min(width, height)
    for _ in range(int(rng.integers(2, 9))):
        colour = any_colour(rng, 40)
        x0, y0 = rng.uniform(0.2, 0.8, 2) * (width, height)
        for _ in range(int(rng.integers(10, 80))):
            x, y, angle, path = float(x0), float(y0), rng.uniform(0, 6.3), [(float(x0), float(y0))]
            for _ in range(18):
                angle += rng.normal(0, 0.5)
                x, y = x + scale * 0.02 * math.cos(angle), y + scale * 0.02 * math.sin(angle)
                path.append((x, y))
            draw.line(path, colour, 1)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    return _annotate(rng, picture(pixels + rng.normal(0, 3, pixels.shape)), WHITE if paper == BLACK else BLACK)


def _bands(rng: Rng, width: int, height: int, lanes: int, rows: int) -> Plane:
    """Smeared bands, 0…1: one row of the same level over the lanes, or several."""
    layer = Image.new("L", (width, height))
    draw = ImageDraw.Draw(layer)
    lane = width / lanes
    for _ in range(rows):
        level, thick = (
            rng.uniform(0.15, 0.85) * height,
            height * rng.uniform(0.5, 1.4) * rng.uniform(0.05, 0.22) / rows**0.5,
        )
        for column in range(lanes):
            if chance(rng, 0.8):
                x, y = (column + 0.5) * lane, level + rng.normal(0, height * 0.01)
                half = lane * rng.uniform(0.3, 0.44)
                box = (x - half, y - thick / 2, x + half, y + thick / 2)
                draw.rounded_rectangle(box, thick / 2, int(rng.integers(40, 256)))
    return np.asarray(layer.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 2.5))), np.float32) / 255


def blot(rng: Rng, width: int, height: int) -> Image.Image:
    """Strips of dark bands, a protein a strip, names beside and lanes above; sometimes weights in kDa."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    strips, lanes = int(rng.integers(1, 9)), int(rng.integers(2, 14))
    size = max(7.0, min(width / 16, height / strips / 3, 18))
    left = width * rng.uniform(0.12, 0.3) if chance(rng, 0.8) else 0.0
    top = height * rng.uniform(0.06, 0.25) if chance(rng, 0.7) else 0.0
    right = width * (rng.uniform(0.82, 0.95) if chance(rng, 0.3) else 1.0)
    step = (height - top) / strips
    framed, ground = chance(rng, 0.5), rng.uniform(150, 250)
    for strip in range(strips):
        y0, y1 = int(top + strip * step + step * 0.08), int(top + (strip + 1) * step - step * 0.08)
        wide, high = int(right - left), max(4, y1 - y0)
        if wide < 8:
            continue
        plane = ground + rng.uniform(5, 40) * (fractal(rng, wide, high, 0.5, 0.6) - 0.5)
        plane = plane - rng.uniform(120, 240) * _bands(rng, wide, high, lanes, int(rng.choice([1, 1, 1, 2, 4])))
        image.paste(grey(plane + rng.normal(0, rng.uniform(0, 5), plane.shape)), (int(left), y0))
        if framed:
            draw.rectangle((left, y0, right - 1, y0 + high), outline=BLACK)
        if left:
            write(draw, (left - 4, (y0 + y1) / 2), phrase(rng, 1)[:8], size, anchor="rm")
        if right < width:
            write(draw, (right + 3, (y0 + y1) / 2), f"{rng.integers(10, 200)}", size, anchor="lm")
    for column in range(lanes) if top else ():
        mark = pick(rng, ("+", "-", "+", "-", phrase(rng, 1)[:4]))
        write(draw, (left + (column + 0.5) * (right - left) / lanes, top - 1), mark, size, anchor="mb")
    return image


def gel(rng: Rng, width: int, height: int) -> Image.Image:
    """A whole gel: a ladder and lanes, bright on black or dark on pale or blue; or spots in two dimensions."""
    lanes = int(rng.integers(3, 16))
    x, y = grid(width, height)
    if chance(rng, 0.15):
        plane = np.zeros((height, width), np.float32)
        for _ in range(int(rng.integers(30, 150))):
            cx, cy, r = rng.uniform(-0.95, 0.95), rng.uniform(-0.95, 0.95), rng.uniform(0.008, 0.05)
            plane += rng.uniform(0.2, 1) * np.exp(-(((x - cx) / r) ** 2) - ((y - cy) / r) ** 2)
    else:
        plane = _bands(rng, width, height, lanes, int(rng.integers(1, 12)))
        lane = width / lanes
        for rung in range(int(rng.integers(5, 12))):  # the ladder
            level = int(height * (0.08 + 0.85 * rng.random()))
            plane[level : level + max(1, height // 60), int(lane * 0.15) : int(lane * 0.85)] += 0.7 - 0.03 * rung
        smear = noise(rng, width, height, lane)
        plane = plane + 0.15 * smear * (np.abs((np.arange(width) % lane) / lane - 0.5) < 0.4)
    plane = plane + 0.08 * noise(rng, width, height, max(width, height) / 3)
    form = rng.integers(3)
    if form == 0:
        image = grey(rng.uniform(5, 60) + plane * rng.uniform(150, 240) + rng.normal(0, 3, plane.shape))
    elif form == 1:
        image = grey(rng.uniform(190, 250) - plane * rng.uniform(120, 230) + rng.normal(0, 3, plane.shape))
    else:
        image = picture(coloured(plane, ((215, 225, 245), (110, 130, 220), (30, 30, 120))))
    if chance(rng, 0.5):
        page = Image.new("RGB", (width, height), WHITE)
        left, top = int(width * rng.uniform(0.05, 0.2)), int(height * rng.uniform(0.05, 0.2))
        page.paste(image.resize((width - left, height - top)), (left, top))
        draw = ImageDraw.Draw(page)
        size = max(7.0, min(left * 0.4, 16))
        for column in range(lanes):
            write(
                draw,
                (left + (column + 0.5) * (width - left) / lanes, top - 2),
                pick(rng, ("M", "1", "2", "+", "-")),
                size,
                anchor="mb",
            )
        for row in range(5):
            write(
                draw,
                (left - 3, top + (row + 0.5) * (height - top) / 5),
                str(int(rng.integers(1, 30)) * 50),
                size,
                anchor="rm",
            )
        return page
    ink = WHITE if form == 0 else BLACK
    draw = ImageDraw.Draw(image)
    for column in range(lanes) if chance(rng, 0.6) else ():
        write(draw, ((column + 0.5) * width / lanes, 2), str(column + 1), max(7.0, min(width, height) / 18), ink, "ma")
    return image


MICROGRAPHS: tuple[Paint, ...] = (section, section, section, section, fluorescence, fluorescence, fluorescence)
MICROGRAPHS += (scanning, scanning, transmission, transmission, living, rendered)
GELS = (blot, blot, gel)
