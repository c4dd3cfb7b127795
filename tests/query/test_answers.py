"""What `pmc15m sql` writes: a table, CSV, JSON, Parquet, Markdown; hostile text stays text in each."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pmc15m.cli import main
from pmc15m.errors import UsageError
from pmc15m.query import connect, refuse_changes
from pmc15m.query.ask import sql
from pmc15m.query.output import pipe_path, write_table
from pmc15m.workspace import Workspace
from tests.query.made_up import HOSTILE

ASKED = (
    "SELECT pmcid, n_words, box, flags, journal FROM pairs WHERE pmcid = 'PMC2' OR level = 'panel' ORDER BY pair_key"
)


@pytest.fixture
def told(workspace: Workspace, capsys: pytest.CaptureFixture[str]):
    def ask(query: str, style: str) -> str:
        sql(workspace, query, style)
        return capsys.readouterr().out

    return ask


def test_a_table_for_people(told) -> None:
    assert told("SELECT pmcid, year, count(*) AS n FROM pairs GROUP BY ALL ORDER BY ALL", "table") == (
        "pmcid  year  n\n─────  ────  ─\nPMC1   2020  3\nPMC1   2021  1\nPMC2   2018  1\n"
    )


def test_wide_and_combining_characters_keep_the_columns(told) -> None:
    shown = told("SELECT * FROM (VALUES ('病理', 1), ('e\u0301', 2), ('abcd', 3)) AS t(word, n)", "table")
    assert shown == "word  n\n────  ─\n病理  1\ne\u0301     2\nabcd  3\n"


def test_a_long_table_is_cut_and_says_so(told) -> None:
    shown = told("SELECT range AS n FROM range(1500)", "table").splitlines()
    assert len(shown) == 2 + 1000 + 1
    assert "more than 1000 rows" in shown[-1]


def test_no_rows_is_a_header(told) -> None:
    assert told("SELECT pmcid FROM pairs WHERE false", "table") == "pmcid\n─────\n"
    assert told("SELECT pmcid FROM pairs WHERE false", "csv") == "pmcid\n"
    assert json.loads(told("SELECT pmcid FROM pairs WHERE false", "json")) == []


def test_csv_reads_back(told) -> None:
    rows = list(csv.DictReader(io.StringIO(told(ASKED, "csv"))))
    assert [row["pmcid"] for row in rows] == ["PMC1", "PMC1", "PMC2"]
    assert json.loads(rows[0]["box"]) == {"x0": 0, "y0": 0, "x1": 200, "y1": 300}
    assert rows[2]["journal"] == HOSTILE
    assert rows[2]["box"] == ""


def test_json_reads_back(told) -> None:
    rows = json.loads(told(ASKED, "json"))
    assert rows[0]["box"] == {"x0": 0, "y0": 0, "x1": 200, "y1": 300}
    assert rows[2] == {"pmcid": "PMC2", "n_words": 7, "box": None, "flags": ["retracted"], "journal": HOSTILE}


def test_json_has_no_word_that_json_lacks(told) -> None:
    asked = "SELECT 'nan'::FLOAT AS a, 'inf'::DOUBLE AS b, 1.5::DECIMAL(4, 2) AS c, DATE '2022-06-15' AS d, sum(1) AS e"
    assert json.loads(told(asked, "json")) == [{"a": None, "b": None, "c": 1.5, "d": "2022-06-15", "e": 1}]


def test_parquet_reads_back(workspace: Workspace, tmp_path: Path) -> None:
    sql(workspace, ASKED, "parquet", tmp_path / "answer.parquet")
    assert pq.read_table(tmp_path / "answer.parquet")["journal"].to_pylist()[2] == HOSTILE
    assert [path.name for path in tmp_path.iterdir()] == ["answer.parquet"]


@pytest.mark.parametrize("name", ["a.csv", "a.JSON", "a.jsonl", "a.ndjson", "a.parquet", "a.md", "a.txt", "a"])
def test_the_name_of_the_file_says_what_it_holds(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """Every row and whole cells, but for what people look at."""
    asked = "SELECT range AS n, repeat('long ', 30) AS words FROM range(1200)"
    assert main(["sql", asked, "--workspace", str(workspace.root), "-o", str(tmp_path / name)]) == 0
    found = {
        "csv": lambda path: len(list(csv.DictReader(path.read_text().splitlines()))),
        "json": lambda path: len(json.loads(path.read_text())),
        "jsonl": lambda path: len([json.loads(line) for line in path.read_text().splitlines()]),
        "ndjson": lambda path: len([json.loads(line) for line in path.read_text().splitlines()]),
        "parquet": lambda path: pq.read_table(path).num_rows,
        "md": lambda path: len(path.read_text().splitlines()) - 2,
        "txt": lambda path: len(path.read_text().splitlines()) + 197,
        "a": lambda path: len(path.read_text().splitlines()) + 197,
    }[name.lower().rpartition(".")[2]]
    assert found(tmp_path / name) == 1200


def test_a_name_that_says_nothing_is_asked_about(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"answer.xlsx should hold cannot be told: call it .txt, .md, .csv"):
        sql(workspace, "SELECT 1", output=tmp_path / "answer.xlsx")
    sql(workspace, "SELECT 1 AS n", "csv", tmp_path / "answer.xlsx")
    assert (tmp_path / "answer.xlsx").read_text() == "n\n1\n"


@pytest.mark.parametrize("style", ["csv", "json", "jsonl"])
def test_odd_names_and_values_are_written(told, style: str) -> None:
    list_column = 'SELECT [{\'a\': \'x"y\'}] AS "l, ""1""", MAP {\'k\': 1} AS "%s"'
    asked = f"{list_column}, 'nan'::DOUBLE AS t, 1 AS a, 2 AS a -- end"
    shown = told(asked, style)
    row = next(csv.DictReader(io.StringIO(shown))) if style == "csv" else json.loads(shown)
    row = row[0] if isinstance(row, list) else row
    assert list(row)[:2] == ['l, "1"', "%s"]
    assert (json.loads(row['l, "1"']) if style == "csv" else row['l, "1"']) == [{"a": 'x"y'}]
    assert row["t"] in ("nan", None)


def test_one_statement_a_file(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one statement a file, please, not 2"):
        sql(workspace, "SELECT 1; SELECT 2", output=tmp_path / "answer.csv")
    assert not list(tmp_path.iterdir())


def test_several_answers_are_json_lines_and_no_json(told) -> None:
    with pytest.raises(UsageError, match="JSON is one array: one statement, please, not 2, or --format jsonl"):
        told("SELECT 1 AS a; SELECT 2 AS b", "json")
    assert [json.loads(line) for line in told("SELECT 1 AS a; SELECT 2 AS b", "jsonl").splitlines()] == [
        {"a": 1},
        {"b": 2},
    ]


def test_no_query_reaches_the_pipe_of_an_answer(workspace: Workspace) -> None:
    with connect(workspace) as connection:
        with pytest.raises(UsageError, match="queries only read"):
            refuse_changes(connection, f"COPY (SELECT 1) TO '{pipe_path()}'")
        with pytest.raises(duckdb.Error):
            connection.sql(f"FROM read_csv('{pipe_path()}')").fetchall()


def test_parquet_needs_a_file(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="--output FILE"):
        sql(workspace, "SELECT 1", "parquet")


def test_a_failing_answer_leaves_no_file(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        sql(workspace, "SELECT CAST(text AS INTEGER) FROM pairs", "csv", tmp_path / "answer.csv")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_output_is_said(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"):
        sql(workspace, "SELECT 1", "csv", tmp_path / "file" / "answer.csv")


@pytest.mark.parametrize("style", ["table", "markdown"])
def test_hostile_text_cannot_reach_the_terminal_or_the_page(told, style: str) -> None:
    shown = told("SELECT journal AS \"j\x1b[31m\" FROM pairs WHERE pmcid = 'PMC2'", style)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\u001b[" in shown.replace("\\[", "[")


def test_markdown_holds_no_html_link_or_second_cell(told) -> None:
    shown = told("SELECT journal, '![x](http://127.0.0.1/x)' AS link FROM pairs WHERE pmcid = 'PMC2'", "markdown")
    assert shown.splitlines()[:2] == ["| journal | link |", "|---|---|"]
    assert "<script" not in shown
    assert "!\\[x\\](http" in shown
    assert "-- " not in shown.splitlines()[2] or "\\|" in shown.splitlines()[2]


def test_an_unknown_format_names_the_known_ones(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="table, csv, json, jsonl, parquet, markdown, not 'xml'"):
        sql(workspace, "SELECT 1", "xml")


def test_the_command_line_answers(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["sql", "SELECT count(*) AS n FROM pairs", "--workspace", str(workspace.root), "--format", "csv"]
    assert main(asked) == 0
    assert capsys.readouterr().out == "n\n5\n"


def test_the_command_line_says_what_is_wrong(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT nope FROM pairs", "--workspace", str(workspace.root)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("pmc15m: Binder Error")
    assert said.err.count("\n") == 1


def test_write_table_takes_any_reader() -> None:
    import pyarrow as pa

    stream = io.StringIO()
    write_table(pa.table({"x": [0.25, 1e7, None]}).to_reader(), stream)
    assert stream.getvalue().split() == ["x", "────────", "0.25", "10000000"]
