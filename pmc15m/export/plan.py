"""Which pairs are exported, in which order, into which shard."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pmc15m.checksum import read_metadata
from pmc15m.schema import PAIRS
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

    Within a split the order is by md5 of the key: as good as a shuffle, the same for ever, and every shard is a
    random sample of the split. The plan says what was ordered (`order.Order`).
    """
    pairs_per_shard = order["pairs_per_shard"]
    with part_writer(path, PAIRS, made_from, {"order": order}) as writer:
        for split in SPLITS:
            pairs = connection.sql(
                f"SELECT * FROM pairs SEMI JOIN {kept} USING (pair_key) WHERE split = ? ORDER BY md5(pair_key)",
                params=[split],
            )
            for table in _regrouped(pairs.to_arrow_reader(pairs_per_shard), pairs_per_shard):
                writer.write_table(table.cast(PAIRS), row_group_size=pairs_per_shard)


def _regrouped(reader: pa.RecordBatchReader, rows: int) -> Iterator[pa.Table]:
    """The reader's rows in tables of exactly `rows` rows; the last one may be shorter."""
    waiting = pa.Table.from_batches([], schema=reader.schema)
    for batch in reader:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while waiting.num_rows >= rows:
            yield waiting.slice(0, rows)
            waiting = waiting.slice(rows)
    if waiting.num_rows:
        yield waiting


def read_shards(path: Path) -> list[Shard]:
    """The shards that a plan asks for. Raises `DamageError`."""
    plan = read_metadata(path)
    column = next(number for number in range(plan.num_columns) if plan.schema.column(number).path == "split")
    splits = [plan.row_group(group).column(column).statistics.min for group in range(plan.num_row_groups)]
    counts = Counter(splits)
    numbers = {split: itertools.count() for split in counts}
    return [Shard(split, shard_name(next(numbers[split])), group, counts[split]) for group, split in enumerate(splits)]
