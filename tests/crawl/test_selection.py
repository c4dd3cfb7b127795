"""What is selected, and in which shard it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pmc15m.crawl.select import read_condition
from pmc15m.demo import Server
from pmc15m.errors import ExitCode, UsageError
from tests.crawl.conftest import Place


def kept(place: Place) -> set[str]:
    return {row["pmcid"] for row in place.rows(role="article", status="complete")}


def test_a_condition_is_taken_apart_into_what_is_known_before_and_after_the_metadata() -> None:
    condition = read_condition("year >= 2015 AND licence_group = 'commercial' AND (is_retracted OR journal LIKE 'J%')")
    assert condition.on_catalog == '(("year" >= 2015))'
    assert "licence_group" in condition.on_metadata
    assert "is_retracted" in condition.on_metadata


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("yaer > 2015", "year"),
        ("year > 2015; DROP TABLE x", "not a condition"),
        ("year >", "not a condition"),
        ("true) UNION SELECT (1", "not a condition"),
        ("pmcid IN (SELECT content FROM read_text('/etc/passwd'))", "disabled"),
    ],
)
def test_what_is_no_condition(where: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_condition(where)


def test_nothing_big_is_fetched_of_what_the_metadata_excludes(place: Place, server: Server) -> None:
    place.index()
    server.counts.clear()
    assert place.crawl("select.where=licence_group = 'noncommercial'") is ExitCode.COMPLETE
    excluded = place.rows(role="article", reason="not_selected")
    assert len(excluded) > 40
    asked = {key.split("/")[0] for _, key in server.counts if not key.startswith("metadata/")}
    assert asked == {f"{pmcid}.1" for pmcid in kept(place)}
    server.counts.clear()
    place.crawl("select.where=licence_group = 'noncommercial'")
    assert not server.counts


def test_journal_and_year_need_no_metadata(place: Place, server: Server) -> None:
    place.index()
    server.counts.clear()
    place.crawl("select.where=year = 2014")
    assert not place.rows(reason="not_selected")
    assert 0 < len(kept(place)) < 20


def test_another_condition_asks_again_only_for_what_it_selects_now(place: Place, server: Server) -> None:
    place.index()
    place.crawl("select.where=licence_group = 'noncommercial'")
    before = kept(place)
    server.counts.clear()
    place.crawl("select.where=licence_code = 'CC0'")
    fetched = {key.split("/")[0].split(".")[0] for _, key in server.counts if not key.startswith("metadata/")}
    assert fetched
    assert not fetched & before
    assert kept(place) == before | fetched
    counting = [row for row in place.rows(role="article") if row["status"] != "superseded"]
    assert len(counting) == len({(row["pmcid"], row["version"]) for row in counting})


def test_a_larger_selection_appends(place: Place, undisturbed: Place) -> None:
    place.index()
    place.crawl("select.limit=12")
    first = place.digests()
    assert len(kept(place)) == 12
    place.crawl("select.limit=31")
    assert len(kept(place)) == 31
    later = place.digests()
    assert {name: later[name] for name in first if name != "selection"} == {
        name: digest for name, digest in first.items() if name != "selection"
    }


def test_a_sample_is_always_the_same_and_part_of_a_larger_one(
    place: Place, another_place: Callable[[str, str], Place], server: Server
) -> None:
    other = another_place("other", server.url)
    for where in (place, other):
        where.index()
    place.crawl("select.sample=0.2")
    other.crawl("select.sample=0.5")
    assert 3 <= len(kept(place)) < len(kept(other)) < 45
    assert kept(place) < kept(other)


def test_a_file_of_ids(place: Place, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("# mine\nPMC70000004\n30000001\nhttps://doi.org/10.9999/JDEMO.2022.00000\n", encoding="utf-8")
    place.index()
    place.crawl(f"select.ids={ids}")
    assert kept(place) == {"PMC70000000", "PMC70000001", "PMC70000004"}


def test_ids_however_they_are_written_and_those_that_nothing_has(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = tmp_path / "ids.txt"
    forms = ("PMC70000002.1", "70000003", "https://pmc.ncbi.nlm.nih.gov/articles/PMC70000004/", "PMCID: PMC70000005")
    ids.write_text("\n".join([*forms, "pmid: 30000001", "PMC99999999", "nonsense"]), encoding="utf-8")
    place.index()
    caplog.set_level("INFO")
    assert place.crawl(f"select.ids={ids}") is ExitCode.INCOMPLETE
    assert kept(place) == {f"PMC7000000{digit}" for digit in (1, 2, 3, 4, 5)}
    assert "5 of 7 asked ids are in the catalog" in caplog.text
    assert "these are not: 'PMC99999999', 'nonsense'" in caplog.text
    assert place.crawl(f"select.ids={ids}") is ExitCode.INCOMPLETE, "also when there is nothing left to do"


def test_ids_that_the_catalog_cannot_know(place: Place, tmp_path: Path, server: Server) -> None:
    server.bucket.delete("PMC-ids.csv.gz")
    ids = tmp_path / "ids.txt"
    ids.write_text("10.9999/jdemo.2022.00000\n", encoding="utf-8")
    place.index()
    with pytest.raises(UsageError, match=r"PMC-ids\.csv\.gz"):
        place.crawl(f"select.ids={ids}")


@pytest.mark.parametrize(("content", "said"), [(None, r"ids\.txt: No such file"), (b"\xff", "not text in UTF-8")])
def test_a_file_of_ids_that_cannot_be_read(place: Place, tmp_path: Path, content: bytes | None, said: str) -> None:
    ids = tmp_path / "ids.txt"
    if content is not None:
        ids.write_bytes(content)
    place.index()
    with pytest.raises(UsageError, match=said):
        place.crawl(f"select.ids={ids}")


def test_as_of(place: Place) -> None:
    place.index()
    place.crawl('select.as_of="2026-08-31"')
    assert not kept(place)
    with pytest.raises(UsageError, match="takes a date"):
        place.crawl("select.as_of=yesterday")


def test_versions_that_share_pictures_fetch_them_once(place: Place, server: Server) -> None:
    place.index()
    assert place.crawl("select.versions=all") is ExitCode.COMPLETE
    doubles = {(row["pmcid"]) for row in place.rows(role="article") if row["version"] > 1}
    shared = 0
    for pmcid in doubles:
        stored = place.rows(role="media", status="ok", pmcid=pmcid)
        asked = sum(server.counts["GET", row["member"]] for row in stored)
        assert asked == len({row["md5"] for row in stored})
        shared += len(stored) - asked
    assert shared > 0


def test_preferred_is_the_published_version_then_the_highest(undisturbed: Place) -> None:
    versions = {(row["pmcid"], row["version"]): row for row in undisturbed.rows(role="article")}
    for pmcid, _ in versions:
        siblings = {key: row for key, row in versions.items() if key[0] == pmcid}
        chosen = [key for key, row in siblings.items() if row["reason"] != "other_version"]
        assert chosen == [max(siblings, key=lambda key: (not siblings[key]["is_manuscript"], key[1]))]
    assert {("PMC70000022", 2), ("PMC70000022", 10)} <= set(versions), "as numbers, 10 comes after 2"


def test_table_images_are_fetched_when_they_are_wanted_later(place: Place, server: Server) -> None:
    place.index()
    place.crawl()
    before = {row["member"] for row in place.rows(role="media", status="ok") if row["published_md5"]}
    server.counts.clear()
    assert place.crawl("crawl.table_images=true", "crawl.formula_images=true") is ExitCode.COMPLETE
    new = {key for _, key in server.counts if not key.startswith("metadata/")}
    assert new
    assert not new & before
    added = {row["name"][-8] for row in place.rows(role="media", status="ok") if row["member"] in new}
    assert {"t", "e"} <= added


def test_an_interrupted_selection_rests_while_another_is_crawled(place: Place, undisturbed: Place) -> None:
    place.index()
    place.crawl(shard=(0, 3))  # two of three processes never ran
    assert 0 < len(place.workspace.shards()) < 7
    there = kept(place)
    assert place.crawl("select.limit=25") is ExitCode.COMPLETE
    assert len(kept(place)) >= 25
    place.crawl()
    assert kept(place) == kept(undisturbed) >= there
    counting = [row for row in place.rows(role="article") if row["status"] != "superseded"]
    assert len(counting) == len({(row["pmcid"], row["version"]) for row in counting}) == 63
