"""Groups of captions that say the same, over the whole workspace: figures with figures, panels with panels.

Equal captions (case and punctuation set aside) are one class. Classes whose fingerprints (`captions.simhashes`) are
near form stars around the best of them, as pictures do (`groups`): the longest, then the oldest, then the smallest key.

Within an article only equal captions count: authors write the legends of like figures from one template, and the few
words that differ ("in male mice", "in female mice") are what tells the pictures apart. Of two articles that repeat each
other (preprint and paper, original and reprint), each caption is linked with its closest counterpart alone, and with
none where two are equally close, so that templates do not cross either (`counterparts`). So the captions that a group
has of one article are equal.
"""

import enum
from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pmc15m import schema
from pmc15m.curate.counterparts import counterparts
from pmc15m.curate.duplicates import by_shard
from pmc15m.curate.groups import stars
from pmc15m.curate.neardup import near_pairs
from pmc15m.curate.splits import LONG_CAPTION

_Numbers = NDArray[np.int64]


class CaptionRelation(enum.StrEnum):
    """How a caption is related to its group's keeper."""

    KEEPER = "keeper"
    EQUAL = "equal"
    NEAR = "near"


# Captions that are long enough for a fingerprint, numbered as they lie in the parts.
_LONG = """
    CREATE OR REPLACE TEMP VIEW long_captions AS
    SELECT row_number() OVER () - 1 AS number, *
    FROM captions WHERE level = '{level}' AND caption_simhash IS NOT NULL
"""

# Those that are like another one, from the best to the worst.
_MEMBERS = """
    SELECT number, long_captions.shard, key, caption_hash, caption_simhash, md5_number_lower(pmcid) AS article
    FROM long_captions JOIN linked USING (number) LEFT JOIN articles USING (pmcid, version)
    ORDER BY n_chars DESC, pub_date NULLS LAST, key
"""

# What articles with long captions have in common: the words themselves, at any level, or the group.
_SHARED = f"""
    WITH long AS (SELECT key, pmcid, caption_hash FROM captions WHERE n_words >= {LONG_CAPTION})
    SELECT pmcid, said FROM (
        SELECT pmcid, caption_hash AS said FROM long
        UNION
        SELECT pmcid, md5_number_lower(caption_group) FROM long JOIN grouped_captions USING (key))
    QUALIFY count(*) OVER (PARTITION BY said) > 1
"""


def find_caption_groups(connection: duckdb.DuckDBPyConnection, near_distance: int) -> Mapping[str, pa.Table]:
    """Rows of `caption_groups` by raw shard, in the order of their keys; only shards that have some.

    The connection has the tables articles and captions of the workspace; `near_distance` is in bits of the fingerprint.
    Most captions are like no other: of those only the two hashes are ever in memory.
    """
    rows = _members(connection, near_distance).sort_by([("shard", "ascending"), ("key", "ascending")])
    return by_shard(rows, schema.CAPTION_GROUPS)


def shared_captions(connection: duckdb.DuckDBPyConnection, near_distance: int) -> pa.Table:
    """Articles and the long captions that others have as well, equal or near: pmcid, said (a number).

    It looks for the groups again, for their parts may be another process's to write.
    """
    connection.register("grouped_captions", _members(connection, near_distance))
    shared = connection.sql(_SHARED).to_arrow_table()
    connection.unregister("grouped_captions")
    return shared


def _members(connection: duckdb.DuckDBPyConnection, near_distance: int) -> pa.Table:
    return pa.concat_tables([_level(connection, level, near_distance) for level in ("figure", "panel")])


def _level(connection: duckdb.DuckDBPyConnection, level: str, near_distance: int) -> pa.Table:
    """Members of groups of at least two, with their shard."""
    connection.execute(_LONG.format(level=level))
    is_first, repeated = _repeated(_column(connection, "caption_hash"))
    i, j = near_pairs(_column(connection, "caption_simhash")[is_first], near_distance)
    distinct = np.flatnonzero(is_first)
    left, right = distinct[i], distinct[j]
    connection.register("linked", pa.table({"number": np.unique(np.concatenate([repeated, left, right]))}))
    members = connection.sql(_MEMBERS).to_arrow_table().combine_chunks()
    connection.unregister("linked")

    number = members["number"].to_numpy()
    rank = np.argsort(number)
    article, simhash = members["article"].to_numpy(), members["caption_simhash"].to_numpy()
    best = _first_of_equals(members["caption_hash"].to_numpy())
    left, right = (best[rank[np.searchsorted(number, side, sorter=rank)]] for side in (left, right))
    kept = counterparts(left, right, np.bitwise_count(simhash[left] ^ simhash[right]), best, article)
    keeper = stars(len(best), left[kept], right[kept])[best]
    size = np.bincount(keeper, minlength=len(best))[keeper]
    is_keeper = keeper == np.arange(len(best))
    relation = pc.if_else(pa.array(best == best[keeper]), CaptionRelation.EQUAL, CaptionRelation.NEAR)
    relation = pc.if_else(pa.array(is_keeper), CaptionRelation.KEEPER, relation)
    rows = pa.table(
        {
            "shard": members["shard"],
            "key": members["key"],
            "caption_group": members["key"].take(pa.array(keeper)),
            "group_size": size,
            "is_keeper": is_keeper,
            "relation": relation,
            "distance": np.bitwise_count(simhash ^ simhash[keeper]),
        }
    )
    return rows.filter(pa.array(size > 1))


def _column(connection: duckdb.DuckDBPyConnection, name: str) -> NDArray[np.uint64]:
    """uint64 (captions,), in the order of their numbers."""
    column: NDArray[np.uint64] = connection.sql(f"SELECT {name} FROM long_captions").fetchnumpy()[name]
    return column


def _repeated(values: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], _Numbers]:
    """bool (n,): whether no row before has the same value; and the rows, ascending, whose value others have too."""
    order = np.argsort(values, kind="stable")
    again = np.flatnonzero(values[order[1:]] == values[order[:-1]])
    is_first = np.ones(len(values), bool)
    is_first[order[again + 1]] = False
    return is_first, np.unique(np.concatenate([order[again], order[again + 1]]))


def _first_of_equals(values: NDArray[np.uint64]) -> _Numbers:
    """int64 (n,): where each value occurs first."""
    _, first, of_row = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(first[of_row])
