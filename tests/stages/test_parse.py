import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pmc15m.config import Config
from pmc15m.engine.stage import FAULT, Execution, run_stage, stage_state
from pmc15m.errors import ExitCode
from pmc15m.jats import Article, parse_article
from pmc15m.parse import parse_shard
from pmc15m.stages import PARSE, SPLIT
from pmc15m.workspace import Workspace
from tests.stages.rawshard import Made, write_raw_shard

XML = b"""<article xmlns:xlink="http://www.w3.org/1999/xlink" xml:lang="en"><front><article-meta>
<article-id pub-id-type="pmid">42</article-id><title-group><article-title>Cells</article-title></title-group>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY</license-p></license>
</permissions></article-meta></front><body><sec><title>Results</title>
<p>As <xref ref-type="fig" rid="F1">Figure 1</xref> shows.</p>
<fig id="F1"><label>Figure 1</label><caption><title>Cells.</title><p>Stained.</p></caption>
<graphic xlink:href="f1.jpg"/></fig>
<fig id="F2"><label>Figure 2</label><caption><p>More cells. Photo: A. Doe.</p></caption><graphic xlink:href="f2"/></fig>
<fig id="F3"><label>Figure 3</label><graphic xlink:href="f3.jpg"/></fig></sec></body></article>"""
JPEG = b"\xff\xd8\xff\xe0 not a whole picture"


def parsed(tmp_path: Path, *articles: Made) -> dict[str, list[dict[str, Any]]]:
    workspace = Workspace(tmp_path)
    write_raw_shard(workspace, "00000", articles)
    return {name: table.to_pylist() for name, table in parse_shard(workspace, "00000", Config()).items()}


def test_an_article_becomes_rows_that_point_to_each_other(tmp_path: Path) -> None:
    media = {"f1.jpg": JPEG, "f2.gif": b"GIF89a", "f2.jpg": JPEG, "f3.jpg": None, "table.xlsx": None}
    tables = parsed(tmp_path, Made("PMC7", XML, media))
    (article,) = tables["articles"]
    assert (article["title"], article["pmid"], article["licence_code"]) == ("Cells", "42", "CC BY")
    assert (article["licence_group"], article["n_figures"], article["status"]) == ("commercial", 3, "ok")
    assert article["n_media_unreferenced"] == 2  # the thumbnail f2.gif and the supplement
    assert [figure["figure_key"] for figure in tables["figures"]] == ["PMC7_1_f001", "PMC7_1_f002", "PMC7_1_f003"]
    first = tables["figures"][0]
    assert (first["caption"], first["title"], first["section_path"]) == ("Cells. Stained.", "Cells.", "Results")
    assert first["mentions"][0]["sentence"] == "As Figure 1 shows."
    assert tables["figures"][1]["caption"] == "More cells."
    assert tables["figures"][1]["caption_asides"] == [{"place": 11, "text": "Photo: A. Doe.", "kind": "credit"}]
    assert tables["figures"][2]["reason"] == "no_caption"
    images = [(i["image_key"], i["figure_key"], i["file"], i["resolved_by"], i["status"]) for i in tables["images"]]
    assert images == [
        ("PMC7_1_f001_g01", "PMC7_1_f001", "f1.jpg", "exact", "ok"),
        ("PMC7_1_f002_g01", "PMC7_1_f002", "f2.jpg", "stem", "ok"),
        ("PMC7_1_f003_g01", "PMC7_1_f003", "f3.jpg", "exact", "dropped"),
    ]


def test_the_pointer_leads_to_the_published_bytes(tmp_path: Path) -> None:
    image = parsed(tmp_path, Made("PMC7", XML, {"f1.jpg": JPEG}))["images"][0]
    assert Workspace(tmp_path).read(image["shard"], image["offset"], image["size"], image["sha256"]) == JPEG


def test_the_service_overrules_the_article(tmp_path: Path) -> None:
    metadata = {"pmid": 43, "license_code": None, "is_retracted": True, "citation": "J. 2020."}
    (article,) = parsed(tmp_path, Made("PMC7", XML, metadata=metadata))["articles"]
    assert (article["pmid"], article["is_retracted"], article["citation"]) == ("43", True, "J. 2020.")
    assert (article["licence_code"], article["licence_group"]) == (None, "other")


def test_files_that_are_not_there_have_reasons(tmp_path: Path) -> None:
    tables = parsed(
        tmp_path,
        Made("PMC7", XML, {"f1.jpg": None}),
        Made("PMC8", XML, metadata={"is_manuscript": True, "license_code": "TDM"}),
    )
    assert [image["reason"] for image in tables["images"]] == ["missing"] * 3 + ["no_media_by_licence"] * 3
    assert all(image["shard"] is None and image["status"] == "dropped" for image in tables["images"])


@pytest.mark.parametrize(
    ("made", "status", "reason"),
    [
        (Made("PMC1", None, status="failed", reason="missing"), "failed", "missing"),
        (Made("PMC1", None, status="excluded", reason="selection"), "excluded", "selection"),
        (Made("PMC1", b"<html>"), "unusable", "no_article"),
        (Made("PMC1", b""), "unusable", "empty"),
        (Made("PMC1", XML, status="partial", reason="missing_media"), "partial", "missing_media"),
        (Made("PMC1", b"<article/>"), "ok", "front_only"),
    ],
)
def test_every_article_leaves_a_row(tmp_path: Path, made: Made, status: str, reason: str) -> None:
    (article,) = parsed(tmp_path, made)["articles"]
    assert (article["pmcid"], article["status"], article["reason"]) == ("PMC1", status, reason)


def test_languages_are_written_one_way(tmp_path: Path) -> None:
    tables = parsed(tmp_path, Made("PMC1", XML.replace(b'xml:lang="en"', b'xml:lang="EN_US"')))
    assert tables["articles"][0]["language"] == "en-us"
    assert tables["figures"][0]["language"] == "en-us"


def test_superseded_articles_live_in_a_later_shard(tmp_path: Path) -> None:
    assert parsed(tmp_path, Made("PMC1", XML, status="superseded"))["articles"] == []


def odd(xml: bytes, **more: Any) -> Article:
    """As `parse_article`, of which one article is too much for this program, and another too much for its columns."""
    if b"Unlucky" in xml:
        raise ZeroDivisionError("a bug")
    article = parse_article(xml, **more)
    if b"Huge" in xml:
        return dataclasses.replace(article, figures=tuple(dataclasses.replace(f, order=2**40) for f in article.figures))
    return article


def test_an_article_on_which_this_program_fails_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    articles = [
        Made(f"PMC{n}", XML.replace(b"Cells</article-title>", title + b"</article-title>"), {"f1.jpg": JPEG})
        for n, title in enumerate((b"One", b"Unlucky", b"Two", b"Huge", b"Three"), 1)
    ]
    alone = parsed(tmp_path / "alone", *articles[::2])
    monkeypatch.setattr("pmc15m.parse.parse_article", odd)
    together = parsed(tmp_path / "together", *articles)
    faulty = [row for row in together["articles"] if row["reason"] == FAULT]
    assert [(row["pmcid"], row["status"], row["n_figures"]) for row in faulty] == [
        ("PMC2", "unusable", 0),
        ("PMC4", "unusable", 0),
    ]
    for name, rows in together.items():
        assert [{**row, "offset": 0} for row in rows if row not in faulty] == [
            {**row, "offset": 0} for row in alone[name]
        ]
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said[0] == "parse: PMC2.1, shard 00000: ZeroDivisionError: a bug"
    assert said[1].startswith("parse: PMC4.1, shard 00000: ")


def test_what_failed_is_tried_again_when_it_is_asked_for_and_what_follows_then_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, config = Workspace(tmp_path), Config()
    for shard, title in (("00000", b"Cells"), ("00001", b"Unlucky")):
        write_raw_shard(workspace, shard, [Made(f"PMC{shard}", XML.replace(b"Cells<", title + b"<"))])
    monkeypatch.setattr("pmc15m.parse.parse_article", odd)
    assert run_stage(PARSE, workspace, config, Execution()) is ExitCode.INCOMPLETE
    assert run_stage(SPLIT, workspace, config, Execution()) is ExitCode.COMPLETE
    assert (stage_state(PARSE, workspace, config).faulty, stage_state(SPLIT, workspace, config).stale) == (
        ("00001",),
        (),
    )
    assert run_stage(PARSE, workspace, config, Execution()) is ExitCode.INCOMPLETE  # nothing is tried unasked
    before = workspace.part("articles", "00000").stat().st_mtime_ns
    monkeypatch.undo()
    assert run_stage(PARSE, workspace, config, Execution(retry_failed=True)) is ExitCode.COMPLETE
    state = stage_state(PARSE, workspace, config)
    assert (state.faulty, state.todo, state.current) == ((), (), ("00000", "00001"))
    assert workspace.part("articles", "00000").stat().st_mtime_ns == before
    assert stage_state(SPLIT, workspace, config).stale == ("00001",)


@pytest.mark.parametrize(
    "metadata",
    [
        b"<html>Sorry</html>",
        b"[1, 2]",
        b'"text"',
        b"\xff\xfe",
        b'{"n": ' + b"7" * 6000 + b"}",
        b'{"a":' * 20_000,
        b'{"doi": 12, "title": ["x"], "citation": {"a": 1}, "license_code": false, "is_pmc_openaccess": "yes"}',
        b'{"doi": "10.1/\\ud800", "pmid": "\\udfff", "citation": "\\ud83d", "license_code": "CC\\ud800"}',
        b'{"pmid": [5], "is_retracted": "false", "is_manuscript": {}, "is_historical_ocr": []}',
    ],
)
def test_no_metadata_costs_more_than_itself(tmp_path: Path, metadata: bytes) -> None:
    good = Made("PMC1", XML, {"f1.jpg": JPEG}, {"doi": "10.1/good", "license_code": "CC BY"})
    tables = parsed(tmp_path, good, Made("PMC2", XML, {"f1.jpg": JPEG}, metadata), good)
    assert [row["doi"] for row in tables["articles"]][::2] == ["10.1/good"] * 2
    row = tables["articles"][1]
    assert (row["status"], row["source"], row["title"], row["is_retracted"]) == ("ok", "cloud", "Cells", False)
    assert len(tables["figures"]) == 9
