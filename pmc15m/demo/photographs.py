"""Photograph-like pictures: sections, cells, scans, blots. What is drawn is what the phrase says."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pmc15m.demo.pictures import (
    BLACK,
    WHITE,
    Colour,
    Picture,
    PictureKind,
    Plane,
    Rng,
    from_grey,
    from_planes,
    noise,
    pick,
    put_text,
    scale_bar,
)

# By whether cells lie densely, and whether glands are there.
TISSUES = {(True, True): "colon", (True, False): "spleen", (False, True): "kidney", (False, False): "brain"}
# Stain: its name with the colour that it gives, ground colour, second ground colour, nuclei.
STAINS: tuple[tuple[str, Colour, Colour, Colour], ...] = (
    ("Haematoxylin and eosin staining (pink)", (238, 190, 214), (214, 128, 176), (84, 50, 122)),
    ("Masson trichrome staining (red and blue)", (196, 96, 110), (96, 130, 200), (60, 30, 60)),
    ("Immunohistochemistry for Ki-67 (brown)", (226, 228, 236), (204, 190, 180), (128, 74, 34)),
    ("Toluidine blue staining (pale blue)", (206, 222, 240), (120, 160, 214), (34, 50, 130)),
)
MARKERS: tuple[tuple[str, str, Colour], ...] = (
    ("tubulin", "green", (40, 235, 70)),
    ("actin", "red", (240, 40, 30)),
    ("vimentin", "magenta", (230, 50, 220)),
    ("E-cadherin", "cyan", (40, 220, 230)),
)
PROTEINS = ("p53", "actin", "GAPDH", "Akt", "ERK", "STAT3", "caspase-3", "cyclin D1")
SIGNS: tuple[tuple[str, Colour], ...] = (
    ("white", WHITE),
    ("yellow", (255, 220, 0)),
    ("red", (235, 30, 30)),
    ("green", (40, 210, 60)),
)
LENGTHS = (10, 20, 50, 100, 200)


def histology(rng: Rng, width: int, height: int) -> Picture:
    stain, ground, second, nuclei = pick(rng, STAINS)
    dense = bool(rng.integers(2))
    mix = noise(rng, width, height, 22) * 0.7 + noise(rng, width, height, 5) * 0.3
    grain = (noise(rng, width, height, 1.5) - 0.5) * 26
    image = from_planes(*(a + (b - a) * mix + grain for a, b in zip(ground, second, strict=True)))
    draw = ImageDraw.Draw(image)
    glands = bool(rng.integers(2))
    if glands:
        for _ in range(int(rng.integers(3, 7))):
            _gland(draw, rng, width, height, nuclei)
    count = width * height // (130 if dense else 900)
    for x, y, r in zip(*_places(rng, count, width, height), rng.uniform(1.6, 3.4, count), strict=True):
        draw.ellipse((x - r, y - r * 0.8, x + r, y + r * 0.8), fill=nuclei)
    scale_bar(image, BLACK)
    cells = "dense cellular infiltration" if dense else "few scattered cells"
    where = " around gland-like lumina" if glands else ""
    phrase = f"{stain} of the {TISSUES[dense, glands]} showing {cells}{where}"
    return Picture(image, PictureKind.HISTOLOGY, phrase, f"Scale bar, {pick(rng, LENGTHS)} µm.")


def _gland(draw: ImageDraw.ImageDraw, rng: Rng, width: int, height: int, nuclei: Colour) -> None:
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    a, b = rng.uniform(0.05, 0.13, 2) * (width + height) / 2
    draw.ellipse((x - a, y - b, x + a, y + b), fill=(246, 240, 244), outline=(190, 120, 160), width=3)
    for angle in np.linspace(0, 2 * np.pi, 22):
        cx, cy = x + a * 1.12 * np.cos(angle), y + b * 1.12 * np.sin(angle)
        draw.ellipse((cx - 3, cy - 3, cx + 3, cy + 3), fill=nuclei)


def _places(rng: Rng, count: int, width: int, height: int) -> tuple[list[float], list[float]]:
    return rng.uniform(0, width, count).tolist(), rng.uniform(0, height, count).tolist()


def fluorescence(rng: Rng, width: int, height: int) -> Picture:
    marker, name, colour = pick(rng, MARKERS)
    confluent, spindle = (bool(rng.integers(2)) for _ in range(2))
    bodies, nuclei = Image.new("L", (width, height)), Image.new("L", (width, height))
    draw_bodies, draw_nuclei = ImageDraw.Draw(bodies), ImageDraw.Draw(nuclei)
    count = int(rng.integers(24, 40)) if confluent else int(rng.integers(4, 8))
    size = 0.055 * (width + height)
    for x, y in zip(*_places(rng, count, width, height), strict=True):
        a, b = rng.uniform(0.6, 1.1, 2) * size * ((1.9, 0.55) if spindle else (1, 1))
        draw_bodies.ellipse((x - a, y - b, x + a, y + b), fill=int(rng.integers(90, 230)))
        draw_nuclei.ellipse((x - size / 3, y - size / 3, x + size / 3, y + size / 3), fill=230)
    soft = np.asarray(bodies.filter(ImageFilter.GaussianBlur(2.5)), np.float32)
    soft = soft * (0.45 + 0.75 * noise(rng, width, height, 4))
    blue = np.asarray(nuclei.filter(ImageFilter.GaussianBlur(1.5)), np.float32)
    grain = noise(rng, width, height, 1.2) * 10
    red, green, third = (soft * (part / 255) + grain for part in colour)
    image = from_planes(red + blue * 0.1, green + blue * 0.15, third + blue)
    scale_bar(image, WHITE)
    density = "a confluent layer of" if confluent else "sparse"
    cells = "spindle-shaped fibroblasts" if spindle else "round HeLa cells"
    phrase = f"Immunofluorescence of {density} {cells} stained for {marker} ({name}) and with DAPI (blue)"
    return Picture(image, PictureKind.FLUORESCENCE, phrase, f"Scale bar, {pick(rng, LENGTHS)} µm.")


def electron_micrograph(rng: Rng, width: int, height: int) -> Picture:
    bacteria, many, pale = (bool(rng.integers(2)) for _ in range(3))
    plane = 70 * (noise(rng, width, height, 16) - 0.5) + 60 * (noise(rng, width, height, 2) - 0.5)
    image = from_grey(plane + (195 if pale else 105))
    draw = ImageDraw.Draw(image)
    count = int(rng.integers(16, 24) if many else rng.integers(3, 6))
    for x, y in zip(*_places(rng, count, width, height), strict=True):
        r = rng.uniform(0.03, 0.05) * (1 if many else 2.5) * (width + height) / 2
        if bacteria:
            draw.rounded_rectangle(
                (x - 2 * r, y - r * 0.7, x + 2 * r, y + r * 0.7), r * 0.7, (88, 88, 88), (40, 40, 40), 3
            )
        else:
            draw.ellipse((x - r, y - r, x + r, y + r), (120, 120, 120), (50, 50, 50), 3)
            for step in range(-2, 3):
                draw.line((x - r * 0.7, y + step * r / 3, x + r * 0.7, y + step * r / 3), (62, 62, 62), 2)
    image = image.filter(ImageFilter.GaussianBlur(0.8))
    scale_bar(image, WHITE)
    name, colour = pick(rng, SIGNS)
    side = min(width, height) / 9
    _arrowhead(image, width * rng.uniform(0.35, 0.65), height * rng.uniform(0.35, 0.65), side, side, colour)
    shown, ground = "rod-shaped bacteria" if bacteria else "round mitochondria", "pale" if pale else "dark"
    number = "many small" if many else "a few large"
    phrase = f"Transmission electron micrograph of {number} {shown} on {ground} ground ({name} arrowhead)"
    return Picture(image, PictureKind.ELECTRON_MICROGRAPH, phrase, f"Scale bar, {pick(rng, (100, 200, 500))} nm.")


def ct(rng: Rng, width: int, height: int) -> Picture:
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    chest, large = (bool(rng.integers(2)) for _ in range(2))
    cx, cy = width / 2, height / 2
    a, b = min(width * 0.44, height * 0.58), min(height * 0.42, width * 0.36)

    def ellipse(x: float, y: float, rx: float, ry: float, grey: int) -> None:
        """Centre and radii in units of the body's radii."""
        x, y = cx + x * a, cy + y * b
        draw.ellipse((x - rx * a, y - ry * b, x + rx * a, y + ry * b), fill=grey)

    ellipse(0, 0, 1, 1, 95)
    ellipse(0, 0, 0.93, 0.9, 125)
    side = -1 if rng.integers(2) else 1
    if chest:
        ellipse(-0.45, -0.05, 0.36, 0.62, 22)
        ellipse(0.45, -0.05, 0.36, 0.62, 22)
        ellipse(0.08, -0.1, 0.24, 0.34, 150)
    else:
        ellipse(-0.4, -0.1, 0.45, 0.55, 158)
        ellipse(0.55, 0.15, 0.25, 0.35, 145)
    ellipse(0, 0.62, 0.13, 0.17, 235)
    size = 0.17 if large else 0.08
    ellipse(side * 0.46, -0.02, size, size * 1.1, 205 if chest else 70)
    image = image.filter(ImageFilter.GaussianBlur(1.5))
    plane: Plane = np.asarray(image, np.float32) + 30 * (noise(rng, width, height, 1.5) - 0.5)
    picture = from_grey(plane)
    x, y = cx + (side * 0.46 - size) * a, cy + (size - 0.02) * b
    name, colour = pick(rng, SIGNS)
    _arrowhead(picture, x, y, 0.16 * a, 0.16 * b, colour)
    # Radiological convention: the patient's left is on the picture's right.
    where, much = "left" if side > 0 else "right", "large" if large else "small"
    lesion = f"{much} nodule in the {where} lung" if chest else f"{much} hypodense lesion on the {where}"
    region = "chest" if chest else "abdominal"
    return Picture(picture, PictureKind.CT, f"Axial {region} CT image showing a {lesion} ({name} arrowhead)")


def mri(rng: Rng, width: int, height: int) -> Picture:
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    t2, enlarged = (bool(rng.integers(2)) for _ in range(2))
    cx, cy, a, b = width / 2, height / 2, min(width, height) * 0.4, min(width, height) * 0.47

    def ellipse(x: float, y: float, rx: float, ry: float, grey: int) -> None:
        x, y = cx + x * a, cy + y * b
        draw.ellipse((x - rx * a, y - ry * b, x + rx * a, y + ry * b), fill=grey)

    ellipse(0, 0, 1, 1, 190)
    ellipse(0, 0, 0.94, 0.95, 30)
    ellipse(0, 0, 0.88, 0.89, 120 if t2 else 140)
    fluid = 235 if t2 else 35
    for centre in (-0.16, 0.16):
        ellipse(centre, -0.05, *((0.15, 0.5) if enlarged else (0.07, 0.22)), fluid)
    side = -1 if rng.integers(2) else 1
    ellipse(side * 0.5, 0.25, 0.2, 0.18, 225)
    draw.line((cx, cy - 0.88 * b, cx, cy + 0.88 * b), fill=60, width=2)
    plane: Plane = np.asarray(image.filter(ImageFilter.GaussianBlur(1.6)), np.float32)
    plane = plane * (0.82 + 0.36 * noise(rng, width, height, 6)) + 8 * noise(rng, width, height, 1.5)
    where = "left" if side > 0 else "right"
    picture = from_grey(plane)
    name, colour = pick(rng, SIGNS)
    x, y = cx + side * 0.5 * a, cy + 0.25 * b
    box = (x - 0.25 * a, y - 0.23 * b, x + 0.25 * a, y + 0.23 * b)
    ImageDraw.Draw(picture).ellipse(box, outline=colour, width=max(3, min(width, height) // 60))
    weighting, ventricles = "T2" if t2 else "T1", "enlarged" if enlarged else "narrow"
    lesion = f"a bright lesion in the {where} hemisphere ({name} circle)"
    phrase = f"Axial {weighting}-weighted brain MRI with {ventricles} ventricles and {lesion}"
    return Picture(picture, PictureKind.MRI, phrase)


def _arrowhead(image: Image.Image, x: float, y: float, width: float, height: float, colour: Colour) -> None:
    """It points up and right, to (x, y)."""
    corners = [(x, y), (x - width, y + height * 0.4), (x - width * 0.5, y + height)]
    ImageDraw.Draw(image).polygon(corners, fill=colour, outline=BLACK)


def blot(rng: Rng, width: int, height: int) -> Picture:
    """A Western blot: strips of dark bands on grey, a strip a protein, its name at the left."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    lanes, strips = int(rng.integers(3, 7)), int(rng.integers(2, 5))
    names = [PROTEINS[int(i)] for i in rng.permutation(len(PROTEINS))[:strips]]
    left = int(width * 0.3)
    size = max(9, min(height // 16, left // 5))
    lane, step = (width - left - 4) / lanes, height / strips
    knocked = int(rng.integers(lanes))
    for row, name in enumerate(names):
        top, bottom = int(row * step + step * 0.12), int(row * step + step * 0.88)
        strip_width, strip_height = width - left - 4, bottom - top
        bands = Image.new("L", (strip_width, strip_height), 0)
        for column in range(lanes):
            faint = row == 0 and column == knocked
            x, y = (column + 0.5) * lane, strip_height * rng.uniform(0.42, 0.58)
            half, thick = lane * 0.36, strip_height * rng.uniform(0.1, 0.18)
            fill = int(rng.integers(20, 40)) if faint else int(rng.integers(150, 205))
            ImageDraw.Draw(bands).rounded_rectangle((x - half, y - thick, x + half, y + thick), thick, fill)
        ink: Plane = np.asarray(bands.filter(ImageFilter.GaussianBlur(2.2)), np.float32)
        ground = 205 + 26 * (noise(rng, strip_width, strip_height, 9) - 0.5)
        image.paste(from_grey(ground - ink), (left, top))
        draw.rectangle((left, top, left + strip_width, bottom), outline=BLACK)
        put_text(draw, (left - 5, (top + bottom) / 2), name, size, anchor="rm")
    phrase = f"Western blot of {', '.join(names)}; {names[0]} is lost in lane {knocked + 1} of {lanes}"
    return Picture(image, PictureKind.BLOT, phrase)


def gel(rng: Rng, width: int, height: int) -> Picture:
    """An agarose gel: bright bands on black, a ladder at the left."""
    lanes = pick(rng, (4, 8))
    lane = width / (lanes + 1)
    bands = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(bands)
    for rung in range(9):
        y = height * (0.12 + 0.8 * (rung / 9) ** 0.8)
        draw.rectangle((lane * 0.2, y, lane * 0.8, y + height * 0.012), fill=150)
    positive = 0
    length, place = pick(rng, ((1000, 0.27), (500, 0.48), (200, 0.7)))
    y = height * (place + rng.uniform(-0.04, 0.04))
    for column in range(1, lanes + 1):
        if rng.random() < 0.6:
            positive += 1
            draw.rectangle((column * lane + lane * 0.15, y, column * lane + lane * 0.85, y + height * 0.035), fill=240)
    plane: Plane = np.asarray(bands.filter(ImageFilter.GaussianBlur(1.8)), np.float32)
    plane = plane + 24 + 18 * noise(rng, width, height, 14)
    phrase = f"Agarose gel electrophoresis of a PCR product of {length} bp; {positive} of {lanes} lanes are positive"
    return Picture(from_grey(plane), PictureKind.GEL, phrase, "The left lane is the DNA ladder.")
