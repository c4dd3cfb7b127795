"""Random figures to look at: which ones, what is known of them, and their pictures as small JPEGs.

The sample is by hash of the key, so the same workspace shows the same figures.
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

THUMBNAIL = 400  # px, longer side
Row = Mapping[str, Any]

# Before `curate` there are no pairs: then any decoded picture will do.
_KEYS = """
SELECT image_key FROM figure_pairs ORDER BY hash(image_key), image_key LIMIT $count"""
_KEYS_BEFORE_PAIRS = """
SELECT image_key FROM pixels WHERE status <> 'dropped' ORDER BY hash(image_key), image_key LIMIT $count"""
_FACTS = """
WITH found AS (FROM pictures WHERE image_key IN (SELECT unnest($keys))),
boxes AS (
  SELECT image_key, list({label: label, box: box, subcaption: subcaption, score: alignment_score} ORDER BY "order")
    AS panels
  FROM panels WHERE image_key IN (SELECT unnest($keys)) AND status = 'ok' GROUP BY image_key),
of_pair AS (
  SELECT image_key, journal, year, licence_code, licence_group, split, flags, is_duplicate, modalities
  FROM figure_pairs WHERE image_key IN (SELECT unnest($keys)))
SELECT found.image_key, found.pmcid, figures.label, figures.caption, found.shard, found."offset", found.size,
  found.sha256,
  found.width, found.height, found.kind, found.n_panels, found.picture_status AS status,
  coalesce(boxes.panels, []) AS panels, of_pair.* EXCLUDE (image_key)
FROM found JOIN figures USING (figure_key) LEFT JOIN boxes USING (image_key) LEFT JOIN of_pair USING (image_key)
ORDER BY hash(found.image_key), found.image_key"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One figure of the gallery."""

    facts: Row
    thumbnail: str | None  # data URI; None where the bytes are not there or give no picture
    size: tuple[int, int]  # of the thumbnail, px


def exhibits(connection: duckdb.DuckDBPyConnection, workspace: Workspace, count: int) -> list[Exhibit]:
    """At most `count` random figures with their pictures."""
    keys = _rows(connection, _KEYS, count=count) or _rows(connection, _KEYS_BEFORE_PAIRS, count=count)
    if not keys:
        return []
    facts = _rows(connection, _FACTS, keys=[row["image_key"] for row in keys])
    return [_exhibit(workspace, row) for row in facts]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> list[Row]:
    rows: list[Row] = connection.sql(query, params=parameters).to_arrow_table().to_pylist()
    return rows


def _exhibit(workspace: Workspace, facts: Row) -> Exhibit:
    from pmc15m.pictures.decode import DecodeError, decode  # here, so that SQL answers without loading the decoders

    try:
        picture = decode(workspace.read(facts["shard"], facts["offset"], facts["size"], facts["sha256"]))
    except (OSError, DamageError, TypeError):  # the tar is elsewhere or damaged, or the row points nowhere
        return Exhibit(facts=facts, thumbnail=None, size=(0, 0))
    if isinstance(picture, DecodeError):
        return Exhibit(facts=facts, thumbnail=None, size=(0, 0))
    small = picture.image.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80, optimize=True)
    encoded = base64.b64encode(stream.getvalue()).decode()
    return Exhibit(facts=facts, thumbnail=f"data:image/jpeg;base64,{encoded}", size=small.size)
