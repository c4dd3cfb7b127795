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
from pmc15m.pictures.kinds import ImageFamily, ImageKind, classify

_KEPT = 8  # lowest frequencies each way
_TAPER = 0.1  # share of each side that fades out
_LEAST_SIDE = 16  # px: smaller pictures (glyphs, bullets) have no structure to recognise
_LEAST_CONTRAST = 2.0  # grey levels of standard deviation: below it, what would be hashed is noise
_WORKING = 256  # px: the longer side of a working picture is at least this and below its double
_FLAT = 32  # grey levels between the darkest and the brightest pixel of a row of a border; JPEG's ringing stays below
_BRIGHTENED, _WHITENED = 1.3, 250  # by how much; grey level from which what was brightened may have been white before
Box = tuple[int, int, int, int]
Crops = tuple[tuple[float, float], ...]
"""Shares of a side that are gone at both its ends."""
_WHOLE: Crops = ((0, 0),)
_CROPS: Crops = ((0, 0), (0, 0.05), (0.05, 0), (0.05, 0.05))


@dataclass(frozen=True, slots=True)
class CropFacts:
    """Columns of `panels`, by their names."""

    phash: int | None
    family: ImageFamily
    family_score: float
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
    return {
        "phash": perceptual_hash(working),
        **classify(working)._asdict(),
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
        digest.update((strip if strip.mode == "RGB" else strip.convert("RGB")).tobytes())
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> int | None:
    """64-bit pHash of a working picture: signs of its 8 x 8 lowest DCT-II coefficients against their median.

    Source: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), §3.2.1; first bit
    the highest. Four changes make it survive what people do to pictures. Borders without a drawing are cut off. The
    transform is taken of the picture itself instead of 32 x 32 samples, and the outer tenth fades to the mean (a Tukey
    window: F. J. Harris, Proc. IEEE 66(1), 1978), so that no edge enters or leaves it where a little is cropped. And it
    is taken of darkness to the power of 1.5: what brightening turns into paper was little before. (Squared, more
    brightened pictures are found, and fewer of those whose border was cropped.)

    None for what cannot be recognised: a side below 16 px, or hardly any contrast.
    """
    grey = _content(image)
    return None if grey is None else _signs(_lowest(_ink(grey), _WHOLE)[0])


def hashes_before(image: Image.Image) -> set[int]:
    """The perceptual hash of a working picture, and those that it had if it was mirrored, cropped or brightened since.

    Cropped: by a twentieth of its size at any of the four sides. Brightened: by three tenths, which may have turned
    what is pale at the borders to paper, so that it is looked at with its borders as well.
    """
    grey = _content(image)
    if grey is None:
        return set()
    found = _lowest(_ink(grey), _CROPS)
    for seen in (grey, np.asarray(image.convert("L"))):
        found += _lowest(_ink(seen, _BRIGHTENED), _WHOLE)
    mirror = (-1.0) ** np.arange(_KEPT)
    return {_signs(low) for seen in found for low in (seen, seen * mirror)}


def _content(image: Image.Image) -> NDArray[np.uint8] | None:
    """Grey levels (H, W) within the borders, or of everything where nothing but borders is found."""
    grey = np.asarray(image.convert("L"))
    if min(grey.shape) < _LEAST_SIDE or grey.std() < _LEAST_CONTRAST:
        return None
    inside, before = grey, (0, 0)
    while inside.shape != before:
        before = inside.shape
        for _ in range(2):
            drawn = np.flatnonzero(np.ptp(inside, axis=1) > _FLAT)
            inside = inside[drawn[0] : drawn[-1] + 1].T if len(drawn) else inside[:0]
        if min(inside.shape) < _LEAST_SIDE:
            return grey
    return inside


def _ink(grey: NDArray[np.uint8], brightened: float = 1.0) -> NDArray[np.float32]:
    """Darkness of each pixel as it was before the picture was brightened."""
    levels = np.arange(256, dtype=np.float32) / brightened
    ink: NDArray[np.float32] = ((1 - levels / 255) ** 1.5).astype(np.float32)
    if brightened > 1:
        ink[_WHITENED:] = 0
    return ink[grey]


def _lowest(ink: NDArray[np.float32], crops: Crops) -> list[NDArray[np.float32]]:
    """DCT coefficients, each float32 (8, 8), of a picture that lost every two of the crops; they count as its mean."""
    about_mean, (height, width) = ink - ink.mean(), ink.shape
    strips = [_basis(height, *crop) @ about_mean for crop in crops]
    return [strip @ _basis(width, *crop).T for strip in strips for crop in crops]


def _signs(low: NDArray[np.float32]) -> int:
    return int.from_bytes(np.packbits(low.ravel() > np.median(low)).tobytes(), "big")


@functools.lru_cache(maxsize=4096)
def _basis(size: int, before: float, behind: float) -> NDArray[np.float32]:
    """float32 (8, size): the lowest DCT-II basis functions, faded at both ends, without lost shares of the ends."""
    place = before + (np.arange(size) + 0.5) / size * (1 - before - behind)
    fade = 0.5 - 0.5 * np.cos(np.pi * np.minimum(1, np.minimum(place, 1 - place) / _TAPER))
    basis: NDArray[np.float32] = (np.cos(np.pi * np.arange(_KEPT)[:, None] * place) * fade).astype(np.float32)
    return basis
