"""The bytes of one published picture, decoded once and completely, with limits.

Pixels are those that are stored: no EXIF rotation, the first frame of an animation. Transparency shows white paper.
Large pictures are turned into RGB in strips: beside the picture as it is stored and as it is used, memory holds little.
"""

import contextlib
import enum
import io
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

# What may be decoded: the formats of figures. Pillow's other readers (EPS runs a program) are kept out.
FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")
MAX_PIXELS = 64_000_000  # of one picture; larger ones are rows with a reason, never decoded
MAX_WEBP_PIXELS = 40_000_000  # whose decoder keeps two more pictures
MAX_SIDE = 65_535  # px, as many as a JPEG can have
_STRIP = 1 << 20  # px that are turned at a time


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
    is_animated: bool


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Decoded | DecodeError:
    """Decode a picture of at most `max_pixels` pixels; larger ones are refused by their header alone.

    With the default, decoding takes at most 700 MB of memory, whatever the bytes are.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF, odd palettes, Pillow's own pixel limit: what matters raises
        try:
            stored = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except Exception:  # Pillow's readers raise nearly anything for hostile bytes
            return DecodeError.NOT_AN_IMAGE
        if stored.width * stored.height > (min(max_pixels, MAX_WEBP_PIXELS) if stored.format == "WEBP" else max_pixels):
            return DecodeError.TOO_MANY_PIXELS
        if max(stored.size) > MAX_SIDE:
            return DecodeError.TOO_LONG
        mode, kind = stored.mode, (stored.format or "").lower()
        try:
            with _silent() if kind == "tiff" else contextlib.nullcontext():
                is_animated = bool(getattr(stored, "is_animated", False))
                stored.load()
                image = as_image(stored)
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except Exception:
            return DecodeError.BROKEN
    return Decoded(image, mode, kind, is_animated)


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
    """RGB or L, with transparency on white. Arrays are uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    if picture.mode in ("I;16", "I", "F"):
        tops = [float(np.asarray(strip, np.float32).max()) for _, strip in strips(picture) if min(strip.size)]
        top = float(np.max(tops)) if tops else 0.0
        scale = 255 / top if top > 255 else 1
        return _in_strips(picture, "L", lambda strip: _scaled(strip, scale))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        return _in_strips(picture, "RGB", _on_paper)
    return picture if picture.mode in ("RGB", "L") else picture.convert("RGB")


def strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture from top to bottom in pieces of its whole width, each with the row that it starts at."""
    height = max(1, _STRIP // max(1, picture.width))
    for top in range(0, picture.height, height):
        yield top, picture.crop((0, top, picture.width, min(top + height, picture.height)))


def _in_strips(picture: Image.Image, mode: str, turn: Callable[[Image.Image], Image.Image]) -> Image.Image:
    turned = Image.new(mode, picture.size)
    for top, strip in strips(picture):
        turned.paste(turn(strip), (0, top))
    return turned


def _scaled(strip: Image.Image, scale: float) -> Image.Image:
    return Image.fromarray((np.asarray(strip, np.float32) * scale).clip(0, 255).astype(np.uint8))


def _on_paper(strip: Image.Image) -> Image.Image:
    strip = strip.convert("RGBA")
    if strip.getchannel("A").getextrema() != (255, 255):
        paper = Image.new("RGBA", strip.size, "white")
        paper.alpha_composite(strip)
        strip = paper
    return strip.convert("RGB")
