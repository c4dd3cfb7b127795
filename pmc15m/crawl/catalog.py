"""`index`: what the source lists becomes the catalog, compared with the catalog before."""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pmc15m.config import Config
from pmc15m.errors import ExitCode, SourceError
from pmc15m.jats.licence import group_of
from pmc15m.schema import CATALOG
from pmc15m.sources import Source, open_source
from pmc15m.sources.bucket import BucketSource
from pmc15m.sources.stores import HttpStore
from pmc15m.sources.tables import IDENTIFIERS, read_identifiers
from pmc15m.workspace import Workspace, atomic, fingerprint, read_fingerprint, stamp

log = logging.getLogger(__name__)

_ROW_GROUP = 65_536
_VERSION = 1
_MEMORY = "2GB"

# Sorted by number and version; a version that the source lists twice is taken once. What the service listed before
# and lists no more stays as `removed`, so that the crawl leaves a tombstone; a package that is not in this folder
# may be in another.
_MERGE = """
WITH listed AS (
  SELECT pmcid, version, max(change_token) AS change_token, max(last_modified) AS last_modified,
         min(locator) AS locator, max(pmid) AS pmid, max(licence_code) AS licence_code
  FROM listing GROUP BY ALL),
merged AS (
  SELECT coalesce(l.pmcid, b.pmcid) AS pmcid,
         coalesce(l.version, b.version) AS version,
         coalesce(l.change_token, b.change_token) AS change_token,
         coalesce(l.last_modified, b.last_modified) AS last_modified,
         coalesce(l.locator, b.locator) AS locator,
         CASE WHEN l.pmcid IS NULL AND $is_cloud AND b.version > 0 THEN 'removed'
              WHEN l.pmcid IS NULL THEN b.state
              WHEN b.pmcid IS NOT NULL AND l.change_token IS DISTINCT FROM b.change_token THEN 'changed'
              ELSE 'listed' END AS state,
         coalesce(l.pmid, b.pmid) AS pmid, b.doi, b.journal, b.issn, b.year,
         coalesce(l.licence_code, b.licence_code) AS licence_code
  FROM listed l FULL JOIN before b ON l.pmcid = b.pmcid AND l.version = b.version)
SELECT m.* EXCLUDE (pmid, doi, journal, issn, year, licence_code),
       coalesce(i.pmid, m.pmid) AS pmid, coalesce(i.doi, m.doi) AS doi, coalesce(i.journal, m.journal) AS journal,
       coalesce(i.issn, m.issn) AS issn, coalesce(TRY_CAST(i.year AS INTEGER), m.year) AS year, licence_code
FROM merged m LEFT JOIN (SELECT DISTINCT ON (pmcid) * FROM identifiers) i ON m.pmcid = i.pmcid
ORDER BY CAST(m.pmcid[4:] AS BIGINT), version
"""


def index(workspace: Workspace, config: Config) -> ExitCode:
    """Read the source's list of article versions into the catalog. Raises `SourceError`."""
    path = workspace.catalog
    with scratch_folder(workspace) as scratch, closing(open_source(config, scratch)) as source:
        made_from = fingerprint("index", _VERSION, {}, [source.name, source.snapshot(), config.select.pmc_ids])
        if read_fingerprint(path) == made_from:
            log.info("index: nothing to do, the source lists what it listed before")
            return ExitCode.COMPLETE
        with duckdb.connect(config={"temp_directory": str(scratch), "memory_limit": _MEMORY}) as database:
            _load(database, "CREATE TABLE listing AS FROM arriving", source.listing(scratch))
            _load(
                database,
                "CREATE TABLE identifiers AS FROM arriving WHERE pmcid IN (SELECT pmcid FROM listing)",
                _identifiers(config, source, scratch),
            )
            database.register("before", ds.dataset(path) if path.exists() else CATALOG.empty_table())
            with atomic(path) as temporary:
                counts = _write(database, temporary, made_from, is_cloud=source.name == BucketSource.name)
    log.info("index: %s", ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items())) or "no articles")
    return ExitCode.COMPLETE


def _load(database: duckdb.DuckDBPyConnection, statement: str, rows: pa.RecordBatchReader) -> None:
    """Run a statement over the view `arriving`. What the source raises on the way is not wrapped into DuckDB's."""
    raised: list[SourceError] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except SourceError as error:
            raised.append(error)
            raise

    database.register("arriving", pa.RecordBatchReader.from_batches(rows.schema, batches()))
    try:
        database.execute(statement)
    except duckdb.Error:
        if raised:
            raise raised[0] from None
        raise
    database.unregister("arriving")


def _identifiers(config: Config, source: Source, scratch: Path) -> pa.RecordBatchReader:
    given = config.select.pmc_ids
    if given.startswith(("http://", "https://")):
        base, _, name = given.rpartition("/")
        with closing(BucketSource(HttpStore(base, config.network, scratch), 0)) as site:
            path = site.identifiers(scratch, name)
        if path is None:
            raise SourceError(f"cannot read {given}")
    else:
        path = Path(given) if given else source.identifiers(scratch)
    return IDENTIFIERS.empty_table().to_reader() if path is None else read_identifiers(path)


def _write(database: duckdb.DuckDBPyConnection, path: Path, made_from: str, *, is_cloud: bool) -> Counter[str]:
    """Write the catalog; how many rows it has in each state."""
    counts: Counter[str] = Counter()
    schema = CATALOG.with_metadata(stamp(made_from))
    reader = database.sql(_MERGE, params={"is_cloud": is_cloud}).to_arrow_reader(_ROW_GROUP)
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_index=True) as writer:
        for batch in reader:
            rows = {name: batch.column(name) for name in batch.schema.names}
            codes = pc.dictionary_encode(rows["licence_code"])
            groups = pa.array([str(group_of(code)) for code in codes.dictionary.to_pylist()], pa.string())
            rows["licence_group"] = groups.take(codes.indices)
            columns = [rows.get(field.name, pa.nulls(batch.num_rows, field.type)).cast(field.type) for field in CATALOG]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=_ROW_GROUP)
            for entry in pc.value_counts(rows["state"]).to_pylist():
                counts[entry["values"]] += entry["counts"]
    return counts


@contextmanager
def scratch_folder(workspace: Workspace) -> Iterator[Path]:
    """A folder of the workspace for what is only passing through."""
    workspace.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", suffix=".tmp", dir=workspace.root) as folder:
        yield Path(folder)
