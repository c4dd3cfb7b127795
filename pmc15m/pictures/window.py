"""Grey values of more than 8 bits in 8: no fixed scale fits 12 bits in 16, signed numbers and fractions of one."""

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
    finite = values if values.dtype.kind in "iu" else values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return min(low, 0.0), max(high, 1.0)
    sample = finite.ravel()[:: finite.size // _SAMPLE + 1].astype(np.float64)
    first, last = np.quantile(sample, (_TAIL, 1 - _TAIL))
    if 0 < last - first < _FULLEST * (high - low):
        return float(first), float(last)
    return low, high


def windowed(values: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """uint8 (H, W): the values (H, W) from black to white; what is no number is black."""
    low, high = window
    out = np.empty(values.shape, np.uint8)
    step = max(1, _BLOCK // max(1, values.shape[1]))
    for top in range(0, len(values), step):
        block = values[top : top + step].astype(np.float64)
        out[top : top + step] = np.nan_to_num(((block - low) / (high - low)).clip(0, 1), nan=0.0) * 255 + 0.5
    return out
