"""The source changes: changed, added, withdrawn and retracted articles."""

import hashlib
import shutil
from datetime import UTC, datetime

import pytest

from pmc15m.crawl.status import status
from pmc15m.demo import Bucket, Fault, FaultKind, Server
from pmc15m.demo.layout import (
    add_inventory,
    edit_metadata,
    inventory_rows,
    put_article,
    replace_object,
    withdraw,
)
from pmc15m.errors import ExitCode, SourceError
from pmc15m.schema import TABLES
from pmc15m.workspace import copy_of, read_fingerprint, write_part
from tests.crawl.conftest import Place

NEXT_DAY = datetime(2026, 10, 4, 1, 0, tzinfo=UTC)


def asked_for(server: Server) -> list[str]:
    return sorted(key for _, key in server.counts)


@pytest.fixture
def crawled(place: Place, server: Server) -> Place:
    place.index()
    assert place.crawl() is ExitCode.COMPLETE
    server.counts.clear()
    return place


def test_only_the_changed_object_is_fetched_again(crawled: Place, bucket: Bucket, server: Server) -> None:
    key = "PMC70000001.1/ib-14-00001-g002.jpg"
    replace_object(bucket, key, bucket[key].read() + b"\n")
    add_inventory(bucket, NEXT_DAY)
    crawled.index()
    server.counts.clear()
    fingerprint = read_fingerprint(crawled.workspace.part("raw", "00000"))
    assert crawled.crawl() is ExitCode.COMPLETE
    assert asked_for(server) == [key, "metadata/PMC70000001.1.json"]
    old, new = crawled.rows(role="article", pmcid="PMC70000001")
    assert (old["status"], new["status"]) == ("superseded", "complete")
    assert len(crawled.rows(role="media", pmcid="PMC70000001", status="ok")) == 2 * 3
    assert read_fingerprint(crawled.workspace.part("raw", "00000")) != fingerprint, "the later stages must see it"


def test_a_withdrawn_article_leaves_a_tombstone(crawled: Place, bucket: Bucket, server: Server) -> None:
    withdraw(bucket, "PMC70000004.1")
    add_inventory(bucket, NEXT_DAY)
    crawled.index()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.article("PMC70000004")["status"] == "removed"
    assert crawled.article("PMC70000004")["reason"] == "withdrawn"
    before = crawled.digests()
    crawled.index()
    crawled.crawl()
    assert crawled.digests() == before


def test_a_new_retraction_is_known(crawled: Place, bucket: Bucket, server: Server) -> None:
    edit_metadata(bucket, "PMC70000002.1", is_retracted=True)
    add_inventory(bucket, NEXT_DAY)
    crawled.index()
    server.counts.clear()
    crawled.crawl()
    assert asked_for(server) == ["metadata/PMC70000002.1.json"]
    assert crawled.article("PMC70000002")["is_retracted"] is True


def test_an_article_that_comes_back(crawled: Place, bucket: Bucket, server: Server) -> None:
    before = crawled.digests()
    rows = {key: bucket[key] for key in bucket.keys("PMC70000004.1/")}
    metadata = bucket["metadata/PMC70000004.1.json"]
    withdraw(bucket, "PMC70000004.1")
    add_inventory(bucket, NEXT_DAY)
    crawled.index()
    crawled.crawl()
    for key, stored in rows.items():
        bucket.put(key, stored.body, stored.last_modified)
    bucket.put("metadata/PMC70000004.1.json", metadata.body, metadata.last_modified)
    add_inventory(bucket, NEXT_DAY.replace(day=5))
    crawled.index()
    server.counts.clear()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.article("PMC70000004")["status"] == "complete"
    assert not server.counts, "it is there"
    assert crawled.digests() == before


def test_an_inventory_without_articles_takes_nothing_away(
    crawled: Place, bucket: Bucket, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    before, catalog = crawled.digests(), crawled.workspace.catalog.read_bytes()
    for day, rows in enumerate(([], inventory_rows(bucket)[::2], inventory_rows(bucket)[2:]), start=5):
        add_inventory(bucket, NEXT_DAY.replace(day=day), rows=rows)
        assert crawled.index() is ExitCode.INCOMPLETE
        assert "--accept-removals" in caplog.messages[-1]
        assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.digests() == before
    assert crawled.workspace.catalog.read_bytes() == catalog
    assert crawled.index("crawl.max_removed_share=0.05") is ExitCode.COMPLETE

    add_inventory(bucket, NEXT_DAY.replace(day=8), rows=[])
    assert crawled.index(accept_removals=True) is ExitCode.COMPLETE
    crawled.crawl()
    assert {row["status"] for row in crawled.rows(role="article")} == {"removed", "excluded"}
    add_inventory(bucket, NEXT_DAY.replace(day=9))
    crawled.index()
    server.counts.clear()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.digests() == before


def test_a_partly_fetched_article_that_comes_back_is_still_partly_fetched(
    place: Place, bucket: Bucket, server: Server
) -> None:
    server.faults = (Fault(FaultKind.NOT_FOUND, "PMC70000001.1/*.jpg"),)
    place.index()
    assert place.crawl() is ExitCode.INCOMPLETE
    before = place.digests()
    for day, rows in ((5, []), (6, None)):
        add_inventory(bucket, NEXT_DAY.replace(day=day), rows=rows)
        place.index(accept_removals=True)
        place.crawl()
    assert place.article("PMC70000001")["status"] == "partial"
    assert place.digests() == before


@pytest.mark.parametrize("name", ["manifest.checksum", "manifest.json"])
@pytest.mark.parametrize("kind", [FaultKind.WRONG_BYTES, FaultKind.HTML, FaultKind.CUT])
def test_one_wrong_answer_does_not_make_an_older_day_the_truth(
    crawled: Place, bucket: Bucket, server: Server, name: str, kind: FaultKind
) -> None:
    withdraw(bucket, "PMC70000004.1")
    add_inventory(bucket, NEXT_DAY)
    server.faults = (Fault(kind, f"*/2026-10-04*/{name}", times=1),)
    assert crawled.index() is ExitCode.COMPLETE
    crawled.crawl()
    assert crawled.article("PMC70000004")["status"] == "removed"


def test_the_day_never_goes_back(
    crawled: Place, bucket: Bucket, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    put_article(bucket, {"pmcid": "PMC70000999", "version": 1}, b"<article/>")
    add_inventory(bucket, NEXT_DAY)
    crawled.index()
    crawled.crawl()
    assert crawled.article("PMC70000999")["status"] == "complete"
    before = crawled.digests()
    server.faults = (Fault(FaultKind.WRONG_BYTES, "*/2026-10-04*/manifest.json"),)
    assert crawled.index() is ExitCode.INCOMPLETE
    assert "2026-10-04T01-00Z" in caplog.messages[-1]
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.digests() == before
    server.faults = ()
    assert crawled.index() is ExitCode.COMPLETE


def test_a_malformed_row_withdraws_nothing(crawled: Place, bucket: Bucket, server: Server) -> None:
    before = crawled.digests()
    rows = [row if number % 5 else row[:2] for number, row in enumerate(inventory_rows(bucket))]
    add_inventory(bucket, NEXT_DAY, rows=rows)
    assert crawled.index() is ExitCode.COMPLETE
    server.counts.clear()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert not server.counts
    assert crawled.digests() == before


def test_an_unfinished_or_damaged_inventory_is_not_taken(place: Place, bucket: Bucket) -> None:
    add_inventory(bucket, NEXT_DAY, rows=[])
    prefix = "inventory-reports/pmc-oa-opendata/metadata/2026-10-04T01-00Z"
    bucket.put(f"{prefix}/manifest.checksum", b"0" * 32)
    place.index()
    assert place.crawl() is ExitCode.COMPLETE
    assert len(place.rows(role="article")) == 63


DATA = "inventory-reports/pmc-oa-opendata/metadata/data/"


def spoil(bucket: Bucket, keys: set[str], *, is_told: bool) -> None:
    """Cut shards of the inventory; where `is_told`, the manifest has the md5 of what is left."""
    for key in keys:
        whole, cut = bucket[key].read(), bucket[key].read()[:-9]
        bucket.put(key, cut)
        for manifest in list(bucket.keys("inventory-reports/")) if is_told else []:
            if manifest.endswith("manifest.json"):
                one, other = (hashlib.md5(content).hexdigest().encode() for content in (whole, cut))
                text = bucket[manifest].read().replace(one, other)
                bucket.put(manifest, text)
                bucket.put(manifest.replace(".json", ".checksum"), hashlib.md5(text).hexdigest().encode())


@pytest.mark.parametrize(("is_told", "said"), [(False, "md5_mismatch"), (True, "cannot be unpacked")])
def test_a_day_whose_shards_are_damaged_is_passed_over(
    crawled: Place, bucket: Bucket, caplog: pytest.LogCaptureFixture, is_told: bool, said: str
) -> None:
    before, old = crawled.workspace.catalog.read_bytes(), set(bucket.keys(DATA))
    withdraw(bucket, "PMC70000004.1")
    add_inventory(bucket, NEXT_DAY)
    spoil(bucket, set(bucket.keys(DATA)) - old, is_told=is_told)
    assert crawled.index() is ExitCode.COMPLETE
    assert any(said in message and message.endswith("taking the day before") for message in caplog.messages)
    assert crawled.workspace.catalog.read_bytes() == before
    assert not list(crawled.workspace.root.rglob("*.tmp"))
    add_inventory(bucket, NEXT_DAY.replace(day=5))
    assert crawled.index() is ExitCode.COMPLETE
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.article("PMC70000004")["status"] == "removed"


def test_the_first_catalog_is_of_a_day_that_can_be_read(place: Place, bucket: Bucket) -> None:
    old = set(bucket.keys(DATA))
    add_inventory(bucket, NEXT_DAY)
    spoil(bucket, set(bucket.keys(DATA)) - old, is_told=True)
    assert place.index() is ExitCode.COMPLETE
    spoil(bucket, old, is_told=True)
    place.workspace.catalog.unlink()
    copy_of(place.workspace.catalog).unlink()
    with pytest.raises(SourceError, match="cannot be unpacked"):
        place.index()


@pytest.mark.parametrize("wrong", [b"", b"{}", b"[]", b'{"fileSchema": "Key", "fileFormat": "CSV", "files": []}'])
def test_no_usable_inventory_is_one_line(place: Place, bucket: Bucket, wrong: bytes) -> None:
    for key in list(bucket.keys("inventory-reports/")):
        if key.endswith("manifest.json"):
            bucket.put(key, wrong)
            bucket.put(key.replace(".json", ".checksum"), hashlib.md5(wrong).hexdigest().encode())
    with pytest.raises(SourceError, match="no complete inventory"):
        place.index()


def newer_version(bucket: Bucket, of: str, at: datetime) -> None:
    """Publish version 2 of an article whose first version is there."""
    facts = {"pmcid": of, "version": 2}
    put_article(bucket, facts, bucket[f"{of}.1/{of}.1.xml"].read().replace(b"</p>", b" again</p>", 1))
    add_inventory(bucket, at)


def statuses(place: Place, pmcid: str) -> dict[int, str]:
    """Of the rows that count, by version."""
    rows = place.rows(role="article", pmcid=pmcid)
    return {row["version"]: row["status"] for row in rows if row["status"] != "superseded"}


def test_where_the_preferred_version_is_withdrawn_the_older_one_takes_its_place_until_it_comes_back(
    crawled: Place, bucket: Bucket
) -> None:
    newer_version(bucket, "PMC70000004", NEXT_DAY)
    crawled.index()
    crawled.crawl()
    assert statuses(crawled, "PMC70000004") == {1: "excluded", 2: "complete"}

    bodies = {key: bucket[key].read() for key in bucket.keys("PMC70000004.2/")}
    metadata = bucket["metadata/PMC70000004.2.json"].read()
    withdraw(bucket, "PMC70000004.2")
    add_inventory(bucket, NEXT_DAY.replace(day=5))
    for _ in range(2):  # the second time nothing is left to do
        crawled.index()
        before = crawled.digests()
        assert crawled.crawl() is ExitCode.COMPLETE
        assert statuses(crawled, "PMC70000004") == {1: "complete", 2: "removed"}
    assert crawled.digests() == before

    for key, body in {**bodies, "metadata/PMC70000004.2.json": metadata}.items():
        bucket.put(key, body)
    add_inventory(bucket, NEXT_DAY.replace(day=6))
    crawled.index()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert statuses(crawled, "PMC70000004") == {1: "excluded", 2: "complete"}


def test_of_all_versions_each_comes_back_where_it_lies(place: Place, bucket: Bucket) -> None:
    newer_version(bucket, "PMC70000004", NEXT_DAY)
    place.index("select.versions=all")
    place.crawl("select.versions=all")
    before = place.digests()
    for day, rows in ((5, [row for row in inventory_rows(bucket) if "PMC70000004.2" not in row[1]]), (6, None)):
        add_inventory(bucket, NEXT_DAY.replace(day=day), rows=rows)
        place.index("select.versions=all")
        place.crawl("select.versions=all")
    assert place.digests() == before


def test_a_withdrawal_is_seen_on_the_day_on_which_the_catalog_is_lost(crawled: Place, bucket: Bucket) -> None:
    withdraw(bucket, "PMC70000004.1")
    add_inventory(bucket, NEXT_DAY)
    shutil.rmtree(crawled.workspace.catalog.parent)
    crawled.index()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert statuses(crawled, "PMC70000004") == {1: "removed"}
    before = crawled.digests()
    shutil.rmtree(crawled.workspace.catalog.parent)
    crawled.index()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.digests() == before


def test_a_lost_catalog_is_no_leave_to_take_all_away(crawled: Place, bucket: Bucket) -> None:
    shutil.rmtree(crawled.workspace.catalog.parent)
    add_inventory(bucket, NEXT_DAY, rows=[])
    assert crawled.index() is ExitCode.INCOMPLETE


def test_what_was_made_from_shards_that_are_lost_with_their_plan_goes_with_them(crawled: Place) -> None:
    shards = crawled.workspace.shards()
    for shard in (*shards, "00099"):
        path = crawled.workspace.part("figures", shard)
        write_part(path, TABLES["figures"].empty_table(), "some fingerprint")
    shutil.rmtree(crawled.workspace.root / "raw")
    assert crawled.crawl() is ExitCode.COMPLETE
    assert crawled.workspace.shards("figures") == shards


def test_a_crawl_that_finds_all_as_the_last_one_left_it_reads_no_rows(
    crawled: Place, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("pmc15m.crawl.crawler.read_ledger", lambda workspace: pytest.fail("rows were read"))
        assert crawled.crawl() is ExitCode.COMPLETE
        for changed in ("select.versions=all", "crawl.max_bytes=1", "crawl.table_images=true"):
            with pytest.raises(pytest.fail.Exception):
                crawled.crawl(changed)
        with pytest.raises(pytest.fail.Exception):
            crawled.crawl(retry_failed=True)
    crawled.workspace.tar("00000").unlink()
    server.counts.clear()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert server.counts, "what is lost is fetched again"


def test_what_is_left_undone_is_never_taken_for_done(place: Place, server: Server) -> None:
    place.index()
    server.faults = (Fault(FaultKind.NOT_FOUND, "PMC70000001.1/*.jpg"),)
    for _ in range(2):
        assert place.crawl() is ExitCode.INCOMPLETE
    assert place.crawl(retry_failed=True) is ExitCode.INCOMPLETE
    server.faults = ()
    assert place.crawl() is ExitCode.INCOMPLETE, "asked for with --retry-failed alone"
    assert place.crawl(retry_failed=True) is ExitCode.COMPLETE


@pytest.mark.parametrize("name", ["raw/selection", "catalog/crawled"])
def test_notes_that_are_no_text_any_more_are_written_again(crawled: Place, server: Server, name: str) -> None:
    note = crawled.workspace.root / name
    whole = note.read_bytes()
    note.write_bytes(b"\x98\xff" + whole)
    status(crawled.workspace)
    assert crawled.crawl() is ExitCode.COMPLETE
    assert note.read_bytes() == whole
    assert not server.counts
