"""What people say of single things: right, partly or wrong, and a note. One JSON line a mark, in the workspace.

    <workspace>/marks.jsonl   {"key", "verdict", "note", "seen_in", "at"}; nothing is ever removed, the last mark counts

`pmc15m sql "FROM read_json('DIR/marks.jsonl')"` reads it. The interval draws articles with replacement, because things
of one article are alike; where the draws tell nothing (all marks agree), it is Wilson's.
"""

import json
import math
import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import numpy as np

from pmc15m.errors import UsageError
from pmc15m.workspace import Workspace, keep_in_store

_DRAWS = 2000
_LONGEST_NOTE = 2000  # characters
_lock = threading.Lock()


class Verdict(StrEnum):
    """What somebody finds."""

    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"
    NONE = "none"  # a mark taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One line of the file; `seen_in` is the address of the selection that the thing was met in."""

    key: str
    verdict: Verdict
    note: str = ""
    seen_in: str = ""
    at: str = ""

    @property
    def article(self) -> str:
        return self.key.partition("_")[0]


@dataclass(frozen=True, slots=True)
class Summary:
    """How the marks of a selection fall, and the share that is right with its 95 % interval."""

    seen_in: str
    counts: Mapping[Verdict, int]
    articles: int
    share: float
    low: float
    high: float

    @property
    def n(self) -> int:
        return sum(self.counts.values())


def file_of(workspace: Workspace) -> Path:
    """Where the marks lie."""
    return workspace.root / "marks.jsonl"


def add(workspace: Workspace, mark: Mark) -> Mark:
    """Append a mark, with the time. Raises `UsageError` where it is too long, or the file cannot be written."""
    if len(mark.note) > _LONGEST_NOTE:
        raise UsageError(f"a note has at most {_LONGEST_NOTE} characters")
    stamped = Mark(
        key=mark.key,
        verdict=mark.verdict,
        note=mark.note.strip(),
        seen_in=mark.seen_in,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    line = json.dumps(asdict(stamped), ensure_ascii=False) + "\n"
    path = file_of(workspace)
    try:
        with _lock, path.open("a+b") as file:
            if file.tell() and _last_byte(file.fileno()) != b"\n":  # a write that was cut off spoils one line, not two
                line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
            keep_in_store(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    return stamped


def _last_byte(descriptor: int) -> bytes:
    return os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1)


def latest(workspace: Workspace) -> dict[str, Mark]:
    """The mark that counts of each key, oldest first; lines that are no marks are passed over."""
    path, found = file_of(workspace), dict[str, Mark]()
    if not path.is_file():
        return found
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            facts = json.loads(line)
            mark = Mark(**facts | {"verdict": Verdict(facts["verdict"])})
        except (ValueError, TypeError, KeyError):
            continue
        found.pop(mark.key, None)
        if mark.verdict is not Verdict.NONE:
            found[mark.key] = mark
    return found


def summaries(marks: Iterable[Mark]) -> list[Summary]:
    """One summary a selection, by address: marks of different selections measure different things."""
    by_selection: dict[str, list[Mark]] = {}
    for mark in marks:
        by_selection.setdefault(mark.seen_in, []).append(mark)
    return [_summary(seen_in, found) for seen_in, found in sorted(by_selection.items())]


def _summary(seen_in: str, marks: list[Mark]) -> Summary:
    counts = Counter(mark.verdict for mark in marks)
    by_article: dict[str, list[bool]] = {}
    for mark in marks:
        by_article.setdefault(mark.article, []).append(mark.verdict is Verdict.RIGHT)
    low, high = interval(list(by_article.values()))
    return Summary(seen_in, counts, len(by_article), counts[Verdict.RIGHT] / len(marks), low, high)


def interval(groups: list[list[bool]]) -> tuple[float, float]:
    """95 % interval of a share, from groups (articles) of what is right and what is not."""
    right, n = np.array([sum(group) for group in groups]), np.array([len(group) for group in groups])
    if right.sum() in (0, n.sum()) or len(groups) < 2:
        return wilson(int(right.sum()), int(n.sum()))
    picks = np.random.default_rng(0).integers(len(groups), size=(_DRAWS, len(groups)))
    low, high = np.quantile(right[picks].sum(axis=1) / n[picks].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def wilson(right: int, n: int) -> tuple[float, float]:
    """Wilson's score interval, 95 %: it says something also of 0 and of all."""
    z, p = 1.959964, right / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))
