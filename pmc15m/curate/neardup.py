"""All pairs of 64-bit hashes within a small Hamming distance: none missed, in about a second a million.

Multi-index hashing with combinations of blocks: cut the 64 bits into `distance + chosen` blocks; two hashes that
differ in at most `distance` bits agree in at least `chosen` of the blocks, so every such pair meets in one of the
tables that are keyed by a choice of that many blocks. More chosen blocks: more tables to sort, longer keys, fewer
candidates to compare. How many pays depends on how the hashes are spread, so it is estimated from a sample.
Source: G. S. Manku, A. Jain, A. Das Sarma, "Detecting Near-Duplicates for Web Crawling" (WWW 2007), §3.

A table costs little in numpy because sorting stays in the processor's cache: the hashes are dealt once into groups
of a few thousand by the first chosen block, which many tables share, and each group is sorted by the rest of the
key with a radix sort of 16-bit words. Buckets of one size are then compared side by side, as columns of one array.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]
Ends = tuple[NDArray[np.uint64], NDArray[np.uint64]]
Block = tuple[int, int]
"""(lowest bit, bits)."""

COMMON = 1000  # rows with one hash beyond which it says nothing: white pages, blank panels
REACH = 6  # bits within which `nearest` looks
_GROUP = 8192  # hashes sorted together
_MATRIX = 1 << 16  # hashes compared together
_SAMPLE = 1 << 17
_SORTING, _COMPARING = 15.0, 1.2  # ns a hash and table, ns a candidate: only their ratio matters
_BITS = 64


@dataclass(frozen=True, slots=True)
class Grouped:
    """Hashes ordered by the upper bits of one block; `edges` are the ends of the groups, from 0 on."""

    values: Hashes
    edges: Rows
    rest: Block  # bits of the block that do not tell groups apart


@dataclass(frozen=True, slots=True)
class Design:
    """Blocks, and how many of them a table's key takes."""

    blocks: tuple[Block, ...]
    chosen: int

    @property
    def tables(self) -> list[tuple[int, ...]]:
        """Numbers of the chosen blocks, a table each, in lexicographic order."""
        return list(itertools.combinations(range(len(self.blocks)), self.chosen))


def near_pairs(hashes: Hashes, distance: int = 4) -> tuple[Rows, Rows]:
    """Rows i < j of all two hashes that differ in at most `distance` bits, ordered by (i, j).

    A hash that more than 1,000 rows share gives no pairs: it is what blank pictures have in common,
    and half a million pairs of them would help nobody. Raises ValueError where `distance` is not in 0..8.
    """
    if not 0 <= distance <= 8:
        raise ValueError(f"distance must be in 0..8, not {distance}")
    values, repeated, common = _distinct(hashes)
    if len(common):
        values = values[~np.isin(values, common)]
        repeated = np.setdiff1d(repeated, common)
    ends = list(_near_values(values, distance)) if distance and len(values) else []
    del values
    left = np.concatenate([*(end[0] for end in ends), repeated])
    right = np.concatenate([*(end[1] for end in ends), repeated])
    return _rows_of(hashes, left, right)


def nearest(hashes: Hashes, others: Hashes) -> NDArray[np.uint8]:
    """uint8 (hashes,): bits to the nearest of a few other hashes; `REACH` + 1 where none is within `REACH`.

    Not for others by the million: every hash is compared with about one in 800 of them.
    """
    found = np.full(len(hashes), REACH + 1, np.uint8)
    design = _design(REACH, 3)
    for table in design.tables if len(others) else ():
        blocks = [design.blocks[n] for n in table]
        key = _keys(others, blocks)
        ordered = others[np.argsort(key, kind="stable")]
        ends = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=1 << sum(width for _, width in blocks)))])
        for begin in range(0, len(hashes), _MATRIX):
            some, so_far = hashes[begin : begin + _MATRIX], found[begin : begin + _MATRIX]
            key = _keys(some, blocks)
            first = ends[key]
            count = ends[key + 1] - first
            row = np.repeat(np.arange(len(some)), count)
            other = np.arange(len(row)) + np.repeat(first - np.cumsum(count) + count, count)
            bits = np.bitwise_count(some[row] ^ ordered[other])
            near = bits <= REACH
            np.minimum.at(so_far, row[near], bits[near])
    return found


def _distinct(hashes: Hashes) -> tuple[Hashes, Hashes, Hashes]:
    """Ascending: all values, those of several rows, those of more than a thousand."""
    values = np.sort(hashes)
    first = np.ones(len(values), bool)
    first[1:] = values[1:] != values[:-1]
    repeated = np.unique(values[~first])
    common = np.unique(values[COMMON:][values[COMMON:] == values[:-COMMON]])
    return values[first], repeated, common


def _rows_of(hashes: Hashes, left: Hashes, right: Hashes) -> tuple[Rows, Rows]:
    """Pairs of rows from pairs of values; a value paired with itself stands for every two rows that have it."""
    wanted = np.zeros(1 << 24, bool)
    for side in (left, right):
        wanted[side >> np.uint64(40)] = True
    order = np.flatnonzero(wanted[hashes >> np.uint64(40)])
    order = order[np.argsort(hashes[order], kind="stable")]
    ordered = hashes[order]
    starts = [np.searchsorted(ordered, side) for side in (left, right)]
    counts = [
        np.searchsorted(ordered, side, "right") - start for side, start in zip((left, right), starts, strict=True)
    ]
    each = counts[0] * counts[1]
    pair = np.repeat(np.arange(len(left)), each)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(each) - each, each)
    i = order[starts[0][pair] + place // counts[1][pair]]
    j = order[starts[1][pair] + place % counts[1][pair]]
    once = (i < j) | (left != right)[pair]
    i, j = np.minimum(i, j)[once], np.maximum(i, j)[once]
    by_row = np.lexsort((j, i))
    return i[by_row], j[by_row]


def _near_values(values: Hashes, distance: int) -> Iterator[Ends]:
    """Pairs of distinct values within `distance`, each once."""
    design = _cheapest(values, distance)
    ordered = np.empty_like(values)
    for first, tables in itertools.groupby(design.tables, key=lambda table: table[0]):
        grouped = _grouped(values, design.blocks[first])
        for table in tables:
            starts, sizes = _sort_groups(grouped, [design.blocks[n] for n in table[1:]], ordered)
            for left, right in _compare(ordered, starts, sizes, distance):
                met = np.zeros(len(left), bool)  # in an earlier table: they agree in a block before the last chosen one
                for n in set(range(table[-1])) - set(table):
                    met |= (left ^ right) & _mask(design.blocks[n]) == 0
                yield left[~met], right[~met]
        del grouped  # before the next one is made: an eighth of a gigabyte at 15 million


def _cheapest(values: Hashes, distance: int) -> Design:
    """The design that costs least, judged by the buckets of a sample."""
    every = max(1, len(values) // _SAMPLE)
    sample = values[::every]

    def cost(design: Design) -> float:
        looked_at = design.tables[:: max(1, len(design.tables) // 4)]
        candidates = 0.0
        for table in looked_at:
            grouped = _grouped(sample, design.blocks[table[0]])
            _, sizes = _sort_groups(grouped, [design.blocks[n] for n in table[1:]], np.empty_like(sample))
            candidates += float((sizes * (sizes - 1) / 2).sum()) * every**2 / len(looked_at)
        return len(design.tables) * (_SORTING * len(values) + _COMPARING * candidates)

    return min((_design(distance, chosen) for chosen in (1, 2, 3)), key=cost)


def _design(distance: int, chosen: int) -> Design:
    parts = distance + chosen
    edges = [round(n * _BITS / parts) for n in range(parts + 1)]
    return Design(tuple((low, high - low) for low, high in itertools.pairwise(edges)), chosen)


def _mask(block: Block) -> np.uint64:
    return np.uint64(((1 << block[1]) - 1) << block[0])


def _grouped(values: Hashes, block: Block) -> Grouped:
    low, width = block
    bits = min(width, max(0, (len(values) // _GROUP).bit_length()))
    upper = values >> np.uint64(low + width - bits)
    upper &= np.uint64((1 << bits) - 1)
    label = upper.astype(np.uint16)
    del upper
    edges = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=1 << bits))])
    return Grouped(values[np.argsort(label, kind="stable")], edges, (low, width - bits))


def _sort_groups(grouped: Grouped, others: list[Block], ordered: Hashes) -> tuple[Rows, Rows]:
    """Write the hashes to `ordered`, equal keys together; starts and sizes of the buckets of at least two."""
    blocks = [block for block in (grouped.rest, *others) if block[1]]
    is_start = np.zeros(len(ordered) + 1, bool)
    is_start[grouped.edges] = True
    for begin, end in itertools.pairwise(grouped.edges.tolist()):
        if end - begin > 1:
            values, key = _sorted_by(grouped.values[begin:end], blocks)
            ordered[begin:end] = values
            np.not_equal(key[1:], key[:-1], out=is_start[begin + 1 : end])
        else:
            ordered[begin:end] = grouped.values[begin:end]
    starts = np.flatnonzero(is_start)
    sizes = np.diff(starts)
    several = sizes > 1
    return starts[:-1][several], sizes[several]


def _keys(values: Hashes, blocks: list[Block]) -> Rows:
    """What the bits of the blocks say, below 64 of them in all."""
    key = np.zeros(len(values), np.int64)
    for low, width in blocks:
        key = (key << width) | ((values >> np.uint64(low)) & np.uint64((1 << width) - 1)).astype(np.int64)
    return key


def _sorted_by(values: Hashes, blocks: list[Block]) -> tuple[Hashes, Rows]:
    """Hashes in the order of the key that the blocks make, and their keys."""
    key = _keys(values, blocks)
    order = np.argsort(key.astype(np.uint16), kind="stable")
    for digit in range(16, sum(width for _, width in blocks), 16):
        order = order[np.argsort((key >> digit).astype(np.uint16)[order], kind="stable")]
    return values[order], key[order]


def _compare(ordered: Hashes, starts: Rows, sizes: Rows, distance: int) -> Iterator[Ends]:
    """Near pairs inside the buckets. Buckets of about one size are the columns of an array (place, bucket)."""
    by_size = np.argsort(sizes, kind="stable")
    starts, sizes = starts[by_size], sizes[by_size]
    last = np.cumsum(np.bincount(sizes))  # of every size: buckets that are not larger
    begin = 0
    while begin < len(sizes):
        smallest = int(sizes[begin])
        end = int(last[min(smallest + smallest // 8, len(last) - 1)])
        end = min(end, begin + max(1, _MATRIX // smallest))
        places = np.arange(int(sizes[end - 1]))[:, None]
        bucket = np.take(ordered, starts[begin:end] + places, mode="clip")
        for step in range(1, len(places)):
            upper, lower = bucket[:-step], bucket[step:]
            near = np.bitwise_count(upper ^ lower) <= distance
            if near.any():
                near &= places[step:] < sizes[begin:end]
                yield upper[near], lower[near]
        begin = end
