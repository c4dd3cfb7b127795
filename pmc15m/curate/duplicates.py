"""Duplicate groups over the whole workspace: pictures with pictures, panels with panels.

Equal bytes and equal pixels are one class; classes whose best pictures have near perceptual hashes and agree in shape,
brightness and colour form stars around the best of them (`groups`). Rank decides what is best: largest, then oldest,
then smallest key.
"""

import enum
import itertools
from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pmc15m import schema
from pmc15m.curate.groups import components, stars
from pmc15m.curate.neardup import near_pairs

_SHAPE = 0.03  # difference of log(width / height) that cropping 1 % of two opposite borders gives, and a little
_BRIGHTNESS = 0.05  # difference of the mean grey; re-encoded, resized and cropped copies stay below
_COLOUR = 0.15  # difference of the shares of pixels with colour, likewise


class Relation(enum.StrEnum):
    """How a picture is related to its group's keeper."""

    KEEPER = "keeper"
    BYTES = "bytes"
    PIXELS = "pixels"
    NEAR = "near"


# Everything that can be a duplicate, numbered within its level from the best (0) on.
_ITEMS = """
    CREATE TEMP TABLE items AS
    WITH found AS (
        SELECT shard, image_key AS key, image_key AS picture, 'figure' AS level,
            pmcid, version, sha256, pixel_sha256, phash, brightness,
            colour_share, pixels.width, pixels.height
        FROM images JOIN pixels USING (image_key)
        WHERE images.status = 'ok' AND pixels.status <> 'dropped'
        UNION ALL
        SELECT images.shard, panel_key, image_key, 'panel',
            panels.pmcid, panels.version, NULL, NULL, panels.phash, brightness,
            colour_share, box.x1 - box.x0, box.y1 - box.y0
        FROM panels JOIN images USING (image_key)
        WHERE panels.status = 'ok')
    SELECT found.shard, key, level, found.pmcid, sha256, pixel_sha256, phash, brightness, colour_share,
        ln(width / height) AS shape, dense_rank() OVER (ORDER BY picture) AS picture,
        row_number() OVER (
            PARTITION BY level ORDER BY width::BIGINT * height DESC, pub_date NULLS LAST, key) - 1 AS rank,
        dense_rank() OVER (ORDER BY length(found.pmcid), found.pmcid) - 1 AS article
    FROM found LEFT JOIN articles USING (pmcid, version)
"""

_CLASSES = """
    SELECT coalesce(phash, 0) AS phash, phash IS NOT NULL AS is_hashed,
        shape, brightness, colour_share, article, picture,
        min(rank) OVER (PARTITION BY coalesce(sha256, key)) AS same_bytes,
        min(rank) OVER (PARTITION BY coalesce(pixel_sha256, key)) AS same_pixels
    FROM items WHERE level = ? ORDER BY rank
"""

# Members of groups, what is near the benchmark, and every other picture of an article that takes another's split.
_ROWS = f"""
    SELECT member.shard, member.key, coalesce(best.key, member.key) AS duplicate_group,
        coalesce(group_size, 1) AS group_size, coalesce(member.rank = keeper, true) AS is_keeper,
        CASE WHEN coalesce(member.rank = keeper, true) THEN '{Relation.KEEPER}'
             WHEN member.sha256 = best.sha256 THEN '{Relation.BYTES}'
             WHEN member.pixel_sha256 = best.pixel_sha256 THEN '{Relation.PIXELS}'
             ELSE '{Relation.NEAR}' END AS relation,
        bit_count(xor(member.phash, best.phash))::INTEGER AS distance,
        first.pmcid AS split_article, benchmark_distance
    FROM items AS member
    JOIN linked ON linked.article = member.article
    JOIN (SELECT DISTINCT article, pmcid FROM items) AS first ON first.article = linked.first_article
    LEFT JOIN grouped ON grouped.level = member.level AND grouped.rank = member.rank
    LEFT JOIN items AS best ON best.level = grouped.level AND best.rank = keeper
    WHERE grouped.rank IS NOT NULL OR first.article <> member.article
    ORDER BY member.shard, member.key
"""


def find_duplicates(
    connection: duckdb.DuckDBPyConnection, near_distance: int, benchmark: NDArray[np.uint64]
) -> Mapping[str, pa.Table]:
    """Rows of `duplicates` by raw shard, in the order of their keys; only shards that have some.

    The connection has the tables articles, images, pixels and panels of the workspace; `benchmark` are perceptual
    hashes, and what is near one of them has a row also where it is in no group.
    """
    connection.execute(_ITEMS)
    levels = [_level(connection, level, near_distance, benchmark) for level in ("figure", "panel")]
    grouped = pa.concat_tables(levels)
    connection.register("grouped", grouped)
    connection.register("linked", _linked_articles(grouped))
    rows = connection.sql(_ROWS).to_arrow_table()
    for name in ("grouped", "linked"):
        connection.unregister(name)
    connection.execute("DROP TABLE items")
    return by_shard(rows, schema.DUPLICATES)


def _level(
    connection: duckdb.DuckDBPyConnection, level: str, near_distance: int, benchmark: NDArray[np.uint64]
) -> pa.Table:
    """Members of groups of at least two, and what is near the benchmark; `rank` and `keeper` number the level."""
    facts = connection.sql(_CLASSES, params=[level]).fetchnumpy()
    count = len(facts["phash"])
    ranks = np.arange(count)
    same = [(ranks, facts[name].astype(np.int64)) for name in ("same_bytes", "same_pixels")]
    best = components(count, *(np.concatenate(ends) for ends in zip(*same, strict=True)))
    compared = np.flatnonzero((best == ranks) & facts["is_hashed"])
    hashes = np.concatenate([facts["phash"][compared], benchmark])
    i, j = near_pairs(hashes, near_distance)

    beside = (i < len(compared)) & (j >= len(compared))  # a picture and one of the benchmark's
    far = near_distance + 1
    to_benchmark = np.full(count, far, np.int32)
    np.minimum.at(to_benchmark, compared[i[beside]], np.bitwise_count(hashes[i[beside]] ^ hashes[j[beside]]))
    to_benchmark = to_benchmark[best]

    within = j < len(compared)
    left, right = compared[i[within]], compared[j[within]]
    agree = facts["picture"][left] != facts["picture"][right]  # like panels of one figure compare, they do not repeat
    for name, most in (("shape", _SHAPE), ("brightness", _BRIGHTNESS), ("colour_share", _COLOUR)):
        agree &= np.abs(facts[name][left] - facts[name][right]) <= most
    keeper = stars(count, left[agree], right[agree])[best]
    size = np.bincount(keeper, minlength=count)[keeper]
    told = (size > 1) | (to_benchmark < far)
    return pa.table(
        {
            "level": pa.array([level] * int(told.sum()), pa.string()),
            "rank": ranks[told],
            "keeper": keeper[told],
            "group_size": pa.array(size[told], pa.int32()),
            "article": facts["article"][told],
            "benchmark_distance": pa.array(to_benchmark[told], pa.int32(), mask=to_benchmark[told] == far),
        }
    )


def _linked_articles(grouped: pa.Table) -> pa.Table:
    """For every article with a duplicate, the first article that it is linked with, perhaps over others."""
    article = grouped["article"].to_numpy()
    level = np.asarray(grouped["level"].to_pylist()) == "panel"
    group = grouped["keeper"].to_numpy() * 2 + level
    _, group = np.unique(group, return_inverse=True)
    known, local = np.unique(article, return_inverse=True)
    root = components(len(known) + int(group.max(initial=-1)) + 1, local, len(known) + group)
    return pa.table({"article": known, "first_article": known[root[: len(known)]]})


def by_shard(rows: pa.Table, table_schema: pa.Schema) -> Mapping[str, pa.Table]:
    """Rows that are ordered by their column `shard`, as a table of the schema for each of them."""
    shards = rows["shard"].to_numpy(zero_copy_only=False)
    starts = [0, *(np.flatnonzero(shards[1:] != shards[:-1]) + 1)] if len(shards) else []
    columns = rows.drop_columns("shard")
    return {
        str(shards[start]): columns.slice(start, end - start).cast(table_schema)
        for start, end in itertools.pairwise([*starts, len(shards)])
    }
