"""Radiology: slices, radiographs, ultrasound, nuclear medicine, as phantoms of randomly placed organs."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.drawings.canvas import (
    BLACK,
    WHITE,
    Paint,
    Plane,
    Point,
    Rng,
    arrow,
    blob,
    chance,
    coloured,
    fractal,
    grey,
    grid,
    inside,
    noise,
    phrase,
    pick,
    picture,
    write,
)


def _annotate(rng: Rng, image: Image.Image) -> Image.Image:
    """Arrows, letters, measures, text in the corners: what readers put on scans."""
    draw = ImageDraw.Draw(image)
    width, height = image.size
    size = max(7.0, min(width, height) * rng.uniform(0.03, 0.06))
    colour = pick(rng, (WHITE, WHITE, (255, 255, 0), (255, 40, 40), (80, 255, 80)))
    for _ in range(int(rng.integers(1, 4)) if chance(rng, 0.35) else 0):
        x, y = width * rng.uniform(0.25, 0.75), height * rng.uniform(0.25, 0.75)
        angle = rng.uniform(0, 6.3)
        tail = (x + size * 3 * math.cos(angle), y + size * 3 * math.sin(angle))
        arrow(draw, tail, (x, y), colour, max(1, int(size / 5)), size)
    if chance(rng, 0.2):
        for corner, anchor in (((3, 3), "la"), ((width - 3, 3), "ra"), ((3, height - 3), "ld")):
            for line in range(int(rng.integers(1, 5))):
                at = (corner[0], corner[1] + line * size * (1 if anchor[1] == "a" else -1))
                write(draw, at, phrase(rng, 2), size * 0.7, colour, anchor)
    if chance(rng, 0.2):
        write(draw, (width - 4, height / 2), pick(rng, "LRP"), size * 1.3, WHITE, "rm")
    if chance(rng, 0.12):
        draw.polygon(blob(rng, (width / 2, height / 2), (size * 2, size)), pick(rng, ((255, 0, 0), (0, 200, 255))))
    if chance(rng, 0.1):
        for tick in range(9):
            y = height * (0.3 + 0.05 * tick)
            draw.line((width - 8, y, width - 3, y), WHITE)
    return image


def _layers(rng: Rng, width: int, height: int, ground: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (width, height), ground)
    return image, ImageDraw.Draw(image)


def axial(rng: Rng, width: int, height: int) -> Image.Image:
    """A CT slice of the trunk: fat, muscle, organs or lungs, spine, ribs; the window at random."""
    ground = int(rng.choice([0, 0, 0, 10, 25]))
    image, draw = _layers(rng, width, height, ground)
    cx, cy = width * rng.uniform(0.47, 0.53), height * rng.uniform(0.46, 0.54)
    a = min(width * rng.uniform(0.38, 0.52), height * 0.75)
    b = min(height * rng.uniform(0.34, 0.5), a * rng.uniform(0.6, 0.95))

    def at(x: float, y: float) -> Point:
        return cx + x * a, cy + y * b

    def shape(x: float, y: float, rx: float, ry: float, level: float, wobble: float = 0.1) -> None:
        points = blob(rng, (0, 0), (1, 1), wobble)
        draw.polygon([at(x + px * rx, y + py * ry) for px, py in points], int(np.clip(level, 0, 255)))

    fat, soft, lung = rng.uniform(30, 110), rng.uniform(110, 190), rng.uniform(0, 60)
    if chance(rng, 0.4):  # a lung window: all but the lungs nearly white
        fat, soft, lung = rng.uniform(170, 235), rng.uniform(220, 255), rng.uniform(20, 100)
    shape(0, 0, 1, 1, fat, 0.05)
    shape(0, 0, rng.uniform(0.84, 0.95), rng.uniform(0.8, 0.92), soft, 0.06)
    vessels = []
    if chance(rng, 0.5):
        for side in (-1, 1):
            shape(
                side * rng.uniform(0.4, 0.5),
                rng.uniform(-0.15, 0.1),
                rng.uniform(0.3, 0.42),
                rng.uniform(0.5, 0.7),
                lung,
                0.15,
            )
            vessels += [
                (side * rng.uniform(0.2, 0.7), rng.uniform(-0.45, 0.45)) for _ in range(int(rng.integers(5, 40)))
            ]
        shape(rng.uniform(0, 0.15), -0.15, rng.uniform(0.15, 0.3), rng.uniform(0.25, 0.45), soft + 10)
    else:
        shape(0, -0.05, 0.85, 0.75, fat, 0.1)
        shape(-0.4, -0.1, rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.6), soft + rng.uniform(-10, 30), 0.15)
        for _ in range(int(rng.integers(4, 14))):
            x, y = rng.uniform(-0.7, 0.75), rng.uniform(-0.6, 0.5)
            radius = rng.uniform(0.06, 0.25)
            shape(x, y, radius, radius * rng.uniform(0.6, 1.2), soft + rng.uniform(-40, 60), 0.2)
            if chance(rng, 0.25):
                shape(x, y - radius * 0.3, radius * 0.6, radius * 0.4, lung, 0.2)
    for x, y in vessels:
        radius = rng.uniform(0.006, 0.035)
        shape(x, y, radius, radius * a / b, soft * rng.uniform(0.5, 1), 0.2)
    for _ in range(int(rng.integers(0, 5)) if vessels else 0):  # consolidation
        shape(
            rng.choice([-0.5, 0.5]),
            rng.uniform(-0.3, 0.5),
            rng.uniform(0.05, 0.2),
            rng.uniform(0.05, 0.25),
            soft * rng.uniform(0.4, 1),
            0.4,
        )
    bone = max(soft + 40, rng.uniform(210, 255))
    shape(0, 0.55, 0.13, 0.15, bone)
    shape(0, 0.72, 0.05, 0.06, soft * 0.6)
    shape(0, 0.85, 0.04, 0.12, bone, 0.3)
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(8, 18))):
        shape(0.9 * math.cos(angle), 0.86 * math.sin(angle), 0.07, 0.03, bone, 0.2)
    if chance(rng, 0.3):
        draw.arc((*at(-1.1, 0.3), *at(1.1, 1.25)), 20, 160, 90, 2)
    plane: Plane = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 1.6))), np.float32)
    grain = rng.normal(0, 1, (height, width)).astype(np.float32)
    body = plane > ground + 6
    plane = plane + body * (grain * rng.uniform(1, 12) + 22 * (noise(rng, width, height, 6) - 0.5))
    return _annotate(rng, grey(plane))


def brain(rng: Rng, width: int, height: int) -> Image.Image:
    """A slice of a head: scalp, skull, folded cortex, ventricles; CT and MRI contrasts, sometimes without its skull."""
    x, y = grid(width, height)
    scale = rng.uniform(0.75, 0.98)
    aspect = width / height
    x, y = (x * aspect, y) if aspect < 1 else (x, y / aspect)
    x, y = x / scale / min(1.0, aspect) * (1.0 if chance(rng, 0.5) else 1.18), y / scale * max(1.0, aspect)
    angle = np.arctan2(y, x)
    radius = np.hypot(x, y) * (
        1 + 0.03 * np.cos(2 * angle + rng.uniform(0, 6)) + 0.03 * np.cos(3 * angle + rng.uniform(0, 6))
    )
    warp = (fractal(rng, width, height, 0.5, 0.15) - 0.5) * rng.uniform(0.1, 0.3)
    folds = np.sin(rng.uniform(25, 50) * (fractal(rng, width, height, 0.55, 0.22) + 0.3 * radius))
    white, cortex, fluid = rng.uniform(60, 220, 3)
    plane = np.full((height, width), rng.choice([0, 0, 0, 12]), np.float32)
    bare = chance(rng, 0.3)
    if not bare:
        plane[radius < 1] = rng.uniform(90, 230)
        plane[radius < 0.95] = rng.choice([5, 20, 250])
    tissue = radius + warp < 0.87
    plane[tissue] = fluid if chance(rng, 0.5) else cortex
    plane[tissue & (folds > rng.uniform(-0.9, -0.3))] = cortex
    plane[(radius + warp * 2 < 0.68) & (folds > -0.75)] = white
    for side in (-1, 1):
        ventricle = ((x - side * 0.14) / 0.09) ** 2 + (y / rng.uniform(0.2, 0.4)) ** 2 < 1
        plane[ventricle] = fluid
        plane[((x - side * 0.28) / 0.13) ** 2 + ((y - 0.05) / 0.2) ** 2 < 1] = (white + cortex) / 2
    if chance(rng, 0.7):
        plane[(np.abs(x) < 0.015) & tissue] = fluid
    if chance(rng, 0.4):
        plane[np.hypot(x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5)) < rng.uniform(0.05, 0.25)] = rng.uniform(
            0, 255
        )
    image = grey(plane).filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 2)))
    pixels = np.asarray(image, np.float32)
    pixels = pixels * (0.75 + 0.5 * noise(rng, width, height, width / 2))[..., None]
    pixels += rng.normal(0, rng.uniform(1, 9), (height, width, 1)) * (pixels > 8)
    if chance(rng, 0.25):  # activation, tracts, segments in colour
        heat = fractal(rng, width, height, 0.4, 0.2)
        level = float(np.quantile(heat, rng.uniform(0.88, 0.98)))
        spots = tissue & (heat > level)
        stops = pick(rng, (((200, 0, 0), (255, 255, 0)), ((0, 0, 200), (0, 255, 255)), ((0, 200, 80), (160, 0, 200))))
        pixels[spots] = coloured(((heat - level) / (1.001 - level)), stops)[spots]
    return _annotate(rng, picture(pixels))


def radiograph(rng: Rng, width: int, height: int) -> Image.Image:
    """A chest, or bones of a limb, seen through: soft shadows that add up."""
    x, y = grid(width, height)
    plane: Plane = np.zeros((height, width), np.float32)
    if chance(rng, 0.55):
        plane += rng.uniform(0.45, 0.75) - 0.25 * np.exp(-((x / 1.1) ** 6)) * 0.3
        for side in (-1, 1):
            lung = ((x - side * rng.uniform(0.42, 0.5)) / rng.uniform(0.3, 0.4)) ** 2 + (
                (y + rng.uniform(0.05, 0.2)) / rng.uniform(0.6, 0.75)
            ) ** 2
            plane -= rng.uniform(0.3, 0.5) * inside(lung + 0.1, 9)
        heart = ((x - 0.12) / rng.uniform(0.25, 0.4)) ** 2 + ((y - 0.3) / 0.38) ** 2
        plane += 0.3 * inside(heart + 0.1, 8)
        plane += 0.15 * np.exp(-((x / 0.1) ** 2)) + 0.3 * inside(1 + rng.uniform(0.5, 0.8) - y, 14)
        for rib in range(int(rng.integers(7, 11))):
            arc = y - (rib * 0.19 - 0.95) - 0.35 * np.abs(x) ** 1.5
            plane += rng.uniform(0.03, 0.1) * np.exp(-((arc / 0.035) ** 2)) * (np.abs(x) < 0.92)
        plane += 0.12 * (fractal(rng, width, height, 0.7, 0.2) - 0.5)
    else:
        plane += rng.uniform(0, 0.08)
        for _ in range(int(rng.integers(1, 5))):
            angle, offset, half = rng.normal(0, 0.25), rng.uniform(-0.6, 0.6), rng.uniform(0.06, 0.2)
            across = x * math.cos(angle) - y * math.sin(angle) - offset
            along = x * math.sin(angle) + y * math.cos(angle)
            flesh = np.exp(-((across / (half * 2.6)) ** 6))
            wide = half * (1 + 0.5 * np.abs(along) ** 3)
            shaft = (1 - (across / wide) ** 2).clip(0, 1)
            rim = np.exp(-(((np.abs(across) - wide * 0.8) / (wide * 0.22)) ** 2))
            gap = 1 - np.exp(-(((along - rng.uniform(-0.6, 0.6)) / 0.03) ** 2)) * rng.choice([0, 0.8])
            plane += flesh * rng.uniform(0.12, 0.3) + gap * (0.25 * shaft + 0.3 * rim)
        for _ in range(int(rng.integers(0, 4)) if chance(rng, 0.3) else 0):  # screws and plates
            cx, cy = rng.uniform(-0.5, 0.5, 2)
            plane[(np.abs(x - cx) < 0.2) & (np.abs(y - cy) < 0.03)] = 1.1
        plane += 0.06 * (fractal(rng, width, height, 0.6, 0.1) - 0.5) * (plane > 0.1)
    plane = plane.clip(0, 1.1) ** rng.uniform(0.7, 1.3)
    if chance(rng, 0.12):
        plane = 1 - plane
    plane = plane * 235 + rng.normal(0, rng.uniform(0.5, 5), plane.shape)
    if chance(rng, 0.3):  # collimated
        edge = rng.uniform(0.85, 0.97)
        plane[(np.abs(x) > edge) | (np.abs(y) > edge)] = 3
    return _annotate(rng, grey(plane))


def ultrasound(rng: Rng, width: int, height: int) -> Image.Image:
    """A fan or a strip of speckle on black: dark cysts, bright borders, shadows; sometimes colours of flow."""
    x, y = grid(width, height)
    low_depth, cells = rng.uniform(0.5, 1.2), rng.uniform(1.2, 3)
    speckle = noise(rng, width, height, cells) * noise(rng, width, height, cells * 2)
    tissue = fractal(rng, width, height, 0.6, 0.4) ** rng.uniform(1, 2.5)
    plane = speckle * tissue * rng.uniform(350, 800)
    plane *= 0.5 + 0.8 * np.exp(-(((y - rng.uniform(-0.6, 0.4)) / low_depth) ** 2))
    for _ in range(int(rng.integers(1, 6))):
        cx, cy, rx, ry = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.6), rng.uniform(0.06, 0.35), rng.uniform(0.05, 0.3)
        far = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2
        plane *= 1 - rng.uniform(0.6, 0.97) * inside(far, 12)
        plane += 150 * speckle * np.exp(-((far - 1.15) ** 2) / 0.03)
    for _ in range(int(rng.integers(0, 5))):
        level = rng.uniform(-0.8, 0.8) + rng.normal(0, 0.2) * x
        plane += 200 * speckle * np.exp(-(((y - level) / 0.03) ** 2))
    if chance(rng, 0.7):
        tip = rng.uniform(1.1, 1.9)
        far, angle = np.hypot(x * width / height, y + tip), np.abs(np.arctan2(x * width / height, y + tip))
        seen = (angle < rng.uniform(0.4, 0.9)) & (far > tip - 0.9) & (far < tip + 0.93)
    else:
        seen = (np.abs(x) < rng.uniform(0.65, 1)) & (np.abs(y) < rng.uniform(0.7, 1))
    plane = np.where(seen, plane, rng.choice([0, 0, 4]))
    pixels = np.repeat(plane[..., None], 3, axis=2)
    if chance(rng, 0.2):
        moving = seen & (fractal(rng, width, height, 0.4, 0.2) > 0.72) & (np.hypot(x, y) < 0.5)
        pixels[moving] = coloured(noise(rng, width, height, 15), ((220, 30, 0), (255, 220, 60), (20, 60, 230)))[moving]
    image = picture(pixels)
    draw = ImageDraw.Draw(image)
    for tick in range(10) if chance(rng, 0.5) else ():
        draw.line((width - 8, height * tick / 10, width - 3, height * tick / 10), (180, 180, 180))
    return _annotate(rng, image)


def nuclear(rng: Rng, width: int, height: int) -> Image.Image:
    """PET and scintigraphy: soft hot spots in a body, dark on white, bright on black or in a colour scale."""
    x, y = grid(width, height)
    body = inside((x / rng.uniform(0.35, 0.8)) ** 2 + (y / rng.uniform(0.7, 0.95)) ** 2, 14)
    plane = body * rng.uniform(0.1, 0.35) * (0.6 + 0.8 * noise(rng, width, height, 14))
    for _ in range(int(rng.integers(2, 12))):
        cx, cy, r = rng.uniform(-0.4, 0.4), rng.uniform(-0.8, 0.8), rng.uniform(0.03, 0.2)
        plane += rng.uniform(0.2, 1) * np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / r**2))
    form = rng.integers(3)
    if form < 2:
        return _annotate(rng, grey(255 - 255 * plane if form else 255 * plane))
    stops = pick(
        rng, ((BLACK, (160, 0, 0), (255, 160, 0), WHITE), (BLACK, (0, 0, 180), (0, 220, 0), (255, 255, 0), (255, 0, 0)))
    )
    return _annotate(rng, picture(coloured(plane, stops)))


def angiogram(rng: Rng, width: int, height: int) -> Image.Image:
    """Branching vessels, dark on grey or bright on black."""
    image, draw = _layers(rng, width, height, 0)
    branches = [
        (
            width * rng.uniform(0.2, 0.8),
            height * rng.choice([0.02, 0.98]),
            rng.uniform(0, 6.3),
            max(width, height) * rng.uniform(0.015, 0.03),
        )
    ]
    while branches and len(branches) < 60:
        x, y, angle, thick = branches.pop(0)
        if thick < 0.8:
            continue
        for _ in range(int(rng.integers(8, 25))):
            angle += rng.normal(0, 0.22)
            to = (x + 6 * math.cos(angle), y + 6 * math.sin(angle))
            draw.line((x, y, *to), 255, max(1, round(thick)))
            x, y = to
            if chance(rng, 0.09):
                branches.append((x, y, angle + rng.choice([-0.7, 0.7]), thick * 0.65))
        branches.append((x, y, angle, thick * 0.8))
    vessels = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)), np.float32) / 255
    if chance(rng, 0.5):
        plane = 170 * (0.6 + 0.5 * fractal(rng, width, height, 0.4, 0.6)) - 110 * vessels
    else:
        plane = 25 * noise(rng, width, height, 20) + 220 * vessels
    return _annotate(rng, grey(plane + rng.normal(0, 4, plane.shape)))


def breast_or_teeth(rng: Rng, width: int, height: int) -> Image.Image:
    """A mammogram (half a disc of fibres), or a panoramic row of teeth."""
    x, y = grid(width, height)
    texture = fractal(rng, width, height, 0.7, 0.3)
    if chance(rng, 0.5):
        plane = inside(((x + 1) / rng.uniform(0.8, 1.5)) ** 2 + (y / 0.85) ** 2, 14) * (
            50 + 190 * texture ** rng.uniform(1, 2.5)
        )
        if chance(rng, 0.5):
            plane = plane[:, ::-1]
    else:
        plane = 60 + 70 * texture
        for row in (-0.2, 0.2):
            for tooth in np.linspace(-0.8, 0.8, 15):
                bend = row + 0.3 * tooth**2 - 0.1
                shape = ((x - tooth) / 0.045) ** 4 + ((y - bend) / 0.2) ** 4
                plane += 110 * inside(shape, 8)
        plane += 80 * np.exp(-(((y - 0.65 - 0.2 * x**2) / 0.1) ** 2))
    return _annotate(rng, grey(plane + rng.normal(0, 3, plane.shape)))


def micro_ct(rng: Rng, width: int, height: int) -> Image.Image:
    """Bright porous matter on black: trabeculae, scaffolds."""
    field = fractal(rng, width, height, rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.3))
    wall = np.abs(field - np.median(field)) < rng.uniform(0.03, 0.1)
    soft = np.asarray(Image.fromarray((wall * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.2)), np.float32)
    x, y = grid(width, height)
    tube = ((x / 0.9) ** 2 + (y / 0.9) ** 2 < 1) | chance(rng, 0.4)
    plane = tube * (rng.uniform(0, 50) + soft * rng.uniform(0.5, 0.9)) + rng.normal(0, 5, field.shape)
    return _annotate(rng, grey(plane))


SCANS: tuple[Paint, ...] = (axial, axial, axial, brain, brain, brain, radiograph, radiograph, radiograph)
SCANS += (ultrasound, ultrasound, nuclear, angiogram, breast_or_teeth, micro_ct)
