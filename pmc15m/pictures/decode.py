"""The bytes of one published picture, decoded once and completely, with limits.

Pixels stand as a viewer shows them: turned as EXIF says, the first frame of an animation, the largest page of a TIFF.
Transparency shows white paper; pixels of more than 8 bits are seen through a window.
"""

import enum
import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from pmc15m.pictures.window import Window, window_of, windowed

# What may be decoded: the formats of figures. Pillow's other readers (EPS runs a program) are kept out.
FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")
MAX_PIXELS = 128_000_000  # of one picture; larger ones are rows with a reason, never decoded
_MAX_PAGES = 64  # of a TIFF that are looked at

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
        try:
            page = _largest_page(stored)
            if stored.width * stored.height > max_pixels:
                return DecodeError.TOO_MANY_PIXELS
            mode, kind, orientation = stored.mode, (stored.format or "").lower(), _orientation(stored)
            stored.load()  # turns a TIFF, which then bears no orientation any more
            image, window = _shown(stored)
            if (turn := _TURNS.get(_orientation(stored))) is not None:
                image = image.transpose(turn)
            frames = int(getattr(stored, "n_frames", 1))
        except Image.DecompressionBombError:
            return DecodeError.TOO_MANY_PIXELS
        except Exception:  # Pillow's decoders raise nearly anything for hostile bytes
            return DecodeError.BROKEN
    return Decoded(image, mode, kind, frames, page, orientation, window)


def as_image(image: Image.Image | np.ndarray) -> Image.Image:
    """RGB or L, with transparency on white. Arrays are uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    return _shown(Image.fromarray(image) if isinstance(image, np.ndarray) else image)[0]


def _shown(picture: Image.Image) -> tuple[Image.Image, Window | None]:
    if picture.mode in _WIDE:
        values = np.asarray(picture)
        window = window_of(values)
        grey = windowed(values, window)
        is_negative = getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        return Image.fromarray(255 - grey if is_negative else grey), window
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() == (255, 255):
            return picture.convert("RGB"), None
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture)
        picture = paper
    return picture if picture.mode in ("RGB", "L") else picture.convert("RGB"), None


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
