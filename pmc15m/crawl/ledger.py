"""What the finished shards say of their articles, as compact arrays: 25 bytes an article version.

An article version's key is its PMCID's number and its version in one 64-bit integer; tokens are hashes.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.checksum import read_rows
from pmc15m.sources.model import ArticleStatus
from pmc15m.workspace import Workspace, shard_number

_VERSION_BITS = 20
KEY = f"(CAST(pmcid[4:] AS BIGINT) << {_VERSION_BITS}) + version"
"""The key of an article version in SQL."""
_COLUMNS = ["pmcid", "version", "role", "change_token", "status", "reason"]
_READ = pa.schema(
    [
        *((pa.field(name, pa.string()) if name != "version" else pa.field(name, pa.int32())) for name in _COLUMNS),
        pa.field("shard", pa.int32()),
    ]
)


def article_key(pmcid: str, version: int) -> int:
    """`KEY` of one article version."""
    return (int(pmcid[3:]) << _VERSION_BITS) + version


def pmcid_numbers(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """int64 (n,): the numbers of the PMCIDs in some keys."""
    return keys >> _VERSION_BITS


Outcome = tuple[str, str | None]
"""Status and reason of an article."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One entry an article row of a finished shard that is not superseded, by key and then by shard."""

    keys: npt.NDArray[np.int64]
    shards: npt.NDArray[np.int32]
    tokens: npt.NDArray[np.uint64]
    outcomes: npt.NDArray[np.uint8]  # index into `kinds`
    kinds: tuple[Outcome, ...]

    def kinds_where(self, *outcomes: Outcome | str) -> npt.NDArray[np.bool_]:
        """Which of `kinds` are among the given (status, reason) pairs or statuses."""
        return np.array([kind in outcomes or kind[0] in outcomes for kind in self.kinds], dtype=bool)

    def last(self) -> "Ledger":
        """The entry of the highest shard of each key: the one that counts."""
        is_last = np.append(self.keys[1:] != self.keys[:-1], True)[: len(self.keys)]
        return self._where(is_last)

    def outdated(self) -> "Ledger":
        """The entries that a later shard replaces."""
        return self._where(np.append(self.keys[1:] == self.keys[:-1], False)[: len(self.keys)])

    def find(self, keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
        """For each key whether it is there, and its position. Only for a ledger without doubles (`last`)."""
        positions = np.searchsorted(self.keys, keys)
        positions[positions == len(self.keys)] = 0
        found = self.keys[positions] == keys if len(self.keys) else np.zeros(len(keys), dtype=bool)
        return found, positions

    def shard_of(self, pmcid: str, version: int) -> int:
        """The shard that has an article, -1 where none has. Only for a ledger without doubles (`last`)."""
        found, at = self.find(np.array([article_key(pmcid, version)]))
        return int(self.shards[at[0]]) if found[0] else -1

    def _where(self, chosen: npt.NDArray[np.bool_]) -> "Ledger":
        return Ledger(self.keys[chosen], self.shards[chosen], self.tokens[chosen], self.outcomes[chosen], self.kinds)


def read_ledger(workspace: Workspace, *, without: Collection[str] = ()) -> Ledger:
    """Read the article rows of all finished shards but some."""
    with duckdb.connect(config={"threads": "1"}) as database:
        database.execute("SET enable_progress_bar = false")
        database.register("rows", pa.RecordBatchReader.from_batches(_READ, _article_rows(workspace, without)))
        query = f"SELECT {KEY} AS key, shard, hash(change_token) AS token, status, reason FROM rows"
        batches = list(map(_compact, database.sql(query).to_arrow_reader(65_536)))
    kinds = tuple(sorted({kind for batch in batches for kind in batch.kinds}, key=str))
    codes = {kind: code for code, kind in enumerate(kinds)}
    recode = [np.array([codes[kind] for kind in batch.kinds], dtype=np.uint8)[batch.outcomes] for batch in batches]
    keys = np.concatenate([np.empty(0, np.int64), *(batch.keys for batch in batches)])
    shards = np.concatenate([np.empty(0, np.int32), *(batch.shards for batch in batches)])
    tokens = np.concatenate([np.empty(0, np.uint64), *(batch.tokens for batch in batches)])
    outcomes = np.concatenate([np.empty(0, np.uint8), *recode])
    order = np.lexsort((shards, keys))
    return Ledger(keys[order], shards[order], tokens[order], outcomes[order], kinds)


def _compact(batch: pa.RecordBatch) -> Ledger:
    pairs = pc.dictionary_encode(
        pc.binary_join_element_wise(batch["status"], batch["reason"], "/", null_handling="replace", null_replacement="")
    )
    kinds = tuple((text.partition("/")[0], text.partition("/")[2] or None) for text in pairs.dictionary.to_pylist())
    return Ledger(
        batch["key"].to_numpy(),
        batch["shard"].to_numpy(),
        batch["token"].to_numpy(),
        pairs.indices.to_numpy().astype(np.uint8),
        kinds,
    )


def _article_rows(workspace: Workspace, without: Collection[str]) -> Iterator[pa.RecordBatch]:
    for shard in workspace.shards():
        if shard in without:
            continue
        table = read_rows(workspace.part("raw", shard), _COLUMNS)
        is_counted = pc.and_(
            pc.equal(table["role"], "article"), pc.not_equal(table["status"], ArticleStatus.SUPERSEDED.value)
        )
        table = table.filter(is_counted)
        numbers = pa.array(np.full(table.num_rows, shard_number(shard), np.int32))
        yield from table.append_column("shard", numbers).cast(_READ).to_batches()
