"""The label reader: candidates in, log probabilities of letters out. The weights are ours; see benchmarks/panelnet."""

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pmc15m.figures.glyphs import Glyphs


@dataclass(frozen=True, slots=True)
class Readings:
    """`letters` float32 (n, 36): natural logarithms for `LABEL_ALPHABET`, then "no label"; `upper` float32 (n,)."""

    letters: NDArray[np.float32]
    upper: NDArray[np.float32]


@functools.cache
def session(name: str) -> onnxruntime.InferenceSession:
    """The network of a weights file of the package, on one thread: figures are spread over processes, not threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    weights = resources.files("pmc15m.figures").joinpath("weights", name).read_bytes()
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def read_glyphs(glyphs: Glyphs) -> Readings:
    """What each candidate reads."""
    if not len(glyphs.boxes):
        return Readings(np.zeros((0, 36), np.float32), np.zeros(0, np.float32))
    letters, upper = session("reader.onnx").run(None, {"crops": glyphs.crops.astype(np.float32)})
    return Readings(letters, upper)
