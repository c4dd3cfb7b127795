"""A release of an export: `manifest.json`, its parts with their sha256, and `CHANGES.parquet`, and the difference.

An export is released whenever it is complete and a part of it has changed. Until then the side tables of the last
release wait beside those that replace them (`Layout.keep_before`), so that neither a kill nor another change of the
source on the way hides anything. The manifest tells of the parts alone, and is that of an export that is made anew; the
changes are of this one's history.
"""

import enum
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pmc15m.checksum import check_file
from pmc15m.errors import DamageError
from pmc15m.export.columns import EXPORTED, SAMPLE
from pmc15m.export.layout import Layout, release_id
from pmc15m.export.shards import Shard
from pmc15m.query.connection import read_files
from pmc15m.workspace import atomic, keep_twice, part_writer, read_facts, read_fingerprint, remove, restore

log = logging.getLogger(__name__)


class Change(enum.StrEnum):
    """What happened to a pair."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class ChangeReason(enum.StrEnum):
    """Why it did."""

    FIRST_RELEASE = "first_release"
    NEW_ARTICLE = "new_article"
    NEW_VERSION = "new_version"  # of the article: the pairs of the old one are removed, those of the new one added
    NEW_PAIR = "new_pair"  # of an article that had others: its reading, the recipe, or what was ordered changed
    PICTURE = "picture"  # its exported bytes
    TEXT = "text"
    FACTS = "facts"  # what else the sample tells
    WITHDRAWN = "withdrawn"  # the source has the article no more
    RETRACTED = "retracted"
    NOT_KEPT = "not_kept"  # by the recipe or what was ordered
    PICTURE_FAILED = "picture_failed"
    NOT_PAIRED = "not_paired"  # the article has no such pair any more


CHANGES = pa.schema(
    [
        pa.field("change", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("pair_key", pa.string()),
        pa.field("pmcid", pa.string()),
        pa.field("version", pa.int32()),
        pa.field("split", pa.string()),
        pa.field("sha256", pa.string()),  # of the exported picture; of a removed pair as it was
    ]
)
_COMPARED = [name for name in SAMPLE.names if name in EXPORTED.names]

_CHANGES = f"""
WITH old AS (FROM released_before WHERE export_status = 'success'),
  new AS (FROM released_now WHERE export_status = 'success'),
  known AS (SELECT DISTINCT pmcid, version FROM articles WHERE status <> 'removed'),
  gone AS (SELECT pmcid, version, bool_or(status = 'removed') AS is_withdrawn, bool_or(is_retracted) AS is_retracted
    FROM articles GROUP BY ALL)
SELECT '{Change.ADDED}' AS change, CASE
    WHEN $is_first THEN '{ChangeReason.FIRST_RELEASE}'
    WHEN pmcid NOT IN (SELECT pmcid FROM old) THEN '{ChangeReason.NEW_ARTICLE}'
    WHEN (pmcid, version) NOT IN (SELECT (pmcid, version) FROM old) THEN '{ChangeReason.NEW_VERSION}'
    ELSE '{ChangeReason.NEW_PAIR}' END AS reason, pair_key, pmcid, version, split, export_sha256 AS sha256
  FROM new ANTI JOIN old USING (pair_key)
UNION ALL
SELECT '{Change.REMOVED}', CASE
    WHEN is_withdrawn THEN '{ChangeReason.WITHDRAWN}'
    WHEN is_retracted THEN '{ChangeReason.RETRACTED}'
    WHEN (pmcid, version) NOT IN (SELECT (pmcid, version) FROM known) THEN
      if(pmcid IN (SELECT pmcid FROM known), '{ChangeReason.NEW_VERSION}', '{ChangeReason.WITHDRAWN}')
    WHEN pair_key IN (SELECT pair_key FROM released_now) THEN '{ChangeReason.PICTURE_FAILED}'
    WHEN pair_key IN (SELECT pair_key FROM pairs) THEN '{ChangeReason.NOT_KEPT}'
    ELSE '{ChangeReason.NOT_PAIRED}' END, pair_key, pmcid, version, split, export_sha256
  FROM (FROM old ANTI JOIN new USING (pair_key)) LEFT JOIN gone USING (pmcid, version)
UNION ALL
SELECT '{Change.CHANGED}', CASE
    WHEN old.export_sha256 <> new.export_sha256 THEN '{ChangeReason.PICTURE}'
    WHEN old.text <> new.text THEN '{ChangeReason.TEXT}'
    ELSE '{ChangeReason.FACTS}' END, new.pair_key, new.pmcid, new.version, new.split, new.export_sha256
  FROM new JOIN old USING (pair_key)
  WHERE (new.export_sha256, new.text, {", ".join(f"new.{name}" for name in _COMPARED)})
    IS DISTINCT FROM (old.export_sha256, old.text, {", ".join(f"old.{name}" for name in _COMPARED)})
ORDER BY change, pair_key
"""


def write_release(connection: duckdb.DuckDBPyConnection, layout: Layout, shards: Sequence[Shard]) -> None:
    """Write what changed and the manifest of an export whose shards are all there, where anything did.

    The connection has the tables of the workspace.
    """
    last = layout.read_manifest()
    parts = {str(layout.data(shard).relative_to(layout.folder)): _part(layout, shard) for shard in shards}
    release = release_id(parts)
    if not restore(layout.changes) or read_fingerprint(layout.changes) != release:
        _write_changes(connection, layout, shards, last, release)
    with atomic(layout.manifest) as temporary:
        told = {"release": release, "pairs": sum(part["pairs"] for part in parts.values()), "parts": parts}
        temporary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in layout.plan.parent.glob("*.before-*.parquet"):
        remove(path)


def _part(layout: Layout, shard: Shard) -> dict[str, Any]:
    facts = read_facts(layout.rows(shard)) or {}
    return {"shard": str(shard), "pairs": facts["pairs"], **facts["data"]}


def _write_changes(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    shards: Sequence[Shard],
    last: Mapping[str, Any],
    release: str,
) -> None:
    of_last = last.get("release", "")
    known = {part["shard"] for part in dict(last.get("parts", {})).values()}
    before = [path for path in sorted(layout.plan.parent.glob(f"*.before-{of_last}.parquet")) if _is_whole(path)]
    replaced = {path.name.partition(".")[0] for path in before}
    now = [layout.rows(shard) for shard in shards if str(shard) not in known or layout.rows(shard).stem in replaced]
    for name, paths in (("released_before", before if of_last else []), ("released_now", now)):
        if paths:
            read_files(connection, paths).create_view(name, replace=True)
        else:
            connection.register(name, EXPORTED.empty_table())
    facts = {"release": release, "since": of_last}
    with part_writer(layout.changes, CHANGES, release, facts) as writer:
        found = connection.sql(_CHANGES, params={"is_first": not of_last})
        for batch in found.to_arrow_reader(50_000):
            writer.write_table(pa.Table.from_batches([batch]).cast(CHANGES))
    keep_twice(layout.changes)


def _is_whole(path: Path) -> bool:
    try:
        check_file(path)
    except DamageError:
        log.warning("export: %s is damaged: what it held counts as new", path)
        return False
    return True
