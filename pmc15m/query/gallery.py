"""Figures and pairs to look at: which ones, what is known of them, and their pictures as JPEGs.

Samples are by hash of the key, so the same workspace shows the same.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from PIL import Image

from pmc15m.errors import DamageError
from pmc15m.workspace import Workspace

FIGURE_SIDE, PAIR_SIDE = 1000, 480  # px, longer side: as large as somebody who enlarges it can use; as a card shows it
Row = Mapping[str, Any]

# Before `curate` there are no pairs: then any decoded picture will do.
_KEYS = """
SELECT image_key FROM figure_pairs ORDER BY hash(image_key), image_key LIMIT $count"""
_KEYS_BEFORE_PAIRS = """
SELECT image_key FROM pixels WHERE status <> 'dropped' ORDER BY hash(image_key), image_key LIMIT $count"""
_UNCERTAIN = """
SELECT image_key FROM (
  SELECT image_key, alignment_score FROM panels WHERE status = 'ok' AND alignment_score IS NOT NULL
  ORDER BY alignment_score, panel_key LIMIT 200)
GROUP BY image_key ORDER BY min(alignment_score), image_key LIMIT $count"""
_UNALIGNED = """
SELECT image_key FROM pixels WHERE status = 'split_unaligned' ORDER BY hash(image_key), image_key LIMIT $count"""
_FACTS = """
WITH found AS (FROM pictures WHERE image_key IN (SELECT unnest($keys))),
boxes AS (
  SELECT image_key, list({label: label, box: box, subcaption: subcaption, score: alignment_score, status: status,
    reason: reason} ORDER BY "order") AS panels
  FROM panels WHERE image_key IN (SELECT unnest($keys)) AND box IS NOT NULL GROUP BY image_key),
of_pair AS (
  SELECT image_key, journal, year, licence_code, licence_group, split, flags, is_duplicate, modalities
  FROM figure_pairs WHERE image_key IN (SELECT unnest($keys)))
SELECT found.image_key, found.pmcid, figures.label, figures.caption, found.shard, found."offset", found.size,
  found.sha256, found.width, found.height, found.kind, found.n_panels, found.picture_status AS status,
  found.picture_reason AS reason, coalesce(boxes.panels, []) AS panels, len(coalesce(mentions, [])) AS n_mentions,
  mentions[1].sentence AS mention, of_pair.* EXCLUDE (image_key)
FROM found JOIN figures USING (figure_key) LEFT JOIN boxes USING (image_key) LEFT JOIN of_pair USING (image_key)"""
_PAIRS = """
(SELECT pair_key FROM figure_pairs ORDER BY hash(pair_key), pair_key LIMIT $figures)
UNION ALL (SELECT pair_key FROM panel_pairs ORDER BY hash(pair_key), pair_key LIMIT $panels)"""
_FACTS_OF_PAIRS = """
SELECT pair_key, level, pmcid, label, text, context, box, shard, "offset", size, sha256, journal, year, licence_code,
  image_kind, split, n_words, alignment_score, modalities
FROM pairs WHERE pair_key IN (SELECT unnest($keys)) ORDER BY hash(pair_key), pair_key"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One figure or pair of the gallery."""

    facts: Row
    picture: str | None  # data URI; None where the bytes are not there or give no picture
    size: tuple[int, int]  # of `picture`, px
    chosen: str = "at random"


def exhibits(connection: duckdb.DuckDBPyConnection, workspace: Workspace, count: int) -> list[Exhibit]:
    """At most `count` random figures with their pictures."""
    keys = _random(connection, count)
    return _figures(connection, workspace, dict.fromkeys(keys, "at random"))


def telling(connection: duckdb.DuckDBPyConnection, workspace: Workspace, count: int) -> list[Exhibit]:
    """At most `count` figures: half of them at random, then what went wrong as far as the tables tell."""
    few, random = count // 4, _random(connection, count)
    keys = dict.fromkeys(random[: count - 2 * few], "at random")
    for query, chosen in ((_UNCERTAIN, "least certain"), (_UNALIGNED, "panels without words")):
        others = [row["image_key"] for row in _rows(connection, query, count=count) if row["image_key"] not in keys]
        keys |= dict.fromkeys(others[:few], chosen)
    keys |= dict.fromkeys([key for key in random if key not in keys][: count - len(keys)], "at random")
    return _figures(connection, workspace, keys)


def pairs(connection: duckdb.DuckDBPyConnection, workspace: Workspace, count: int) -> list[Exhibit]:
    """At most `count` random pairs with the pictures that they are trained on: a third figures, the others panels."""
    found = _rows(connection, _PAIRS, figures=count // 3, panels=count - count // 3)
    facts = _rows(connection, _FACTS_OF_PAIRS, keys=[row["pair_key"] for row in found])
    return [_exhibit(workspace, row, PAIR_SIDE, row["box"]) for row in facts]


def _random(connection: duckdb.DuckDBPyConnection, count: int) -> list[str]:
    found = _rows(connection, _KEYS, count=count) or _rows(connection, _KEYS_BEFORE_PAIRS, count=count)
    return [row["image_key"] for row in found]


def _figures(connection: duckdb.DuckDBPyConnection, workspace: Workspace, chosen: Mapping[str, str]) -> list[Exhibit]:
    facts = {row["image_key"]: row for row in _rows(connection, _FACTS, keys=list(chosen))}
    return [_exhibit(workspace, facts[key], FIGURE_SIDE, chosen=why) for key, why in chosen.items() if key in facts]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> list[Row]:
    rows: list[Row] = connection.sql(query, params=parameters).to_arrow_table().to_pylist()
    return rows


def _exhibit(
    workspace: Workspace, facts: Row, side: int, box: Mapping[str, int] | None = None, chosen: str = "at random"
) -> Exhibit:
    from pmc15m.pictures.decode import DecodeError, decode  # here, so that SQL answers without loading the decoders

    try:
        picture = decode(workspace.read(facts["shard"], facts["offset"], facts["size"], facts["sha256"]))
    except (OSError, DamageError, TypeError):  # the tar is elsewhere or damaged, or the row points nowhere
        return Exhibit(facts=facts, picture=None, size=(0, 0), chosen=chosen)
    if isinstance(picture, DecodeError):
        return Exhibit(facts=facts, picture=None, size=(0, 0), chosen=chosen)
    image = picture.image if box is None else picture.image.crop((box["x0"], box["y0"], box["x1"], box["y1"]))
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80, optimize=True)
    encoded = base64.b64encode(stream.getvalue()).decode()
    return Exhibit(facts=facts, picture=f"data:image/jpeg;base64,{encoded}", size=small.size, chosen=chosen)
