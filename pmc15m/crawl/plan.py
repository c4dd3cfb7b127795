"""The plan: which article version goes into which raw shard. Append-only, and a function of content alone.

Each crawl that finds something new to fetch appends one file, `raw/plan/NNNNN.parquet`, named after its first shard:
the rows of the catalog that are to be fetched, in the order of their PMCIDs, with the number of their shard. Several
processes that start from the same catalog and selection find or write the same file.
"""

import dataclasses
import datetime
import hashlib
import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pmc15m.config import Config
from pmc15m.crawl.select import Condition, locked_database, read_condition
from pmc15m.errors import UsageError
from pmc15m.schema import CATALOG, FACTS, RAW_INDEX
from pmc15m.sources.model import Wanted
from pmc15m.workspace import Workspace, atomic

log = logging.getLogger(__name__)

_ROW_GROUP = 65_536
_PLAN = pa.schema([pa.field("shard", pa.int32()), *CATALOG])
_SELECTION_KEY = b"selection"

_FETCHED = ("pmcid", "version", "change_token", "status", "reason", *FACTS)


@dataclass(frozen=True, slots=True)
class Plan:
    """All shards that were ever planned."""

    files: tuple[Path, ...]

    @property
    def next_shard(self) -> int:
        return 1 + max((_last_shard(path) for path in self.files), default=-1)

    def shards(self) -> Iterator[tuple[str, Path]]:
        """Every shard with the file that plans it, in order."""
        for path in self.files:
            for number in range(int(path.stem), _last_shard(path) + 1):
                yield f"{number:05d}", path

    def articles(self, shard: str, path: Path) -> list[Wanted]:
        """The article versions of a shard, in order."""
        rows = pq.read_table(path, filters=[("shard", "=", int(shard))]).to_pylist()
        return [
            Wanted(
                pmcid=row["pmcid"],
                version=row["version"],
                change_token=row["change_token"],
                locator=row["locator"],
                row=row,
            )
            for row in rows
        ]


def read_plan(workspace: Workspace) -> Plan:
    """The plan as it is on disk."""
    return Plan(tuple(sorted((workspace.root / "raw" / "plan").glob("[0-9]*.parquet"))))


def extend_plan(workspace: Workspace, config: Config, *, retry_failed: bool) -> Plan:
    """Append what is selected and neither fetched nor planned. Raises `UsageError` for an unusable selection."""
    if not workspace.catalog.exists():
        raise UsageError(f"nothing to crawl in {workspace.root}: no catalog; run `pmc15m index` before")
    plan = read_plan(workspace)
    condition = read_condition(config.select.where)
    with locked_database() as database:
        database.register("catalog", ds.dataset(workspace.catalog))
        database.register("fetched", fetched(workspace))
        database.register("pending", _pending(workspace, plan))
        query = _query(config, condition, retry_failed)
        if config.select.ids:
            database.register("ids", _read_ids(Path(config.select.ids)))
        reader = database.sql(query).to_arrow_reader(_ROW_GROUP)
        path = workspace.root / "raw" / "plan" / f"{plan.next_shard:05d}.parquet"
        appended = _write(reader, path, plan.next_shard, config)
    if appended:
        log.info("crawl: planned %s article versions", f"{appended:,}")
    return read_plan(workspace)


def fetched(workspace: Workspace) -> pa.Table:
    """The rows of role `article` of all finished shards that count."""
    tables = []
    for path in workspace.parts("raw"):
        table = pq.read_table(path, columns=list(_FETCHED), filters=[("role", "=", "article")])
        tables.append(table.filter(pc.not_equal(table.column("status"), "superseded")))
    schema = pa.schema([RAW_INDEX.field(name) for name in _FETCHED])
    return pa.concat_tables(
        [schema.empty_table(), *(table.replace_schema_metadata(None).cast(schema) for table in tables)]
    )


def _pending(workspace: Workspace, plan: Plan) -> pa.Table:
    schema = _PLAN.empty_table().select(["pmcid", "version"])
    finished = set(workspace.shards())
    tables = [schema]
    for path in plan.files:
        unfinished = [
            number for number in range(int(path.stem), _last_shard(path) + 1) if f"{number:05d}" not in finished
        ]
        if unfinished:
            tables.append(
                pq.read_table(
                    path, columns=["pmcid", "version"], filters=[("shard", "in", unfinished)]
                ).replace_schema_metadata(None)
            )
    return pa.concat_tables(tables)


def _query(config: Config, condition: Condition, retry_failed: bool) -> str:
    select = config.select
    facts = ", ".join(f"coalesce(f.{name}, c.{name}) AS {name}" for name in FACTS)
    others = ", ".join(f"c.{name}" for name in CATALOG.names if name not in FACTS)
    conditions = [
        condition.on_catalog,
        f"(metadata_read IS NOT TRUE OR ({condition.on_metadata}))",
        "state <> 'removed'",
    ]
    if select.sample < 1:
        # The first 32 bits of the md5 of the PMCID: the same share for ever, and a subset of every larger one.
        conditions.append(f"('0x' || md5(pmcid)[:8])::BIGINT < {select.sample!r}::DOUBLE * 4294967296")
    if select.as_of:
        conditions.append(f"last_modified < TIMESTAMPTZ '{_date(select.as_of)}' + INTERVAL 1 DAY")
    if select.ids:
        conditions.append("(pmcid IN (FROM ids) OR pmid IN (FROM ids) OR lower(doi) IN (FROM ids))")
    unwanted = "'budget', 'not_selected'" + (", 'other_version'" if select.versions == "all" else "")
    retried = "'failed', 'partial'" if retry_failed else "''"
    unit = "pmcid" if select.versions == "preferred" else "pmcid, version"
    limit = f"WHERE unit <= {select.limit}" if select.limit else ""
    number = "CAST(pmcid[4:] AS BIGINT)"
    columns = ", ".join(CATALOG.names)
    return f"""
    WITH known AS (
      SELECT {others}, {facts}, f.status AS fetch_status, f.reason AS fetch_reason, f.change_token AS fetched_token,
             f.licence_group IS NOT NULL AS metadata_read
      FROM catalog c LEFT JOIN fetched f ON c.pmcid = f.pmcid AND c.version = f.version),
    selected AS (SELECT * FROM known WHERE {" AND ".join(conditions)}),
    limited AS (SELECT *, dense_rank() OVER (ORDER BY {number}{"" if unit == "pmcid" else ", version"}) AS unit
                FROM selected),
    judged AS (
      SELECT limited.*, p.pmcid IS NULL AND (
          fetch_status IS NULL OR fetch_status = 'removed' OR fetch_status IN ({retried})
          OR fetch_reason IN ({unwanted}) OR fetched_token IS DISTINCT FROM change_token) AS needed
      FROM limited LEFT JOIN pending p ON limited.pmcid = p.pmcid AND limited.version = p.version {limit})
    SELECT {columns} FROM (SELECT *, bool_or(needed) OVER (PARTITION BY {unit}) AS unit_needed FROM judged)
    WHERE unit_needed ORDER BY {number}, version
    """


def _date(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"--as-of takes a date like 2026-10-01, not {text!r}") from None


def _read_ids(path: Path) -> pa.Table:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the list of ids {path}: {error}") from None
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise UsageError(f"no id in {path}; write one PMCID, PMID or DOI a line")
    ids = []
    for line in found:
        word = line.removeprefix("https://doi.org/").removeprefix("doi:").strip()
        ids.append(word.upper() if word.upper().startswith("PMC") else word.lower())
    return pa.table({"id": pa.array(ids, pa.string())})


def _write(reader: pa.RecordBatchReader, path: Path, first: int, config: Config) -> int:
    """Deal the rows to shards, versions of one PMCID to one shard; nothing is written for no rows."""
    per_shard = config.crawl.articles_per_shard
    schema = _PLAN.with_metadata({_SELECTION_KEY: selection_of(config).encode()})
    count, last_pmcid, start_of_last = 0, None, 0
    first_batch = next((batch for batch in reader if batch.num_rows), None)
    if first_batch is None:
        return 0
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in itertools.chain([first_batch], reader):
            pmcids = batch.column("pmcid").to_numpy(zero_copy_only=False)
            is_new = np.append(pmcids[0] != last_pmcid, pmcids[1:] != pmcids[:-1])
            position = np.arange(count, count + len(pmcids))
            starts = np.maximum.accumulate(np.where(is_new, position, start_of_last))
            shards = (first + starts // per_shard).astype(np.int32)
            count, last_pmcid, start_of_last = count + len(pmcids), pmcids[-1], int(starts[-1])
            columns = [pa.array(shards), *(batch.column(field.name).cast(field.type) for field in CATALOG)]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=_ROW_GROUP)
    return count


def selection_of(config: Config) -> str:
    """A digest of what was asked for."""
    facts = dataclasses.asdict(config.select)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _last_shard(path: Path) -> int:
    """The highest shard of a file: its rows are in the order of their shards."""
    metadata = pq.read_metadata(path)
    return int(metadata.row_group(metadata.num_row_groups - 1).column(0).statistics.max)
