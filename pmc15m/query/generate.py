"""Write anew what in the folder `manifests` follows from something else: `python -m pmc15m.query.generate`.

`views.sql` and `README.md` hold blocks between marker lines; a test compares them with the schema and the questions.
"""

import textwrap
from pathlib import Path

import pyarrow as pa

from pmc15m.manifests import ALL_TABLES, FOLDER, named_queries

_NAMES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that the schema uses."""
    if pa.types.is_list(kind):
        return duckdb_type(kind.value_type) + "[]"
    if pa.types.is_struct(kind):
        fields = (f'"{field.name}" {duckdb_type(field.type)}' for field in kind)
        return f"STRUCT({', '.join(fields)})"
    return _NAMES[kind]


def table_views() -> str:
    """One view a table, over its Parquet parts; typed and empty while the table has none."""
    return "\n".join(_table_view(table, schema) for table, schema in ALL_TABLES.items())


def _table_view(table: str, schema: pa.Schema) -> str:
    columns = ", ".join(f'NULL::{duckdb_type(field.type)} AS "{field.name}"' for field in schema)
    empty = textwrap.fill(columns, width=116, initial_indent="      ", subsequent_indent="      ")
    files = f"{table}/{'catalog' if table == 'catalog' else '[0-9]*'}.parquet"
    return f"""
SET VARIABLE {table} = (
  SELECT if(count(*) > 0,
    $$FROM read_parquet('$$ || replace(getvariable('parts') || '/{files}', $$'$$, $$''$$)
      || $$', hive_partitioning = false)$$,
    $$SELECT
{empty}
    WHERE false$$)
  FROM glob(getvariable('parts') || '/{files}'));
CREATE VIEW {table} AS FROM query(getvariable('{table}'));"""


def schema_tables() -> str:
    """The schema as Markdown, one heading a table."""
    return "\n\n".join(_schema_table(table, schema) for table, schema in ALL_TABLES.items())


def _schema_table(table: str, schema: pa.Schema) -> str:
    lines = [f"### {table}", "", "| column | type | meaning |", "|---|---|---|"]
    for field in schema:
        kind, comment = duckdb_type(field.type).replace('"', ""), field.metadata[b"comment"].decode()
        lines.append(f"| `{field.name}` | {kind} | {comment.replace('|', '/')} |")
    return "\n".join(lines)


def question_table() -> str:
    """The questions that ship, as a Markdown table."""
    lines = [f"| `{query.name}` | {query.title} |" for query in named_queries().values()]
    return "\n".join(["| name | question |", "|---|---|", *lines])


def generated() -> dict[Path, str]:
    """The files with generated blocks, as they should be."""
    views, readme = FOLDER / "views.sql", FOLDER / "README.md"
    with_questions = _with_block(readme.read_text(encoding="utf-8"), "manifests/queries", question_table())
    return {
        views: _with_block(views.read_text(encoding="utf-8"), "pmc15m/schema.py", table_views()),
        readme: _with_block(with_questions, "pmc15m/schema.py", schema_tables()),
    }


def _with_block(text: str, source: str, block: str) -> str:
    lines = text.split("\n")
    begin = next(n for n, line in enumerate(lines) if f"generated from {source}: begin" in line)
    end = next(n for n, line in enumerate(lines) if f"generated from {source}: end" in line)
    return "\n".join([*lines[: begin + 1], block, *lines[end:]])


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
