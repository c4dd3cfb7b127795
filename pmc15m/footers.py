"""What the footers of files say, remembered: within a command, and of the tables' parts from one command to the next.

A look at a footer is an open, two reads and a digest, .15 ms or more; all of PMC has 164,000 parts, and a command asks
several times for each. Within a command, what was read is believed while the file has the size, the time of change and
the inode that it had, and within `one_moment` without a further look. `<folder>/.footers` keeps the parts' from one
command to the next, a line each below their digest, for files that have not been touched since (their ctime, which
nobody can set). It says what the parts say and nothing of when, so that equal parts have equal `.footers`; it is
rebuilt where it is missing or cannot be read.

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

from pmc15m.checksum import check_file, read_stamp
from pmc15m.errors import DamageError

NAME = ".footers"
_PASSING = ("footer_sha256",)  # what nothing depends on

_Mark = tuple[int, int, int]  # size, time of change in ns, inode


@dataclass(slots=True)
class _Folder:
    """What is known of the files of one folder, by name: facts, as JSON."""

    read: dict[str, tuple[_Mark, str]] = field(default_factory=dict)  # by this process
    checked: dict[str, _Mark] = field(default_factory=dict)  # by this process, with ctime
    kept: dict[str, tuple[int, str]] = field(default_factory=dict)  # by size, before `kept_ns`
    kept_ns: int = 0

    def knows(self, name: str, status: os.stat_result) -> str | None:
        """What was kept of a file, if it has not been touched since."""
        size, facts = self.kept.get(name, (None, None))
        return facts if size == status.st_size and status.st_ctime_ns < self.kept_ns else None


_folders: dict[str, _Folder] = {}
_moment: dict[str, str | None] | None = None  # what was found at paths within `one_moment`


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


def at_moment(path: str, look: Callable[[str], str | None]) -> str | None:
    """What a look at a path finds, or found before within `one_moment`."""
    if _moment is None:
        return look(path)
    if path not in _moment:
        _moment[path] = look(path)
    return _moment[path]


def check(path: Path) -> None:
    """Re-read a file that was touched since it was last checked. Raises `DamageError`, `FileNotFoundError`."""
    parent, name = os.path.split(path)
    folder, status = _folder(parent), os.stat(path)
    mark = (status.st_size, status.st_ctime_ns, status.st_ino)
    if folder.knows(name, status) is None and folder.checked.get(name) != mark:
        check_file(path)
        folder.checked[name] = mark


def read_footer(path: str) -> str:
    """What `checksum.stamp` noted in a file, without the footer's digest, as JSON.

    Raises `DamageError` and `FileNotFoundError`.
    """
    parent, name = os.path.split(path)
    folder = _folder(parent)
    status = os.stat(path)
    mark = (status.st_size, status.st_mtime_ns, status.st_ino)
    known = folder.read.get(name)
    if known is None or known[0] != mark:
        text = folder.knows(name, status)
        if text is None:
            facts = {name: value for name, value in read_stamp(Path(path)).items() if name not in _PASSING}
            text = json.dumps(facts)
        folder.read[name] = known = (mark, text)
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


def _read(text: str) -> dict[str, tuple[int, str]]:
    lines = (line.split("\t") for line in text.splitlines())
    return {name: (int(size), facts) for name, size, facts in lines}


def _digest(text: str) -> str:
    """Also of what is left out, so that a version that left out more is not believed."""
    return hashlib.sha256(f"{_PASSING}\n{text}".encode()).hexdigest() + "\n"


def to_keep(folder: Path, now_ns: int, note: Callable[[Path], None]) -> str | None:
    """What `.footers` of a folder should say of its parts; None where it does. `note` is told of damaged ones.

    `now_ns` is a time of the file system's from before this call: nothing is believed of what was touched after it.
    """
    known = _folder(str(folder))
    lines, is_kept = [], True
    for name in sorted(name for name in os.listdir(folder) if name.endswith(".parquet")):
        path = folder / name
        try:
            status = os.stat(path)
            check(path)
            facts = read_footer(os.fspath(path))
        except OSError:  # nothing is to be believed of it
            continue
        except DamageError:
            note(path)
            continue
        is_kept = is_kept and known.kept.get(name) == (status.st_size, facts) and status.st_ctime_ns < known.kept_ns
        lines.append(f"{name}\t{status.st_size}\t{facts}\n")
    if is_kept and len(lines) == len(known.kept):
        return None
    text = "".join(lines)
    known.kept_ns, known.kept = now_ns, _read(text)
    return _digest(text) + text
