"""One writer a share of a workspace, and what is known of others."""

import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pmc15m import writer
from pmc15m.errors import UsageError
from pmc15m.workspace import Workspace
from pmc15m.writer import one_writer

HOLD = """
import sys
from pathlib import Path
from pmc15m.workspace import Workspace
from pmc15m.writer import one_writer
with one_writer(Workspace(Path(sys.argv[1])), (int(sys.argv[2]), int(sys.argv[3])), "pmc15m crawl"):
    print("writes", flush=True)
    sys.stdin.read()
"""
ELSEWHERE = {
    "command": "pmc15m run",
    "host": "node17",
    "kernel": "another",
    "pid": 12,
    "since": "2026-11-01 08:00:00+00:00",
}


@contextmanager
def holder(root: Path, index: int = 0, count: int = 1) -> Iterator["subprocess.Popen[str]"]:
    """Another process that writes, from the moment when it does."""
    command = [sys.executable, "-c", HOLD, str(root), str(index), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writes\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_second_is_refused_in_one_line_that_names_the_first(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with pytest.raises(UsageError) as refusal, one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
            pass
        said = str(refusal.value)
        assert "\n" not in said
        for known in (str(tmp_path), "`pmc15m crawl`", f"process {first.pid}", socket.gethostname(), "since 20"):
            assert known in said
        first.communicate("")
    with one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.kill()
        first.wait()
        (left,) = tmp_path.iterdir()
        assert json.loads(left.read_bytes())["pid"] == first.pid
        with one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
            assert json.loads(left.read_bytes())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_shares_of_one_count_write_beside_each_other_and_nobody_else(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with holder(tmp_path, 0, 3):
        with one_writer(workspace, (1, 3), "pmc15m crawl"), one_writer(workspace, (2, 3), "pmc15m crawl"):
            pass
        for share in ((0, 3), (0, 1), (1, 2), (3, 4)):
            with pytest.raises(UsageError, match="in use"), one_writer(workspace, share, "pmc15m crawl"):
                pass
        assert [path.name for path in tmp_path.iterdir()] == [".writer-0-of-3"]
    with one_writer(workspace, (0, 1), "pmc15m run"), pytest.raises(UsageError), one_writer(workspace, (1, 3), "x"):
        pass


@pytest.mark.parametrize("name", [".writer-0-of-1", ".writer-2-of-5"])
@pytest.mark.parametrize("lives", [True, False])
def test_a_writer_on_another_machine_is_known_by_its_pulse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, lives: bool
) -> None:
    other = tmp_path / name
    other.write_text(json.dumps(ELSEWHERE))
    moments = itertools.count(other.stat().st_mtime_ns, 1_000)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if lives and len(slept) == 3:
            os.utime(other, ns=(0, next(moments) + 1))

    monkeypatch.setattr(writer.time, "sleep", sleep)
    if lives:
        with pytest.raises(UsageError, match="process 12 on node17"), one_writer(Workspace(tmp_path), (0, 1), "x"):
            pass
        assert other.read_text() == json.dumps(ELSEWHERE)
        return
    with one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
        assert [path.name for path in tmp_path.iterdir()] == [".writer-0-of-1"]
    assert len(slept) > 1


def test_one_that_lay_still_for_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / ".writer-0-of-1"
    other.write_text(json.dumps(ELSEWHERE))
    os.utime(other, (0, 0))
    monkeypatch.setattr(writer.time, "sleep", lambda _: pytest.fail("it waited"))
    with one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
        pass


def test_without_locks_in_the_file_system_the_process_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(file: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(writer.fcntl, "flock", no_locks)
    here = ELSEWHERE | {"kernel": writer.kernel()}
    mine = tmp_path / ".writer-0-of-1"
    mine.write_text(json.dumps(here | {"pid": os.getpid()}))
    with pytest.raises(UsageError, match=f"process {os.getpid()} "), one_writer(Workspace(tmp_path), (0, 1), "x"):
        pass
    mine.write_text(json.dumps(here | {"pid": 1 << 30}))
    with one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
        pass


def test_a_writer_shows_its_pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PULSE_S", 0)
    with one_writer(Workspace(tmp_path), (0, 1), "pmc15m run"):
        path = tmp_path / ".writer-0-of-1"
        os.utime(path, (0, 0))
        while path.stat().st_mtime == 0:
            os.sched_yield()


def test_who_is_alone_removes_what_the_killed_left_and_nothing_else(tmp_path: Path) -> None:
    torn = f"00003.parquet.{'0a' * 16}.tmp"
    folders = ("", "pairs", "raw", "raw/plan", "catalog", "report", "export/panels", "export/panels/train")
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in (torn, "notes.tmp", "00003.tmp", "00001.parquet"):
            (tmp_path / folder / name).touch()
    with one_writer(Workspace(tmp_path), (1, 2), "pmc15m crawl"):
        assert len(list(tmp_path.rglob(torn))) == len(folders)
    with one_writer(Workspace(tmp_path), (0, 1), "pmc15m crawl"):
        assert list(tmp_path.rglob(torn)) == []
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3 * len(folders)
