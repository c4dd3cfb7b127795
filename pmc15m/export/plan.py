"""Which pairs are exported, in which order, into which shard."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.checksum import read_metadata
from pmc15m.export.columns import PLAN, PROVENANCE
from pmc15m.workspace import part_writer, shard_name

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard to be written: `name` is its number within the split, `group` its row group in the plan."""

    split: str
    name: str
    group: int
    count: int  # shards of the split

    def __str__(self) -> str:
        return f"{self.split}/{self.name}"


def write_plan(
    connection: duckdb.DuckDBPyConnection, kept: str, path: Path, order: Mapping[str, Any], made_from: str
) -> None:
    """Write the pairs named by the relation `kept` (one column, pair_key) in export order, one row group a shard.

    A pair's shard is told by the hash of its article alone: all pairs of a picture lie in one shard, and every shard
    is a random sample of the split's articles. Inside, the order is by md5 of the key: as good as a shuffle, the same
    for ever. Where a split outgrows its shards, their number doubles. The plan says what was ordered (`order.Order`).
    """
    counted = connection.sql(f"SELECT split, count(*) FROM pairs SEMI JOIN {kept} USING (pair_key) GROUP BY 1")
    counts = dict(counted.fetchall())
    bits = {split: _bits(counts.get(split, 0), order["pairs_per_shard"]) for split in SPLITS}
    numbers = {split: f"p.article_hash >> {64 - bits[split]}" if bits[split] else "0" for split in SPLITS}
    whens = " ".join(f"WHEN '{split}' THEN ({n}::UBIGINT << 32) | ({numbers[split]})" for n, split in enumerate(SPLITS))
    facts = ", ".join(f"{expression} AS {name}" for name, (_, expression) in PROVENANCE.items())
    planned = connection.sql(
        f"""SELECT p.*, {facts}, CASE p.split {whens} END AS place
            FROM pairs p SEMI JOIN {kept} USING (pair_key)
              LEFT JOIN articles a ON a.pmcid = p.pmcid AND a.version = p.version
              LEFT JOIN figures f ON f.figure_key = p.figure_key
              LEFT JOIN images i ON i.image_key = p.image_key
            ORDER BY place, md5(p.pair_key)"""
    )
    with part_writer(path, PLAN, made_from, {"order": order}) as writer:
        for table in _by_place(planned.to_arrow_reader(10_000)):
            writer.write_table(table.cast(PLAN), row_group_size=table.num_rows)


def _bits(pairs: int, pairs_per_shard: int) -> int:
    return max(0, math.ceil(math.log2(pairs / pairs_per_shard))) if pairs else 0


def _by_place(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows of each `place`, which come one after another; without that column."""
    waiting: list[pa.RecordBatch] = []

    def table() -> pa.Table:
        return pa.Table.from_batches(waiting, reader.schema).drop_columns("place")

    for batch in reader:
        ends = pc.run_end_encode(batch["place"]).run_ends.to_pylist()
        for start, end in itertools.pairwise([0, *ends]):
            run = batch.slice(start, end - start)
            if waiting and waiting[-1]["place"][0] != run["place"][0]:
                yield table()
                waiting.clear()
            waiting.append(run)
    if waiting:
        yield table()


def read_shards(path: Path) -> list[Shard]:
    """The shards that a plan asks for. Raises `DamageError`."""
    plan = read_metadata(path)
    column = next(number for number in range(plan.num_columns) if plan.schema.column(number).path == "split")
    splits = [plan.row_group(group).column(column).statistics.min for group in range(plan.num_row_groups)]
    counts = Counter(splits)
    numbers = {split: itertools.count() for split in counts}
    return [Shard(split, shard_name(next(numbers[split])), group, counts[split]) for group, split in enumerate(splits)]
