"""The SQL that ships: it follows the schema, and works in plain DuckDB."""

from pathlib import Path

import duckdb
import pytest

from pmc15m.manifests import ALL_TABLES, FOLDER, named_queries
from pmc15m.query import connect
from pmc15m.query.generate import generated
from pmc15m.workspace import Workspace
from tests.query.made_up import fill


def test_the_generated_blocks_follow_the_schema() -> None:
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m pmc15m.query.generate`"


def test_the_readme_says_what_every_column_means() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for table, schema in ALL_TABLES.items():
        assert f"### {table}\n" in readme
        assert all(f"| `{field.name}` |" in readme for field in schema)


def test_every_question_has_a_title() -> None:
    for query in named_queries().values():
        assert query.sql.startswith("-- ")
        assert query.title.endswith((".", "?"))


def test_the_views_work_in_plain_duckdb(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root)
    with duckdb.connect() as plain:
        plain.execute((FOLDER / "views.sql").read_text(encoding="utf-8"))
        assert plain.sql("SELECT count(*) FROM panel_pairs").fetchall() == [(2,)]
        assert plain.sql("SELECT count(*) FROM funnel").fetchall() == [(12,)]


@pytest.mark.parametrize(
    "folder",
    ["year=1999", "split=test/level=panel/shard=00007/version=7", "licence_group=x/language=fr/status=ok/kind=y"],
)
def test_folders_named_like_columns_change_nothing_in_plain_duckdb(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    fill(tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as plain, connect(workspace) as connection:
        plain.execute("SET VARIABLE parts = ?", [folder])
        plain.execute((FOLDER / "views.sql").read_text(encoding="utf-8"))
        for view in (*ALL_TABLES, "funnel"):
            assert plain.sql(f"FROM {view}").fetchall() == connection.sql(f"FROM {view}").fetchall()


def test_only_parts_are_read(workspace: Workspace, tmp_path: Path) -> None:
    filled = fill(tmp_path)
    for table in ALL_TABLES:
        (tmp_path / table / "notes.parquet").write_bytes(b"no Parquet")
    with connect(filled) as connection, connect(workspace) as expected:
        assert connection.sql("FROM funnel").fetchall() == expected.sql("FROM funnel").fetchall()


def test_the_views_work_in_plain_duckdb_before_anything_is_there(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    with duckdb.connect() as plain:
        plain.execute((FOLDER / "views.sql").read_text(encoding="utf-8"))
        assert plain.sql("FROM pairs").fetchall() == []
