"""The report as bytes: self-contained, the same every time, at every stage; hostile text stays text."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pmc15m.config import Config, SelectConfig
from pmc15m.errors import UsageError
from pmc15m.query import gallery, report
from pmc15m.query.manifests import ALL_TABLES
from pmc15m.workspace import Workspace
from tests.query.made_up import HOSTILE, fill
from tests.query.test_questions import STAGES


class Seen(HTMLParser):
    """What a browser would take from a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return Seen(report(fill(tmp_path_factory.mktemp("report")), Config()).read_text(encoding="utf-8"))


def test_it_says_the_numbers_and_shows_the_figures(page: Seen) -> None:
    assert "with a picture that was published" in page.text
    assert "missing file 1" in page.text
    assert sum(tag == "article" for tag, _ in page.tags) == 3
    assert sum(tag == "img" for tag, _ in page.tags) == 3


def test_boxes_stand_where_the_panels_are(page: Seen) -> None:
    edges = [known for tag, known in page.tags if tag == "rect" and known.get("class") == "edge"]
    assert [(edge["x"], edge["width"]) for edge in edges] == [("0.0", "200.0"), ("200.0", "200.0")]


def test_it_asks_for_nothing(page: Seen) -> None:
    sources = [known["src"] or "" for _, known in page.tags if "src" in known]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    links = [known["href"] or "" for _, known in page.tags if "href" in known]
    assert all(re.fullmatch(r"#[a-z]+|https://pmc\.ncbi\.nlm\.nih\.gov/articles/PMC\d+/", link) for link in links)


def test_hostile_text_is_text(page: Seen) -> None:
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, known in page.tags for name in known if name.startswith("on")]
    visible = HOSTILE.replace("\x1b", "")
    assert visible[:40] in page.text


def test_the_policy_allows_no_script_but_the_page_s_own(page: Seen) -> None:
    [policy] = [known["content"] or "" for tag, known in page.tags if known.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'$", policy)


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    first = report(fill(tmp_path / "first" / "data"), Config()).read_bytes()
    second = report(fill(tmp_path / "second" / "data"), Config()).read_bytes()
    assert first == second


def test_it_is_written_anew_only_when_something_changed(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    path = report(workspace, Config())
    path.write_text(path.read_text(encoding="utf-8") + "<!-- mine -->", encoding="utf-8")
    assert report(workspace, Config()).read_text(encoding="utf-8").endswith("<!-- mine -->")
    other = Config(select=SelectConfig(where="year > 2018"))
    assert not report(workspace, other).read_text(encoding="utf-8").endswith("<!-- mine -->")
    workspace.part("pairs", "00000").unlink()
    assert "run <code>pmc15m curate" in report(workspace, other).read_text(encoding="utf-8")


@pytest.mark.parametrize("present", STAGES, ids="+".join)
def test_every_stage_has_a_report(tmp_path: Path, present: tuple[str, ...]) -> None:
    workspace = fill(tmp_path)
    for table in set(ALL_TABLES) - set(present):
        shutil.rmtree(tmp_path / table)
    if not present:
        with pytest.raises(UsageError, match="there is nothing in"):
            report(workspace, Config())
        return
    assert "</html>" in report(workspace, Config()).read_text(encoding="utf-8")


def test_pictures_that_are_not_there_are_said(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    workspace.tar("00000").write_bytes(b"x" * 20)
    page = Seen(report(workspace, Config()).read_text(encoding="utf-8"))
    assert page.text.count("The picture is not in this workspace.") == 3


def test_nothing_is_written_but_the_report(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(workspace.root, tmp_path / "data")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    written = report(Workspace(tmp_path / "data"), Config())
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before | {written}


def test_the_gallery_of_split_needs_no_pairs(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    shutil.rmtree(tmp_path / "pairs")
    page = Seen(gallery(workspace, 2).read_text(encoding="utf-8"))
    assert sum(tag == "article" for tag, _ in page.tags) == 2
