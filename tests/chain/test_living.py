"""An export that follows its source: what changed is written again, nothing else, and a release says what changed."""

import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pmc15m.chain import STEPS
from pmc15m.config import Config, load_config
from pmc15m.demo import Bucket, Server, serve
from pmc15m.demo.layout import add_inventory, edit_metadata, withdraw
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.export.audit import verify_export
from pmc15m.export.stage import export
from pmc15m.export.state import export_state
from pmc15m.workspace import Workspace
from tests.chain.conftest import FLAGS, digests

PAIRS_A_SHARD = 6
FORMATS = ("webdataset", "hf", "interleaved", "jsonl")


def config(kind: str, source: str = "", **settings: object) -> Config:
    told = [f"export.format={kind}", f"export.name={kind}", f"export.pairs_per_shard={PAIRS_A_SHARD}"]
    told += [f"export.{name}={value}" for name, value in settings.items()]
    return load_config(None, [*FLAGS[1::2], "export.recipe=", *told, *([f"source={source}"] if source else [])])


@pytest.fixture(scope="module")
def exported(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with an export in several formats, all in small shards."""
    root = tmp_path_factory.mktemp("living") / "copy"
    shutil.copytree(finished, root, ignore=shutil.ignore_patterns("export", "report"))
    for kind in FORMATS:
        assert export(Workspace(root), config(kind), Execution()) is ExitCode.COMPLETE
    return root


@pytest.fixture(scope="module")
def gone(exported: Path) -> tuple[str, str]:
    """Two articles with pictures in every export."""
    [first, second, *_] = sorted({row["pmcid"] for row in rows(exported / "export" / "webdataset")})[3:]
    return first, second


@pytest.fixture(scope="module")
def followed(exported: Path, gone: tuple[str, str], bucket: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same a day later, when one article was withdrawn and one retracted; not exported again yet."""
    root = Path(shutil.copytree(exported, tmp_path_factory.mktemp("followed") / "copy"))
    later = Bucket()
    for key in bucket.bucket.keys(""):
        later.put(key, bucket.bucket[key].body, bucket.bucket[key].last_modified)
    withdraw(later, f"{gone[0]}.1")
    edit_metadata(later, f"{gone[1]}.1", is_retracted=True)
    add_inventory(later, datetime(2026, 10, 9, 1, 0, tzinfo=UTC))
    with serve(later) as server:
        for step in STEPS[:5]:
            step.load().run(Workspace(root), config("hf", server.url), Execution())
    return root


def rows(folder: Path) -> list[dict[str, Any]]:
    parts = (path for split in ("train", "val", "test") for path in (folder / ".pmc15m").glob(f"{split}-?????.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def changes(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / "CHANGES.parquet").to_pylist()
    return found


def stamps(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def lasting(folder: Path) -> dict[str, str]:
    """The files of an export but for what tells its history."""
    return {name: digest for name, digest in digests(folder).items() if "CHANGES." not in name}


def test_a_release_names_its_parts_and_first_of_all_adds_every_pair(exported: Path) -> None:
    for kind in FORMATS:
        folder = exported / "export" / kind
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        data = {f"data/{path.name}" for path in (folder / "data").glob("*-of-*")}
        assert data <= manifest["parts"].keys()
        for name in data:
            told, content = manifest["parts"][name], (folder / name).read_bytes()
            assert (told["size"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert manifest["pairs"] == sum(part["pairs"] for part in manifest["parts"].values()) == len(changes(folder))
        assert {(row["change"], row["reason"]) for row in changes(folder)} == {("added", "first_release")}


@pytest.mark.parametrize("kind", FORMATS)
def test_what_left_the_source_leaves_its_shards_and_the_others_alone(
    exported: Path, followed: Path, gone: tuple[str, str], kind: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(followed, tmp_path / "copy"))
    folder = root / "export" / kind
    before, of_gone = stamps(folder), {row["pair_key"]: row["pmcid"] for row in rows(folder) if row["pmcid"] in gone}
    assert set(of_gone.values()) == set(gone)
    assert export_state(Workspace(root), config(kind)).stale == ("plan",)
    assert export(Workspace(root), config(kind), Execution()) is ExitCode.COMPLETE
    after = stamps(folder)
    touched = {name for name in before if after.get(name) != before[name]}
    shards = {name for name in before if "/" in name and name.partition("/")[0] in ("data", ".pmc15m")}
    shards -= {name for name in shards if name.endswith(("plan.parquet", "CHANGES.parquet", "sizes.json"))}
    assert len(touched & shards) <= 2 * 2 < len(shards) / 4, "data and side table of two shards at most"
    reasons = {row["pair_key"]: (row["change"], row["reason"], row["pmcid"]) for row in changes(folder)}
    why = dict(zip(gone, ("withdrawn", "retracted"), strict=True))
    assert reasons == {key: ("removed", why[pmcid], pmcid) for key, pmcid in of_gone.items()}
    assert not {row["pmcid"] for row in rows(folder)} & set(gone)
    assert verify_export(folder, Workspace(root)) is ExitCode.COMPLETE
    updated = lasting(folder)
    shutil.rmtree(folder)
    assert export(Workspace(root), config(kind), Execution(workers=2)) is ExitCode.COMPLETE
    assert lasting(folder) == updated, "equal to a fresh export"


def test_pictures_that_are_files_stay_untouched_beside_those_that_went(
    exported: Path, followed: Path, gone: tuple[str, str], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(followed, tmp_path / "copy"))
    folder = root / "export" / "jsonl"
    before = {name: stamp for name, stamp in stamps(folder).items() if name.count("/") == 2}
    assert export(Workspace(root), config("jsonl"), Execution()) is ExitCode.COMPLETE
    after = {name: stamp for name, stamp in stamps(folder).items() if name.count("/") == 2}
    went = {name for name in before if name.rpartition("/")[2].startswith(tuple(f"{pmcid}_" for pmcid in gone))}
    assert len({name.rpartition("/")[0] for name in went} & {name.rpartition("/")[0] for name in after}) > 0
    assert after == {name: stamp for name, stamp in before.items() if name not in went}


def test_a_source_that_changes_back_on_the_way_changed_nothing(
    exported: Path, followed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shards are written for one state of the source, but not released, and then the source is as it was."""
    root = Path(shutil.copytree(followed, tmp_path / "copy"))
    folder = root / "export" / "webdataset"
    whole, released = lasting(folder), changes(folder)
    with monkeypatch.context() as patched:
        patched.setattr("pmc15m.export.stage.write_summary", lambda *_: None)
        export(Workspace(root), config("webdataset"), Execution())
    assert list((folder / ".pmc15m").glob("*.before-*.parquet"))
    for table in ("raw", "articles", "figures", "images", "pairs"):
        shutil.rmtree(root / table)
        shutil.copytree(exported / table, root / table)
    assert export(Workspace(root), config("webdataset"), Execution()) is ExitCode.COMPLETE
    assert lasting(folder) == whole
    assert changes(folder) == released
    assert not list((folder / ".pmc15m").glob("*.before-*.parquet"))


@pytest.mark.parametrize("kind", [*FORMATS, "csv", "tsv", "llava", "articles"])
def test_killed_in_the_middle_the_release_is_the_same(followed: Path, kind: str, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(followed, tmp_path / "whole"))
    settings = config(kind, image_format="jpeg", image_side=64)  # every shard is written again
    assert export(Workspace(whole), settings, Execution()) is ExitCode.COMPLETE
    killed = Path(shutil.copytree(followed, tmp_path / "killed"))
    read, write = os.pipe()
    with os.fdopen(read, "rb") as told:
        command = [sys.executable, "-c", _DYING, str(killed), kind, str(write)]
        process = subprocess.Popen(command, pass_fds=[write])
        os.close(write)
        assert told.read(3) == b"..."
        process.send_signal(signal.SIGKILL)
        process.wait()
    state = export_state(Workspace(killed), settings)
    assert state.current
    assert state.missing
    assert export(Workspace(killed), settings, Execution(workers=2)) is ExitCode.COMPLETE
    assert digests(killed / "export" / kind) == digests(whole / "export" / kind)
    reasons = {"withdrawn", "retracted", "picture"} if kind in FORMATS else {"first_release"}
    assert {row["reason"] for row in changes(killed / "export" / kind)} >= reasons


# Says when it has written a shard, and waits for the end before it writes the fourth.
_DYING = """
import os, sys, threading
from pathlib import Path
from typing import Any
from pmc15m.engine.stage import Execution
from pmc15m.export import unit
from pmc15m.export.stage import export
from pmc15m.workspace import Workspace
from tests.chain.test_living import config
root, kind, told = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
write_shard, written = unit.WriteShard.__call__, []
def write_slowly(self, shard):
    if len(written) == 3:
        threading.Event().wait()
    count = write_shard(self, shard)
    written.append(shard)
    os.write(told, b".")
    return count
unit.WriteShard.__call__ = write_slowly
export(Workspace(root), config(kind, image_format="jpeg", image_side=64), Execution())
"""


def test_changes_that_were_damaged_are_mended_by_their_copy(exported: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(exported, tmp_path / "copy"))
    folder = root / "export" / "webdataset"
    whole = digests(folder)
    (folder / "CHANGES.parquet").write_bytes(b"PAR1")
    assert export_state(Workspace(root), config("webdataset")).missing == ("summary",)
    assert export(Workspace(root), config("webdataset"), Execution()) is ExitCode.COMPLETE
    assert digests(folder) == whole


def test_how_many_pairs_a_shard_may_have_is_not_part_of_a_shard(exported: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(exported, tmp_path / "copy"))
    folder = root / "export" / "webdataset"
    counts = json.loads((folder / "export.json").read_text(encoding="utf-8"))["samples"].values()
    numbers = {n: [max(0, math.ceil(math.log2(count / n))) for count in counts] for n in range(2, 20)}
    other = next(n for n in numbers if n != PAIRS_A_SHARD and numbers[n] == numbers[PAIRS_A_SHARD])
    before = stamps(folder / "data")
    assert export(Workspace(root), config("webdataset", pairs_per_shard=other), Execution()) is ExitCode.COMPLETE
    assert {name: stamp for name, stamp in stamps(folder / "data").items() if name.endswith(".tar")} == {
        name: stamp for name, stamp in before.items() if name.endswith(".tar")
    }
