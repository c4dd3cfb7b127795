"""Damaged articles, seeded: no exception, no hang, no wrong pair. `benchmarks.fuzz_jats` does the same at length."""

import random
from pathlib import Path

import pytest

from benchmarks.fuzz_jats import Tally, damage, pairs_of
from pmc15m.jats import parse_article

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.xml"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_no_damage_makes_a_wrong_pair(path: Path) -> None:
    sound = path.read_bytes()
    pairs = pairs_of(parse_article(sound))
    tally = Tally()
    for case in range(200):
        damaged = damage(sound, random.Random(f"{path.name}/{case}"))
        assert tally.add(damaged, pairs) is None, f"case {case}"
    assert tally.pairs
