"""What the footers of files say, remembered: within a command, and of the tables' parts from one command to the next.

A look at a footer is an open, two reads and a digest, .15 ms or more; all of PMC has 164,000 parts, and a command asks
several times for each. What was read once is believed while the file has the size, the time of change and the inode
that it had. `<folder>/.footers` keeps it, a line a file; it is rebuilt where it is missing or cannot be read, and what
it says of a file that has changed since is not asked for.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmc15m.checksum import read_stamp

NAME = ".footers"
_DIGESTS = ("body_sha256", "footer_sha256")

_Mark = tuple[int, int, int]  # size, time of change in ns, inode


@dataclass(slots=True)
class _Folder:
    """What is known of the files of one folder: marks, and facts as JSON, by name."""

    facts: dict[str, tuple[_Mark, str]] = field(default_factory=dict)
    is_kept: bool = True  # whether `.footers` says the same


_folders: dict[str, _Folder] = {}


def read_footer(path: Path) -> dict[str, Any]:
    """What `checksum.stamp` noted in a file, without the digests. Raises `DamageError`, `FileNotFoundError`."""
    parent, name = os.path.split(place := os.fspath(path))
    status = os.stat(place)
    mark = (status.st_size, status.st_mtime_ns, status.st_ino)
    folder = _folders.get(parent)
    if folder is None:
        folder = _folders[parent] = _load(Path(parent, NAME))
    known = folder.facts.get(name)
    if known is None or known[0] != mark:
        stamp = read_stamp(path)
        facts = {name: value for name, value in stamp.items() if name not in _DIGESTS}
        folder.facts[name] = known = (mark, json.dumps(facts))
        folder.is_kept = False
    found: dict[str, Any] = json.loads(known[1])
    return found


def to_keep(folder: Path) -> str | None:
    """What `.footers` of a folder should say; None where it does, or where nothing was asked of the files."""
    known = _folders.get(str(folder))
    if known is None or known.is_kept or not folder.is_dir():
        return None
    known.is_kept = True
    there = {entry.name for entry in os.scandir(folder)}
    lines = ("\t".join((name, *map(str, mark), facts)) for name, (mark, facts) in known.facts.items() if name in there)
    return "\n".join(lines) + "\n"


def _load(path: Path) -> _Folder:
    folder = _Folder()
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            name, size, time, inode, facts = line.split("\t")
            folder.facts[name] = ((int(size), int(time), int(inode)), facts)
    except (OSError, ValueError):
        return _Folder()
    return folder
