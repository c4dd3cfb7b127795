"""A DuckDB connection over a workspace, and the guard that keeps queries from changing anything.

What the connection itself refuses, because the configuration is locked: files outside the workspace, the network,
extensions, other settings. What DuckDB cannot be set to refuse (COPY TO, ATTACH and EXPORT inside the folders that
it may read, also hidden in a WITH clause) `refuse_changes` refuses before anything runs.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from pmc15m.errors import UsageError
from pmc15m.manifests import ALL_TABLES, VIEWS
from pmc15m.mirror import mirror_of
from pmc15m.query.harmless import harmless
from pmc15m.query.output import pipe_path
from pmc15m.query.stored import SCHEME, stored_files
from pmc15m.schema import TABLES
from pmc15m.workspace import Workspace

MEMORY_LIMIT = "1400MB"  # DuckDB's own buffers; the process stays below 2 GB
_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
# Matches whole tokens at the start and no comment, so that what follows is what DuckDB will explain.
_EXPLAIN = re.compile(r"\AEXPLAIN\s+(ANALYZE\s+|\([\w\s,]*\)\s*)?", re.IGNORECASE)


_COUNT = re.compile(r"\s*SELECT\s+count\(\*\)\s+(?:AS\s+\w+\s+)?FROM\s+(\w+)\s*;?\s*", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_VIEW = re.compile(r"create view (\w+) as\b([^;]*);")
# By which a query can reach tables that it does not name.
_ANY_TABLE = {
    "query",
    "query_table",
    "show",
    "describe",
    "summarize",
    "information_schema",
    "pg_catalog",
    "sqlite_master",
} | {f"duckdb_{things}" for things in ("views", "tables", "columns")}


def connect(
    workspace: Workspace | Path | str,
    *,
    allow_files: bool = False,
    also: Iterable[Path] = (),
    memory_limit: str = MEMORY_LIMIT,
    query: str | None = None,
) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with every table of the workspace, and the views of `manifests/views.sql`.

    With `query`, the tables that it cannot mean are not looked for, and empty: a look at 16,400 parts takes a second.
    Of a table whose rows it only counts, there are as many without columns: DuckDB reads 16,400 footers in 12 s.
    A table without parts is an empty view with the right columns. Files outside the workspace can be read only with
    `allow_files`, or below the folders `also`; the settings cannot be changed. SQL that somebody else wrote goes
    through `refuse_changes` first. DuckDB looks at no checksum, so parts that somebody has touched are re-read first;
    what has rotted untouched, and what lies in a store, `pmc15m verify` finds. Raises `UsageError` where there is no
    such folder, and `DamageError`.
    """
    root = (workspace.root if isinstance(workspace, Workspace) else Path(workspace)).resolve()
    if not root.is_dir():
        raise UsageError(f"there is no workspace {root}; name one with --workspace DIR")
    store = mirror_of(root)
    in_place = store if store is not None and not store.has_tables else None
    meant = set(ALL_TABLES) if query is None else tables_of(query)
    counted = None
    if in_place is None and (told := _COUNT.fullmatch(query or "")) and meant == {told[1].lower()}:
        (counted,) = meant
    elif in_place is None:
        Workspace(root).check_touched(sorted(meant))
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(root / f".duckdb-{socket.gethostname()}-{os.getpid()}.tmp"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    if not sys.stdout.isatty():
        connection.execute("SET enable_progress_bar = false")  # which DuckDB writes where results go
    if in_place is not None:
        connection.register_filesystem(stored_files(in_place))
    parts = _glob_escaped(str(root))
    connection.execute(
        "SET VARIABLE parts = ?", [f"{parts}/.none"]
    )  # to bind the views costs nothing while all is empty
    connection.execute(VIEWS.read_text(encoding="utf-8"))
    for table in ALL_TABLES:  # the same views without variables, which a cursor() would not inherit
        source = None
        if table == counted:
            source = f"SELECT true AS counted FROM range({Workspace(root).count_rows(table)})"
        elif table in meant:
            source = _source(root, table, f"{SCHEME}://" if in_place else _glob_escaped(f"{root}/"))
        if source is None:
            [(source,)] = connection.execute("SELECT getvariable(?)", [table]).fetchall()
        connection.execute(f"CREATE OR REPLACE VIEW {table} AS {source}")
    connection.execute("SET allowed_paths = [?]", [pipe_path()])
    if not allow_files:
        folders = [str(folder) for folder in (root, *(folder.resolve() for folder in also))]
        readable = [*folders, *map(_glob_escaped, folders)]  # DuckDB compares the pattern too
        connection.execute("SET allowed_directories = ?", [[*readable, *([f"{SCHEME}://"] if in_place else [])]])
        connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _source(root: Path, table: str, place: str) -> str | None:
    """SQL that reads the parts of a table, whose folder begins with `place`; None where there are none."""
    workspace = Workspace(root)
    ours = ["catalog"] * workspace.catalog.is_file() if table == "catalog" else workspace.shards(table)
    if not ours:
        return None
    numbered = [name for name in os.listdir(root / table) if name[0].isdecimal() and name.endswith(".parquet")]
    # A pattern finds parts that come later, too; where somebody else's are among them, each of ours is named.
    files = ["[0-9]*.parquet"] if len(ours) == len(numbered) else [f"{shard}.parquet" for shard in ours]
    paths = (f"{place}{table}/{name}".replace("'", "''") for name in files)
    return "FROM read_parquet(['" + "', '".join(paths) + "'], hive_partitioning = false)"


def tables_of(query: str) -> set[str]:
    """The tables that a query may read: those that it or a view that it names writes out, wherever that stands."""
    words = set(_WORD.findall(query.lower()))
    if words & _ANY_TABLE:
        return set(ALL_TABLES)
    views = dict(_VIEW.findall(VIEWS.read_text(encoding="utf-8").lower()))
    while more := {word for name in words & views.keys() for word in _WORD.findall(views[name])} - words:
        words |= more
    return words & set(ALL_TABLES)


def read_files(connection: duckdb.DuckDBPyConnection, paths: Iterable[Path]) -> duckdb.DuckDBPyRelation:
    """The rows of Parquet files, in the order of the paths; nothing in a path is a pattern or a column."""
    return connection.read_parquet([_glob_escaped(str(path.resolve())) for path in paths], hive_partitioning=False)


def refuse_changes(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """The statements of a query, without their semicolons, when all of them only read. Raises `UsageError` otherwise.

    DuckDB's own parser decides: the statement's type, then every node of its syntax tree (`WITH a AS (COPY …)` is a
    SELECT to the first look).
    """
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise query_error(error) from None
    if not statements:
        raise UsageError("there is no question in that")
    return [_read_only(connection, statement) for statement in statements]


def _read_only(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> str:
    if statement.type == duckdb.StatementType.MULTI:
        raise UsageError("PIVOT needs its values here: PIVOT … ON column IN ('a', 'b')")
    if statement.type not in _READING:
        raise UsageError(f"queries only read: no {statement.type.name}; write an answer with --output FILE")
    asked = text = statement.query.strip().rstrip(";")
    if statement.type == duckdb.StatementType.EXPLAIN:
        text = _EXPLAIN.sub("", text)
    [(tree,)] = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
    parsed = json.loads(tree)
    if parsed["error"] or not set(_nodes(parsed)) <= _READING_NODES:
        raise UsageError("queries only read: no COPY, INSERT, UPDATE or DELETE, and EXPLAIN before a SELECT only")
    return asked


def _nodes(tree: Any) -> Iterator[str]:
    """Types of the query nodes in a serialised statement."""
    if isinstance(tree, dict):
        kind = tree.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE"):
            yield kind
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def query_error(error: duckdb.Error) -> UsageError:
    """DuckDB's message as one harmless line, with a hint where there is one to give."""
    lines = [line.strip() for line in str(error).splitlines()]
    message = harmless(" ".join(line for line in lines if line and not line.startswith(("LINE ", "^"))))
    if isinstance(error, duckdb.PermissionException):
        message += "; queries read the workspace only (--allow-files opens the rest)"
    elif isinstance(error, duckdb.CatalogException) and "Table" in message:
        message += f"; tables: {', '.join(ALL_TABLES)}"
    elif isinstance(error, duckdb.InvalidInputException) and "Parquet" in message:
        message += "; `pmc15m run` makes the part again"
    elif "schema mismatch" in message or (isinstance(error, duckdb.BinderException) and _lacks_a_column(message)):
        message += "; where a part is older than the column, `pmc15m run` makes it again"
    elif isinstance(error, duckdb.OutOfMemoryException):
        message += "; ask for fewer columns (text is most of the bytes) or fewer rows"
    return UsageError(message)


def _lacks_a_column(message: str) -> bool:
    """Whether a column was asked for that the schema has and the parts have not."""
    lacking = re.search(r'Referenced column "([^"]+)" not found', message)
    return lacking is not None and any(lacking[1] in table.names for table in TABLES.values())


def _glob_escaped(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)
