"""Which row comes when: a function of (seed, epoch, position) and of nothing else.

Nothing about the order is ever stored: a resumed run, and a run on another number of GPUs or loader processes, asks the
same function again. Units (tars, row groups) are shuffled; runs of consecutive units form windows, and the rows of a
window are shuffled among each other, so that reading touches a bounded number of files at a time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

Rows = np.ndarray[Any, np.dtype[np.int64]]

WINDOWS_KEPT = 2  # a batch may lie across a border


class Order:
    """The order of all rows in every epoch.

    `sizes`: rows in each unit; `units_per_window`: how many units are shuffled together.
    """

    def __init__(self, sizes: Sequence[int], seed: int, units_per_window: int) -> None:
        self._sizes = np.asarray(sizes, dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._seed = seed
        self._units_per_window = units_per_window
        self.rows = int(self._starts[-1])
        self._drawn: dict[tuple[int, int], Rows] = {}  # the latest windows, by (epoch, window)

    def take(self, epoch: int, start: int, stop: int) -> Rows:
        """The rows at positions start … stop-1 of an epoch."""
        ends = self._window_ends(self._units(epoch))
        parts = []
        for window in range(int(np.searchsorted(ends, start, side="right")), len(ends)):
            first = int(ends[window - 1]) if window else 0
            if first >= stop:
                break
            parts.append(self._window(epoch, window)[max(start - first, 0) : stop - first])
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def _units(self, epoch: int) -> Rows:
        """The units in this epoch's order."""
        return np.random.default_rng([self._seed, epoch]).permutation(len(self._sizes))

    def _window_ends(self, units: Rows) -> Rows:
        """The position at which each window ends."""
        last = [*range(self._units_per_window - 1, len(units) - 1, self._units_per_window), len(units) - 1]
        ends: Rows = np.cumsum(self._sizes[units])[last]
        return ends

    def _window(self, epoch: int, window: int) -> Rows:
        """The rows of a window in their order."""
        if (epoch, window) not in self._drawn:
            if len(self._drawn) == WINDOWS_KEPT:
                del self._drawn[next(iter(self._drawn))]
            units = self._units(epoch)[window * self._units_per_window : (window + 1) * self._units_per_window]
            rows = np.concatenate([np.arange(self._starts[unit], self._starts[unit + 1]) for unit in units])
            self._drawn[epoch, window] = np.random.default_rng([self._seed, epoch, window + 1]).permutation(rows)
        return self._drawn[epoch, window]
