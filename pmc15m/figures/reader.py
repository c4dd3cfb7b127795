"""The label reader: candidates in, log probabilities of letters out. The weights are ours; see benchmarks/panelnet."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmc15m.figures.glyphs import Glyphs
from pmc15m.inference import network

WEIGHTS = Path(__file__).parent / "weights" / "reader.onnx"


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
