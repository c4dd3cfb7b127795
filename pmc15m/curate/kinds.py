"""What a picture shows, decided from its measurable features in two steps.

First the family, by the share of continuous tone: below 0.12 a graphic, from 0.5 on a picture, between them both side
by side. On the 100 figures of a development set of real ones (67 graphics, 20 mixed, 13 pictures) 80 fall into the
right family: 59 graphics, 11 pictures, 10 mixed. A picture is taken for a graphic once, a graphic for a picture twice;
the rest is taken for mixed, or is mixed with too little of the one or the other.

Then the kind within the family, by a logistic regression trained on drawn pictures (`benchmarks/image_kinds.py`). Of
the pictures that is a hint (stain colours, black ground, lanes), between plot and diagram little more than the prior:
no simple feature that was tried tells them apart on real figures (areas under the curve below 0.68). Filters that must
be right should ask for the family, or for the caption's words as well, as the shipped recipes do.
"""

import enum
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmc15m.curate.features import Features

WEIGHTS = Path(__file__).with_name("kinds.json")


class ImageKind(enum.StrEnum):
    """What the picture shows."""

    PHOTO = "photo"
    RADIOLOGY = "radiology"
    MICROSCOPY = "microscopy"
    GEL = "gel"  # gels and blots
    PLOT = "plot"
    DIAGRAM = "diagram"
    TABLE_TEXT = "table_text"
    MIXED = "mixed"  # pictures and graphics beside each other


PICTURES: tuple[ImageKind, ...] = (ImageKind.PHOTO, ImageKind.RADIOLOGY, ImageKind.MICROSCOPY, ImageKind.GEL)
GRAPHICS: tuple[ImageKind, ...] = (ImageKind.PLOT, ImageKind.DIAGRAM, ImageKind.TABLE_TEXT)
GRAPHIC_BELOW, PICTURE_FROM = 0.12, 0.5  # shares of continuous tone
MIXED_PRECISION = 0.6  # share of the development figures between them that are mixed


@dataclass(frozen=True, slots=True)
class _Model:
    kinds: tuple[ImageKind, ...]
    features: tuple[str, ...]
    weights: NDArray[np.float64]  # (kinds, features)
    bias: NDArray[np.float64]


def classify(features: Features) -> tuple[ImageKind, float]:
    """The likeliest kind of the family that the share of continuous tone gives, and its probability there."""
    if features.tone_share < GRAPHIC_BELOW:
        family = GRAPHICS
    elif features.tone_share >= PICTURE_FROM:
        family = PICTURES
    else:
        return ImageKind.MIXED, MIXED_PRECISION
    model = _model()
    chosen = [model.kinds.index(kind) for kind in family]
    logits = (model.weights @ prepared(features, model.features) + model.bias)[chosen]
    likely = np.exp(logits - logits.max())
    likely /= likely.sum()
    best = int(likely.argmax())
    return family[best], float(likely[best])


def prepared(features: Features, names: Sequence[str]) -> NDArray[np.float64]:
    """float64 (names,): square roots, because a small share more matters most where there is little."""
    values = np.array([getattr(features, name) for name in names], np.float64)
    return np.where(values > 0, np.sqrt(np.abs(values)), values)


@functools.cache
def _model() -> _Model:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    kinds = tuple(ImageKind(kind) for kind in stored["kinds"])
    return _Model(kinds, tuple(stored["features"]), np.array(stored["weights"]), np.array(stored["bias"]))
