"""Which row comes when: a function of (seed, epoch, position) and of nothing else.

Nothing about the order is ever stored: a resumed run, and a run on another number of GPUs or loader processes, asks the
same function again. Units (tars, row groups) are shuffled; runs of consecutive units form windows, and the rows of a
window are shuffled among each other, so that reading touches a bounded number of files at a time.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from train.errors import DataError

Rows = np.ndarray[Any, np.dtype[np.int64]]
Weights = np.ndarray[Any, np.dtype[np.float32]]

WINDOWS_KEPT = 2  # a batch may lie across a border


def weights_of(values: Sequence[Any], power: float) -> Weights:
    """How often each row comes, from a column: its numbers, or words that are balanced.

    A word that n rows have weighs n to the minus `power`: at 1 every word comes equally often, at 0 every row. Raises
    `DataError` for weights that are none.
    """
    if all(isinstance(value, int | float) for value in values):
        weights = np.array(values, dtype=np.float32)
    else:
        words = [str(value) for value in values]
        counts = Counter(words)
        weights = np.array([counts[word] ** -power for word in words], dtype=np.float32)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise DataError("weights must be finite and not negative, and some of them positive")
    return weights


class Order:
    """The order of all rows in every epoch.

    `sizes`: rows in each unit; `units_per_window`: how many units are shuffled together. With `weights` an epoch has
    as many positions as there are rows, and a row comes as often as its weight by their mean says: that number, rounded
    down in some epochs and up in others.
    """

    def __init__(self, sizes: Sequence[int], seed: int, units_per_window: int, weights: Weights | None = None) -> None:
        self._sizes = np.asarray(sizes, dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        self._seed = seed
        self.units_per_window = units_per_window
        self.rows = int(self._starts[-1])
        self._drawn: dict[tuple[int, int], Rows] = {}  # the latest windows, by (epoch, window)
        self._weights = weights
        self._ends = self._starts.astype(np.float64)  # in positions, before they are rounded
        if weights is not None:
            self._ends = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])[self._starts]
            self._ends *= self.rows / self._ends[-1]

    def take(self, epoch: int, start: int, stop: int) -> Rows:
        """The rows at positions start … stop-1 of an epoch."""
        ends = self._window_ends(epoch)
        parts = []
        for window in range(int(np.searchsorted(ends, start, side="right")), len(ends)):
            first = int(ends[window - 1]) if window else 0
            if first >= stop:
                break
            parts.append(self._window(epoch, window)[max(start - first, 0) : stop - first])
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def places(self, epoch: int, rows: Rows) -> Rows:
        """Where the unit of each row comes among the units of an epoch."""
        return np.argsort(self._units(epoch))[np.searchsorted(self._starts, rows, side="right") - 1]

    def _units(self, epoch: int) -> Rows:
        """The units in this epoch's order."""
        return np.random.default_rng([self._seed, epoch]).permutation(len(self._sizes))

    def _rounded(self, epoch: int, ends: np.ndarray[Any, np.dtype[np.float64]]) -> Rows:
        """Whole positions: each epoch rounds at another place, so that no row is left out for ever."""
        return np.floor(ends + np.random.default_rng([self._seed, epoch, 0]).random()).astype(np.int64)

    def _window_ends(self, epoch: int) -> Rows:
        """The position at which each window ends."""
        units = self._units(epoch)
        last = [*range(self.units_per_window - 1, len(units) - 1, self.units_per_window), len(units) - 1]
        ends: Rows = np.cumsum(np.diff(self._rounded(epoch, self._ends))[units])[last]
        return ends

    def _window(self, epoch: int, window: int) -> Rows:
        """The rows of a window in their order."""
        if (epoch, window) not in self._drawn:
            if len(self._drawn) == WINDOWS_KEPT:
                del self._drawn[next(iter(self._drawn))]
            units = self._units(epoch)[window * self.units_per_window : (window + 1) * self.units_per_window]
            rows = np.concatenate([self._rows(epoch, int(unit)) for unit in units])
            self._drawn[epoch, window] = np.random.default_rng([self._seed, epoch, window + 1]).permutation(rows)
        return self._drawn[epoch, window]

    def _rows(self, epoch: int, unit: int) -> Rows:
        """The rows of a unit, each as often as it comes."""
        rows = np.arange(self._starts[unit], self._starts[unit + 1])
        if self._weights is None or not len(rows):
            return rows
        first, last = self._ends[unit : unit + 2]
        ends = np.cumsum(self._weights[rows], dtype=np.float64)
        ends = first + ends * ((last - first) / (ends[-1] or 1.0))
        ends[-1] = last
        return np.repeat(rows, np.diff(self._rounded(epoch, np.concatenate([[first], ends]))))
