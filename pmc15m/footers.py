"""What the footers of files say, remembered: within a command, and of the tables' parts from one command to the next.

A look at a footer is an open, two reads and a digest, .15 ms or more; all of PMC has 164,000 parts, and a command asks
several times for each. Within a command, what was read is believed while the file has the size, the time of change and
the inode that it had, and within `one_moment` without a further look. `<folder>/.footers` keeps the parts' from one
command to the next, a line each below their digest, for files that have not been touched since (their ctime, which
nobody can set). It says what the parts say, and how many rows they have, and nothing of when, so that equal parts have
equal `.footers`; it is rebuilt where it is missing or cannot be read.

Every byte of a part that it names was as written when it was named. So who reads parts through something that checks
nothing, such as DuckDB, re-reads those alone that somebody has touched since (`check`).
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pmc15m.checksum import check_file, read_metadata, read_stamp
from pmc15m.errors import DamageError

NAME = ".footers"
NOTE = ".damage"
_PASSING = ("footer_sha256",)  # what nothing depends on

_Mark = tuple[int, int, int]  # size, time of change in ns, inode


class _Kept(NamedTuple):
    """What is kept of a file."""

    size: int
    rows: int
    facts: str


@dataclass(slots=True)
class _Folder:
    """What is known of the files of one folder, by name: facts, as JSON."""

    read: dict[str, tuple[_Mark, str]] = field(default_factory=dict)  # by this process
    checked: dict[str, _Mark] = field(default_factory=dict)  # by this process, with ctime
    kept: dict[str, _Kept] = field(default_factory=dict)  # before `kept_ns`
    kept_ns: int = 0

    def knows(self, name: str, status: os.stat_result) -> _Kept | None:
        """What was kept of a file, if it has not been touched since."""
        kept = self.kept.get(name)
        return kept if kept and kept.size == status.st_size and status.st_ctime_ns < self.kept_ns else None


@dataclass(slots=True)
class _Seen:
    """What was found in a folder within `one_moment`: the names with a note of damage, and what files said."""

    noted: set[str]
    said: dict[str, str | None] = field(default_factory=dict)


_folders: dict[str, _Folder] = {}
_moment: dict[str, _Seen] | None = None


@contextmanager
def one_moment() -> Iterator[None]:
    """Within it each file is looked at once: for questions that change nothing and all concern one moment."""
    global _moment
    outer = _moment
    _moment = {} if outer is None else outer
    try:
        yield
    finally:
        _moment = outer


def note_of(path: str) -> str:
    """Where it is noted that a file is damaged."""
    return os.path.splitext(path)[0] + NOTE


def look(path: str) -> str | None:
    """What a file says, as `read_footer`; None where there is none of ours, or one that is noted as damaged."""
    if _moment is None:
        return None if os.path.exists(note_of(path)) else _said(path)
    parent, _, name = path.rpartition("/")
    if parent not in _moment:
        _moment[parent] = _Seen(_noted(parent))
    seen = _moment[parent]
    if name not in seen.said:
        seen.said[name] = None if seen.noted and os.path.splitext(name)[0] in seen.noted else _said(path)
    return seen.said[name]


def _said(path: str) -> str | None:
    try:
        return read_footer(path)
    except (OSError, DamageError):
        return None


def _noted(folder: str) -> set[str]:
    try:
        return {name.removesuffix(NOTE) for name in os.listdir(folder or os.curdir) if name.endswith(NOTE)}
    except OSError:
        return set()


def check(path: Path) -> None:
    """Re-read a file that was touched since it was last checked. Raises `DamageError`, `FileNotFoundError`."""
    _check(path, os.stat(path))


def count_rows(path: Path) -> int:
    """How many rows a file has, once it is checked. Raises as `check`."""
    status = os.stat(path)
    _check(path, status)
    kept = _folder(os.fspath(path.parent)).knows(path.name, status)
    return kept.rows if kept is not None else int(read_metadata(path).num_rows)


def _check(path: Path, status: os.stat_result) -> None:
    parent, name = os.path.split(path)
    folder = _folder(parent)
    mark = (status.st_size, status.st_ctime_ns, status.st_ino)
    if folder.knows(name, status) is None and folder.checked.get(name) != mark:
        check_file(path)
        folder.checked[name] = mark


def read_footer(path: str) -> str:
    """What `checksum.stamp` noted in a file, without the footer's digest, as JSON.

    Raises `DamageError` and `FileNotFoundError`.
    """
    parent, _, name = path.rpartition("/")
    folder, status = _folder(parent), os.stat(path)
    if (kept := folder.knows(name, status)) is not None:
        return kept.facts
    mark = (status.st_size, status.st_mtime_ns, status.st_ino)
    known = folder.read.get(name)
    if known is None or known[0] != mark:
        facts = {name: value for name, value in read_stamp(Path(path)).items() if name not in _PASSING}
        folder.read[name] = known = (mark, json.dumps(facts))
    return known[1]


def _folder(path: str) -> _Folder:
    if path not in _folders:
        _folders[path] = _load(os.path.join(path, NAME))
    return _folders[path]


def _load(path: str) -> _Folder:
    folder = _Folder()
    try:
        with open(path, encoding="utf-8") as file:
            digest, text = file.readline(), file.read()
        if digest == _digest(text):
            folder.kept = _read(text)
            folder.kept_ns = os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return _Folder()
    return folder


def _read(text: str) -> dict[str, _Kept]:
    lines = (line.split("\t") for line in text.splitlines())
    return {name: _Kept(int(size), int(rows), facts) for name, size, rows, facts in lines}


def _digest(text: str) -> str:
    """Also of what is left out, so that a version that left out more is not believed."""
    return hashlib.sha256(f"{_PASSING}\n{text}".encode()).hexdigest() + "\n"


def to_keep(folder: Path, now_ns: int, note: Callable[[Path], None]) -> str | None:
    """What `.footers` of a folder should say of its parts; None where it does. `note` is told of damaged ones.

    `now_ns` is a time of the file system's from before this call: nothing is believed of what was touched after it.
    """
    known, found = _folder(str(folder)), dict[str, _Kept]()
    is_new = False
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".parquet")):
        path = f"{folder}/{name}"
        try:
            status = os.stat(path)
            kept = known.knows(name, status)
            if kept is None:
                _check(Path(path), status)
                kept = _Kept(status.st_size, read_metadata(Path(path)).num_rows, read_footer(path))
                is_new = True
        except OSError:  # nothing is to be believed of it
            continue
        except DamageError:
            note(Path(path))
            continue
        found[name] = kept
    if not is_new and len(found) == len(known.kept):
        return None
    known.kept_ns, known.kept = now_ns, found
    text = "".join(f"{name}\t{kept.size}\t{kept.rows}\t{kept.facts}\n" for name, kept in found.items())
    return _digest(text) + text
