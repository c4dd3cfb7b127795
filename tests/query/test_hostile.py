"""Strings of strangers, wherever a workspace has them: text in SQL results, HTML, JSON, Markdown and file names."""

import csv
import json
import re
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmc15m import schema
from pmc15m.config import Config, ExportConfig
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.export.stage import export
from pmc15m.manifests import named_queries
from pmc15m.query import connect
from pmc15m.query.ask import sql
from pmc15m.query.report import report
from pmc15m.query.statistics import stats
from pmc15m.workspace import Workspace, write_part
from tests.query.made_up import fill
from tests.query.test_report import Seen

HOSTILE = {
    "quotes": """it's "quoted" `back`, ''twice'', $$dollars$$ and \\""",
    "sql": "x'; DROP TABLE pairs; -- ",
    "script": "<script>alert('x')</script>",
    "attribute": """\"><img src=x onerror="alert(1)"><a href='javascript:alert(1)'>""",
    "path": "../../../evil/../x.txt",
    "markdown": "](http://127.0.0.1/) | ![x](http://127.0.0.1/x) ``` <!--",
}
# What articles, metadata and file lists say in words of their own.
_TOLD = {
    "articles": ("title", "journal", "publisher", "citation", "doi", "licence_code", "licence_url", "language"),
    "figures": ("label", "title", "caption", "group_caption", "section_path"),
    "images": ("href", "file"),
    "panels": ("label", "subcaption"),
    "pairs": ("label", "text", "context", "journal", "licence_code", "licence_url", "article_type", "language"),
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def hostile(request: pytest.FixtureRequest) -> str:
    text: str = request.param
    return text


@pytest.fixture
def workspace(hostile: str, tmp_path: Path) -> Workspace:
    """The made-up workspace, with the text in every column that holds a stranger's words."""
    workspace = fill(tmp_path / "data")
    for table, columns in _TOLD.items():
        path = workspace.part(table, "00000")
        rows = pq.read_table(path)
        for name in columns:
            told = pa.array([hostile] * rows.num_rows, pa.string())
            rows = rows.set_column(rows.schema.get_field_index(name), name, told)
        write_part(path, rows.cast(schema.TABLES[table]), "hostile")
    return workspace


def test_sql_and_every_question(workspace: Workspace, hostile: str) -> None:
    with connect(workspace) as connection:
        found = connection.execute("SELECT text, journal, label FROM pairs WHERE text = $1", [hostile]).fetchall()
        assert found == [(hostile, hostile, hostile)] * 5
        for query in named_queries().values():
            connection.sql(query.sql).to_arrow_table()
        assert connection.sql("SELECT count(*) FROM pairs").fetchall() == [(5,)]


def test_answers_read_back(workspace: Workspace, hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "SELECT text, journal FROM pairs"
    sql(workspace, asked, "json")
    assert json.loads(capsys.readouterr().out) == [{"text": hostile, "journal": hostile}] * 5
    sql(workspace, asked, "csv")
    assert list(csv.reader(capsys.readouterr().out.splitlines()))[1:] == [[hostile, hostile]] * 5
    assert json.loads(stats(workspace, json=True))["journals"][0]["journal"] == hostile


def test_the_report(workspace: Workspace, hostile: str) -> None:
    page = Seen(report(workspace, Config()).read_text(encoding="utf-8"))
    assert page.text.count(hostile) >= 10
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, known in page.tags for name in known if name.startswith("on")]
    sources = [known["src"] or "" for _, known in page.tags if "src" in known]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    links = [known["href"] or "" for _, known in page.tags if "href" in known]
    known = r"#[a-z]+|https://pmc\.ncbi\.nlm\.nih\.gov/articles/PMC\d+/|http://127\.0\.0\.1:8765/figures"
    assert all(re.fullmatch(known, link) for link in links)


@pytest.mark.parametrize("style", ["webdataset", "hf"])
def test_the_export(workspace: Workspace, hostile: str, style: str, tmp_path: Path) -> None:
    config = Config(export=ExportConfig(recipe=recipe_of_everything(tmp_path), format=style))
    before = set(tmp_path.rglob("*"))
    assert export(workspace, config, Execution()) is ExitCode.COMPLETE
    written = [path for path in set(tmp_path.rglob("*")) - before if path.is_file()]
    assert written
    for path in written:
        assert path.is_relative_to(workspace.root / "export")
        assert re.fullmatch(r"[\w./-]+", str(path.relative_to(workspace.root)))
    for path in (path for path in written if path.suffix == ".tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                assert re.fullmatch(r"PMC\d+_1_f\d{3}_g01(_p\d\d)?\.(jpg|png|txt|json)", member.name)
                content = tar.extractfile(member).read().decode("utf-8", "replace")  # type: ignore[union-attr]
                if member.name.endswith(".txt"):
                    assert content == hostile
                if member.name.endswith(".json"):
                    assert json.loads(content)["journal"] == hostile
    [attribution] = [path for path in written if path.name == "attribution.csv"]
    with attribution.open(newline="", encoding="utf-8") as file:
        assert {row["title"] for row in csv.DictReader(file)} == {hostile}


def test_the_data_card(workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, Config(export=ExportConfig(recipe=recipe_of_everything(tmp_path))), Execution())
    card = (workspace.root / "export" / "everything" / "README.md").read_text(encoding="utf-8")
    [licence] = card.partition("| licence | pairs |\n|---|---:|\n")[2].partition("\n\n")[0].splitlines()
    assert not re.search(r"<[a-z!]", licence)
    assert not re.search(r"(?<!\\)[\[\]`]", licence)
    assert len(re.findall(r"(?<!\\)\|", licence)) == 3


def recipe_of_everything(folder: Path) -> str:
    path = folder / "everything.toml"
    path.write_text('description = "All pairs."', encoding="utf-8")
    return str(path)
