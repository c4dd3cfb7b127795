"""The SQL that ships: it follows the schema, and works in plain DuckDB."""

import duckdb
import pytest

from pmc15m.query.generate import generated
from pmc15m.query.manifests import ALL_TABLES, FOLDER, named_queries
from pmc15m.workspace import Workspace


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


def test_the_views_work_in_plain_duckdb_before_anything_is_there(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    with duckdb.connect() as plain:
        plain.execute((FOLDER / "views.sql").read_text(encoding="utf-8"))
        assert plain.sql("FROM pairs").fetchall() == []
