"""`index`: what the source lists becomes the catalog, compared with the catalog before."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.config import Config
from pmc15m.errors import ExitCode
from pmc15m.schema import CATALOG
from pmc15m.sources import open_source
from pmc15m.workspace import Workspace, atomic, fingerprint, read_fingerprint, stamp

log = logging.getLogger(__name__)

_ROW_GROUP = 65_536
_VERSION = 1

# Sorted by number and version; a version that the source lists twice is taken once. What was listed before and is
# no more stays as `removed`, so that the crawl can leave a tombstone.
_MERGE = """
WITH listed AS (
  SELECT pmcid, version, max(change_token) AS change_token, max(last_modified) AS last_modified,
         min(locator) AS locator
  FROM listing GROUP BY ALL)
SELECT coalesce(l.pmcid, b.pmcid) AS pmcid,
       coalesce(l.version, b.version) AS version,
       coalesce(l.change_token, b.change_token) AS change_token,
       coalesce(l.last_modified, b.last_modified) AS last_modified,
       coalesce(l.locator, b.locator) AS locator,
       CASE WHEN l.pmcid IS NULL THEN 'removed'
            WHEN b.pmcid IS NOT NULL AND l.change_token IS DISTINCT FROM b.change_token THEN 'changed'
            ELSE 'listed' END AS state
FROM listed l FULL JOIN before b ON l.pmcid = b.pmcid AND l.version = b.version
ORDER BY CAST(coalesce(l.pmcid, b.pmcid)[4:] AS BIGINT), coalesce(l.version, b.version)
"""


def index(workspace: Workspace, config: Config) -> ExitCode:
    """Read the source's list of article versions into the catalog. Raises `SourceError`."""
    path = workspace.catalog
    with scratch_folder(workspace) as scratch, closing(open_source(config, scratch)) as source:
        made_from = fingerprint("index", _VERSION, {}, [source.name, source.snapshot()])
        if read_fingerprint(path) == made_from:
            log.info("index: nothing to do, the source lists what it listed before")
            return ExitCode.COMPLETE
        with duckdb.connect(config={"temp_directory": str(scratch), "memory_limit": "2GB"}) as database:
            database.register("arriving", source.listing(scratch))
            database.execute("CREATE TABLE listing AS FROM arriving")
            database.register("before", _before(path))
            with atomic(path) as temporary:
                _write(database, temporary, made_from)
            counts = dict(
                database.execute("SELECT state, count(*) FROM read_parquet(?) GROUP BY ALL", [str(path)]).fetchall()
            )
    log.info("index: %s", ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items())) or "no articles")
    return ExitCode.COMPLETE


def _before(path: Path) -> pa.Table:
    columns = ["pmcid", "version", "change_token", "last_modified", "locator"]
    if path.exists():
        return pq.read_table(path, columns)
    return CATALOG.empty_table().select(columns)


def _write(database: duckdb.DuckDBPyConnection, path: Path, made_from: str) -> None:
    reader = database.sql(_MERGE).to_arrow_reader(_ROW_GROUP)
    schema = CATALOG.with_metadata(stamp(made_from))
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_index=True) as writer:
        for batch in reader:
            columns = [
                batch.column(field.name).cast(field.type)
                if field.name in batch.schema.names
                else pa.nulls(batch.num_rows, field.type)
                for field in CATALOG
            ]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=_ROW_GROUP)


@contextmanager
def scratch_folder(workspace: Workspace) -> Iterator[Path]:
    """A folder of the workspace for what is only passing through."""
    workspace.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", suffix=".tmp", dir=workspace.root) as folder:
        yield Path(folder)
