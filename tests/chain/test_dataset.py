"""Pairs of a recipe in Python are the pairs of its export."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

import pmc15m
from pmc15m.workspace import Workspace


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_recipe_keeps_what_its_export_holds(finished: Path, split: str) -> None:
    parts = (finished / "export" / "panels" / ".pmc15m").glob(f"{split}-*.parquet")
    keys = {row["pair_key"] for part in parts for row in pq.ParquetFile(part).read(["pair_key"]).to_pylist()}
    found = pmc15m.pairs(finished, recipe="panels", split=split)
    assert {pair.key for pair in found} == keys != set()
    assert len(found) == len(keys)


def test_every_pair_has_a_picture_of_the_size_that_it_says(finished: Path) -> None:
    for pair in pmc15m.pairs(Workspace(finished)):
        assert pair.image.size == (pair["width"], pair["height"])


def test_a_panel_is_shown_where_it_was_cut_out(finished: Path) -> None:
    for pair in pmc15m.pairs(finished, "n_panels > 1", level="panel")[::40]:
        shown = pmc15m.show(pair.key, finished)
        assert tuple(pair["box"].values()) in {mark.box for mark in shown.marks}
