"""Interruptions, budgets and damage: what is left behind, and what the same command makes of it."""

import dataclasses
import errno
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from pmc15m.crawl.planned import read_plan
from pmc15m.crawl.shard import TAR_END, GrowingShard, write_index
from pmc15m.crawl.status import status
from pmc15m.demo import Fault, Server, parse_faults
from pmc15m.errors import ExitCode, UsageError
from pmc15m.schema import RAW_INDEX
from pmc15m.sources.content import Content
from pmc15m.sources.model import ArticleStatus, ObjectStatus, Role, StoredArticle, StoredObject
from pmc15m.verify import verify
from pmc15m.workspace import Workspace, copy_of, read_part, shard_name
from tests.crawl.conftest import FAST, Place


@contextmanager
def halted(
    place: Place, server: Server, number: int, *settings: str, keys: str = "*"
) -> Iterator["subprocess.Popen[str]"]:
    """A crawl from the moment when it asks for the `number`-th of such keys: it waits for that answer for a minute.

    At the end of the block the process is killed, if it still runs.
    """
    patient = ("network.read_timeout_s=60", "network.object_deadline_s=60")
    flags = [flag for setting in (*FAST, *patient, *settings) for flag in ("--set", setting)]
    where = ["--workspace", str(place.workspace.root), "--source", place.source]
    log, numbers = server.log, itertools.count(1)
    came, over = threading.Event(), threading.Event()

    def hold(method: str, key: str, user_agent: str) -> Fault | None:
        fault = log(method, key, user_agent)
        if fnmatchcase(key, keys) and next(numbers) == number:
            came.set()
            over.wait()
        return fault

    server.log = hold  # type: ignore[method-assign]
    command = [sys.executable, "-m", "pmc15m.cli", "crawl", *where, *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert came.wait(60), f"there was no request {number} for {keys}"
            yield process
        finally:
            process.kill()
            process.wait()
            over.set()
            server.log = log  # type: ignore[method-assign]


def article(number: int, size: int) -> StoredArticle:
    content = Content.of(random.Random(number).randbytes(size))
    stored = StoredObject(role=Role.MEDIA, name="g1.jpg", status=ObjectStatus.OK, content=content)
    return StoredArticle(pmcid=f"PMC{number}", version=1, status=ArticleStatus.COMPLETE, objects=(stored,))


ORDER = [(f"PMC{number}", 1) for number in range(1, 5)]


@pytest.fixture
def whole(tmp_path: Path) -> Workspace:
    """A shard of four articles, written without trouble."""
    workspace = Workspace(tmp_path / "whole")
    growing = GrowingShard(workspace, "00000")
    for number in range(1, 5):
        growing.add(article(number, 1000 * number))
    growing.finish(ORDER)
    return workspace


def same(left: Workspace, right: Workspace) -> bool:
    names = sorted(path.name for path in (left.root / "raw").iterdir())
    return names == sorted(path.name for path in (right.root / "raw").iterdir()) and all(
        (left.root / "raw" / name).read_bytes() == (right.root / "raw" / name).read_bytes() for name in names
    )


def test_articles_in_any_order_make_the_same_shard(tmp_path: Path, whole: Workspace) -> None:
    workspace = Workspace(tmp_path / "shuffled")
    growing = GrowingShard(workspace, "00000")
    for number in (3, 1, 4, 2):
        growing.add(article(number, 1000 * number))
    growing.finish(ORDER)
    assert same(workspace, whole)


@pytest.mark.parametrize("harm", ["torn line", "torn part", "other bytes", "longer part", "lost part", "none"])
def test_what_a_crash_left_is_taken_up(tmp_path: Path, whole: Workspace, harm: str) -> None:
    workspace = Workspace(tmp_path / "crashed")
    growing = GrowingShard(workspace, "00000")
    for number in (1, 2, 3):
        growing.add(article(number, 1000 * number))
    growing.close()
    part, journal = (workspace.root / "raw" / f"00000.{suffix}" for suffix in ("part", "journal"))
    if harm == "torn line":
        os.truncate(journal, journal.stat().st_size - 5)
    elif harm == "torn part":
        os.truncate(part, part.stat().st_size - 700)
    elif harm == "other bytes":
        content = bytearray(part.read_bytes())
        content[-900] ^= 1
        part.write_bytes(content)
    elif harm == "longer part":
        part.write_bytes(part.read_bytes() + b"torn")
    elif harm == "lost part":
        part.unlink()
    growing = GrowingShard(workspace, "00000")
    left = {"torn line": 2, "torn part": 2, "other bytes": 2, "longer part": 3, "lost part": 0, "none": 3}[harm]
    assert list(growing.articles) == ORDER[:left]
    for number in range(left + 1, 5):
        growing.add(article(number, 1000 * number))
    growing.finish(ORDER)
    assert same(workspace, whole)


def test_a_crash_between_the_tar_and_its_index(tmp_path: Path, whole: Workspace) -> None:
    workspace = Workspace(tmp_path / "crashed")
    growing = GrowingShard(workspace, "00000")
    for number in range(1, 5):
        growing.add(article(number, 1000 * number))
    growing.close()
    os.rename(workspace.root / "raw" / "00000.part", workspace.tar("00000"))
    GrowingShard(workspace, "00000").finish(ORDER)
    assert same(workspace, whole)


def test_a_full_disk_tears_nothing(tmp_path: Path, whole: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "full")
    growing = GrowingShard(workspace, "00000")
    growing.add(article(1, 1000))
    before = (workspace.root / "raw" / "00000.part").read_bytes()

    def full(size: int) -> bytes:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pmc15m.crawl.shard.json.dumps", full)
        with pytest.raises(OSError, match="No space"):
            growing.add(article(2, 2000))
    assert (workspace.root / "raw" / "00000.part").read_bytes() == before
    for number in range(2, 5):
        growing.add(article(number, 1000 * number))
    growing.finish(ORDER)
    assert same(workspace, whole)


def test_an_article_that_no_table_can_hold_is_a_row_in_a_whole_shard(tmp_path: Path, whole: Workspace) -> None:
    workspace = Workspace(tmp_path / "odd")
    growing = GrowingShard(workspace, "00000")
    for number in range(1, 5):
        stored = dataclasses.replace(article(number, 1000 * number), change_token="token")
        growing.add(dataclasses.replace(stored, facts={"doi": "10.1/\ud83d"}) if number == 2 else stored)
    growing.finish(ORDER)
    assert verify(workspace) is ExitCode.COMPLETE
    rows = read_part(workspace.part("raw", "00000")).to_pylist()
    heads = {row["pmcid"]: (row["status"], row["reason"]) for row in rows if row["role"] == "article"}
    fine = ("complete", None)
    assert heads == {"PMC1": fine, "PMC2": ("failed", "unexpected_error"), "PMC3": fine, "PMC4": fine}
    assert {row["change_token"] for row in rows if row["role"] == "article"} == {"token"}
    assert len(rows) == 4 + 3


def test_an_object_that_no_tar_can_hold_leaves_nothing_behind(tmp_path: Path, whole: Workspace) -> None:
    workspace = Workspace(tmp_path / "odd")
    growing = GrowingShard(workspace, "00000")
    for number in range(1, 5):
        made = article(number, 1000 * number)
        odd = (*made.objects, dataclasses.replace(made.objects[0], name="\ud83d.jpg"))
        with pytest.raises(UnicodeEncodeError):
            growing.add(dataclasses.replace(made, objects=odd))
        growing.add(made)
    growing.finish(ORDER)
    assert same(workspace, whole)


def test_a_limit_of_file_sizes_is_said_and_the_crawl_goes_on_later(place: Place, undisturbed: Place) -> None:
    place.index()
    size = max(path.stat().st_size for path in (undisturbed.workspace.root / "raw").glob("*.tar")) // 2
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
    program = limit + "from pmc15m.cli import main; sys.exit(main(sys.argv[2:]))"
    flags = [flag for setting in FAST for flag in ("--set", setting)]
    where = ["--workspace", str(place.workspace.root), "--source", place.source]
    command = [sys.executable, "-c", program, str(size), "crawl", *where, *flags]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == ExitCode.INCOMPLETE, ended.stderr
    assert "File too large" in ended.stderr
    assert "a file could not be written" in ended.stderr
    assert "min_free_bytes" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert place.crawl() is ExitCode.COMPLETE
    assert place.digests() == undisturbed.digests()


def test_a_scratch_folder_that_takes_nothing_ends_the_crawl_and_costs_no_article(
    place: Place, undisturbed: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    place.index()
    with monkeypatch.context() as patch:
        patch.setattr("pmc15m.sources.content.IN_MEMORY", 1_000)
        patch.setattr("pmc15m.sources.content.tempfile.TemporaryFile", full)
        assert place.crawl() is ExitCode.INCOMPLETE
    assert "No space left on device" in caplog.text
    assert not place.rows(status="failed")
    assert place.crawl() is ExitCode.COMPLETE
    assert place.digests() == undisturbed.digests()


def test_killed_again_and_again(place: Place, server: Server, undisturbed: Place) -> None:
    place.index()
    server.faults = parse_faults("slow_down=0.2x1,reset=0.1x1,truncated=0.1x1,wrong_bytes=0.1x1")
    for count in (30, 50, 70, 90):
        with halted(place, server, count) as process:
            process.send_signal(signal.SIGKILL)
    assert place.crawl() is ExitCode.COMPLETE
    assert len({request.fault for request in server.requests}) == 5  # all four, and none
    assert verify(place.workspace) is ExitCode.COMPLETE
    assert place.digests() == undisturbed.digests()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_soon_and_says_how_to_go_on(
    place: Place, server: Server, undisturbed: Place, number: signal.Signals
) -> None:
    place.index()
    with halted(place, server, 1, keys="*.jpg") as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said
    place.crawl()
    assert place.digests() == undisturbed.digests()


def test_a_budget_is_cut_in_the_order_of_the_plan(
    place: Place, another_place: Callable[[str, str], Place], server: Server, undisturbed: Place
) -> None:
    other = another_place("other", server.url)
    for where, connections in ((place, 1), (other, 8)):
        where.index()
        assert where.crawl("crawl.max_bytes=700000", f"network.connections={connections}") is ExitCode.INCOMPLETE
        assert sum(where.workspace.tar(shard).stat().st_size for shard in where.workspace.shards()) <= 700_000
    assert 0 < len(place.rows(role="article", status="complete")) < 60
    assert place.digests() == other.digests()
    server.counts.clear()
    assert place.crawl("crawl.max_bytes=700000") is ExitCode.INCOMPLETE
    assert not server.counts
    assert place.digests() == other.digests()
    assert place.crawl() is ExitCode.COMPLETE
    complete = {row["pmcid"] for row in place.rows(role="article", status="complete")}
    assert complete == {row["pmcid"] for row in undisturbed.rows(role="article", status="complete")}


def test_a_budget_may_be_used_to_its_last_byte(
    place: Place, another_place: Callable[[str, str], Place], server: Server
) -> None:
    def bytes_and_articles(where: Place, budget: int) -> tuple[int, int]:
        where.index()
        where.crawl(f"crawl.max_bytes={budget}")
        size = sum(where.workspace.tar(shard).stat().st_size for shard in where.workspace.shards())
        return size, len(where.rows(role="article", status="complete"))

    size, articles = bytes_and_articles(place, 700_000)
    assert bytes_and_articles(another_place("exact", server.url), size) == (size, articles)
    smaller, fewer = bytes_and_articles(another_place("a byte less", server.url), size - 1)
    assert smaller < size
    assert fewer < articles


def test_shards_are_numbers(place: Place, another_place: Callable[[str, str], Place], server: Server) -> None:
    budget, settings = 700_000, ("crawl.articles_per_shard=2",)
    place.index()
    assert place.crawl(f"crawl.max_bytes={budget}", *settings) is ExitCode.INCOMPLETE
    far = another_place("far", server.url)  # the same, but the shard in which the budget ends is number 100,000
    first = 100_000 - (len(place.workspace.shards()) - 1)
    before = shard_name(first - 1)
    far.index()
    far.workspace.tar(before).parent.mkdir()
    far.workspace.tar(before).write_bytes(bytes(TAR_END))
    write_index(far.workspace, before, RAW_INDEX.empty_table())
    (far.workspace.root / "raw" / "plan").mkdir()
    for name in ("notes.parquet", "notes.tar", "notes.damage", "7.parquet", "plan/notes.parquet", "plan/7.parquet"):
        (far.workspace.root / "raw" / name).write_bytes(b"no shard of ours")

    assert far.crawl(f"crawl.max_bytes={budget + TAR_END}", *settings) is ExitCode.INCOMPLETE
    assert far.workspace.shards() == [shard_name(number) for number in range(first - 1, 100_001)]
    assert far.rows() == place.rows()
    for where in (place, far):
        assert where.crawl(*settings) is ExitCode.COMPLETE
    assert far.rows() == place.rows()
    firsts, far_firsts = ([file.first for file in read_plan(where.workspace)] for where in (place, far))
    assert far_firsts == [number + first for number in firsts]
    for where, number in ((place, 100_000 - first), (far, 100_000)):
        where.workspace.tar(shard_name(number)).unlink()
        assert verify(where.workspace) is ExitCode.INCOMPLETE
        assert where.crawl(*settings) is ExitCode.COMPLETE
        assert verify(where.workspace) is ExitCode.COMPLETE
    assert far.rows() == place.rows()


def test_too_little_disk_stops_before_the_first_request(place: Place, server: Server, undisturbed: Place) -> None:
    place.index()
    server.counts.clear()
    assert place.crawl(f"crawl.min_free_bytes={1 << 60}") is ExitCode.INCOMPLETE
    assert not server.counts
    place.crawl()
    assert place.digests() == undisturbed.digests()


@pytest.mark.parametrize(
    "harm", ["flipped bit", "flipped header", "truncated", "no end", "no index", "odd index", "no tar"]
)
def test_damage_is_found_and_repaired(crawled: Place, server: Server, undisturbed: Place, harm: str) -> None:
    assert verify(crawled.workspace) is ExitCode.COMPLETE
    tar, part = crawled.workspace.tar("00002"), crawled.workspace.part("raw", "00002")
    if harm in ("flipped bit", "flipped header"):
        content = bytearray(tar.read_bytes())
        content[len(content) // 2 // 512 * 512 + (4 if harm == "flipped header" else 700)] ^= 16
        tar.write_bytes(content)
    elif harm == "truncated":
        os.truncate(tar, tar.stat().st_size // 2)
    elif harm == "no end":
        os.truncate(tar, tar.stat().st_size - 1)
    elif harm == "no index":
        part.unlink()
    elif harm == "odd index":
        content = bytearray(part.read_bytes())
        content[len(content) // 3] ^= 1
        part.write_bytes(content)
    else:
        tar.unlink()
    assert verify(crawled.workspace) is ExitCode.INCOMPLETE
    server.counts.clear()
    assert crawled.crawl() is ExitCode.COMPLETE
    assert verify(crawled.workspace) is ExitCode.COMPLETE
    assert crawled.digests() == undisturbed.digests()
    if harm in ("flipped bit", "flipped header", "no end"):
        assert len({key.removeprefix("metadata/").split(".")[0] for _, key in server.counts}) <= 1


def test_status_tells_what_is_there_while_a_crawl_runs(place: Place, server: Server) -> None:
    with pytest.raises(UsageError, match="no catalog"):
        status(place.workspace)
    place.index()
    assert status(place.workspace)["catalog"] == 63
    place.crawl("select.limit=12", shard=(0, 2))
    with halted(place, server, 110, "network.connections=1"):
        found = status(place.workspace)
    assert found["arrived"] > 0
    assert found["todo"] > 0
    assert (
        found["todo"]
        + found["arrived"]
        + sum(count for name, count in found.items() if name.startswith(("complete", "excluded")))
        >= 63
    )
    place.crawl()
    done = status(place.workspace)
    assert (done["todo"], done["complete"]) == (0, 60)


@pytest.mark.parametrize("harm", ["no tar", "odd index", "noted by verify"])
def test_status_counts_damage_and_the_next_crawl_repairs_it(crawled: Place, undisturbed: Place, harm: str) -> None:
    assert (status(crawled.workspace)["damaged"], status(crawled.workspace)["todo"]) == (0, 0)
    if harm == "no tar":
        crawled.workspace.tar("00002").unlink()
    elif harm == "odd index":
        crawled.workspace.part("raw", "00002").write_bytes(b"x\n")
    else:
        os.truncate(crawled.workspace.tar("00002"), 5000)
        verify(crawled.workspace)
    found = status(crawled.workspace)
    assert found["damaged"] == 1
    assert found["todo"] > 0
    assert crawled.crawl() is ExitCode.COMPLETE
    assert (status(crawled.workspace)["damaged"], status(crawled.workspace)["todo"]) == (0, 0)
    assert crawled.digests() == undisturbed.digests()


def test_a_catalog_that_cannot_be_read_is_made_anew(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UsageError, match="pmc15m index"):
        place.crawl()
    place.index()
    before = place.workspace.catalog.read_bytes()
    for kept in (place.workspace.catalog, copy_of(place.workspace.catalog)):
        kept.write_bytes(b"x\n")
    for command in (place.crawl, lambda: status(place.workspace)):
        with pytest.raises(UsageError, match="pmc15m index"):
            command()
    assert place.index() is ExitCode.COMPLETE
    assert "cannot be read and is made anew" in caplog.text
    assert place.workspace.catalog.read_bytes() == before


def test_there_is_nothing_to_verify_without_a_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no workspace"):
        verify(Workspace(tmp_path / "nowhere"))
