"""The label reader: candidates in, log probabilities of letters out. The weights are ours; see models/panels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmc15m import weights
from pmc15m.figures.glyphs import Glyphs
from pmc15m.pictures.network import network

WEIGHTS = weights.FOLDER / "reader.onnx"


@dataclass(frozen=True, slots=True)
class Readings:
    """`letters` float32 (n, 36): natural logarithms for `LABEL_ALPHABET`, then "no label"; `upper` float32 (n,)."""

    letters: NDArray[np.float32]
    upper: NDArray[np.float32]


def read_glyphs(glyphs: Glyphs) -> Readings:
    """What each candidate reads."""
    if not len(glyphs.boxes):
        return Readings(np.zeros((0, 36), np.float32), np.zeros(0, np.float32))
    letters, upper = network(WEIGHTS).run(None, {"crops": glyphs.crops.astype(np.float32)})
    return Readings(letters, upper)
