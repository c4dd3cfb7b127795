"""Hashes of one decoded picture, and the facts of `pixels` and `panels` that only the decoded picture tells.

One decode for all of it, always the complete one of `pictures.decode`: a reduced ("draft") JPEG decode is cheaper, but
moves 4 % of the perceptual hashes by more than 4 bits, so a corpus must use one way for every picture.
"""

import functools
import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m.pictures.decode import strips
from pmc15m.pictures.features import image_features
from pmc15m.pictures.kinds import ImageKind, classify

_KEPT = 8  # lowest frequencies each way
_TAPER = 0.1  # share of each side that fades out
_LEAST_SIDE = 16  # px: smaller pictures (glyphs, bullets) have no structure to recognise
_LEAST_CONTRAST = 2.0  # grey levels of standard deviation: below it, what would be hashed is noise
_WORKING = 256  # px: the longer side of a working picture is at least this and below its double
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class CropFacts:
    """Columns of `panels`, by their names."""

    phash: int | None
    kind: ImageKind
    kind_score: float
    brightness: float
    entropy: float
    white_share: float
    colour_share: float


@dataclass(frozen=True, slots=True)
class PixelFacts(CropFacts):
    """Columns of `pixels`, by their names."""

    pixel_sha256: str


def pixel_facts(image: Image.Image) -> PixelFacts:
    """All facts of a decoded picture (RGB or L)."""
    return PixelFacts(**_facts(image), pixel_sha256=pixel_sha256(image))


def crop_facts(image: Image.Image, box: Box) -> CropFacts:
    """The facts of one panel; `box` in px of the image, as `figures.Panel.box`."""
    return CropFacts(**_facts(image, box))


def _facts(image: Image.Image, box: Box | None = None) -> dict[str, Any]:
    working = working_picture(image, box)
    kind, score = classify(working)
    return {
        "phash": perceptual_hash(working),
        "kind": kind,
        "kind_score": score,
        **asdict(image_features(working)),
    }


def working_picture(image: Image.Image, box: Box | None = None) -> Image.Image:
    """The picture, or what a box of it holds, reduced by a whole factor (mean of blocks) to a longer side below 512 px.

    Smaller ones are unchanged.
    """
    x0, y0, x1, y1 = box or (0, 0, *image.size)
    factor = max(x1 - x0, y1 - y0) // _WORKING
    if factor > 1:
        return image.reduce(factor, (x0, y0, x1, y1))
    return image.crop(box) if box else image


def pixel_sha256(image: Image.Image) -> str:
    """Hex SHA-256 of width, height and RGB pixels: equal for every lossless encoding of the same picture."""
    digest = hashlib.sha256(f"{image.width}x{image.height}".encode())
    for _, strip in strips(image):
        digest.update(strip.convert("RGB").tobytes())
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> int | None:
    """64-bit pHash of a working picture: signs of its 8 x 8 lowest DCT-II coefficients against their median.

    Source: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), §3.2.1; first bit
    the highest. Two changes make it survive cropped borders, under which the plain one moves 7 % of real figures by
    more than 6 bits: the transform is taken of the picture itself instead of 32 x 32 samples, and the outer tenth
    fades to the mean (a Tukey window: F. J. Harris, Proc. IEEE 66(1), 1978), so that no edge enters or leaves it.

    None for what cannot be recognised: a side below 16 px, or hardly any contrast.
    """
    grey = np.asarray(image.convert("L"), np.float32)
    if min(grey.shape) < _LEAST_SIDE or grey.std() < _LEAST_CONTRAST:
        return None
    low = _basis(grey.shape[0]) @ (grey - grey.mean()) @ _basis(grey.shape[1]).T
    bits = np.packbits(low.ravel() > np.median(low))
    return int.from_bytes(bits.tobytes(), "big")


@functools.lru_cache(maxsize=1024)
def _basis(size: int) -> NDArray[np.float32]:
    """float32 (8, size): the lowest DCT-II basis functions, faded at both ends."""
    place = (np.arange(size) + 0.5) / size
    fade = 0.5 - 0.5 * np.cos(np.pi * np.minimum(1, np.minimum(place, 1 - place) / _TAPER))
    basis: NDArray[np.float32] = (np.cos(np.pi * np.arange(_KEPT)[:, None] * place) * fade).astype(np.float32)
    return basis
