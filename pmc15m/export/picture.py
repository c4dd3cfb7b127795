"""The picture of a pair as it is exported: the published bytes where they can stay, a JPEG where they cannot."""

import enum
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from pmc15m.pictures.decode import DecodeError, decode

# Formats that every CLIP loader reads, with the extension that WebDataset and open_clip look for.
_EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp"}


class PictureError(enum.StrEnum):
    """Why a pair has no picture in the export, beside `decode.DecodeError`."""

    EMPTY_BOX = "empty_box"


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture; `extension` without the dot."""

    extension: str
    content: bytes
    width: int  # px
    height: int  # px


def make_picture(
    content: bytes, box: Mapping[str, int] | None, *, side: int, quality: int
) -> Picture | PictureError | DecodeError:
    """Crop to `box` (px, x1 and y1 exclusive), shrink the longer side to `side` px (0 = as it is), encode.

    The published bytes stay untouched when nothing has to change and every loader can read them; those that EXIF
    turns do not, for only some loaders turn them.
    """
    decoded = decode(content)
    if isinstance(decoded, DecodeError):
        return decoded
    image = decoded.image
    whole = box is None or (box["x0"], box["y0"], box["x1"], box["y1"]) == (0, 0, *image.size)
    shrink = bool(side) and max(image.size) > side
    plain = decoded.mode in {"RGB", "L"} and decoded.frames == decoded.orientation == 1
    if whole and not shrink and plain and decoded.format in _EXTENSIONS:
        return Picture(_EXTENSIONS[decoded.format], content, *image.size)
    if box is not None and not whole:
        x0, y0, x1, y1 = max(0, box["x0"]), max(0, box["y0"]), min(image.width, box["x1"]), min(image.height, box["y1"])
        if x0 >= x1 or y0 >= y1:
            return PictureError.EMPTY_BOX
        image = image.crop((x0, y0, x1, y1))
    if side and max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.BICUBIC)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality)
    return Picture("jpg", encoded.getvalue(), *image.size)
