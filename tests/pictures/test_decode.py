import io
import struct

import pytest
from PIL import Image

from pmc15m.export.picture import Picture, PictureError, make_picture
from pmc15m.pictures.decode import Decoded, DecodeError, decode


def encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


PHOTO = Image.effect_noise((80, 60), 40).convert("RGB")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_the_formats_of_figures(kind: str) -> None:
    decoded = decode(encoded(PHOTO, kind), 10_000)
    assert isinstance(decoded, Decoded)
    assert (decoded.image.size, decoded.format) == ((80, 60), kind.lower())
    assert decoded.image.mode in {"RGB", "L"}


def test_transparency_shows_white_paper() -> None:
    decoded = decode(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"), 100)
    assert isinstance(decoded, Decoded)
    assert decoded.image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "I;16"])
def test_every_stored_mode_becomes_rgb_or_grey(mode: str) -> None:
    kind = "TIFF" if mode in {"CMYK", "I;16"} else "PNG"
    decoded = decode(encoded(PHOTO.convert("L").convert(mode) if mode != "CMYK" else PHOTO.convert(mode), kind), 10_000)
    assert isinstance(decoded, Decoded)
    assert decoded.image.mode in {"RGB", "L"}
    assert decoded.mode in {mode, "I;16"}


def test_what_is_no_usable_picture() -> None:
    jpeg = encoded(PHOTO, "JPEG")
    assert decode(b"", 100) is DecodeError.NOT_AN_IMAGE
    assert decode(b"<html>preparing to download</html>", 100) is DecodeError.NOT_AN_IMAGE
    assert decode(jpeg[: len(jpeg) // 2], 10_000) is DecodeError.BROKEN
    assert decode(jpeg, 80 * 60 - 1) is DecodeError.TOO_MANY_PIXELS


def test_a_bomb_is_refused_by_its_header() -> None:
    small = encoded(PHOTO, "BMP")
    bomb = small[:18] + struct.pack("<ii", 30_000, 30_000) + small[26:]
    assert decode(bomb) is DecodeError.TOO_MANY_PIXELS


BOX = {"x0": 10, "y0": 10, "x1": 30, "y1": 40}


def make(content: bytes, box: dict[str, int] | None = None, side: int = 0) -> Picture | PictureError | DecodeError:
    return make_picture(content, box, side=side, quality=90)


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_published_bytes_stay_where_they_can(kind: str, extension: str) -> None:
    content = encoded(PHOTO, kind)
    assert make(content) == Picture(extension, content, 80, 60)


def test_what_loaders_cannot_read_becomes_jpeg() -> None:
    picture = make(encoded(PHOTO, "TIFF"))
    assert isinstance(picture, Picture)
    assert (picture.extension, picture.width, picture.height) == ("jpg", 80, 60)


def test_crops_and_shrinking() -> None:
    crop = make(encoded(PHOTO, "PNG"), BOX)
    assert isinstance(crop, Picture)
    assert Image.open(io.BytesIO(crop.content)).size == (crop.width, crop.height) == (20, 30)
    small = make(encoded(PHOTO, "PNG"), side=40)
    assert isinstance(small, Picture)
    assert (small.width, small.height) == (40, 30)


def test_a_crop_outside_the_picture_has_a_reason() -> None:
    assert make(encoded(PHOTO, "PNG"), {"x0": 90, "y0": 0, "x1": 99, "y1": 9}) is PictureError.EMPTY_BOX
    assert make(b"nothing") is DecodeError.NOT_AN_IMAGE
