"""`index`: what the source lists becomes the catalog, compared with the catalog before."""

import itertools
import logging
import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.checksum import read_rows
from pmc15m.config import Config, public_address
from pmc15m.crawl.stream import stream
from pmc15m.errors import DamageError, ExitCode, SourceError
from pmc15m.jats.licence import group_of
from pmc15m.schema import CATALOG
from pmc15m.sources import Source, open_source
from pmc15m.sources.bucket import BucketSource
from pmc15m.sources.inventory import SpoiledInventoryError
from pmc15m.sources.model import ArticleStatus
from pmc15m.sources.stores import HttpStore, split_url
from pmc15m.sources.tables import IDENTIFIERS, read_identifiers
from pmc15m.workspace import (
    Workspace,
    copy_of,
    fingerprint,
    keep_twice,
    part_writer,
    read_facts,
    read_fingerprint,
    restore,
)

log = logging.getLogger(__name__)

_ROW_GROUP = 65_536
VERSION = 1  # raised with every change of the code that changes the catalog
_MEMORY = "2GB"

# A range of PMCIDs, sorted by number and version; a version that the source lists twice is taken once. What the
# service listed before and lists no more stays as `removed`, so that the crawl leaves a tombstone; a package that is
# not in this folder may be in another.
_MERGE = """
WITH listed AS (
  SELECT number, version, max(change_token) AS change_token, max(last_modified) AS last_modified,
         min(locator) AS locator, max(pmid) AS pmid, max(licence_code) AS licence_code
  FROM listing WHERE number BETWEEN $low AND $high GROUP BY ALL),
b AS (FROM before WHERE number BETWEEN $low AND $high),
merged AS (
  SELECT coalesce(l.number, b.number) AS number,
         coalesce(l.version, b.version) AS version,
         coalesce(l.change_token, b.change_token) AS change_token,
         coalesce(l.last_modified, b.last_modified) AS last_modified,
         coalesce(l.locator, b.locator) AS locator,
         CASE WHEN l.number IS NULL AND $is_cloud AND b.version > 0 THEN 'removed'
              WHEN l.number IS NULL THEN b.state
              WHEN b.number IS NOT NULL AND coalesce(l.change_token, b.change_token) IS DISTINCT FROM b.change_token
              THEN 'changed'
              ELSE 'listed' END AS state,
         coalesce(l.pmid, b.pmid) AS pmid, b.doi, b.journal, b.issn, b.year,
         coalesce(l.licence_code, b.licence_code) AS licence_code
  FROM listed l FULL JOIN b ON l.number = b.number AND l.version = b.version),
i AS (
  SELECT DISTINCT ON (number) * FROM identifiers WHERE number BETWEEN $low AND $high ORDER BY ALL)
SELECT 'PMC' || m.number AS pmcid, version, change_token, last_modified, locator, state,
       coalesce(i.pmid, m.pmid) AS pmid, coalesce(i.doi, m.doi) AS doi, coalesce(i.journal, m.journal) AS journal,
       coalesce(i.issn, m.issn) AS issn, coalesce(TRY_CAST(i.year AS INTEGER), m.year) AS year, licence_code
FROM merged m LEFT JOIN i ON m.number = i.number
ORDER BY m.number, version
"""
# Rows a range should have: what is joined and sorted at once decides how much memory it takes.
_RANGE = 500_000
_NUMBER = "CAST(pmcid[4:] AS BIGINT) AS number"


def index(workspace: Workspace, config: Config, *, accept_removals: bool = False) -> ExitCode:
    """Read the source's list of article versions into the catalog. Raises `SourceError`.

    INCOMPLETE, with the catalog as it was, for an inventory that is older than it or lacks more than
    `crawl.max_removed_share` of what it lists, unless `accept_removals`.
    """
    path = workspace.catalog
    if (path.exists() or copy_of(path).exists()) and not restore(path):
        log.warning("index: %s cannot be read and is made anew", path)
    with scratch_folder(workspace) as scratch, closing(open_source(config, scratch)) as source:
        while True:
            try:
                return _index(workspace, config, source, scratch, accept_removals)
            except SpoiledInventoryError as error:
                assert isinstance(source, BucketSource)
                try:
                    source.go_back()
                except SourceError:
                    raise error from None
                log.warning("index: %s; taking the day before", error)


def _index(workspace: Workspace, config: Config, source: Source, scratch: Path, accept_removals: bool) -> ExitCode:
    path, pmc_ids = workspace.catalog, public_address(config.select.pmc_ids)
    made_from = fingerprint("index", VERSION, {}, [source.name, source.snapshot(), pmc_ids])
    if read_fingerprint(path) == made_from:
        log.info("index: nothing to do, the source lists what it listed before")
        return ExitCode.COMPLETE
    is_cloud = isinstance(source, BucketSource)
    day, before = source.day() if isinstance(source, BucketSource) else None, _read_day(path)
    if day is not None and before is not None and day < before and not accept_removals:
        return _refuse(f"the newest inventory that can be had is of {day}, and the catalog is made from {before}")
    with duckdb.connect(scratch / f"index-{day}.duckdb", config={"memory_limit": _MEMORY}) as database:
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET enable_progress_bar = false")
        columns = "version, change_token, last_modified, locator, pmid, licence_code"
        _load(database, f"CREATE TABLE listing AS SELECT {_NUMBER}, {columns} FROM arriving", source.listing(scratch))
        _load(
            database,
            f"CREATE TABLE identifiers AS SELECT {_NUMBER}, * EXCLUDE (pmcid) FROM arriving "
            "WHERE regexp_full_match(pmcid, 'PMC[1-9][0-9]{0,11}')",
            _identifiers(config, source, scratch),
        )
        columns += ", state, doi, journal, issn, year"
        # An article may be in several raw shards, until it is settled which one counts.
        kept = f"SELECT DISTINCT ON (number, version) {_NUMBER}, {columns} FROM arriving ORDER BY ALL"
        if path.exists():
            kept = f"SELECT {_NUMBER}, {columns} FROM arriving"
        _load(database, f"CREATE TABLE before AS {kept}", _before(workspace))
        if is_cloud and not accept_removals:
            known, lacking = _count_lacking(database)
            if lacking > max(1, config.crawl.max_removed_share * known):
                return _refuse(f"the source does not list {lacking:,} of the {known:,} article versions that it did")
        counts = _write(database, path, made_from, {"day": day}, is_cloud=is_cloud)
        keep_twice(path)
    log.info("index: %s", ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items())) or "no articles")
    return ExitCode.COMPLETE


def _refuse(cause: str) -> ExitCode:
    log.error("index: %s; the catalog stays as it is. --accept-removals takes the source at its word", cause)
    return ExitCode.INCOMPLETE


def _read_day(path: Path) -> str | None:
    """The day of the inventory that the catalog was made from; None where it was made from none."""
    facts = read_facts(path)
    return facts.get("day") if facts is not None else None


def _count_lacking(database: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many article versions the service listed before, and how many of them it lists no more."""
    counts = [0, 0]
    is_known = "b.version > 0 AND b.state <> 'removed' AND b.number BETWEEN $low AND $high"
    for low, high in _ranges(database):
        for place, join in enumerate(("", "ANTI JOIN listing l ON b.number = l.number AND b.version = l.version")):
            query = f"SELECT count(*) FROM before b {join} WHERE {is_known}"
            counts[place] += database.sql(query, params={"low": low, "high": high}).fetchall()[0][0]
    return counts[0], counts[1]


def _before(workspace: Workspace) -> pa.RecordBatchReader:
    """The catalog that is there; where it was lost, the articles of the raw shards, so that no withdrawal is missed."""
    if workspace.catalog.exists():
        return stream(workspace.catalog)
    return pa.RecordBatchReader.from_batches(CATALOG, _fetched(workspace))


def _fetched(workspace: Workspace) -> Iterator[pa.RecordBatch]:
    known = ["pmcid", "version", "change_token", "pmid", "doi"]
    for path in workspace.parts("raw"):
        try:
            rows = read_rows(path, [*known, "role", "status"])
        except DamageError:  # the crawl makes it again
            continue
        is_listed = pc.and_(pc.equal(rows["role"], "article"), pc.greater(rows["version"], 0))
        is_current = pc.not_equal(rows["status"], ArticleStatus.SUPERSEDED.value)
        rows = rows.filter(pc.and_(is_listed, is_current))
        is_removed = pc.equal(rows["status"], ArticleStatus.REMOVED.value)
        columns = {name: rows[name] for name in known} | {"state": pc.if_else(is_removed, "removed", "listed")}
        missing = pa.nulls(rows.num_rows)
        arrays = [columns.get(field.name, missing).cast(field.type) for field in CATALOG]
        yield from pa.table(arrays, schema=CATALOG).to_batches()


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
        base, name = split_url(given)
        with closing(BucketSource(HttpStore(base, config.network, scratch), 0)) as site:
            path = site.identifiers(scratch, name)
        if path is None:
            raise SourceError(f"cannot read {public_address(given)}")
    else:
        path = Path(given) if given else source.identifiers(scratch)
    return IDENTIFIERS.empty_table().to_reader() if path is None else read_identifiers(path)


def _write(
    database: duckdb.DuckDBPyConnection, path: Path, made_from: str, facts: dict[str, Any], *, is_cloud: bool
) -> Counter[str]:
    """Write the catalog; how many rows it has in each state."""
    counts: Counter[str] = Counter()
    with part_writer(path, CATALOG, made_from, facts) as writer:
        for low, high in _ranges(database):
            merged = database.sql(_MERGE, params={"is_cloud": is_cloud, "low": low, "high": high})
            for batch in merged.to_arrow_reader(_ROW_GROUP):
                rows = {name: batch.column(name) for name in batch.schema.names}
                codes = pc.dictionary_encode(rows["licence_code"])
                groups = [str(group_of(code)) for code in codes.dictionary.to_pylist()]
                rows["licence_group"] = pa.array(groups, pa.string()).take(codes.indices)
                missing = pa.nulls(batch.num_rows)
                columns = [rows.get(field.name, missing).cast(field.type) for field in CATALOG]
                writer.write_table(pa.table(columns, schema=CATALOG), row_group_size=_ROW_GROUP)
                for entry in pc.value_counts(rows["state"]).to_pylist():
                    counts[entry["values"]] += entry["counts"]
    return counts


def _ranges(database: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, int]]:
    """Ranges of PMCIDs that hold about `_RANGE` listed versions each, in order; the first and the last are open."""
    numbers = "SELECT number FROM listing UNION ALL SELECT number FROM before"
    low, high, count = database.sql(f"SELECT min(number), max(number), count(*) FROM ({numbers})").fetchall()[0]
    if not count:
        return
    parts = -(-count // _RANGE)
    edges = [low + (high + 1 - low) * part // parts for part in range(parts + 1)]
    for start, end in itertools.pairwise(edges):
        yield start, end - 1


@contextmanager
def scratch_folder(workspace: Workspace) -> Iterator[Path]:
    """A folder of the workspace for what is only passing through. Those of killed processes are removed."""
    workspace.root.mkdir(parents=True, exist_ok=True)
    mine = f"scratch-{socket.gethostname()}-"
    for left in workspace.root.glob(f"{mine}*.tmp"):
        process = left.name.removeprefix(mine).partition("-")[0]
        if not Path("/proc", process).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{mine}{os.getpid()}-", suffix=".tmp", dir=workspace.root) as folder:
        yield Path(folder)
