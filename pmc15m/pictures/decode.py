"""The bytes of one published picture, decoded once and completely, with limits.

Pixels stand as a viewer shows them: turned as EXIF says, the first frame of an animation, the largest page of a TIFF.
Transparency shows white paper; pixels of more than 8 bits are seen through a window. Large pictures are turned into RGB
in strips: beside the picture as it is stored and as it is used, memory holds little.
"""

import contextlib
import enum
import io
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from pmc15m.pictures.window import Window, window_of, windowed

# What may be decoded: the formats of figures. Pillow's other readers (EPS runs a program) are kept out.
FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")
MAX_PIXELS = 64_000_000  # of one picture; larger ones are rows with a reason, never decoded
MAX_WEBP_PIXELS = 40_000_000  # whose decoder keeps two more pictures
MAX_SIDE = 65_535  # px, as many as a JPEG can have
_MAX_PAGES = 64  # of a TIFF that are looked at
_STRIP = 1 << 20  # px that are turned at a time

_WIDE = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # modes of more than 8 bits
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # a tag of TIFF, which Pillow heeds in pixels of 8 bits alone
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class DecodeError(enum.StrEnum):
    """Why a picture cannot be used."""

    NOT_AN_IMAGE = "not_an_image"
    BROKEN = "broken"  # truncated, or wrong inside
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_LONG = "too_long"  # a side


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: `image` is RGB or L; `mode` and `format` (lower case) are those of the stored bytes."""

    image: Image.Image
    mode: str
    format: str
    frames: int
    page: int = 0
    """The one that was taken, from 0."""
    orientation: int = 1
    """EXIF's number of how the stored picture was turned; 1 = not at all."""
    window: Window | None = None
    """None for pixels of 8 bit, which stay what they are."""


_PNG_EXIF = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")  # chunks that may hold an orientation


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of itself before it is decoded; the size is that of the stored picture, not turned."""

    width: int  # px
    height: int  # px
    mode: str
    format: str
    frames: int
    orientation: int
    is_transparent: bool
    """Whether it names a colour that is none, which readers heed or not."""


def read_header(content: bytes) -> Header | None:
    """What the first bytes of a picture tell; None where they are no picture's. Nothing is decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            stored = Image.open(io.BytesIO(content), formats=FORMATS)
            frames = int(getattr(stored, "n_frames", 1))
            kind = (stored.format or "").lower()
            # Pillow decodes a PNG to look for EXIF; nearly none has any.
            turned = 1 if kind == "png" and not any(mark in content for mark in _PNG_EXIF) else _orientation(stored)
            return Header(*stored.size, stored.mode, kind, frames, turned, "transparency" in stored.info)
        except Exception:  # as in `decode`
            return None


def decode(
    content: bytes, max_pixels: int = MAX_PIXELS, at_least: tuple[float, float] | None = None
) -> Decoded | DecodeError:
    """Decode a picture of at most `max_pixels` pixels; larger ones are refused by their header alone.

    With the default, decoding takes at most 700 MB of memory, whatever the bytes are. A JPEG may come smaller than it
    is stored, at a half, a quarter or an eighth, but not below `at_least` (width and height in px): that takes a
    fraction of the time.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF, odd palettes, Pillow's own pixel limit: what matters raises
        try:
            stored = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except Exception:  # Pillow's readers raise nearly anything for hostile bytes
            return DecodeError.NOT_AN_IMAGE
        kind = (stored.format or "").lower()
        try:
            with _silent() if kind == "tiff" else contextlib.nullcontext():
                page = _largest_page(stored)
                if (error := _too_large(stored, max_pixels)) is not None:
                    return error
                mode, orientation = stored.mode, _orientation(stored)
                frames = int(getattr(stored, "n_frames", 1))
                if at_least is not None and kind == "jpeg" and mode in ("RGB", "L"):
                    stored.draft(mode, (math.ceil(at_least[0]), math.ceil(at_least[1])))
                stored.load()  # turns a TIFF, which then bears no orientation any more
                image, window = _shown(stored)
                if (turn := _TURNS.get(_orientation(stored))) is not None:
                    image = image.transpose(turn)
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except Exception:
            return DecodeError.BROKEN
    return Decoded(image, mode, kind, frames, page, orientation, window)


def _too_large(stored: Image.Image, max_pixels: int) -> DecodeError | None:
    most = min(max_pixels, MAX_WEBP_PIXELS) if stored.format == "WEBP" else max_pixels
    if stored.width * stored.height > most:
        return DecodeError.TOO_MANY_PIXELS
    return DecodeError.TOO_LONG if max(stored.size) > MAX_SIDE else None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Standard error leads nowhere: libtiff writes there of what Pillow raises."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def as_image(image: Image.Image | np.ndarray) -> Image.Image:
    """RGB or L, with transparency on white. Arrays are uint8 (H, W), (H, W, 3) or (H, W, 4). Raises TypeError."""
    if not isinstance(image, (Image.Image, np.ndarray)):
        raise TypeError(f"a picture is one that PIL.Image.open has opened, or an array, not {type(image).__name__}")
    return _shown(Image.fromarray(image) if isinstance(image, np.ndarray) else image)[0]


def _shown(picture: Image.Image) -> tuple[Image.Image, Window | None]:
    if picture.mode in _WIDE:
        values = np.asarray(picture)
        window = window_of(values)
        grey = windowed(values, window)
        is_negative = getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        return Image.fromarray(255 - grey if is_negative else grey), window
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        return _on_paper(picture), None
    return picture if picture.mode in ("RGB", "L") else picture.convert("RGB"), None


def strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture from top to bottom in pieces of its whole width, each with the row that it starts at."""
    height = max(1, _STRIP // max(1, picture.width))
    for top in range(0, picture.height, height):
        yield top, picture.crop((0, top, picture.width, min(top + height, picture.height)))


def _on_paper(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        return picture.convert("RGB")  # most have a channel that says nothing; the same pixels in a tenth of the time
    paper = Image.new("RGB", picture.size, "white")
    for top, strip in strips(picture):
        seen = strip if strip.mode == "RGBA" else strip.convert("RGBA")
        paper.paste(seen, (0, top), mask=seen)
    return paper


def _orientation(picture: Image.Image) -> int:
    try:
        found = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # garbage in place of EXIF, which says nothing of the pixels
        return 1
    return found if found in range(1, 9) else 1


def _largest_page(picture: Image.Image) -> int:
    """Turn to the largest page of a TIFF, the first of several: thumbnails may come before the picture."""
    pages = min(int(getattr(picture, "n_frames", 1)), _MAX_PAGES) if picture.format == "TIFF" else 1
    if pages == 1:
        return 0
    areas = []
    for page in range(pages):
        picture.seek(page)
        areas.append(picture.width * picture.height)
    largest = areas.index(max(areas))
    picture.seek(largest)
    return largest
