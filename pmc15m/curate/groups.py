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
    set, found in rounds: an item whose better neighbours are all taken is a keeper, and its neighbours are taken. An
    item beside several keepers goes to the best of them.
    """
    better, worse = np.minimum(left, right), np.maximum(left, right)
    linked = np.unique(np.concatenate([better, worse]))
    is_keeper, is_open = np.ones(count, bool), np.zeros(count, bool)
    is_keeper[linked], is_open[linked] = False, True
    ends = better, worse
    while len(linked):
        blocked = np.zeros(count, bool)
        blocked[ends[1]] = True
        new = linked[~blocked[linked]]
        is_keeper[new], is_open[new] = True, False
        is_open[ends[1][is_keeper[ends[0]]]] = False
        both_open = is_open[ends[0]] & is_open[ends[1]]
        ends = ends[0][both_open], ends[1][both_open]
        linked = linked[is_open[linked]]
    keeper = np.where(is_keeper, np.arange(count), count)
    takes = is_keeper[better]
    np.minimum.at(keeper, worse[takes], better[takes])
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
