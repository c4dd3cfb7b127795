"""Selection: a condition in SQL over the catalog, taken apart into what the catalog can tell and what it cannot yet.

`licence_group = 'commercial' AND year >= 2015` has two parts: the year is in the catalog, the licence only in the
metadata JSON. The first part chooses what is planned; the second is asked again for each article when its JSON has
been read, before anything bigger is fetched.
"""

import datetime
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.checksum import read_rows
from pmc15m.config import SelectConfig
from pmc15m.crawl.ledger import KEY
from pmc15m.crawl.stream import has_values, stream
from pmc15m.errors import UsageError
from pmc15m.schema import CATALOG, FACTS, RAW_INDEX
from pmc15m.sources.model import Reason
from pmc15m.workspace import Workspace

_PMCID = re.compile(r"(?:^|(?<=[^A-Za-z0-9]))PMC(\d+)(?:\.\d+)?(?![A-Za-z0-9_.])", re.IGNORECASE)

_BEFORE = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|(?:doi|pmid):\s*|https?://pubmed\S*?/(?=\d))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """Two SQL conditions that together are the user's; the second needs the metadata."""

    on_catalog: str = "true"
    on_metadata: str = "true"


def locked_database(memory: str = "256MB", spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory that can reach no file, whatever SQL it is given; only its own spill goes to `spill`."""
    database = duckdb.connect(config={"threads": 1, "memory_limit": memory})
    database.execute("SET enable_progress_bar = false")
    if spill is not None:
        database.execute("SET temp_directory = ?", [str(spill)])
    database.execute("SET enable_external_access = false; SET lock_configuration = true")
    return database


def read_condition(where: str) -> Condition:
    """Take a condition apart. Raises `UsageError` for what is no condition over the catalog's columns."""
    if not where.strip():
        return Condition()
    with locked_database() as database:
        statement = _parse(database, where)
        try:
            database.register("catalog", CATALOG.empty_table())
            database.sql(f"SELECT 1 FROM catalog WHERE ({where}\n)").fetchall()
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise UsageError(f"--where {where!r}: {said}; known columns: {', '.join(CATALOG.names)}") from None
        clause = statement["node"]["where_clause"]
        parts = clause["children"] if clause["type"] == "CONJUNCTION_AND" else [clause]
        texts = [(_sql(database, statement, part), bool(set(FACTS) & set(_columns(part)))) for part in parts]
    return Condition(
        on_catalog=" AND ".join(f"({text})" for text, needs_metadata in texts if not needs_metadata) or "true",
        on_metadata=" AND ".join(f"({text})" for text, needs_metadata in texts if needs_metadata) or "true",
    )


def check_selection(select: SelectConfig) -> None:
    """Raise `UsageError` for what is no selection: before a catalog is made for it, which may take minutes."""
    read_condition(select.where)
    if select.as_of:
        _day_after(select.as_of)
    if select.ids:
        _listed_ids(select)


def catalog_conditions(select: SelectConfig, condition: Condition, *, is_cloud: bool) -> str:
    """The whole selection, as far as the catalog can tell, as SQL over the views `catalog` and `ids`.

    A catalog may hold what several sources listed: kept packages have version 0, the service's articles have not.
    """
    conditions = [condition.on_catalog, "state <> 'removed'", "version > 0" if is_cloud else "version = 0"]
    if select.sample < 1:
        # The first 32 bits of the md5 of the PMCID: the same share for ever, and part of every larger one.
        conditions.append(f"('0x' || md5(pmcid)[:8])::BIGINT < {select.sample!r}::DOUBLE * 4294967296")
    if select.as_of:
        conditions.append(f"last_modified < TIMESTAMPTZ '{_day_after(select.as_of)} 00:00:00+00'")
    if select.ids:
        conditions.append("(pmcid IN (FROM ids) OR pmid IN (FROM ids) OR lower(doi) IN (FROM ids))")
    return " AND ".join(conditions)


def read_ids(select: SelectConfig, catalog: Path) -> pa.Table:
    """The PMCIDs, PMIDs and DOIs of the user's file, one a line. Raises `UsageError`.

    A bare number is a PubMed id where the catalog has it, else a PMCID.
    """
    if not select.ids:
        return pa.table({"id": pa.array([], pa.string())})
    ids = _listed_ids(select)
    bare = [word for word in ids if word.isdecimal()]
    pubmed = _among(catalog, bare)
    ids = [f"PMC{word}" if word.isdecimal() and word not in pubmed else word for word in ids]
    others = [word for word in ids if not word.startswith("PMC")]
    if others and not has_values(catalog, "pmid"):
        raise UsageError(
            f"{select.ids} holds ids that are no PMCIDs ({others[0]} …), and the catalog knows only PMCIDs; "
            "give PMC-ids.csv.gz to `pmc15m index` with --set select.pmc_ids=FILE"
        )
    return pa.table({"id": pa.array(ids, pa.string())})


def _listed_ids(select: SelectConfig) -> list[str]:
    lines = ids_text(select).splitlines()
    ids = [_id(line) for line in lines if line.strip() and not line.startswith("#")]
    if not ids:
        raise UsageError(f"there is no id in {select.ids}; write one PMCID, PMID or DOI a line")
    return ids


def _among(catalog: Path, numbers: list[str]) -> set[str]:
    """Those of some numbers that are PubMed ids of the catalog."""
    wanted = pa.array(numbers, pa.string())
    found = (
        batch["pmid"].filter(pc.is_in(batch["pmid"], wanted))
        for batch in (stream(catalog, ["pmid"]) if numbers else ())
    )
    return {number for batch in found for number in batch.to_pylist()}


def ids_text(select: SelectConfig) -> str:
    """The user's file of ids; empty where none is given. Raises `UsageError`."""
    try:
        return Path(select.ids).read_text(encoding="utf-8-sig") if select.ids else ""
    except OSError as error:
        raise UsageError(f"cannot read the list of ids {select.ids}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the list of ids {select.ids} is not text in UTF-8") from None


def _id(line: str) -> str:
    """A PMCID however it is written (an address, with a version, behind `PMCID:`), a PubMed id, or a DOI."""
    word = line.strip()
    if found := _PMCID.search(word):
        return f"PMC{int(found[1])}"
    return _BEFORE.sub("", word).rstrip("/").lower()


def _day_after(text: str) -> str:
    try:
        return (datetime.date.fromisoformat(text) + datetime.timedelta(days=1)).isoformat()
    except ValueError:
        raise UsageError(f"--as-of takes a date like 2026-10-01, not {text!r}") from None


def known_exclusions(workspace: Workspace, condition: Condition) -> npt.NDArray[np.int64]:
    """Keys of the articles that a selection left out by their metadata and that this one leaves out too.

    Their metadata is in the shards, so nobody has to be asked again.
    """
    if condition.on_metadata == "true":
        return np.empty(0, np.int64)
    facts = ", ".join(f"coalesce(f.{name}, c.{name}) AS {name}" for name in FACTS)
    others = ", ".join(f"c.{name}" for name in CATALOG.names if name not in FACTS)
    with locked_database(memory="1GB") as database:
        database.register("catalog", stream(workspace.catalog))
        database.register("facts", pa.RecordBatchReader.from_batches(_EXCLUDED, _excluded(workspace)))
        known = f"SELECT {others}, {facts} FROM facts f JOIN catalog c ON c.pmcid = f.pmcid AND c.version = f.version"
        found = database.sql(f"SELECT {KEY} AS key FROM ({known}) WHERE ({condition.on_metadata}) IS NOT TRUE")
        return np.sort(found.fetchnumpy()["key"])


_EXCLUDED = pa.schema([RAW_INDEX.field(name) for name in ("pmcid", "version", "reason", *FACTS)])


def _excluded(workspace: Workspace) -> Iterator[pa.RecordBatch]:
    for path in workspace.parts("raw"):
        table = read_rows(path, _EXCLUDED.names)
        table = table.filter(pc.equal(table["reason"], Reason.NOT_SELECTED.value))
        yield from table.cast(_EXCLUDED).to_batches()


class MetadataCondition:
    """The part of a condition that needs the metadata, asked for one article at a time from several threads."""

    def __init__(self, condition: Condition) -> None:
        self._always = condition.on_metadata == "true"
        self._lock = threading.Lock()
        self._database = locked_database()
        columns = ", ".join(f"CAST(? AS {_duck_type(field.type)}) AS {field.name}" for field in CATALOG)
        self._query = f"SELECT ({condition.on_metadata}) IS TRUE FROM (SELECT {columns})"

    def __call__(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of the catalog with all its facts is selected."""
        if self._always:
            return True
        with self._lock:
            ((answer,),) = self._database.execute(self._query, [row.get(name) for name in CATALOG.names]).fetchall()
        return bool(answer)


def _duck_type(kind: Any) -> str:
    return {"string": "VARCHAR", "int32": "INTEGER", "bool": "BOOLEAN"}.get(str(kind), "TIMESTAMPTZ")


def _parse(database: duckdb.DuckDBPyConnection, where: str) -> dict[str, Any]:
    query = f"SELECT 1 FROM catalog WHERE ({where}\n)"
    ((text,),) = database.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    parsed = json.loads(text)
    if parsed["error"] or len(parsed["statements"]) != 1 or parsed["statements"][0]["node"]["type"] != "SELECT_NODE":
        raise UsageError(
            f"--where {where!r} is not a condition: {parsed.get('error_message', 'more than one statement')}"
        )
    statement: dict[str, Any] = parsed["statements"][0]
    return statement


def _sql(database: duckdb.DuckDBPyConnection, statement: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    one = {**statement, "node": {**statement["node"], "where_clause": part}}
    whole = json.dumps({"error": False, "statements": [one]})
    ((text,),) = database.execute("SELECT json_deserialize_sql(?)", [whole]).fetchall()
    return str(text).partition(" WHERE ")[2]


def _columns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield node["column_names"][-1].lower()
        for value in node.values():
            yield from _columns(value)
    elif isinstance(node, list):
        for value in node:
            yield from _columns(value)
