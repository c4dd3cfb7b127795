"""A condition that somebody types: one expression that reads the workspace's tables, and nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from pmc15m.browse.selection import View
from pmc15m.errors import UsageError
from pmc15m.query import refuse_changes

_FUNCTIONS = {"unnest", "range", "generate_series"}  # of tables; all others read files or run what a text says


def refuse_all_but_a_condition(connection: duckdb.DuckDBPyConnection, view: View, where: str) -> None:
    """Raise `UsageError` for what is not one condition, or reads what is no table.

    DuckDB's own parser decides: a statement with the condition in its place must be the same as one with `true` there,
    and narrow what stands before it.
    """
    statement, plain = (f"FROM {view} WHERE true AND (\n{text}\n)" for text in (where, "true"))
    refuse_changes(connection, statement)
    given, wanted = (_parsed(connection, text) for text in (statement, plain))
    condition = given.pop("where_clause", {})  # of a UNION there is none
    del wanted["where_clause"]
    if given != wanted or condition["type"] != "CONJUNCTION_AND":
        raise UsageError("a condition is one expression, such as year >= 2018 AND list_contains(modalities, 'CT')")
    for node in _nodes(condition):
        function = node["function"]["function_name"] if node.get("type") == "TABLE_FUNCTION" else ""
        if function and function.lower() not in _FUNCTIONS:
            raise UsageError(f"a condition reads tables, no {function}()")
        table = node["table_name"] if node.get("type") == "BASE_TABLE" else ""
        if not re.fullmatch(r"\w*", table):
            raise UsageError(f"a condition reads tables, no file {table}")


def _parsed(connection: duckdb.DuckDBPyConnection, statement: str) -> dict[str, Any]:
    [(tree,)] = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchall()
    node: dict[str, Any] = json.loads(tree)["statements"][0]["node"]
    return node


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)
