"""Connected components of a mask, in numpy: runs of rows, joined by hooking and pointer jumping."""

import numpy as np
from numpy.typing import NDArray


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Boxes (n, 4) as x0, y0, x1, y1 and areas (n,) of the 8-connected components, ordered by their topmost run.

    Works on runs, not pixels: each run joins those of the next row that it touches, roots hook onto smaller roots
    until nothing moves (Shiloach and Vishkin 1982), a handful of rounds whatever the shape.
    """
    height, width = mask.shape
    pitch = width + 2  # two blanks end a row, so that no run touches the one that starts the next row, even diagonally
    padded = np.zeros((height, pitch), np.int8)
    padded[:, :width] = mask
    steps = np.diff(padded.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    if not starts.size:
        return np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
    first = np.searchsorted(ends, starts + pitch, side="left")
    last = np.searchsorted(starts, ends + pitch, side="right")
    touching = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(starts.size), touching)
    lower = np.arange(upper.size) - np.repeat(np.cumsum(touching) - touching, touching) + np.repeat(first, touching)
    root = np.arange(starts.size)
    while True:
        a, b = root[upper], root[lower]
        apart = a != b
        if not apart.any():
            break
        upper, lower, a, b = upper[apart], lower[apart], a[apart], b[apart]
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(root, jumped := root[root]):
            root = jumped
    roots, member = np.unique(root, return_inverse=True)
    x0, y = starts % pitch, starts // pitch
    boxes = np.empty((roots.size, 4), np.int64)
    boxes[:, 0] = boxes[:, 1] = max(height, width)
    boxes[:, 2] = boxes[:, 3] = 0
    np.minimum.at(boxes[:, 0], member, x0)
    np.minimum.at(boxes[:, 1], member, y)
    np.maximum.at(boxes[:, 2], member, x0 + (ends - starts))
    np.maximum.at(boxes[:, 3], member, y + 1)
    return boxes, np.bincount(member, ends - starts, roots.size).astype(np.int64)
