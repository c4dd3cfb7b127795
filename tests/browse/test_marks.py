"""Marks: appended, the last one counts, and intervals that mean something."""

import json

import pytest

from pmc15m.browse import marks
from pmc15m.browse.marks import Mark, Verdict
from pmc15m.errors import UsageError
from pmc15m.workspace import Workspace


@pytest.fixture
def empty(tmp_path) -> Workspace:  # type: ignore[no-untyped-def]
    return Workspace(tmp_path)


def mark(key: str, verdict: Verdict, **facts: str) -> Mark:
    return Mark(key=key, verdict=verdict, **facts)


def test_the_last_mark_of_a_thing_counts_and_nothing_is_removed(empty: Workspace) -> None:
    marks.add(empty, mark("PMC1_1_f001", Verdict.WRONG, note=" B is C\n"))
    marks.add(empty, mark("PMC1_1_f002", Verdict.PARTLY))
    marks.add(empty, mark("PMC1_1_f001", Verdict.RIGHT))
    assert [(one.key, one.verdict) for one in marks.latest(empty).values()] == [
        ("PMC1_1_f002", Verdict.PARTLY),
        ("PMC1_1_f001", Verdict.RIGHT),
    ]
    lines = [json.loads(line) for line in marks.file_of(empty).read_text().splitlines()]
    assert [(line["verdict"], line["note"]) for line in lines] == [("wrong", "B is C"), ("partly", ""), ("right", "")]


def test_a_mark_can_be_taken_back(empty: Workspace) -> None:
    marks.add(empty, mark("PMC1_1_f001", Verdict.WRONG))
    marks.add(empty, mark("PMC1_1_f001", Verdict.NONE))
    assert marks.latest(empty) == {}


@pytest.mark.parametrize("broken", [b'{"key": "PMC1_1_f0', b"\xff\xfe\n", b"[1]\n", b'{"key": "a", "verdict": "so"}\n'])
def test_a_line_that_is_no_mark_spoils_itself_only(empty: Workspace, broken: bytes) -> None:
    marks.add(empty, mark("PMC1_1_f001", Verdict.RIGHT))
    with marks.file_of(empty).open("ab") as file:
        file.write(broken)
    marks.add(empty, mark("PMC1_1_f002", Verdict.WRONG, note="β\u2028"))
    assert list(marks.latest(empty)) == ["PMC1_1_f001", "PMC1_1_f002"]


def test_a_workspace_that_cannot_be_written_says_so(empty: Workspace) -> None:
    marks.file_of(empty).mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*marks\.jsonl"):
        marks.add(empty, mark("PMC1_1_f001", Verdict.RIGHT))


def test_a_note_of_any_length_is_refused_not_cut(empty: Workspace) -> None:
    with pytest.raises(UsageError, match="characters"):
        marks.add(empty, mark("PMC1_1_f001", Verdict.RIGHT, note="a" * 5000))


def test_selections_are_counted_apart() -> None:
    found = [
        mark("PMC1_1_f001", Verdict.RIGHT, seen_in="/pairs?sort=random"),
        mark("PMC1_1_f002", Verdict.PARTLY, seen_in="/pairs?sort=random"),
        mark("PMC2_1_f001", Verdict.RIGHT, seen_in="/pairs?sort=random"),
        mark("PMC2_1_f001", Verdict.WRONG, seen_in="/pairs?sort=worst"),
    ]
    random, worst = marks.summaries(found)
    assert (random.n, random.articles, random.counts[Verdict.PARTLY]) == (3, 2, 1)
    assert random.share == pytest.approx(2 / 3)
    assert (worst.share, worst.low) == (0, 0)


def test_the_interval_of_no_difference_is_wilsons() -> None:
    assert marks.interval([[True]] * 34) == pytest.approx((0.8985, 1.0), abs=1e-4)  # Wilson 1927; 34 of 34
    assert marks.wilson(15, 20) == pytest.approx((0.5313, 0.8881), abs=1e-4)


def test_articles_that_are_alike_within_make_the_interval_wider() -> None:
    apart = marks.interval([[n % 2 == 0] for n in range(40)])
    alike = marks.interval([[n % 2 == 0] * 10 for n in range(4)])
    assert alike[1] - alike[0] > apart[1] - apart[0]
    assert apart == marks.interval([[n % 2 == 0] for n in range(40)])
