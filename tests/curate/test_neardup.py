import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.curate import neardup
from pmc15m.curate.neardup import REACH, near_pairs, nearest

Pairs = set[tuple[int, int]]


def by_force(hashes: np.ndarray, distance: int) -> Pairs:
    """Every pair compared."""
    found: Pairs = set()
    for i in range(len(hashes) - 1):
        near = np.flatnonzero(np.bitwise_count(hashes[i] ^ hashes[i + 1 :]) <= distance)
        found |= {(i, int(j) + i + 1) for j in near}
    return found


def clever(hashes: np.ndarray, distance: int) -> list[tuple[int, int]]:
    return list(zip(*(side.tolist() for side in near_pairs(hashes, distance)), strict=True))


def planted(rng: np.random.Generator, count: int, templates: int = 0) -> np.ndarray:
    """Random hashes, a third of them round a few templates, and copies with up to five bits flipped."""
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    if templates:
        third = count // 3
        hashes[:third] = rng.integers(0, 2**64, templates, dtype=np.uint64)[rng.integers(0, templates, third)]
        for _ in range(8):
            hashes[:third] ^= np.uint64(1) << rng.integers(0, 64, third, dtype=np.uint64)
    copies = hashes[rng.integers(0, count, count // 20)]
    for _ in range(5):
        flips = np.uint64(1) << rng.integers(0, 64, len(copies), dtype=np.uint64)
        copies ^= np.where(rng.random(len(copies)) < 0.5, flips, np.uint64(0))
    return rng.permutation(np.concatenate([hashes, copies]))


@pytest.mark.parametrize("templates", [0, 30])
@pytest.mark.parametrize("distance", [0, 1, 3, 4, 6])
def test_exactly_the_pairs_that_brute_force_finds(distance: int, templates: int) -> None:
    hashes = planted(np.random.default_rng(distance), 3000, templates)
    found = clever(hashes, distance)
    assert found == sorted(found)
    assert len(found) == len(set(found))
    assert set(found) == by_force(hashes, distance)


@pytest.mark.parametrize("chosen", [1, 2, 3])
def test_every_design_finds_the_same(chosen: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neardup, "_cheapest", lambda values, distance: neardup._design(distance, chosen))
    monkeypatch.setattr(neardup, "_GROUP", 64)
    hashes = planted(np.random.default_rng(7), 2000, 5)
    assert set(clever(hashes, 4)) == by_force(hashes, 4)


def test_fifty_thousand() -> None:
    hashes = planted(np.random.default_rng(1), 48_000)
    assert set(clever(hashes, 4)) == by_force(hashes, 4)


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 63), max_size=40), st.integers(0, 8))
def test_any_hashes(values: list[int], distance: int) -> None:
    hashes = np.array(values, np.uint64)
    assert set(clever(hashes, distance)) == by_force(hashes, distance)


def test_what_a_thousand_rows_share_gives_no_pairs() -> None:
    hashes = np.concatenate([np.full(1001, 5, np.uint64), np.array([4, 0xFFFF00, 0xFFFF00], np.uint64)])
    assert clever(hashes, 4) == [(1002, 1003)]
    assert len(clever(hashes[1:], 4)) == 1000 * 1001 // 2 + 1  # a thousand rows are not too many


def test_the_nearest_of_others_is_the_one_that_brute_force_finds() -> None:
    rng = np.random.default_rng(3)
    hashes, others = planted(rng, 2000, 5), planted(rng, 300)
    others[:100] = hashes[:100]
    for flip in rng.integers(0, 64, (10, 100), dtype=np.uint64):
        others[:100] ^= np.uint64(1) << flip
    closest = np.bitwise_count(hashes[:, None] ^ others).min(axis=1)
    assert (closest == REACH).any()
    assert nearest(hashes, others).tolist() == np.minimum(closest, REACH + 1).tolist()
    assert nearest(hashes, others[:0]).tolist() == [REACH + 1] * len(hashes)


def test_no_hash_and_one_hash() -> None:
    for count in (0, 1):
        assert clever(np.zeros(count, np.uint64), 4) == []


@pytest.mark.parametrize("distance", [-1, 9])
def test_distances_without_a_design(distance: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.8"):
        near_pairs(np.zeros(2, np.uint64), distance)


def test_blocks_cover_all_bits_once() -> None:
    for distance, chosen in itertools.product(range(1, 9), (1, 2, 3)):
        design = neardup._design(distance, chosen)
        assert sum(int(neardup._mask(block)) for block in design.blocks) == 2**64 - 1
