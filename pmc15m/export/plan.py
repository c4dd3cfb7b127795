"""Which pairs are exported, in which order, into which shard.

A pair's shard is told by its article's hash alone: a split has 2ⁿ shards, and the first n bits are the shard's number.
So an article that comes, changes or goes touches one shard, all pairs of a picture lie in one, and every shard is a
random sample of the split's articles. n is the smallest with which shards have at most `pairs_per_shard` pairs on
average: a function of the pairs, so that an export that followed its source is equal to one that is made anew. Where a
split outgrows its shards, each becomes two, and that update writes everything again; more pairs a shard put it off, and
change nothing else. Inside a shard the order is by md5 of the key without its version: as good as a shuffle, the same
for ever, and what a new version of an article alters stays in its place. Without `export.shuffle` an article's pairs
stand together, articles by hash: what changes with an article is then one piece of the file.

All that a pair comes from lies in the parts of one raw shard. So pairs are joined a few raw shards at a time and dealt
to the shards of the export, where they wait in memory or, many of them, in a file: no join or sort has to hold all.
"""

import itertools
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np
import pyarrow as pa

from pmc15m.export.columns import PLAN, PROVENANCE
from pmc15m.export.shards import SPLITS, Shard, write_shards
from pmc15m.query.connection import read_files
from pmc15m.workspace import Workspace, shard_name

_GROUP = 50_000  # pairs that are joined at a time, give or take a raw shard
_HELD_BYTES = 128 << 20  # of dealt pairs that wait in memory
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")
_DEALT = pa.schema([*PLAN, pa.field("place", pa.uint64()), pa.field("rank", pa.string())])


def write_plan(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    kept: str,
    path: Path,
    order: Mapping[str, Any],
    made_from: str,
    plan_shard: Callable[[str, str, int, pa.Table], Shard],
) -> None:
    """Write the list of shards of the pairs named by the relation `kept` (one column, pair_key) of the workspace.

    `plan_shard` takes the pairs of each, in export order, with its split, name and count. The list is written last, and
    says what was ordered (`order.Order`).
    """
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE planned_keys AS
            SELECT shard::UBIGINT AS raw, split, pair_key FROM pairs SEMI JOIN {kept} USING (pair_key)"""
    )
    counts = dict(connection.execute("SELECT split, count(*) FROM planned_keys GROUP BY 1").fetchall())
    bits = {split: _bits(counts.get(split, 0), order["pairs_per_shard"]) for split in SPLITS}
    sizes = connection.execute("SELECT raw, count(*) FROM planned_keys GROUP BY 1 ORDER BY 1").fetchall()
    sorting = [(name, "ascending") for name in (*([] if order["shuffle"] else ["article_hash"]), "rank", "version")]
    shards = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent) as file:
        dealt = _Dealt(file)
        for group in _groups(sizes):
            for batch in _joined(workspace, connection, group, bits):
                dealt.deal(batch)
        for place, pairs in dealt.take():
            split, name = SPLITS[place >> 32], shard_name(place & 0xFFFFFFFF)
            pairs = pairs.sort_by(sorting).select(PLAN.names).cast(PLAN)
            shards.append(plan_shard(split, name, 1 << bits[split], pairs))
    write_shards(path, shards, made_from, order)


def _bits(pairs: int, pairs_per_shard: int) -> int:
    return max(0, math.ceil(math.log2(pairs / pairs_per_shard))) if pairs else 0


def _groups(sizes: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Numbers of raw shards that are joined together, given the number of pairs of each."""
    group, pairs = list[int](), 0
    for raw, count in sizes:
        group.append(raw)
        pairs += count
        if pairs >= _GROUP:
            yield group
            group, pairs = [], 0
    if group:
        yield group


def _joined(
    workspace: Workspace, connection: duckdb.DuckDBPyConnection, group: list[int], bits: Mapping[str, int]
) -> pa.RecordBatchReader:
    """The kept pairs of some raw shards as `_DEALT`: with their provenance, their `place` and their `rank` there."""
    for table in ("pairs", "articles", "figures", "images"):
        parts = [part for raw in group if (part := workspace.part(table, shard_name(raw))).exists()]
        found = read_files(connection, parts) if parts else connection.sql(f"FROM {table} WHERE false")
        found.create_view(f"of_{table}", replace=True)
    numbers = {split: f"p.article_hash >> {64 - bits[split]}" if bits[split] else "0" for split in SPLITS}
    whens = " ".join(f"WHEN '{split}' THEN ({n}::UBIGINT << 32) | ({numbers[split]})" for n, split in enumerate(SPLITS))
    facts = ", ".join(f"{expression} AS {name}" for name, (_, expression) in PROVENANCE.items())
    joined = connection.sql(
        f"""SELECT p.*, {facts}, CASE p.split {whens} END AS place,
              md5(replace(p.pair_key, concat('_', p.version, '_f'), '_f')) AS rank
            FROM of_pairs p
              SEMI JOIN (FROM planned_keys WHERE raw BETWEEN {group[0]} AND {group[-1]}) USING (pair_key)
              LEFT JOIN of_articles a ON a.pmcid = p.pmcid AND a.version = p.version
              LEFT JOIN of_figures f ON f.figure_key = p.figure_key
              LEFT JOIN of_images i ON i.image_key = p.image_key"""
    )
    return joined.to_arrow_reader(2 * _GROUP)


class _Dealt:
    """Pairs by `place`; those that do not fit into memory wait in a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held: defaultdict[int, list[pa.Table]] = defaultdict(list)
        self._held_bytes = 0
        self._spilled: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)

    def deal(self, batch: pa.RecordBatch) -> None:
        """Take pairs, in any order."""
        places = batch["place"].to_numpy()
        order = np.argsort(places, kind="stable")
        pairs = pa.Table.from_batches([batch.take(pa.array(order))]).select(_DEALT.names).cast(_DEALT)
        places = places[order]
        starts = [0, *(np.flatnonzero(places[1:] != places[:-1]) + 1).tolist()] if len(places) else []
        for start, end in itertools.pairwise([*starts, len(places)]):
            self._held[int(places[start])].append(pairs.slice(start, end - start))
        self._held_bytes += pairs.nbytes
        if self._held_bytes > _HELD_BYTES:
            self._spill()

    def take(self) -> Iterator[tuple[int, pa.Table]]:
        """Each place and its pairs, place after place."""
        for place in sorted(self._held.keys() | self._spilled.keys()):
            spilled = [_unpacked(self._file, start, end) for start, end in self._spilled[place]]
            yield place, pa.concat_tables([*spilled, *self._held.pop(place, [])]).combine_chunks()

    def _spill(self) -> None:
        for place, pieces in self._held.items():
            start = self._file.tell()
            with pa.ipc.new_stream(self._file, _DEALT, options=_PACKED) as stream:
                stream.write_table(pa.concat_tables(pieces).combine_chunks())
            self._spilled[place].append((start, self._file.tell()))
        self._held.clear()
        self._held_bytes = 0


def _unpacked(file: BinaryIO, start: int, end: int) -> pa.Table:
    file.seek(start)
    return pa.ipc.open_stream(file.read(end - start)).read_all()
