"""From pairs of near duplicates to groups that do not chain.

Connected components would join what no two people call the same: at corpus scale a is near b, b near c, … until a
large share of all pictures is one group. Here a group is a star instead: its keeper, and pictures that are each near
the keeper itself. The best picture that is not yet taken is the next keeper; so every member is worse than its
keeper, and every non-keeper is within the distance of what is kept in its place.
"""

import numpy as np
from numpy.typing import NDArray

Ranks = NDArray[np.int64]


def stars(count: int, left: Ranks, right: Ranks) -> Ranks:
    """int64 (count,): the keeper of every item; items are numbered from the best to the worst.

    `left` and `right` are the ends of the edges. The keepers are the lexicographically first maximal independent
    set; an item beside several keepers goes to the best of them. Found in rounds: an item whose better neighbours
    are all taken is a keeper, and takes its neighbours.
    """
    better, worse = np.minimum(left, right), np.maximum(left, right)
    keeper = np.full(count, -1, np.int64)  # -1: undecided
    linked = np.unique(np.concatenate([better, worse]))
    keeper[:] = np.arange(count)
    keeper[linked] = -1
    while len(linked):
        blocked = np.zeros(count, bool)
        blocked[worse] = True
        new = linked[~blocked[linked]]
        keeper[new] = new
        is_new = np.zeros(count, bool)
        is_new[new] = True
        takes = is_new[better]
        best = np.full(count, count, np.int64)
        np.minimum.at(best, worse[takes], better[takes])
        taken = np.flatnonzero(best < count)
        keeper[taken] = best[taken]
        open_ends = (keeper[better] < 0) & (keeper[worse] < 0)
        better, worse = better[open_ends], worse[open_ends]
        linked = linked[keeper[linked] < 0]
    return keeper


def components(count: int, left: Ranks, right: Ranks) -> Ranks:
    """int64 (count,): the smallest item that each item is connected with, over any number of edges."""
    root = np.arange(count)
    while True:
        low = np.minimum(root[left], root[right])
        before = root.copy()
        np.minimum.at(root, root[left], low)
        np.minimum.at(root, root[right], low)
        while not np.array_equal(root, shorter := root[root]):
            root = shorter
        if np.array_equal(root, before):
            return root
