"""The whole chain on a workspace in a store, as a user runs it, beside the same on a folder."""

import hashlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmc15m.demo import Server, generate, serve
from pmc15m.objects import Objects
from tests.chain.conftest import digests, pmc15m
from tests.stores import servers

ARTICLES = 5
FLAGS = ("--set", "crawl.articles_per_shard=3", "--set", "curate.val_share=0.1", "--set", "curate.test_share=0.1")
FLAGS = (*FLAGS, "--workers", "1")
KILLED_AT = ("crawl: planned", "parse:", "captions:", "export: panels keeps")  # what it says last


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("source")
    generate(root, articles=ARTICLES)
    with serve(root) as server:
        yield server


@pytest.fixture(scope="module")
def folder(source: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in a folder, after one uninterrupted run."""
    workspace = tmp_path_factory.mktemp("folder")
    ran = pmc15m("run", "--workspace", workspace, "--source", source.url, *FLAGS)
    assert ran.returncode in (0, 1), ran.stderr
    return workspace


def stored(place: str) -> dict[str, str]:
    """As `digests` of a folder, of what lies in the store."""
    objects = Objects(place)
    found = {one.key: objects.read(one.key, 0, one.size) for one in objects.listing()}
    leaf = {key: key.rpartition("/")[2] for key in found}
    return {
        key: hashlib.sha256(content).hexdigest()
        for key, content in sorted(found.items())
        if leaf[key] not in {"config.toml", "index.html"}
    }


def killed(command: list[str], at: str) -> str:
    """Run a command and kill it when it says something; all that it said."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith(at):
                process.send_signal(signal.SIGKILL)
                return said
    pytest.fail(f"it never said {at}: {said}")


@pytest.mark.timeout(400)  # nine commands, one after the other
def test_killed_on_the_way_and_finished_elsewhere_it_holds_the_same_bytes(
    place: str, source: Server, folder: Path, tmp_path: Path
) -> None:
    arguments = ("run", "--workspace", place, "--source", source.url, *FLAGS)
    command = [sys.executable, "-m", "pmc15m.cli", *arguments]
    said = "".join(killed(command, at) for at in KILLED_AT[:2])
    said += killed([*command, "--workers", "2"], KILLED_AT[2])
    shutil.rmtree(tmp_path / "scratch")  # another machine goes on
    said += killed(command, KILLED_AT[3])
    last = pmc15m(*arguments)
    assert last.returncode in (0, 1), last.stderr
    assert stored(place) == digests(folder)
    shutil.rmtree(tmp_path / "scratch")

    again = pmc15m(*arguments)
    assert again.stderr.count("nothing to do") >= 6, again.stderr
    question = "SELECT pair_key, text, split FROM pairs ORDER BY ALL"
    asked = pmc15m("sql", question, "--format", "csv", "--workspace", place)
    assert asked.stdout.count("\n") > 10, asked.stderr
    assert asked.stdout == pmc15m("sql", question, "--format", "csv", "--workspace", folder).stdout
    state = pmc15m("status", "--workspace", place)
    assert state.stdout == pmc15m("status", "--workspace", folder).stdout
    checked = pmc15m("verify", "--workspace", place)
    assert checked.returncode == 0, checked.stderr
    assert stored(place) == digests(folder)

    told = said + "".join(ran.stdout + ran.stderr for ran in (last, again, asked, state, checked))
    assert servers.SECRET not in told
    kept = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
    assert len(kept) > 30
    assert not [path for path in kept if servers.SECRET.encode() in path.read_bytes()]
    objects = Objects(place)
    assert not [one.key for one in objects.listing() if servers.SECRET.encode() in objects.read(one.key, 0, one.size)]
    assert sum(path.stat().st_blocks for path in kept if path.suffix == ".tar") == 0


def test_a_copy_of_the_bucket_in_a_store_is_a_source(place: str, source: Server, folder: Path, tmp_path: Path) -> None:
    copy = Objects(f"{place}/pmc")
    for key in source.bucket.keys():  # noqa: SIM118 (no mapping, for all its name says)
        copy.put(key, source.bucket[key].read(), None)
    for command in ("index", "crawl"):
        ran = pmc15m(command, "--workspace", tmp_path / "there", "--source", f"{place}/pmc", *FLAGS)
        assert ran.returncode in (0, 1), ran.stderr
    raw = {name: digest for name, digest in digests(tmp_path / "there").items() if name.startswith("raw/0")}
    assert len(raw) > 2
    assert raw == {name: digest for name, digest in digests(folder).items() if name.startswith("raw/0")}
