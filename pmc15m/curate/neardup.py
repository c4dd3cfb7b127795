"""All pairs of 64-bit hashes within a small Hamming distance: none missed, in a few seconds a million.

Multi-index hashing with block combinations: cut the 64 bits into `parts` blocks; two hashes that differ in at most
d bits agree in at least `parts - d` blocks, so every such pair meets in one of the tables that are keyed by a choice
of `parts - d` blocks. Fewer, longer keys mean fewer candidates that are no pairs; more tables mean more sorting.
Source: G. S. Manku, A. Jain, A. Das Sarma, "Detecting Near-Duplicates for Web Crawling" (WWW 2007), §3.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Rows = NDArray[np.uint32]

_CHUNK = 1 << 20  # positions looked at together
_COMMON = 1000  # equal hashes beyond which a value says nothing (white page, blank panel): its rows give no pairs


def near_pairs(hashes: Hashes, distance: int = 4) -> tuple[Rows, Rows]:
    """Rows i < j of every two hashes that differ in at most `distance` bits, ordered by (i, j).

    Hashes shared by more than 1,000 rows are left out: they are what blank or empty pictures have in common, and
    n²/2 pairs of them would help nobody. Raises ValueError where `distance` is not in 0..8.
    """
    if not 0 <= distance <= 8:
        raise ValueError(f"distance must be in 0..8, not {distance}")
    rows = _telling(hashes)
    if len(rows) < 2:
        return np.empty(0, np.uint32), np.empty(0, np.uint32)
    told = hashes if len(rows) == len(hashes) else hashes[rows]
    found = np.empty(0, np.uint64)
    for keys in _tables(told, distance):
        new = np.concatenate([found, *_matches(told, keys, distance)])
        found = np.unique(new)
    return rows[(found >> np.uint64(32)).astype(np.intp)], rows[(found & np.uint64(0xFFFFFFFF)).astype(np.intp)]


def common_hashes(hashes: Hashes) -> Hashes:
    """The values that more than 1,000 rows share, ascending."""
    values = np.sort(hashes)
    far = values[_COMMON:] == values[:-_COMMON]
    return np.unique(values[_COMMON:][far])


def _telling(hashes: Hashes) -> Rows:
    rows = np.arange(len(hashes), dtype=np.uint32)
    common = common_hashes(hashes)
    return rows[~np.isin(hashes, common)] if len(common) else rows


def _tables(hashes: Hashes, distance: int) -> Iterator[NDArray[np.uint32]]:
    """The keys of every table, one a hash."""
    parts, chosen = distance + 2, 2
    edges = [round(n * 64 / parts) for n in range(parts + 1)]
    blocks = [(low, high - low) for low, high in itertools.pairwise(edges)]
    for choice in itertools.combinations(blocks, chosen):
        key = np.zeros(len(hashes), np.uint64)
        for low, width in choice:
            key = (key << np.uint64(width)) | ((hashes >> np.uint64(low)) & np.uint64((1 << width) - 1))
        yield key.astype(np.uint32)


def _matches(hashes: Hashes, keys: NDArray[np.uint32], distance: int) -> Iterator[Hashes]:
    """Pairs with equal keys within `distance`, each as i << 32 | j.

    Key and row are packed into one word, so that a plain sort brings equal keys together; then every row is compared
    with the 1st, 2nd, … row behind it while the keys agree.
    """
    packed = (keys.astype(np.uint64) << np.uint64(32)) | np.arange(len(hashes), dtype=np.uint64)
    packed.sort()
    order, key = packed.astype(np.uint32), (packed >> np.uint64(32)).astype(np.uint32)
    del packed
    value = hashes[order]
    alive = np.arange(len(hashes), dtype=np.uint32)
    step = 1
    while len(alive := alive[: np.searchsorted(alive, len(hashes) - step)]):
        left = []
        for start in range(0, len(alive), _CHUNK):
            here = alive[start : start + _CHUNK]
            here = here[key[here] == key[here + step]]
            left.append(here)
            near = here[np.bitwise_count(value[here] ^ value[here + step]) <= distance]
            if len(near):
                i, j = order[near].astype(np.uint64), order[near + step].astype(np.uint64)
                yield (np.minimum(i, j) << np.uint64(32)) | np.maximum(i, j)
        alive = np.concatenate(left)
        step += 1
