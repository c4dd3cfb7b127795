import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from pmc15m.demo import charts, photographs
from pmc15m.pictures.features import image_features
from pmc15m.pictures.hashes import crop_facts, perceptual_hash, pixel_facts, pixel_sha256, working_picture
from pmc15m.pictures.kinds import ImageKind

DRAWERS = (charts.line_plot, charts.bar_chart, charts.tree, photographs.histology, photographs.ct, photographs.blot)


def picture(seed: int, size: tuple[int, int] = (600, 450)) -> Image.Image:
    return DRAWERS[seed % len(DRAWERS)](np.random.default_rng(seed), *size).image


def encoded(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC)


def cropped(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


def phash(image: Image.Image) -> int:
    value = perceptual_hash(working_picture(image))
    assert value is not None
    return value


@pytest.mark.parametrize("seed", range(12))
def test_the_perceptual_hash_survives_copying(seed: int) -> None:
    original = picture(seed)
    copies = {
        "q50": encoded(original, 50),
        "half": scaled(original, 0.5),
        "double": scaled(original, 2),
        "cropped": cropped(original, 0.01),
        "grey": original.convert("L"),
    }
    distances = {name: (phash(copy) ^ phash(original)).bit_count() for name, copy in copies.items()}
    assert max(distances.values()) <= 6, distances


def test_different_pictures_have_far_hashes() -> None:
    drawers = (charts.heat_map, photographs.histology, photographs.fluorescence)
    hashes = [phash(drawer(np.random.default_rng(seed), 500, 400).image) for drawer in drawers for seed in range(8)]
    distances = [(a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) > 6
    assert 25 < np.mean(distances) < 36


@pytest.mark.parametrize(
    "image", [Image.new("RGB", (300, 200), "white"), picture(0, (200, 12)), Image.new("L", (1, 1))]
)
def test_what_cannot_be_recognised_has_no_hash(image: Image.Image) -> None:
    assert pixel_facts(image).phash is None


def test_the_pixel_hash_is_that_of_size_and_rgb() -> None:
    grey = Image.new("L", (3, 2), 7)
    assert pixel_sha256(grey) == hashlib.sha256(b"3x2" + bytes([7]) * 18).hexdigest()
    assert pixel_sha256(grey) == pixel_sha256(grey.convert("RGB"))
    assert pixel_sha256(grey) != pixel_sha256(Image.new("L", (2, 3), 7))


def test_a_lossless_copy_has_the_same_facts() -> None:
    image, stream = picture(3), io.BytesIO()
    image.save(stream, "PNG")
    assert pixel_facts(Image.open(io.BytesIO(stream.getvalue())).convert("RGB")) == pixel_facts(image)


def test_a_crop_has_the_facts_of_the_picture_it_shows() -> None:
    canvas = Image.new("RGB", (1300, 500), "white")
    canvas.paste(picture(3), (650, 20))
    crop, whole = crop_facts(canvas, (650, 20, 1250, 470)), pixel_facts(picture(3))
    assert (crop.phash, crop.kind, crop.brightness) == (whole.phash, whole.kind, whole.brightness)


def test_features_of_a_half_black_half_red_picture() -> None:
    image = Image.new("RGB", (100, 100), "black")
    image.paste("red", (0, 0, 100, 50))
    features = image_features(image)
    assert features.colour_share == 0.5
    assert features.white_share == 0
    assert features.entropy == pytest.approx(1)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 7), (2, 300)])
def test_every_size_has_features_and_a_kind(size: tuple[int, int]) -> None:
    facts = pixel_facts(Image.new("RGB", size, "grey"))
    assert facts.kind in ImageKind
    assert 0 <= facts.kind_score <= 1
