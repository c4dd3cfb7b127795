"""Which pairs are exported, in which order, into which shard.

A pair's shard is told by its article's hash alone: a split has 2ⁿ shards, and the first n bits are the shard's number.
So an article that comes, changes or goes touches one shard, all pairs of a picture lie in one, and every shard is a
random sample of the split's articles. n is the smallest with which shards have at most `pairs_per_shard` pairs on
average: a function of the pairs, so that an export that followed its source is equal to one that is made anew. Where a
split outgrows its shards, each becomes two, and that update writes everything again; more pairs a shard put it off, and
change nothing else. Inside a shard the order is by md5 of the key without its version: as good as a shuffle, the same
for ever, and what a new version of an article alters stays in its place. Without `export.shuffle` an article's pairs
stand together, articles by hash: what changes with an article is then one piece of the file.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.export.columns import PLAN, PROVENANCE
from pmc15m.export.shards import SPLITS, Shard, write_shards
from pmc15m.workspace import shard_name


def write_plan(
    connection: duckdb.DuckDBPyConnection,
    kept: str,
    path: Path,
    order: Mapping[str, Any],
    made_from: str,
    plan_shard: Callable[[str, str, int, pa.Table], Shard],
) -> None:
    """Write the list of shards of the pairs named by the relation `kept` (one column, pair_key).

    `plan_shard` takes the pairs of each, in export order, with its split, name and count. The list is written last, and
    says what was ordered (`order.Order`).
    """
    counted = connection.sql(f"SELECT split, count(*) FROM pairs SEMI JOIN {kept} USING (pair_key) GROUP BY 1")
    counts = dict(counted.fetchall())
    bits = {split: _bits(counts.get(split, 0), order["pairs_per_shard"]) for split in SPLITS}
    numbers = {split: f"p.article_hash >> {64 - bits[split]}" if bits[split] else "0" for split in SPLITS}
    whens = " ".join(f"WHEN '{split}' THEN ({n}::UBIGINT << 32) | ({numbers[split]})" for n, split in enumerate(SPLITS))
    facts = ", ".join(f"{expression} AS {name}" for name, (_, expression) in PROVENANCE.items())
    together = "" if order["shuffle"] else "p.article_hash, "
    planned = connection.sql(
        f"""SELECT p.*, {facts}, CASE p.split {whens} END AS place
            FROM pairs p SEMI JOIN {kept} USING (pair_key)
              LEFT JOIN articles a ON a.pmcid = p.pmcid AND a.version = p.version
              LEFT JOIN figures f ON f.figure_key = p.figure_key
              LEFT JOIN images i ON i.image_key = p.image_key
            ORDER BY place, {together}md5(replace(p.pair_key, concat('_', p.version, '_f'), '_f')), p.version"""
    )
    shards = []
    for place, table in _by_place(planned.to_arrow_reader(10_000)):
        split, name = SPLITS[place >> 32], shard_name(place & 0xFFFFFFFF)
        shards.append(plan_shard(split, name, 1 << bits[split], table.cast(PLAN).combine_chunks()))
    write_shards(path, shards, made_from, order)


def _bits(pairs: int, pairs_per_shard: int) -> int:
    return max(0, math.ceil(math.log2(pairs / pairs_per_shard))) if pairs else 0


def _by_place(reader: pa.RecordBatchReader) -> Iterator[tuple[int, pa.Table]]:
    """Each `place`, and its rows, which come one after another, without that column."""
    waiting: list[pa.RecordBatch] = []

    def table() -> tuple[int, pa.Table]:
        return waiting[0]["place"][0].as_py(), pa.Table.from_batches(waiting, reader.schema).drop_columns("place")

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
