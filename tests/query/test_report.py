"""The report as bytes: self-contained, the same every time, at every stage; hostile text stays text."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pmc15m import schema
from pmc15m.config import Config, SelectConfig
from pmc15m.errors import UsageError
from pmc15m.manifests import ALL_TABLES
from pmc15m.query.report import gallery, report
from pmc15m.workspace import Workspace, note_duration, read_part
from tests.query.made_up import HOSTILE, fill, write
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
    assert sum(tag == "article" for tag, _ in page.tags) == 5 + 3  # pairs, figures
    assert sum(tag == "img" for tag, _ in page.tags) == 5 + 3
    assert "78 to 256: 1 figure pairs, 0 panel pairs" in page.text
    assert "mentioned once in the text" in page.text


def test_boxes_stand_where_the_panels_are(page: Seen) -> None:
    edges = [known for tag, known in page.tags if tag == "rect" and known.get("class") == "edge"]
    assert [(edge["x"], edge["width"]) for edge in edges] == [("0.0", "200.0"), ("200.0", "200.0")]


def test_it_asks_for_nothing(page: Seen) -> None:
    sources = [known["src"] or "" for _, known in page.tags if "src" in known]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    links = [known["href"] or "" for _, known in page.tags if "href" in known]
    allowed = r"#[a-z]+|https://pmc\.ncbi\.nlm\.nih\.gov/articles/PMC\d+/|http://127\.0\.0\.1:8765/figures"
    assert all(re.fullmatch(allowed, link) for link in links)


def test_hostile_text_is_text(page: Seen) -> None:
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, known in page.tags for name in known if name.startswith("on")]
    visible = HOSTILE.replace("\x1b", "")
    assert visible[:40] in page.text


def test_the_policy_allows_no_script_but_the_page_s_own(page: Seen) -> None:
    [policy] = [known["content"] or "" for tag, known in page.tags if known.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'$", policy)


def test_the_same_tables_give_the_same_bytes_on_the_same_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    first = report(fill(tmp_path / "first" / "data"), Config()).read_bytes()
    second = report(fill(tmp_path / "second" / "data"), Config()).read_bytes()
    assert first == second
    assert b"Made on 2026-09-21 by pmc15m" in first


def test_panels_without_words_are_drawn_and_say_why(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    pixels = [{"image_key": "PMC1_1_f002_g01", "width": 400, "height": 300, "n_panels": 2, "status": "split_unaligned"}]
    write(workspace, "pixels", schema.PIXELS, [{**pixels[0], "reason": "no_caption_labels"}])
    lost = {"image_key": "PMC1_1_f002_g01", "figure_key": "PMC1_1_f002", "pmcid": "PMC1", "version": 1}
    boxes = ({"x0": 0, "y0": 0, "x1": 100, "y1": 300}, {"x0": 100, "y0": 0, "x1": 400, "y1": 300})
    panels = [
        {**lost, "panel_key": f"PMC1_1_f002_g01_p0{n}", "order": n, "box": box, "status": "dropped"}
        | {"reason": "no_caption_labels"}
        for n, box in enumerate(boxes)
    ]
    write(workspace, "panels", schema.PANELS, panels)
    page = Seen(report(workspace, Config()).read_text(encoding="utf-8"))
    edges = [known["width"] for tag, known in page.tags if tag == "rect" and known.get("class") == "edge"]
    assert edges == ["100.0", "300.0"]
    assert ("g", {"data-panel": "0", "class": "dropped"}) in page.tags
    assert "split unaligned: no caption labels" in page.text


def test_a_lost_sample_is_told_to_its_end(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    first, *others = read_part(workspace.part("figures", "00000")).to_pylist()
    lost = {**first, "caption": "Cells & more, " * 30 + "the end.", "status": "dropped", "reason": "no_graphic"}
    write(workspace, "figures", schema.FIGURES, [lost, *others])
    page = report(workspace, Config()).read_text(encoding="utf-8").partition('<section id="lost"')[2]
    assert "Cells & more, the end." in Seen(page.partition("</section>")[0]).text


def test_a_pair_stands_there_as_it_is_trained_on(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    known = read_part(workspace.part("pairs", "00000")).to_pylist()
    [panel] = [row for row in known if row["text"] == "MRI: left."]
    write(workspace, "pairs", schema.PAIRS, [{**panel, "context": "Two squares, one of them MRI: left."}])
    page = report(workspace, Config()).read_text(encoding="utf-8").partition('<section id="pairs"')[2]
    pairs = Seen(page.partition("</section>")[0])
    [picture] = [known for tag, known in pairs.tags if tag == "img"]
    assert (picture["width"], picture["height"]) == ("200", "300")  # the crop, not the figure
    assert "MRI: left." in pairs.text
    assert "In context: Two squares, one of them MRI: left." in pairs.text


def test_exports_and_durations_are_told(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    assert "run <code>pmc15m export" in report(workspace, Config()).read_text(encoding="utf-8")
    folder = workspace.root / "export" / "mine"
    folder.mkdir(parents=True)
    funnel = [{"name": "pairs", "removed": 0, "left": 5}, {"name": "large_enough", "removed": 2, "left": 3}]
    facts = {"recipe": "<b>", "format": "hf", "samples": {"train": 2, "val": 1}, "funnel": funnel}
    (folder / "export.json").write_text(json.dumps(facts), encoding="utf-8")
    (workspace.root / "durations.jsonl").write_text("not JSON\n", encoding="utf-8")
    for seconds in (3600.0, 62.4):
        note_duration(workspace, "split", seconds)
    page = Seen(report(workspace, Config()).read_text(encoding="utf-8"))
    for told in ("recipe <b>, format hf", "large enough", "removes 2", "train 2 · val 1", "export/mine/", "1:01:02"):
        assert told in page.text
    (folder / "export.json").write_text("cut o", encoding="utf-8")
    assert "run <code>pmc15m export" in report(workspace, Config()).read_text(encoding="utf-8")


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
    assert page.text.count("The picture is not in this workspace.") == 5 + 3


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
