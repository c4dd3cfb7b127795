"""What lies in a workspace: damage is found and mended with all that was made from it, exports follow, one writes."""

import csv
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pmc15m import chain
from pmc15m.chain import STEPS
from pmc15m.checksum import read_stamp
from pmc15m.config import Config, load_config
from pmc15m.demo import Bucket, Server, serve
from pmc15m.demo.layout import add_inventory, withdraw
from pmc15m.engine.stage import Execution, run_stage
from pmc15m.errors import ExitCode
from pmc15m.export.recipes import load_recipe
from pmc15m.export.stage import export
from pmc15m.stages import PARSE, SPLIT
from pmc15m.verify import verify
from pmc15m.workspace import Workspace
from tests.chain.conftest import FLAGS, digests, pmc15m
from tests.house.test_writer import holder

WRITERS = ("run", "index", "crawl", "import", "parse", "split", "curate", "export", "report", "verify", "demo")


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


@pytest.fixture
def whole(finished: Path) -> dict[str, str]:
    return digests(finished)


def run(workspace: Path, bucket: Server) -> ExitCode:
    """The whole chain, as the command that made the workspace ran it."""
    return chain.run(Workspace(workspace), config(bucket), Execution())


def config(bucket: Server | None = None) -> Config:
    source = [f"source={bucket.url}"] if bucket is not None else []
    return load_config(None, [*(flag for flag in FLAGS if flag != "--set"), *source])


def status(workspace: Path) -> str:
    text, code = chain.show_status(Workspace(workspace), config())
    assert (code is ExitCode.COMPLETE) == text.endswith("\ncomplete")
    return text


def said(command: str, workspace: Path) -> tuple[int, str]:
    answer = pmc15m(command, "--workspace", workspace)
    assert "Traceback" not in answer.stderr
    return answer.returncode, answer.stdout + answer.stderr


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def stored(workspace: Path, role: str) -> dict[str, object]:
    """The index row of a stored object of shard 00001."""
    rows = pq.read_table(workspace / "raw" / "00001.parquet", partitioning=None).to_pylist()
    row: dict[str, object] = next(row for row in rows if row["role"] == role and (row["size"] or 0) > 2000)
    return row


@pytest.mark.timeout(400)
def test_a_bit_flipped_in_every_file_is_found_and_mended_to_the_byte(
    copy: Path, bucket: Server, whole: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(3)
    # What stands twice is not needed, and what is remembered is found out again.
    ours = [name for name in whole if not name.endswith(("selection", ".copy", "export.json", ".footers", "crawled"))]
    for name in ours:
        flip(copy / name, chance.randrange(8 * (copy / name).stat().st_size))
    assert verify(Workspace(copy)) is ExitCode.INCOMPLETE
    for name in ours:
        shard = name.removeprefix("raw/").partition(".")[0]
        # A shard of an export is known by its side table, which is damaged, too.
        exported = re.sub(r".*/(train|val|test)-([0-9]+)(-of-.*|.parquet)", r"\1/\2:", name)
        told = f"shard {shard}:" if name.startswith("raw/0") else exported if exported != name else Path(name).name
        assert told in caplog.text, name
    assert "incomplete" in status(copy)
    run(copy, bucket)
    assert digests(copy) == whole
    assert verify(Workspace(copy)) is ExitCode.COMPLETE


@pytest.mark.parametrize("role", ["xml", "media", "metadata"])
def test_nothing_is_made_from_bytes_of_a_tar_that_are_not_those_that_were_fetched(
    copy: Path, bucket: Server, whole: dict[str, str], role: str, caplog: pytest.LogCaptureFixture
) -> None:
    row = stored(copy, "xml" if role == "metadata" else role)
    if role == "metadata":
        rows = pq.read_table(copy / "raw" / "00001.parquet", partitioning=None).to_pylist()
        row = next(found for found in rows if found["role"] == role)
    flip(copy / "raw" / "00001.tar", 8 * int(str(row["offset"])) + 4 * int(str(row["size"])))
    for table in ("articles", "pixels"):
        (copy / table / "00001.parquet").unlink()
    before = digests(copy)
    stage = SPLIT if role == "media" else PARSE
    assert run_stage(stage, Workspace(copy), config(), Execution()) is ExitCode.INCOMPLETE
    assert "00001.tar has other bytes than were fetched" in caplog.text
    assert {name: digest for name, digest in digests(copy).items() if not name.endswith(".damage")} == before
    assert "damaged 1" in status(copy)
    run(copy, bucket)
    assert digests(copy) == whole


def test_one_run_mends_what_it_meets_on_its_way(copy: Path, bucket: Server, whole: dict[str, str]) -> None:
    row = stored(copy, "media")
    flip(copy / "raw" / "00001.tar", 8 * int(str(row["offset"])) + 99)
    flip(copy / "figures" / "00002.parquet", 8 * 500)
    flip(copy / "pairs" / "00000.parquet", 8 * 500)
    flip(copy / "catalog" / "catalog.parquet", 8 * 50)
    for part in ("pixels/00001", "panels/00002"):
        (copy / f"{part}.parquet").unlink()
    shutil.rmtree(copy / "export")
    run(copy, bucket)
    assert digests(copy) == whole


def one_bit_in_the_rows(path: Path) -> None:
    """Flip it where neither the footer nor a page's header stands, so that a reader without checksums gets a value."""
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    flip(path, 8 * (column.data_page_offset + column.total_compressed_size // 2))


def test_a_question_is_not_answered_from_other_bytes_and_run_mends_them(
    copy: Path, bucket: Server, whole: dict[str, str]
) -> None:
    run(copy, bucket)  # a copy is read once, by whoever writes in it
    one_bit_in_the_rows(copy / "figures" / "00002.parquet")
    one_bit_in_the_rows(copy / "raw" / "00001.parquet")
    for asked in (("sql", "SELECT count(DISTINCT figure_key) FROM figures"), ("stats",), ("browse", "--port", "0")):
        refused = pmc15m(*asked, "--workspace", copy)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert re.search("/0000[12].parquet has other bytes than were written; `pmc15m run` mends it$", refused.stderr)
    assert pmc15m("sql", "SELECT count(*) FROM images", "--workspace", copy).returncode == 0
    run(copy, bucket)
    assert digests(copy) == whole
    assert said("stats", copy)[0] == 0


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("harm", [cut, empty, Path.unlink])
def test_what_is_cut_empty_or_lost_is_seen_by_status_and_mended(
    copy: Path, bucket: Server, whole: dict[str, str], harm: Callable[[Path], None]
) -> None:
    names = [
        *("raw/00001.tar", "raw/00002.parquet", "raw/plan/00000.parquet", "catalog/catalog.parquet"),
        *("images/00003.parquet", "export/panels/data/train-00000-of-00001.tar", "export/panels/attribution.csv"),
    ]
    for name in names:
        content = (copy / name).read_bytes()
        harm(copy / name)
        said = status(copy)
        assert "damaged 1" in said or "1 missing" in said or "todo" in said, name
        (copy / name).write_bytes(content)
    for name in names:
        harm(copy / name)
    run(copy, bucket)
    assert digests(copy) == whole
    assert "incomplete" not in status(copy)


def test_stray_files_are_named_and_left_alone(copy: Path, bucket: Server, whole: dict[str, str]) -> None:
    strays = ("raw/notes.parquet", "raw/00077.parquet", "articles/old.parquet", "pairs/00001 (copy).parquet")
    for name in strays:
        (copy / name).write_text("x")
    run(copy, bucket)
    code, words = said("verify", copy)
    assert code == 0
    for name in strays:
        assert f"{copy / name} is none of ours" in words
        assert (copy / name).read_text() == "x"
    assert "incomplete" not in status(copy)
    assert {name: digest for name, digest in digests(copy).items() if name not in strays} == whole
    assert said("stats", copy)[0] == 0


def test_verify_reads_a_workspace_that_cannot_be_written(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(copy / "figures" / "00002.parquet", 8 * 500)
    before = digests(copy)
    monkeypatch.setattr("pmc15m.verify.os.access", lambda *_: False)
    assert verify(Workspace(copy)) is ExitCode.INCOMPLETE
    assert digests(copy) == before


def test_a_second_command_that_writes_is_refused_and_readers_are_not(copy: Path, bucket: Server) -> None:
    with holder(copy) as first:
        for command in WRITERS:
            folder = ["nowhere"] if command == "import" else []
            second = pmc15m(command, "--workspace", copy, "--source", bucket.url, *folder)
            assert second.returncode == 2, command
            assert f"`pmc15m crawl`, process {first.pid}" in second.stderr
            assert second.stderr.count("\n") == 1
        assert said("status", copy)[0] in (0, 1)
        assert said("stats", copy)[0] == 0
        assert pmc15m("sql", "SELECT 1", "--workspace", copy).returncode == 0


def exported(folder: Path) -> set[str]:
    with (folder / "attribution.csv").open(newline="", encoding="utf-8") as file:
        return {row["pmcid"] for row in csv.DictReader(file)}


@pytest.fixture
def with_exports(copy: Path, tmp_path: Path) -> Path:
    """A workspace with four exports, one of them by a recipe of the user's own that is gone."""
    own = tmp_path / "mine.toml"
    own.write_text(load_recipe("panels").text.replace("description =", "# mine\ndescription ="))
    orders = (["pmc15m"], ["panels", "export.format=hf", "export.image_side=64"], [str(own)])
    for recipe, *settings in orders:
        ordered = load_config(None, [*FLAGS[1::2], f"export.recipe={recipe}", *settings])
        assert export(Workspace(copy), ordered, Execution()) is ExitCode.COMPLETE
    own.unlink()
    return copy


@contextmanager
def next_day(bucket: Server, pmcid: str) -> Iterator[Server]:
    """The same bucket a day later, when it has withdrawn an article."""
    later = Bucket()
    for key in bucket.bucket.keys(""):
        later.put(key, bucket.bucket[key].body, bucket.bucket[key].last_modified)
    withdraw(later, f"{pmcid}.1")
    add_inventory(later, datetime(2026, 10, 9, 1, 0, tzinfo=UTC))
    with serve(later) as server:
        yield server


def in_all_exports(workspace: Path) -> str:
    """The PMCID of an article that is in every export."""
    return min(set.intersection(*(exported(folder) for folder in (workspace / "export").iterdir())))


def test_a_withdrawn_article_leaves_every_export(with_exports: Path, bucket: Server) -> None:
    names = {"panels", "panels-hf", "pmc15m", "mine"}
    folders = {name: with_exports / "export" / name for name in names}
    pmcid = in_all_exports(with_exports)
    orders = {name: read_stamp(folder / ".pmc15m" / "plan.parquet")["order"] for name, folder in folders.items()}
    with next_day(bucket, pmcid) as later:
        for step in STEPS[:5]:
            step.load().run(Workspace(with_exports), config(later), Execution())
        words = status(with_exports)
        assert all(f"export   {name}: 1 stale" in words for name in names - {"panels"}), words
        run(with_exports, later)
    for name, folder in folders.items():
        assert pmcid not in exported(folder), name
        for part in folder.rglob("*.parquet"):
            told = pmcid.encode() in part.read_bytes()
            assert told == (part.name == "CHANGES.parquet"), "only what says who left names it"
        left = pq.read_table(folder / "CHANGES.parquet").to_pylist()
        assert {(row["change"], row["reason"], row["pmcid"]) for row in left} == {("removed", "withdrawn", pmcid)}
        assert read_stamp(folder / ".pmc15m" / "plan.parquet")["order"] == orders[name]
    assert orders["panels-hf"]["image_side"] == 64
    assert "stale" not in status(with_exports)


@pytest.mark.parametrize("why", ["renamed", "of another version"])
def test_an_export_that_cannot_be_updated_is_named_with_who_is_still_in_it(
    with_exports: Path, bucket: Server, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = with_exports / "export" / "pmc15m"
    if why == "renamed":
        kept = kept.rename(with_exports / "export" / "mine-of-may")
    else:
        table = pq.read_table(kept / ".pmc15m" / "plan.parquet", partitioning=None)
        pq.write_table(table, kept / ".pmc15m" / "plan.parquet")
        (kept / "export.json").write_text(json.dumps({"fingerprint": "1"}))
    pmcid = in_all_exports(with_exports)
    with next_day(bucket, pmcid) as later:
        assert run(with_exports, later) is ExitCode.INCOMPLETE
    (line,) = [line for line in caplog.messages if f"export/{kept.name} is not brought up to date" in line]
    assert pmcid in line.partition("articles in it:")[2], line
    assert "export it again" in line
    assert pmcid not in exported(with_exports / "export" / "panels-hf")
    assert f"export   {kept.name}: 1 stale" in status(with_exports)
