"""What a picture shows, decided from its measurable features by a logistic regression."""

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


@dataclass(frozen=True, slots=True)
class _Model:
    features: tuple[str, ...]
    weights: NDArray[np.float64]  # (kinds, features), kinds in the order of the enum
    bias: NDArray[np.float64]


def classify(features: Features) -> tuple[ImageKind, float]:
    """The likeliest kind and its probability."""
    model = _model()
    logits = model.weights @ prepared(features, model.features) + model.bias
    likely = np.exp(logits - logits.max())
    likely /= likely.sum()
    best = int(likely.argmax())
    return list(ImageKind)[best], float(likely[best])


def prepared(features: Features, names: Sequence[str]) -> NDArray[np.float64]:
    """float64 (names,): square roots, because a small share more matters most where there is little."""
    values = np.array([getattr(features, name) for name in names], np.float64)
    return np.where(values > 0, np.sqrt(np.abs(values)), values)


@functools.cache
def _model() -> _Model:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    order = [stored["kinds"].index(kind) for kind in ImageKind]
    return _Model(tuple(stored["features"]), np.array(stored["weights"])[order], np.array(stored["bias"])[order])
