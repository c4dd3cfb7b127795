"""Photographs: what snapshots have in common with each other (occlusion, shading, focus), and some usual subjects."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.drawings.canvas import (
    BLACK,
    WHITE,
    Colour,
    Plane,
    Rng,
    any_colour,
    arrow,
    blob,
    chance,
    coloured,
    fractal,
    grid,
    noise,
    pale,
    phrase,
    pick,
    picture,
    write,
)


def _lit(rng: Rng, image: Image.Image) -> Image.Image:
    """Light from one side, a blur, the camera's noise and tone."""
    width, height = image.size
    x, y = grid(width, height)
    light = 1 + rng.normal(0, 0.2) * x + rng.normal(0, 0.2) * y - rng.uniform(0, 0.25) * (x * x + y * y)
    pixels: Plane = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.6))), np.float32)
    pixels = pixels * (light * (0.85 + 0.3 * noise(rng, width, height, max(width, height) / 4)))[..., None]
    pixels = 255 * (pixels.clip(0, 255) / 255) ** rng.uniform(0.7, 1.4)
    image = picture(pixels + rng.normal(0, rng.uniform(1, 7), (height, width, 1)))
    draw = ImageDraw.Draw(image)
    size = max(8.0, min(width, height) * 0.05)
    ink = pick(rng, (WHITE, BLACK, (255, 255, 0)))
    if chance(rng, 0.15):
        arrow(draw, (width * 0.3, height * 0.3), (width * rng.uniform(0.4, 0.7), height * 0.5), ink, 3, size)
    if chance(rng, 0.15):
        write(draw, (width * rng.uniform(0.1, 0.6), height * rng.uniform(0.1, 0.9)), phrase(rng, 1), size, ink)
    return image


def _textured(rng: Rng, width: int, height: int, colour: Colour, contrast: float) -> Image.Image:
    texture = (fractal(rng, width, height, rng.uniform(0.4, 0.95), 0.3) - 0.5) * contrast
    tint = np.array(colour, np.float32) + (rng.normal(0, 8, 3)).astype(np.float32)
    return picture(tint * (1 + texture[..., None]))


def leaves(rng: Rng, width: int, height: int) -> Image.Image:
    """Overlapping textured shapes of all sizes: the statistics of natural pictures (the dead-leaves model)."""
    base = any_colour(rng, 40, 220)
    image = _textured(rng, width, height, base, 0.6)
    scale, muted = max(width, height), chance(rng, 0.6)
    textures = [fractal(rng, width, height, rng.uniform(0.4, 0.95), 0.3) - 0.5 for _ in range(3)]
    pixels = np.array(image, np.float32)
    for _ in range(int(rng.integers(5, 60))):
        size = scale * min(0.6, 0.03 / rng.uniform(0.05, 1))
        colour = (
            tuple(int(0.6 * a + 0.4 * b) for a, b in zip(base, any_colour(rng), strict=True))
            if muted
            else any_colour(rng)
        )
        mask = Image.new("L", (width, height))
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        ImageDraw.Draw(mask).polygon(blob(rng, centre, (size, size * rng.uniform(0.3, 1)), 0.2), 255)
        covered = np.asarray(mask) > 0
        texture = 1 + pick(rng, textures)[covered] * rng.uniform(0.1, 0.9)
        pixels[covered] = np.array(colour, np.float32) * texture[:, None]
    return _lit(rng, picture(pixels))


def objects(rng: Rng, width: int, height: int) -> Image.Image:
    """Things on a table or a dark ground: specimens, dishes, instruments, with their shadows and perhaps a ruler."""
    cloths = ((30, 60, 140), (90, 140, 90), (235, 235, 235), WHITE)
    ground = pick(rng, (any_colour(rng, 150, 250), any_colour(rng, 0, 70), *cloths))
    image = _textured(rng, width, height, ground, rng.uniform(0.02, 0.3))
    count = int(rng.integers(1, 10))
    colour = any_colour(rng, 30, 230)
    for index in range(count):
        x, y = width * (index + 0.5) / count, height * rng.uniform(0.35, 0.65)
        size = min(width / count, height) * rng.uniform(0.3, 0.5)
        corners = 40 if chance(rng, 0.7) else 4
        outline = blob(rng, (x, y), (size, size * rng.uniform(0.5, 1)), rng.uniform(0, 0.2), corners)
        shadow = Image.new("L", (width, height))
        ImageDraw.Draw(shadow).polygon([(a + size * 0.12, b + size * 0.12) for a, b in outline], 120)
        image.paste(BLACK, (0, 0), shadow.filter(ImageFilter.GaussianBlur(size * 0.08 + 1)))
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).polygon(outline, 255)
        body = np.asarray(
            _textured(rng, width, height, colour if chance(rng, 0.7) else any_colour(rng), 0.5), np.float32
        )
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        light = (1.2 - 0.6 * np.hypot(xs - x + size * 0.4, ys - y + size * 0.4) / size).clip(0.3, 1.4)
        image.paste(picture(body * light[..., None]), (0, 0), mask)
    draw = ImageDraw.Draw(image)
    if chance(rng, 0.25):
        y = height * 0.9
        draw.rectangle((0, y, width, height), pick(rng, ((230, 220, 180), (200, 200, 205))))
        for tick in range(0, width, max(3, width // 60)):
            draw.line((tick, y, tick, y + height * 0.04), BLACK)
    return _lit(rng, image)


def skin(rng: Rng, width: int, height: int) -> Image.Image:
    """A patch of the body or a wound, an open operation, a tongue, an endoscope's round view."""
    tone = pick(rng, ((225, 170, 145), (190, 130, 100), (120, 80, 60), (210, 120, 110), (170, 50, 45)))
    image = _textured(rng, width, height, tone, rng.uniform(0.1, 0.7))
    draw = ImageDraw.Draw(image)
    scale = min(width, height)
    for _ in range(int(rng.integers(0, 25))):
        r = scale * rng.uniform(0.01, 0.2)
        red = tuple(
            int(np.clip(value * rng.uniform(0.5, 1.1), 0, 255)) for value in (tone[0], tone[1] * 0.7, tone[2] * 0.7)
        )
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        draw.polygon(blob(rng, centre, (r, r * rng.uniform(0.3, 1)), 0.25), red)
    image = image.filter(ImageFilter.GaussianBlur(scale * rng.uniform(0.002, 0.02)))
    if chance(rng, 0.4):  # moist highlights
        spots = fractal(rng, width, height, 0.8, 0.1)
        pixels = np.asarray(image, np.float32).copy()
        pixels[spots > np.quantile(spots, 0.985)] = 245
        image = picture(pixels)
    if chance(rng, 0.25):
        cloth = Image.new("L", (width, height), 255)
        ImageDraw.Draw(cloth).polygon(blob(rng, (width / 2, height / 2), (width * 0.5, height * 0.45)), 0)
        image.paste(
            _textured(rng, width, height, pick(rng, ((40, 90, 120), (60, 130, 110), (235, 235, 235), (0, 0, 0))), 0.4),
            (0, 0),
            cloth,
        )
    if chance(rng, 0.2):
        x, y = grid(width, height)
        pixels = np.asarray(image, np.float32) * (np.hypot(x, y * height / width) < 0.95)[..., None]
        image = picture(pixels)
    return _lit(rng, image)


def scene(rng: Rng, width: int, height: int) -> Image.Image:
    """Sky or wall above, ground below, things in between: landscapes, rooms, fields, the sea."""
    horizon = rng.uniform(0.2, 0.7)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    edge = horizon + 0.1 * (noise(rng, width, 1, width / 8) - 0.5)
    far, near = (
        any_colour(rng, 90, 250),
        pick(rng, ((70, 110, 50), (150, 130, 90), any_colour(rng, 30, 180), (40, 90, 120))),
    )
    sky = coloured(y + 0.2 * fractal(rng, width, height, 0.5, 0.5), (far, pale(far, 0.6)))
    land = np.array(near, np.float32) * (0.5 + fractal(rng, width, height, rng.uniform(0.6, 1), 0.2)[..., None])
    image = picture(np.where((y > edge)[..., None], land, sky))
    for _ in range(int(rng.integers(0, 14))):
        colour, size = any_colour(rng, 10, 200), height * rng.uniform(0.04, 0.3)
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        x, base = rng.uniform(0, width), height * (horizon + rng.uniform(-0.05, 0.3))
        if chance(rng, 0.5):
            draw.rectangle((x, base - size, x + size * rng.uniform(0.3, 1.5), base), 255)
        else:
            draw.polygon(blob(rng, (x, base - size / 2), (size * 0.4, size * 0.6), 0.3), 255)
        image.paste(_textured(rng, width, height, colour, rng.uniform(0.2, 0.9)), (0, 0), mask)
    return _lit(rng, image)


def retina(rng: Rng, width: int, height: int) -> Image.Image:
    """The fundus of an eye: an orange disc on black, a bright spot, vessels."""
    x, y = grid(width, height)
    far = np.hypot(x * width / min(width, height), y * height / min(width, height))
    tone: Plane = 0.7 + 0.4 * fractal(rng, width, height, 0.4, 0.4)
    pixels = np.array((205, 95, 40), np.float32) * tone[..., None]
    image = picture(pixels)
    draw = ImageDraw.Draw(image)
    disc = (width * rng.choice([0.33, 0.67]), height * 0.5)
    draw.ellipse(
        (disc[0] - width * 0.06, disc[1] - width * 0.06, disc[0] + width * 0.06, disc[1] + width * 0.06),
        (250, 210, 130),
    )
    for _ in range(12):
        px, py, angle, path = disc[0], disc[1], rng.uniform(0, 6.3), [disc]
        for _ in range(25):
            angle += rng.normal(0, 0.2)
            px, py = px + width * 0.025 * np.cos(angle), py + width * 0.025 * np.sin(angle)
            path.append((px, py))
        draw.line(path, (140, 40, 25), int(rng.integers(1, 4)))
    image = picture(np.asarray(image, np.float32) * (far < rng.uniform(0.85, 1.1))[..., None])
    return _lit(rng, image)


PHOTOS = (leaves, leaves, leaves, objects, objects, objects, skin, skin, scene, scene, retina)
