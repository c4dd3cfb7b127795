"""One writer of a workspace in a store, on whatever machine."""

import json
import subprocess
import sys

import pytest

from pmc15m import claim
from pmc15m.claim import one_writer_of
from pmc15m.errors import UsageError
from pmc15m.objects import Objects

ELSEWHERE = {"command": "pmc15m run", "host": "node17", "kernel": "another", "pid": 12, "since": "2026-11-01 08:00:00"}


def told(objects: Objects, name: str = ".writer-0-of-1", **facts: object) -> None:
    objects.put(name, json.dumps(ELSEWHERE | facts).encode(), None)


def dead() -> int:
    """The id of a process that was."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def here() -> dict[str, object]:
    return {"kernel": claim.kernel(), "processes": claim._processes()}


def test_the_second_is_refused_in_one_line_that_names_the_first(objects: Objects) -> None:
    with one_writer_of(objects, (0, 1), "pmc15m crawl"):
        with pytest.raises(UsageError, match=r"`pmc15m crawl`, process [0-9]+ on .*since 20") as refusal:
            one_writer_of(objects, (0, 1), "pmc15m run").__enter__()
        assert "\n" not in str(refusal.value)
        with pytest.raises(UsageError), one_writer_of(objects, (1, 3), "pmc15m crawl"):
            pass
    assert list(objects.listing()) == []


def test_shares_go_beside_each_other(objects: Objects) -> None:
    with one_writer_of(objects, (0, 2), "pmc15m split"), one_writer_of(objects, (1, 2), "pmc15m split"):
        assert len(list(objects.listing())) == 2
    assert list(objects.listing()) == []


def test_a_writer_of_another_machine_is_believed_while_it_gives_signs(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(objects)
    with pytest.raises(UsageError, match="process 12 on node17"), one_writer_of(objects, (0, 1), "pmc15m run"):
        pass
    monkeypatch.setattr(claim, "_STILL_S", -1)
    with one_writer_of(objects, (0, 1), "pmc15m run"):
        (mine,) = objects.listing()
        assert b"pmc15m run" in objects.read(mine.key, 0, mine.size)
        assert b"node17" not in objects.read(mine.key, 0, mine.size)


def test_a_killed_process_of_this_machine_is_in_nobodys_way(objects: Objects) -> None:
    told(objects, **here(), pid=dead())
    told(objects, ".writer-1-of-3", **here(), pid=dead())
    with one_writer_of(objects, (0, 1), "pmc15m run"):
        assert [found.key for found in objects.listing()] == [".writer-0-of-1"]


def test_a_process_of_another_container_is_not_looked_for_here(objects: Objects) -> None:
    told(objects, **here() | {"processes": 1}, pid=dead())
    with pytest.raises(UsageError, match="in use"), one_writer_of(objects, (0, 1), "pmc15m run"):
        pass


def test_who_was_replaced_leaves_the_place_to_the_other(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "_STILL_S", -1)
    with one_writer_of(objects, (0, 1), "pmc15m crawl"):
        with one_writer_of(objects, (0, 1), "pmc15m run"):
            pass
        told(objects)
    assert len(list(objects.listing())) == 1
