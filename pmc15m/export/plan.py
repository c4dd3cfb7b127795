"""Which pairs are exported, in which order, into which shard."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.workspace import atomic, shard_name, stamp

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
    connection: duckdb.DuckDBPyConnection, kept: str, path: Path, pairs_per_shard: int, made_from: str
) -> None:
    """Write the pairs named by the relation `kept` (one column, pair_key) in export order, one row group a shard.

    Within a split the order is by md5 of the key: as good as a shuffle, the same for ever, and every shard is a
    random sample of the split.
    """
    with atomic(path) as temporary:
        writer: pq.ParquetWriter | None = None
        for split in SPLITS:
            pairs = connection.sql(
                f"SELECT * FROM pairs SEMI JOIN {kept} USING (pair_key) WHERE split = ? ORDER BY md5(pair_key)",
                params=[split],
            )
            reader = pairs.to_arrow_reader(pairs_per_shard)
            schema = reader.schema.with_metadata(stamp(made_from))
            writer = writer or pq.ParquetWriter(temporary, schema, compression="zstd")
            for table in _regrouped(reader, pairs_per_shard):
                writer.write_table(table.cast(schema), row_group_size=pairs_per_shard)
        if writer is not None:
            writer.close()


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
    """The shards that a plan asks for."""
    plan = pq.ParquetFile(path)
    splits = [plan.read_row_group(group, columns=["split"])["split"][0].as_py() for group in range(plan.num_row_groups)]
    counts = Counter(splits)
    numbers = {split: itertools.count() for split in counts}
    return [Shard(split, shard_name(next(numbers[split])), group, counts[split]) for group, split in enumerate(splits)]
