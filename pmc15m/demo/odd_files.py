"""Files that are not ordinary JPEGs: smallest supplements, pixel formats, half a picture."""

import io
import zipfile

import numpy as np
from PIL import Image


def _empty_zip() -> bytes:
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    return out.getvalue()


# The smallest of each kind of supplement, by extension.
EMPTY_FILES = {
    "csv": b"x,y\n1,2\n",
    "mp4": b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2",
    "pdf": b"%PDF-1.4\n%%EOF\n",
    "xlsx": _empty_zip(),
    "zip": _empty_zip(),
}


def as_cmyk(image: Image.Image) -> Image.Image:
    return image.convert("CMYK")


def as_sixteen_bit_grey(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)


def with_alpha(image: Image.Image) -> Image.Image:
    """Transparent where it was white."""
    pixels = np.asarray(image.convert("RGBA")).copy()
    pixels[..., 3] = np.where(pixels[..., :3].min(axis=-1) > 250, 0, 255)
    return Image.fromarray(pixels)


def with_palette(image: Image.Image) -> Image.Image:
    return image.quantize(64)


def cut_off(file: bytes) -> bytes:
    """The first half of a picture's bytes."""
    return file[: len(file) // 2]
