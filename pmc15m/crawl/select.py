"""Selection: a condition in SQL over the catalog, taken apart into what the catalog can tell and what it cannot yet.

`licence_group = 'commercial' AND year >= 2015` has two parts: the year is in the catalog, the licence only in the
metadata JSON. The first part chooses what is planned; the second is asked again for each article when its JSON has
been read, before anything bigger is fetched.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pmc15m.errors import UsageError
from pmc15m.schema import CATALOG, FACTS


@dataclass(frozen=True, slots=True)
class Condition:
    """Two SQL conditions that together are the user's; the second needs the metadata."""

    on_catalog: str = "true"
    on_metadata: str = "true"


def locked_database() -> duckdb.DuckDBPyConnection:
    """A database in memory that can reach no file, whatever SQL it is given."""
    return duckdb.connect(config={"enable_external_access": "false", "lock_configuration": "true", "threads": "1"})


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
            answer = self._database.execute(self._query, [row.get(name) for name in CATALOG.names]).fetchone()
        return bool(answer and answer[0])


def _duck_type(kind: Any) -> str:
    return {"string": "VARCHAR", "int32": "INTEGER", "bool": "BOOLEAN"}.get(str(kind), "TIMESTAMPTZ")


def _parse(database: duckdb.DuckDBPyConnection, where: str) -> dict[str, Any]:
    (text,) = database.execute(
        "SELECT json_serialize_sql(?)", [f"SELECT 1 FROM catalog WHERE ({where}\n)"]
    ).fetchone() or ("",)
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
    (text,) = database.execute("SELECT json_deserialize_sql(?)", [whole]).fetchone() or ("",)
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
