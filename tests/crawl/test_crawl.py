"""A crawl from the imitation bucket: what is asked for, what is stored, what trouble does."""

import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pmc15m.demo import Bucket, Fault, FaultKind, Server, parse_faults
from pmc15m.demo.layout import edit_metadata, put_article, replace_object
from pmc15m.errors import ExitCode, SourceError
from pmc15m.jats import Article, parse_article
from pmc15m.sources.courtesy import Courtesy
from tests.crawl.conftest import FAST, Place

FAULTS = "slow_down=0.10,reset=0.02,truncated=0.02,wrong_bytes=0.05,stall=0.005"


def first_image(place: Place) -> str:
    row = place.rows(role="media", status="ok")[0]
    return f"{row['pmcid']}.{row['version']}/{row['name']}"


def test_every_object_is_asked_for_once(place: Place, server: Server) -> None:
    place.index()
    server.counts.clear()
    assert place.crawl() is ExitCode.COMPLETE
    assert set(server.counts.values()) == {1}
    asked = {key.rpartition(".")[2] for _, key in server.counts}
    assert not asked & {"pdf", "txt", "zip", "xlsx", "mp4"}
    assert {agent.split("/")[0] for agent in {request.user_agent for request in server.requests}} == {"pmc15m"}


def test_every_article_is_a_row_and_the_bytes_are_those_published(undisturbed: Place, pmc: Path) -> None:
    articles = undisturbed.rows(role="article")
    assert len({(row["pmcid"], row["version"]) for row in articles}) == len(articles) == 63
    for shard in undisturbed.workspace.shards():
        for row in pq.read_table(undisturbed.workspace.part("raw", shard)).to_pylist():
            assert row["status"] in ("complete", "ok") or row["reason"], row
            if row["member"] is None:
                continue
            content = undisturbed.workspace.read(shard, row["offset"], row["size"], row["sha256"])
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
            assert (pmc / row["member"]).read_bytes() == content


def test_any_tar_program_reads_a_shard(undisturbed: Place) -> None:
    with tarfile.open(undisturbed.workspace.tar("00000")) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [
        row["member"] for row in undisturbed.rows() if row["member"] and row["pmcid"] <= members[-1].name.split(".")[0]
    ][: len(members)]
    assert {(member.mtime, member.uid, member.gid, member.mode) for member in members} == {(0, 0, 0, 0o644)}


def test_faults_change_nothing_in_the_result(place: Place, server: Server, undisturbed: Place) -> None:
    place.index()
    server.faults = parse_faults(FAULTS)
    assert place.crawl() is ExitCode.COMPLETE
    assert len({request.fault for request in server.requests}) > 4
    assert place.digests() == undisturbed.digests()


def test_other_numbers_of_threads_and_processes_change_nothing(place: Place, undisturbed: Place) -> None:
    place.index()
    for share in range(3):
        place.crawl("network.connections=3", shard=(share, 3))
    assert place.digests() == undisturbed.digests()


def test_processes_of_an_array_keep_the_limits_together(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[float, int]] = []
    make = Courtesy.__init__

    def note(courtesy: Courtesy, requests_per_s: float, connections: int) -> None:
        made.append((requests_per_s, connections))
        make(courtesy, 0, connections)  # noted, not kept: nobody waits for it

    place.index()
    monkeypatch.setattr(Courtesy, "__init__", note)
    for share in range(4):
        place.crawl("network.requests_per_s=40", "network.connections=9", shard=(share, 4))
    assert made == [(10, 2)] * 4


def test_a_second_crawl_asks_for_nothing(crawled: Place, server: Server) -> None:
    before = crawled.digests()
    server.counts.clear()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert not server.counts
    assert crawled.digests() == before


def test_a_listed_object_that_is_not_there(place: Place, server: Server, undisturbed: Place) -> None:
    key = first_image(undisturbed)
    place.index()
    server.faults = (Fault(FaultKind.NOT_FOUND, key),)
    assert place.crawl() is ExitCode.INCOMPLETE
    (row,) = place.rows(status="failed")
    assert (row["role"], row["name"], row["reason"]) == ("media", key.split("/")[1], "missing")
    assert place.article(row["pmcid"])["status"] == "partial"

    server.faults = ()
    server.counts.clear()
    assert place.crawl() is ExitCode.INCOMPLETE
    assert not server.counts, "failures are taken again only when asked"
    assert place.crawl(retry_failed=True) is ExitCode.COMPLETE
    metadata = f"metadata/{row['pmcid']}.{row['version']}.json"
    assert dict(server.counts) == {("GET", metadata): 1, ("GET", key): 1}
    assert place.article(row["pmcid"])["status"] == "complete"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.WRONG_BYTES, "md5_mismatch"),
        (FaultKind.CUT, "md5_mismatch"),
        (FaultKind.HTML, "md5_mismatch"),
        (FaultKind.TRUNCATED, "truncated"),
        (FaultKind.FORBIDDEN, "forbidden"),
        (FaultKind.INTERNAL_ERROR, "server_error"),
        (FaultKind.SLOW_DOWN, "throttled"),
        (FaultKind.RESET, "connection"),
    ],
)
def test_trouble_that_never_ends_is_a_reason(
    place: Place, server: Server, undisturbed: Place, kind: FaultKind, reason: str
) -> None:
    key = first_image(undisturbed)
    place.index()
    server.faults = (Fault(kind, key),)
    assert place.crawl("select.limit=20", "network.attempts=3") is ExitCode.INCOMPLETE
    assert [(row["name"], row["reason"]) for row in place.rows(status="failed")] == [(key.split("/")[1], reason)]
    assert server.counts["GET", key] <= 4


@pytest.mark.parametrize("kind", [FaultKind.STALL, FaultKind.STALL_IN_BODY, FaultKind.DRIP])
def test_an_object_has_a_deadline(place: Place, server: Server, undisturbed: Place, kind: FaultKind) -> None:
    """A drip keeps every single read in time: only the deadline of the whole ends it."""
    key = first_image(undisturbed)
    place.index()
    server.faults = (Fault(kind, key, seconds=4),)
    assert place.crawl("select.limit=20", "network.object_deadline_s=0.5") is ExitCode.INCOMPLETE
    assert [row["reason"] for row in place.rows(status="failed")] == ["timeout"]


def test_an_object_replaced_after_its_metadata_was_read(place: Place, server: Server, undisturbed: Place) -> None:
    key = first_image(undisturbed)
    metadata = f"metadata/{key.split('/')[0]}.json"
    place.index()
    server.faults = (Fault(FaultKind.REPLACED, key, times=1),)
    assert place.crawl() is ExitCode.COMPLETE
    (row,) = place.rows(role="media", name=key.split("/")[1], pmcid=key.split(".")[0])
    assert row["md5"] == hashlib.md5(server.bucket[key].read()).hexdigest()
    assert server.counts["GET", metadata] <= 3


def test_damaged_metadata_is_not_believed(place: Place, server: Server, undisturbed: Place) -> None:
    place.index()
    server.faults = (Fault(FaultKind.WRONG_BYTES, "metadata/*", times=1),)
    assert place.crawl() is ExitCode.COMPLETE
    assert place.digests() == undisturbed.digests()


def test_metadata_damaged_in_two_ways_is_not_believed_before_it_comes_whole(
    place: Place, server: Server, undisturbed: Place
) -> None:
    place.index()
    server.faults = (Fault(FaultKind.WRONG_BYTES, "metadata/*", times=1), Fault(FaultKind.CUT, "metadata/*", times=2))
    assert place.crawl() is ExitCode.COMPLETE
    assert place.digests() == undisturbed.digests()


@pytest.mark.parametrize("body", [b"", b"[]", b"not JSON", b'{"pmcid": "PMC1", "version": 1}', b"[" * 100_000])
def test_metadata_that_is_none(place: Place, bucket: Bucket, body: bytes) -> None:
    bucket.put("metadata/PMC70000000.1.json", body)
    place.index()
    assert place.crawl("select.limit=2") is ExitCode.INCOMPLETE
    assert place.article("PMC70000000")["reason"] == "bad_metadata"
    assert place.article("PMC70000001")["status"] == "complete"


def test_a_web_page_instead_of_metadata_is_asked_for_again(place: Place, server: Server, undisturbed: Place) -> None:
    place.index()
    server.faults = (Fault(FaultKind.HTML, "metadata/*", times=4),)
    assert place.crawl() is ExitCode.COMPLETE
    assert place.digests() == undisturbed.digests()


@pytest.mark.parametrize(
    "odd",
    [
        {"doi": "10.1/\ud83d", "pmid": ["1"], "license_code": {"a": "\udfff"}},
        {"media_urls": ["s3://elsewhere/\ud800", "s3://pmc-oa-opendata/PMC70000001.1/\udc00.jpg", None, 7]},
        {"title": "\0", "is_retracted": "false", "pmid": 10**4_000},
    ],
)
def test_odd_metadata_costs_no_article(place: Place, bucket: Bucket, odd: dict[str, object]) -> None:
    edit_metadata(bucket, "PMC70000001.1", **odd)
    place.index()
    assert place.crawl("select.limit=3") is ExitCode.COMPLETE
    assert {row["status"] for row in place.rows(role="article")} == {"complete"}
    assert place.article("PMC70000001")["is_retracted"] is False


def test_an_article_over_which_our_code_fails_is_a_row(
    place: Place, server: Server, undisturbed: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(xml: bytes, *, pmcid: str, other_graphics: bool) -> Article:
        if pmcid == "PMC70000002":
            raise OverflowError("a day past all counting")
        return parse_article(xml, pmcid=pmcid, other_graphics=other_graphics)

    place.index()
    with monkeypatch.context() as patch:
        patch.setattr("pmc15m.crawl.media.parse_article", fail)
        assert place.crawl() is ExitCode.INCOMPLETE
    assert "PMC70000002.1" in caplog.text
    assert "a day past all counting" in caplog.text
    (row,) = place.rows(role="article", status="failed")
    assert (row["pmcid"], row["reason"]) == ("PMC70000002", "unexpected_error")
    server.counts.clear()
    assert place.crawl() is ExitCode.INCOMPLETE
    assert not server.counts
    assert place.crawl(retry_failed=True) is ExitCode.COMPLETE
    assert {row["pmcid"]: row["status"] for row in place.rows(role="article") if row["status"] != "superseded"} == {
        row["pmcid"]: row["status"] for row in undisturbed.rows(role="article")
    }


def test_a_length_that_the_head_alone_says_is_no_reason_to_give_a_picture_up(
    place: Place, server: Server, undisturbed: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = first_image(undisturbed)
    place.index()
    server.faults = (Fault(FaultKind.HUGE, key),)
    monkeypatch.setattr("pmc15m.demo.server.PIECE", b"")  # said, and never sent
    settings = ("crawl.max_object_bytes=10000000", "network.attempts=2", "network.read_timeout_s=0.1")
    assert place.crawl(*settings) is ExitCode.INCOMPLETE
    (row,) = place.rows(role="media", status="failed")
    assert row["name"] == key.split("/")[1]
    server.faults = ()
    assert place.crawl(*settings, retry_failed=True) is ExitCode.COMPLETE


def test_an_answer_that_is_too_big_once_is_not_believed(place: Place, server: Server, undisturbed: Place) -> None:
    server.faults = (Fault(FaultKind.HUGE, first_image(undisturbed), times=1),)
    place.index()
    assert place.crawl("crawl.max_object_bytes=10000000") is ExitCode.COMPLETE
    assert place.rows(role="media") == undisturbed.rows(role="media")


def test_two_pictures_that_differ_by_an_escape_are_both_stored_and_no_figure_gets_the_other(
    place: Place, bucket: Bucket, undisturbed: Place
) -> None:
    one, two = (bucket[key].read() for key in list(bucket.keys("PMC70000001.1/")) if key.endswith("g001.jpg")), b""
    picture = next(one)
    names = {"a b.jpg": picture, "a%20b.jpg": picture + b"\n" + two}
    figures = "".join(
        f'<fig id="f"><caption><p>Cells.</p></caption><graphic xlink:href="{name}"/></fig>' for name in names
    )
    xml = f'<article xmlns:xlink="http://www.w3.org/1999/xlink"><body>{figures}</body></article>'.encode()
    record = {"pmcid": "PMC70000001", "version": 1, "is_manuscript": False}
    put_article(bucket, record, xml, media=names)
    place.index()
    place.crawl("select.limit=2")
    rows = {row["name"]: row for row in place.rows(role="media", pmcid="PMC70000001")}
    assert {name: row["reason"] for name, row in rows.items()} == {"a b.jpg": None, "a%20b.jpg": "unreferenced"}
    assert rows["a b.jpg"]["md5"] == hashlib.md5(picture).hexdigest()


def test_an_xml_bomb_is_stored_and_harmless(place: Place, bucket: Bucket) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 99}">' for n in range(12))
    bomb = f"<!DOCTYPE article [{entities}]><article><body><p>&e11;</p></body></article>"
    replace_object(bucket, "PMC70000000.1/PMC70000000.1.xml", bomb.encode())
    place.index()
    place.crawl("select.limit=2")
    assert {row["reason"] for row in place.rows(role="media", pmcid="PMC70000000")} == {"unreferenced"}


def test_objects_that_are_too_big_are_left_there(place: Place, server: Server, undisturbed: Place) -> None:
    largest = max(undisturbed.rows(role="media", status="ok"), key=lambda row: row["size"])
    place.index()
    place.crawl(f"crawl.max_object_bytes={largest['size'] - 1}")
    too_big = place.rows(reason="too_big")
    assert largest["name"] in {row["name"] for row in too_big}
    assert all(row["member"] is None and row["status"] == "skipped" for row in too_big if row["role"] == "media")


def test_a_service_that_falls_silent_ends_the_crawl_not_the_articles(place: Place, server: Server) -> None:
    place.index()
    server.faults = (Fault(FaultKind.INTERNAL_ERROR),)
    with pytest.raises(SourceError, match="does not answer any more"):
        place.crawl("network.connections=2", "network.attempts=2")
    server.faults = ()
    assert place.crawl("network.connections=2", "network.attempts=2", retry_failed=True) is ExitCode.COMPLETE


def test_a_workspace_of_a_folder_is_that_of_the_service(
    pmc: Path, another_place: Callable[[str, str], Place], undisturbed: Place
) -> None:
    folder = another_place("folder", str(pmc))
    folder.index()
    assert folder.crawl() is ExitCode.COMPLETE
    assert folder.digests() == undisturbed.digests()


def test_progress_for_machines_is_a_json_object_a_line(place: Place) -> None:
    place.index()
    flags = [flag for setting in FAST for flag in ("--set", setting)]
    where = ["--workspace", str(place.workspace.root), "--source", place.source]
    command = [sys.executable, "-m", "pmc15m.cli", "crawl", "--json", *where, *flags]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    last = json.loads(said.splitlines()[-1])
    assert (last["done"], last["total"], last["left_s"]) == (63, 63, 0)
    assert {"rate", "objects/s", "MB/s"} <= set(last)
