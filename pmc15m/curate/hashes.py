"""Hashes of one decoded picture, and the facts of `pixels` and `panels` that only the decoded picture tells.

One decode for all of it, always the complete one of `pmc15m.decode`: a reduced ("draft") JPEG decode is cheaper, but
moves 4 % of the perceptual hashes by more than 4 bits, so a corpus must use one way for every picture.
"""

import functools
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmc15m.curate.features import image_features
from pmc15m.curate.kinds import ImageKind, classify

_SIDE = 32  # px of the square that is transformed
_KEPT = 8  # lowest frequencies each way
_WORKING = 256  # px: the longer side of a working picture is at least this and below its double
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """Columns of `pixels`, by their names."""

    pixel_sha256: str
    phash: int
    kind: ImageKind
    kind_score: float
    entropy: float
    white_share: float
    colour_share: float


@dataclass(frozen=True, slots=True)
class CropFacts:
    """Columns of `panels`, by their names."""

    phash: int
    kind: ImageKind
    kind_score: float


def pixel_facts(image: Image.Image) -> PixelFacts:
    """All facts of a decoded picture (RGB or L)."""
    working = working_picture(image)
    features = image_features(working)
    kind, score = classify(features)
    return PixelFacts(
        pixel_sha256=pixel_sha256(image),
        phash=perceptual_hash(working),
        kind=kind,
        kind_score=score,
        entropy=features.entropy,
        white_share=features.white_share,
        colour_share=features.colour_share,
    )


def crop_facts(image: Image.Image, box: Box) -> CropFacts:
    """The facts of one panel; `box` in px of the image, as `figures.Panel.box`."""
    working = working_picture(image.crop(box))
    kind, score = classify(image_features(working))
    return CropFacts(phash=perceptual_hash(working), kind=kind, kind_score=score)


def working_picture(image: Image.Image) -> Image.Image:
    """The picture reduced by a whole factor (mean of blocks) to a longer side below 512 px; smaller ones unchanged."""
    factor = max(image.size) // _WORKING
    return image.reduce(factor) if factor > 1 else image


def pixel_sha256(image: Image.Image) -> str:
    """Hex SHA-256 of width, height and RGB pixels: equal for every lossless encoding of the same picture."""
    digest = hashlib.sha256(f"{image.width}x{image.height}".encode())
    digest.update(image.convert("RGB").tobytes())
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> int:
    """64-bit pHash: signs of the 8 x 8 lowest DCT-II coefficients of the 32 x 32 luma against their median.

    Source: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), §3.2.1; the same
    bits in the same order as `imagehash.phash`, first bit the highest. Takes any picture; a working picture is meant.
    """
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    basis = _dct_basis()
    low = basis @ np.asarray(grey, np.float64) @ basis.T
    bits = np.packbits(low.ravel() > np.median(low))
    return int.from_bytes(bits.tobytes(), "big")


@functools.cache
def _dct_basis() -> NDArray[np.float64]:
    """float64 (8, 32): the eight lowest DCT-II basis functions."""
    frequency, position = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    basis: NDArray[np.float64] = np.cos(np.pi * frequency * (2 * position + 1) / (2 * _SIDE))
    return basis
