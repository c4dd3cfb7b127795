"""Grey values of more than 8 bits in 8: no fixed scale fits 12 bits in 16, signed numbers and fractions of one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Window = tuple[float, float]
"""The stored values that are shown as black and as white."""

_TAIL = 0.005  # share of the pixels at each end that may burn out
_FULLEST = 1 / 16  # of the range: where all but the tails lie in less of it, they would show in 16 greys or fewer
_SAMPLE = 1_000_000  # pixels, about, that tell the tails
_BLOCK = 1_000_000  # pixels, about, that are scaled at once: a picture is never held as floating point


def window_of(values: NDArray[Any]) -> Window:
    """The finite range of a picture's values (H, W), or all but its tails where these leave the range empty.

    A picture of one value is seen in the range from 0 to 1, or to this value.
    """
    spans = [(float(some.min()), float(some.max())) for block in _blocks(values) if (some := _finite(block)).size]
    if not spans:
        return 0.0, 1.0
    low, high = min(first for first, _ in spans), max(last for _, last in spans)
    if low == high:
        return min(low, 0.0), max(high, 1.0)
    sample = _finite(values.ravel()[:: values.size // _SAMPLE + 1]).astype(np.float64)
    if not sample.size:
        return low, high
    first, last = np.quantile(sample, (_TAIL, 1 - _TAIL))
    if 0 < last - first < _FULLEST * (high - low):
        return float(first), float(last)
    return low, high


def windowed(values: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """uint8 (H, W): the values (H, W) from black to white; what is no number is black."""
    low, high = window
    out = np.empty(values.shape, np.uint8)
    top = 0
    for values_of in _blocks(values):
        block = values_of.astype(np.float64)
        grey = np.nan_to_num(((block - low) / (high - low)).clip(0, 1), nan=0.0) * 255 + 0.5
        out[top : top + len(block)] = grey
        top += len(block)
    return out


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    step = max(1, _BLOCK // max(1, values.shape[1]))
    return (values[top : top + step] for top in range(0, len(values), step))


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    return values.ravel() if values.dtype.kind in "iu" else values[np.isfinite(values)]
