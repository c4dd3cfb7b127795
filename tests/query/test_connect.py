"""connect(): every table is there; nothing outside is readable; nothing can be changed."""

import io
import re
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmc15m import schema
from pmc15m.errors import DamageError, UsageError
from pmc15m.manifests import ALL_TABLES, NamedQuery, named_queries
from pmc15m.query import connect, refuse_changes
from pmc15m.query.ask import sql
from pmc15m.query.connection import query_error
from pmc15m.workspace import Workspace, write_part
from tests.query.made_up import HOSTILE, article, fill, write


def types(table: pa.Schema) -> list[tuple[str, str]]:
    """Names and types; how a list calls its items is no part of the type."""
    return [(field.name, re.sub(r"(?<=list<)\w+: ", "", str(field.type).replace("Etc/", ""))) for field in table]


@pytest.mark.parametrize("table", ALL_TABLES)
def test_a_table_without_parts_is_empty_and_has_the_schema(tmp_path: Path, table: str) -> None:
    with connect(tmp_path) as connection:
        found = connection.sql(f"FROM {table}").to_arrow_table()
    assert found.num_rows == 0
    assert types(found.schema) == types(ALL_TABLES[table])


@pytest.mark.parametrize("table", ALL_TABLES)
def test_a_table_with_parts_has_the_same_schema(workspace: Workspace, table: str) -> None:
    with connect(workspace) as connection:
        found = connection.sql(f"FROM {table}").to_arrow_table()
    assert found.num_rows > 0
    assert types(found.schema) == types(ALL_TABLES[table])


def test_parts_that_come_later_are_seen(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write(workspace, "articles", schema.ARTICLES, [article("PMC1")])
    with connect(workspace) as connection:
        write(workspace, "articles", schema.ARTICLES, [article("PMC2")], shard="00001")
        assert connection.sql("SELECT pmcid FROM articles ORDER BY ALL").fetchall() == [("PMC1",), ("PMC2",)]


def test_a_half_written_part_is_not_seen(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write(workspace, "articles", schema.ARTICLES, [article("PMC1")])
    (tmp_path / "articles" / "00001.parquet.77.tmp").write_bytes(b"PAR1 half")
    with connect(workspace) as connection:
        assert connection.sql("SELECT count(*) FROM articles").fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["it's", "[a-z]*", "100 %", "ä; DROP TABLE x"])
def test_the_workspace_may_have_any_name(tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path / name)
    write(workspace, "articles", schema.ARTICLES, [article("PMC1")])
    with connect(workspace) as connection:
        assert connection.sql("SELECT pmcid FROM articles").fetchall() == [("PMC1",)]


def test_a_cursor_has_the_views_too(workspace: Workspace) -> None:
    with connect(workspace) as connection:
        assert connection.cursor().sql("SELECT count(*) FROM figure_pairs").fetchall() == [(3,)]


def test_a_relative_path_will_do(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root.parent)
    with connect(workspace.root.name) as connection:
        assert connection.sql("SELECT count(*) FROM pairs").fetchall() == [(5,)]


def test_no_workspace_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no workspace .*--workspace DIR"):
        connect(tmp_path / "nowhere")


OUTSIDE = [
    "FROM '{outside}'",
    "FROM read_text('{outside}')",
    "FROM read_csv('{outside}')",
    "FROM read_text('{inside}/../{name}')",
    "FROM glob('{parent}/*')",
    "FROM sniff_csv('{outside}')",
    "FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "FROM read_text('/proc/self/environ')",
]


@pytest.mark.parametrize("query", OUTSIDE)
def test_no_file_outside_the_workspace_is_read(tmp_path: Path, query: str) -> None:
    (tmp_path / "data").mkdir()
    outside = tmp_path / "data.csv"  # a neighbour whose path starts like the workspace's
    outside.write_text("a\nsecret\n")
    asked = query.format(outside=outside, inside=tmp_path / "data", name=outside.name, parent=tmp_path)
    with pytest.raises(UsageError, match="--allow-files"):
        sql(Workspace(tmp_path / "data"), asked)


def test_files_outside_are_read_when_allowed(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.csv").write_text("pmcid\nPMC2\n")
    query = f"SELECT pair_key FROM pairs JOIN '{tmp_path}/mine.csv' USING (pmcid)"
    sql(workspace, query, "csv", allow_files=True)
    assert capsys.readouterr().out == "pair_key\nPMC2_1_f001_g01\n"


CHANGES = [
    "COPY pairs TO '{inside}/stolen.csv'",
    "COPY (SELECT 1) TO '{inside}/pairs/00000.parquet'",
    "WITH a AS (COPY (SELECT 1) TO '{inside}/stolen.csv') FROM a",
    "FROM (WITH a AS (COPY (SELECT 1) TO '{inside}/stolen.csv') FROM a)",
    "DESCRIBE WITH a AS (COPY (SELECT 1) TO '{inside}/stolen.csv') FROM a",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "EXPLAIN ANALYZE WITH a AS (COPY (SELECT 1) TO '{inside}/stolen.csv') FROM a",
    "EXPLAIN /* )x\nSELECT 1 --*/ ANALYZE COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "EXPLAIN (/*) SELECT 1 -- */ ANALYZE) COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "-- EXPLAIN (\nEXPLAIN /* )x\n SELECT 1 --*/ ANALYZE COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "SELECT 1; COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "PREPARE p AS COPY (SELECT 1) TO '{inside}/stolen.csv'",
    "EXPORT DATABASE '{inside}/stolen'",
    "ATTACH '{inside}/stolen.db'",
    "ATTACH ':memory:' AS other",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW pairs AS SELECT 1",
    "DROP VIEW pairs",
    "INSERT INTO pairs VALUES (1)",
    "DELETE FROM pairs",
    "UPDATE pairs SET text = ''",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "CHECKPOINT",
    "BEGIN",
    "USE memory",
    "CREATE SECRET (TYPE s3)",
    "SET VARIABLE parts = '/'",
]


@pytest.mark.parametrize("query", CHANGES)
def test_a_query_changes_nothing(tmp_path: Path, query: str) -> None:
    workspace = fill(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=r"queries only read|one statement") as error:
        sql(workspace, query.format(inside=tmp_path))
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_settings_are_locked(workspace: Workspace) -> None:
    with connect(workspace) as connection, pytest.raises(duckdb.Error, match="locked"):
        connection.execute("SET memory_limit = '100GB'")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "FROM pairs LIMIT 1;",
        "-- a comment\nSELECT ';' AS semicolon;",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a UNION ALL SELECT 2",
        "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) FROM a",
        "DESCRIBE pairs",
        "SUMMARIZE pairs",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE FROM pairs",
        "EXPLAIN (FORMAT json) FROM pairs",
        "PIVOT pairs ON level IN ('figure', 'panel') USING count(*) GROUP BY year",
        "VALUES (1), (2)",
    ],
)
def test_reading_statements_pass(workspace: Workspace, query: str) -> None:
    with connect(workspace) as connection:
        [statement] = refuse_changes(connection, query)
        assert connection.sql(statement).fetchall()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT nope FROM pairs", "Candidate bindings"),
        ("SELECT * FROM nope", "tables: catalog, raw, articles"),
        ("SELEC 1", "syntax error"),
        ("SELECT 'a", "unterminated"),
        ("", "there is no question"),
        ("PIVOT pairs ON level", "PIVOT needs its values"),
        ("SELECT CAST(text AS INTEGER) FROM pairs", "Could not convert"),
    ],
)
def test_a_wrong_question_is_one_line(workspace: Workspace, query: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        sql(workspace, query)
    assert "\n" not in str(error.value)


def test_errors_show_hostile_values_harmlessly(workspace: Workspace) -> None:
    with pytest.raises(UsageError) as error:
        sql(workspace, "SELECT CAST(text AS INTEGER) FROM pairs WHERE pmcid = 'PMC2'")
    assert "\x1b" not in str(error.value)


def test_hostile_text_is_text(workspace: Workspace) -> None:
    with connect(workspace) as connection:
        found = connection.sql("SELECT journal FROM pairs WHERE journal = $j", params={"j": HOSTILE}).fetchall()
        assert found == [(HOSTILE,)]
        assert connection.sql("SELECT count(*) FROM pairs").fetchall() == [(5,)]


def test_parts_older_than_a_column_give_a_hint(workspace: Workspace, tmp_path: Path) -> None:
    older = Workspace(shutil.copytree(workspace.root, tmp_path / "older"))
    for part in older.root.glob("pairs/*.parquet"):
        write_part(part, pq.read_table(part).drop_columns("modalities"), "an older version")
    with pytest.raises(UsageError, match=r"`pmc15m run` makes it again"):
        sql(older, "SELECT modalities FROM pairs")
    with pytest.raises(UsageError) as other:
        sql(older, "SELECT modality FROM pairs")
    assert "makes it again" not in str(other.value)


def test_running_out_of_memory_gives_a_hint() -> None:
    error = query_error(duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"))
    assert "fewer columns" in str(error)


@pytest.mark.parametrize("query", [*named_queries().values()], ids=lambda query: query.name)
def test_a_question_finds_the_tables_that_it_names_and_those_behind_its_views(
    workspace: Workspace, query: NamedQuery
) -> None:
    with connect(workspace) as whole, connect(workspace, query=query.sql) as meant:
        assert meant.sql(query.sql).fetchall() == whole.sql(query.sql).fetchall()


def test_every_view_finds_what_stands_behind_it(workspace: Workspace) -> None:
    with connect(workspace) as whole:
        names = [name for (name,) in whole.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
        assert {"pairs", "funnel", "drops"} < set(names)
        for name in names:
            asked = f'SELECT count(*) FROM "{name.upper()}"'
            with connect(workspace, query=asked) as meant:
                assert meant.sql(asked).fetchall() == whole.sql(asked).fetchall(), name


@pytest.mark.parametrize("query", ["FROM query('FROM pa' || 'irs')", "FROM query_table('pa' || 'irs')"])
def test_a_table_that_a_query_does_not_spell_out_is_there(workspace: Workspace, query: str) -> None:
    with connect(workspace) as whole, connect(workspace, query=query) as meant:
        assert len(meant.sql(query).fetchall()) == len(whole.sql(query).fetchall()) > 0


@pytest.mark.parametrize("query", ["SELECT count(*) FROM pairs", " select COUNT(*) as n\n from Pairs ;"])
def test_rows_are_counted_without_duckdb_reading_a_part(
    workspace: Workspace, query: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(workspace, query.replace("airs", "airs WHERE true"), "csv")
    counted = capsys.readouterr().out
    monkeypatch.setattr("pmc15m.query.connection._source", lambda *_: pytest.fail("a part was looked for"))
    sql(workspace, query, "csv")
    assert capsys.readouterr().out == counted


@pytest.mark.parametrize("query", ["SELECT count(*) FROM figure_pairs", "SELECT count(*) FROM catalog"])
def test_what_is_no_table_with_parts_is_counted_as_ever(
    workspace: Workspace, query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(workspace) as connection:
        [(count,)] = connection.sql(query).fetchall()
    sql(workspace, query, "csv")
    assert capsys.readouterr().out == f"count_star()\n{count}\n"


def test_rows_of_a_damaged_part_are_not_counted(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(workspace.root, tmp_path / "copy")
    damaged = Workspace(tmp_path / "copy")
    part = damaged.parts("pairs")[0]
    content = bytearray(part.read_bytes())
    content[8] ^= 1
    part.write_bytes(content)
    with pytest.raises(DamageError):
        sql(damaged, "SELECT count(*) FROM pairs")


def test_no_progress_bar_comes_between_results_that_are_piped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    with connect(workspace) as connection:
        assert connection.sql("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]
