"""Plans: the same shards whatever is joined at a time, and wherever dealt pairs wait."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pmc15m.config import ExportConfig
from pmc15m.export import plan
from pmc15m.export.columns import PLAN
from pmc15m.export.layout import Layout
from pmc15m.export.order import Order
from pmc15m.export.shards import Shard, read_shards
from pmc15m.export.stage import _plan_shard
from pmc15m.query import connect
from tests.curate.made import Made


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Three raw shards with four articles each, of a figure and two panels."""
    made = Made(tmp_path / "data")
    for number in range(12):
        shard = f"{number % 3:05d}"
        article = made.article(number + 1, shard, title=f"Title {number}")
        image = made.figure(article, 0xFF << (4 * number), 1, shard, caption="Two. (A) Part 0. (B) Part 1.", n_panels=2)
        for order in (0, 1):
            made.panel(image, order, None, shard)
    made.curated()
    return made


def planned(made: Made, name: str, *, shuffle: bool) -> tuple[list[Shard], list[list[dict[str, object]]]]:
    """The shards of everything, and their rows."""
    order = Order.of(ExportConfig(recipe="", name=name, pairs_per_shard=10, shuffle=shuffle))
    layout = Layout.of(made.workspace, name, "webdataset")
    with connect(made.workspace) as connection:
        connection.execute("CREATE VIEW everything AS SELECT pair_key FROM pairs WHERE label <> 'Figure 1 B'")

        def plan_shard(*facts: object) -> Shard:
            return _plan_shard(layout, order, "made", *facts)  # type: ignore[arg-type]

        plan.write_plan(made.workspace, connection, "everything", layout.plan, order.as_facts(), "made", plan_shard)
    shards = read_shards(layout.plan)
    assert all(map(layout.is_ready, shards))
    return shards, [pq.read_table(layout.planned(shard)).select(PLAN.names).to_pylist() for shard in shards]


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_plan_is_the_same_however_its_pairs_were_joined_and_dealt(
    made: Made, monkeypatch: pytest.MonkeyPatch, shuffle: bool
) -> None:
    at_once = planned(made, "it", shuffle=shuffle)
    monkeypatch.setattr(plan, "_GROUP", 1)
    monkeypatch.setattr(plan, "_HELD_BYTES", 0)
    in_pieces = planned(made, "it", shuffle=shuffle)
    assert at_once == in_pieces
    assert len(at_once[0]) > 1
    rows = [row for rows in at_once[1] for row in rows]
    assert len(rows) == len({row["pair_key"] for row in rows}) == 24
    assert {row["title"] for row in rows} == {f"Title {number}" for number in range(12)}


def test_where_a_picture_lies_is_in_no_fingerprint(made: Made) -> None:
    shards, [rows, *_] = planned(made, "it", shuffle=True)
    layout = Layout.of(made.workspace, "it", "webdataset")
    order = Order.of(ExportConfig(recipe="", name="it", pairs_per_shard=10))
    pairs = pq.read_table(layout.planned(shards[0])).select(PLAN.names)

    def fingerprint(column: str, value: object) -> str:
        changed = PLAN.empty_table().from_pylist([row | {column: value} for row in rows], schema=PLAN)
        return _plan_shard(layout, order, "made", shards[0].split, shards[0].name, shards[0].count, changed).made_from

    assert pairs.to_pylist() == rows
    assert fingerprint("offset", 77) == fingerprint("shard", "00009") == shards[0].made_from
    assert fingerprint("flags", ["other"]) != shards[0].made_from


def test_what_a_killed_export_left_elsewhere_goes_with_the_next(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "webdataset")
    left, mine = (tmp_path / "data" / name for name in (f"train-00000.tar.{'0' * 32}.tmp", "notes.tmp"))
    left.parent.mkdir()
    for path in (left, mine):
        path.touch()
    layout.remove_others([])
    assert not left.exists()
    assert mine.exists()
