"""Groups of captions that say the same, over the whole workspace: figures with figures, panels with panels.

Equal captions (case and punctuation set aside) are one class. Classes whose fingerprints (`captions.simhashes`) are
near form stars around the best of them, as pictures do (`groups`): the longest, then the oldest, then the smallest key.

Within an article only equal captions count: authors write the legends of like figures from one template, and the few
words that differ ("in male mice", "in female mice") are what tells the pictures apart. Of two articles that repeat each
other (preprint and paper, original and reprint), each caption is linked with its closest counterpart alone, so that
templates do not cross either.
"""

import enum
from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pmc15m import schema
from pmc15m.curate.duplicates import by_shard
from pmc15m.curate.groups import stars
from pmc15m.curate.neardup import near_pairs

_Numbers = NDArray[np.int64]


class CaptionRelation(enum.StrEnum):
    """How a caption is related to its group's keeper."""

    KEEPER = "keeper"
    EQUAL = "equal"
    NEAR = "near"


# Captions that are long enough for a fingerprint, numbered within their level from the best (0) on.
_ITEMS = """
    CREATE TEMP TABLE items AS
    SELECT captions.shard, key, level, caption_hash, caption_simhash,
        row_number() OVER (PARTITION BY level ORDER BY n_chars DESC, pub_date NULLS LAST, key) - 1 AS rank,
        md5_number_lower(pmcid) AS article
    FROM captions LEFT JOIN articles USING (pmcid, version)
    WHERE caption_simhash IS NOT NULL
"""

_FACTS = "SELECT caption_hash, caption_simhash, article FROM items WHERE level = ? ORDER BY rank"

_ROWS = f"""
    SELECT member.shard, member.key, best.key AS caption_group, group_size, member.rank = keeper AS is_keeper,
        CASE WHEN member.rank = keeper THEN '{CaptionRelation.KEEPER}'
             WHEN member.caption_hash = best.caption_hash THEN '{CaptionRelation.EQUAL}'
             ELSE '{CaptionRelation.NEAR}' END AS relation,
        bit_count(xor(member.caption_simhash, best.caption_simhash))::INTEGER AS distance
    FROM grouped
    JOIN items AS member ON member.level = grouped.level AND member.rank = grouped.rank
    JOIN items AS best ON best.level = grouped.level AND best.rank = keeper
    ORDER BY member.shard, member.key
"""


def find_caption_groups(connection: duckdb.DuckDBPyConnection, near_distance: int) -> Mapping[str, pa.Table]:
    """Rows of `caption_groups` by raw shard, in the order of their keys; only shards that have some.

    The connection has the tables articles and captions of the workspace; `near_distance` is in bits of the fingerprint.
    """
    connection.execute(_ITEMS)
    grouped = pa.concat_tables([_level(connection, level, near_distance) for level in ("figure", "panel")])
    connection.register("grouped", grouped)
    rows = connection.sql(_ROWS).to_arrow_table()
    connection.unregister("grouped")
    connection.execute("DROP TABLE items")
    return by_shard(rows, schema.CAPTION_GROUPS)


def _level(connection: duckdb.DuckDBPyConnection, level: str, near_distance: int) -> pa.Table:
    """Members of groups of at least two; `rank` and `keeper` number the level."""
    facts = connection.sql(_FACTS, params=[level]).fetchnumpy()
    best = _first_of_equals(facts["caption_hash"])
    count = len(best)
    compared = np.flatnonzero(best == np.arange(count))
    i, j = near_pairs(facts["caption_simhash"][compared], near_distance)
    left, right = compared[i], compared[j]
    article, simhash = facts["article"], facts["caption_simhash"]
    distance = np.bitwise_count(simhash[left] ^ simhash[right])
    linked = article[left] != article[right]
    left, right, distance = left[linked], right[linked], distance[linked]
    closest = _closest(left, article[right], distance) & _closest(right, article[left], distance)
    keeper = stars(count, left[closest], right[closest])[best]
    size = np.bincount(keeper, minlength=count)[keeper]
    told = np.flatnonzero(size > 1)
    return pa.table(
        {
            "level": pa.repeat(level, len(told)),
            "rank": told,
            "keeper": keeper[told],
            "group_size": pa.array(size[told], pa.int32()),
        }
    )


def _first_of_equals(values: NDArray[np.uint64]) -> _Numbers:
    """int64 (n,): where each value occurs first."""
    order = np.argsort(values, kind="stable")
    starts = np.ones(len(values), bool)
    starts[1:] = values[order[1:]] != values[order[:-1]]
    first = np.empty(len(values), np.int64)
    first[order] = order[starts][np.cumsum(starts) - 1]
    return first


def _closest(item: _Numbers, article: NDArray[np.uint64], distance: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool (n,): the links of an item that are its closest ones with that article."""
    order = np.lexsort((distance, article, item))
    starts = np.ones(len(order), bool)
    starts[1:] = (item[order[1:]] != item[order[:-1]]) | (article[order[1:]] != article[order[:-1]])
    closest = np.empty(len(order), bool)
    closest[order] = distance[order] == distance[order][starts][np.cumsum(starts) - 1]
    return closest
