"""The bytes of one published picture, decoded once and completely, with limits.

Pixels are those that are stored: no EXIF rotation, the first frame of an animation. Transparency shows white paper.
"""

import enum
import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image

# What may be decoded: the formats of figures. Pillow's other readers (EPS runs a program) are kept out.
FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")
MAX_PIXELS = 128_000_000  # of one picture; larger ones are rows with a reason, never decoded


class DecodeError(enum.StrEnum):
    """Why a picture cannot be used."""

    NOT_AN_IMAGE = "not_an_image"
    BROKEN = "broken"  # truncated, or wrong inside
    TOO_MANY_PIXELS = "too_many_pixels"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: `image` is RGB or L; `mode` and `format` (lower case) are those of the stored bytes."""

    image: Image.Image
    mode: str
    format: str
    frames: int


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Decoded | DecodeError:
    """Decode a picture of at most `max_pixels` pixels; larger ones are refused by their header alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF, odd palettes, Pillow's own pixel limit: what matters raises
        try:
            stored = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except (OSError, ValueError, SyntaxError):
            return DecodeError.NOT_AN_IMAGE
        if stored.width * stored.height > max_pixels:
            return DecodeError.TOO_MANY_PIXELS
        mode, kind = stored.mode, (stored.format or "").lower()
        try:
            image = as_image(stored)
            image.load()
            frames = int(getattr(stored, "n_frames", 1))
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except Exception:  # Pillow's decoders raise nearly anything for hostile bytes
            return DecodeError.BROKEN
    return Decoded(image, mode, kind, frames)


def as_image(image: Image.Image | np.ndarray) -> Image.Image:
    """RGB or L, with transparency on white. Arrays are uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    if picture.mode in ("I;16", "I", "F"):
        values = np.asarray(picture, np.float32)
        top = float(values.max()) if values.size else 0.0
        picture = Image.fromarray((values * (255 / top if top > 255 else 1)).clip(0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() == (255, 255):
            return picture.convert("RGB")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        picture = paper
    return picture if picture.mode in ("RGB", "L") else picture.convert("RGB")
