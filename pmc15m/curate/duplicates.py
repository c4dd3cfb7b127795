"""Duplicate groups over the whole workspace: pictures with pictures, panels with panels.

Equal bytes and equal pixels are one class; classes whose best pictures have near perceptual hashes and agree in shape,
brightness and colour form stars around the best of them (`groups`). Rank decides what is best: largest, then oldest,
then smallest key.

One picture, one set of facts: what is near a benchmark's picture is so as a figure and with all its panels.
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
from pmc15m.curate.neardup import REACH, near_pairs, nearest

_SHAPE = 0.03  # difference of log(width / height) that cropping 1 % of two opposite borders gives, and a little
_BRIGHTNESS = 0.05  # difference of the mean grey; re-encoded, resized and cropped copies stay below
_COLOUR = 0.15  # difference of the shares of pixels with colour, likewise; a grey copy of any has none


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
    WITH near AS (
        SELECT picture, min(benchmark_distance) AS benchmark_distance FROM grouped
        WHERE benchmark_distance IS NOT NULL GROUP BY picture)
    SELECT member.shard, member.key, coalesce(best.key, member.key) AS duplicate_group,
        coalesce(group_size, 1) AS group_size, coalesce(member.rank = keeper, true) AS is_keeper,
        CASE WHEN coalesce(member.rank = keeper, true) THEN '{Relation.KEEPER}'
             WHEN member.sha256 = best.sha256 THEN '{Relation.BYTES}'
             WHEN member.pixel_sha256 = best.pixel_sha256 THEN '{Relation.PIXELS}'
             ELSE '{Relation.NEAR}' END AS relation,
        bit_count(xor(member.phash, best.phash))::INTEGER AS distance,
        first.pmcid AS split_article, near.benchmark_distance
    FROM items AS member
    JOIN linked ON linked.article = member.article
    JOIN (SELECT DISTINCT article, pmcid FROM items) AS first ON first.article = linked.first_article
    LEFT JOIN grouped ON grouped.level = member.level AND grouped.rank = member.rank
    LEFT JOIN items AS best ON best.level = grouped.level AND best.rank = keeper
    LEFT JOIN near ON near.picture = member.picture
    WHERE grouped.rank IS NOT NULL OR first.article <> member.article OR near.picture IS NOT NULL
    ORDER BY member.shard, member.key
"""

_SHARED = "SELECT article, said FROM shared JOIN (SELECT DISTINCT article, pmcid FROM items) USING (pmcid)"


def find_duplicates(
    connection: duckdb.DuckDBPyConnection, near_distance: int, benchmark: NDArray[np.uint64], shared: pa.Table
) -> Mapping[str, pa.Table]:
    """Rows of `duplicates` by raw shard, in the order of their keys; only shards that have some.

    The connection has the tables articles, images, pixels and panels of the workspace; `benchmark` are perceptual
    hashes, and what is near one of them has a row also where it is in no group. `shared` (pmcid, said: what it has in
    common with other articles, a number) links articles besides the pictures.
    """
    connection.execute(_ITEMS)
    levels = [_level(connection, level, near_distance, benchmark) for level in ("figure", "panel")]
    grouped = pa.concat_tables(levels)
    connection.register("grouped", grouped)
    connection.register("shared", shared)
    connection.register("linked", _linked_articles(grouped, connection.sql(_SHARED).to_arrow_table()))
    rows = connection.sql(_ROWS).to_arrow_table()
    for name in ("grouped", "shared", "linked"):
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
    hashes = facts["phash"][compared]
    to_benchmark = np.full(count, REACH + 1, np.uint8)
    to_benchmark[compared] = nearest(hashes, benchmark)
    to_benchmark = to_benchmark[best]
    is_near = to_benchmark <= REACH

    i, j = near_pairs(hashes, near_distance)
    left, right = compared[i], compared[j]
    agree = facts["picture"][left] != facts["picture"][right]  # like panels of one figure compare, they do not repeat
    for name, most in (("shape", _SHAPE), ("brightness", _BRIGHTNESS)):
        agree &= np.abs(facts[name][left] - facts[name][right]) <= most
    colours = facts["colour_share"][left], facts["colour_share"][right]
    agree &= (np.abs(colours[0] - colours[1]) <= _COLOUR) | (np.minimum(*colours) == 0)
    keeper = stars(count, left[agree], right[agree])[best]
    size = np.bincount(keeper, minlength=count)[keeper]
    told = (size > 1) | is_near
    return pa.table(
        {
            "level": pa.array([level] * int(told.sum()), pa.string()),
            "rank": ranks[told],
            "keeper": keeper[told],
            "group_size": pa.array(size[told], pa.int32()),
            "article": facts["article"][told],
            "picture": facts["picture"][told],
            "benchmark_distance": pa.array(to_benchmark[told], pa.uint8(), mask=~is_near[told]),
        }
    )


def _linked_articles(grouped: pa.Table, shared: pa.Table) -> pa.Table:
    """For every article that shares something, the first article that it is linked with, perhaps over others."""
    level = np.asarray(grouped["level"].to_pylist()) == "panel"
    pictures, of_picture = np.unique(grouped["keeper"].to_numpy() * 2 + level, return_inverse=True)
    _, of_caption = np.unique(shared["said"].to_numpy(), return_inverse=True)
    group = np.concatenate([of_picture, len(pictures) + of_caption])
    article = np.concatenate([grouped["article"].to_numpy(), shared["article"].to_numpy()])
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
