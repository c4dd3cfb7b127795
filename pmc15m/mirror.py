"""A workspace in a store: a local folder that stands for it while commands work, written through to the store.

What is finished lies in the store: raw shards, parts, catalog, plan, exports, report, configuration. What is not yet,
with locks, journals and spilling queries, lies in the folder alone, so that a command that was killed goes on where it
is, and elsewhere from what was finished. A finished file is put into the store, under the condition that nobody else
has changed it there, before it gets its name in the folder (`workspace.atomic`): what the folder has, the store has.

Before a command, `pull` makes the folder like the store: tables are copied, what was copied before is not copied
again, and of what is large (raw shards, training shards) a file without blocks stands there that has its size: its
bytes are read from the store, piece by piece (`read`, `opened`).

    .store     the address; a folder with this file stands for a store
    .ledger    a line of JSON an object: key, tag, size, and the local file's time of change where it has the bytes
"""

import fcntl
import hashlib
import json
import logging
import os
import re
import tempfile
import threading
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from pmc15m.objects import Objects, Stored
from pmc15m.tables import TABLES

log = logging.getLogger(__name__)

_ADDRESS, _LEDGER, _PULLING = ".store", ".ledger", ".pulling"
_FOLDERS = {"catalog", "raw", *TABLES, "export", "report"}
_FILES = {"config.toml", "marks.jsonl"}
_PASSING = re.compile(r"\.footers|.+\.(planned\.parquet|damage|part|journal)")  # of this machine alone
_LARGE = re.compile(r"raw/[0-9]+\.tar|export/[^/]+/data/.+\.(tar|parquet)")
_AT_ONCE = 16  # files that are copied
_AHEAD, _GAP = 1 << 20, 256 << 10  # bytes that are read at once by who goes on, and that may lie between


class _Known(NamedTuple):
    """What the folder knows of an object."""

    tag: str
    size: int
    changed_ns: int | None  # of the local file; None where that has not the bytes


class _Last(threading.local):
    """What a thread has read last of an object."""

    of: tuple[str, str] | None = None
    start = 0
    content = b""


class Mirror:
    """A folder that stands for a store."""

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        self.address = address
        self.has_tables = True  # False where what is large is all that is larger than the configuration
        self.objects = Objects(address)
        self._last = _Last()
        self._known: dict[str, _Known] = {}
        self._read_to = 0
        self._reading = threading.Lock()  # of the ledger: pictures are read by several threads

    def pull(self, *, with_tables: bool = True) -> None:
        """Make the folder like the store."""
        self.has_tables = with_tables
        with _locked(self.root / _PULLING):
            before = dict(self._ledger())  # first: what is pushed from now on is in no listing yet, and stays
            there = {found.key: found for found in self.objects.listing() if _is_kept(found.key)}
            for key in before.keys() - there.keys():
                (self.root / key).unlink(missing_ok=True)
                self._note(key, None)
            # A tar without its index is of a crawl that was killed: it is taken up where its journal is.
            alone = {key for key in there if _is_tar(key) and key.removesuffix(".tar") + ".parquet" not in there}
            for found in (there.pop(key) for key in alone):
                known = before.get(found.key)
                if known is None or known.tag != found.tag:
                    self._note(found.key, _Known(found.tag, found.size, None))
            self._copy([found for found in there.values() if not self._has(found, before.get(found.key))])

    def push(self, path: Path, finished: Path) -> None:
        """Put a finished file into the store, for the name `path`, where it is none of this machine alone."""
        if _is_kept(key := self.key(path)):
            known = self._ledger().get(key)
            status = finished.stat()
            tag = self.objects.put(key, finished, known.tag if known else None)
            self._note(key, _Known(tag, status.st_size, status.st_mtime_ns))

    def remove(self, path: Path) -> None:
        """Remove a file from the store."""
        if (key := self.key(path)) in self._ledger():
            self.objects.remove(key)
            self._note(key, None)

    def evict(self, path: Path) -> None:
        """Leave the bytes of a file to the store, if they are large."""
        key = self.key(path)
        known = self._ledger().get(key)
        if known is not None and _LARGE.fullmatch(key):
            self._leave(key, known.tag, known.size)

    def read(self, path: Path, offset: int, size: int) -> bytes:
        """A piece of a file, from where its bytes are.

        Who reads one piece after the other gets more than he asked for, as nearly all of a request is waiting.
        """
        key = self.key(path)
        known = self._ledger().get(key)
        if known is None or known.changed_ns is not None:
            with path.open("rb") as file:
                return os.pread(file.fileno(), size, offset)
        last, of = self._last, (key, known.tag)
        begin = offset - last.start
        if last.of != of or begin < 0 or begin + size > len(last.content):
            goes_on = last.of == of and 0 <= begin <= len(last.content) + _GAP
            wanted = min(max(size, _AHEAD) if goes_on else size, max(0, known.size - offset))
            last.content = self.objects.read(key, offset, wanted)
            last.of, last.start, begin = of, offset, 0
        return last.content[begin : begin + size]

    def opened(self, path: Path) -> BufferedReader:
        """A file to be read whole."""
        if not self._is_elsewhere(path):
            return path.open("rb")
        with tempfile.NamedTemporaryFile(dir=self.root, suffix=".tmp") as copy:
            self.objects.get(self.key(path), Path(copy.name))
            return open(copy.name, "rb")

    def key(self, path: Path) -> str:
        """The key of what lies at a path of the folder."""
        return Path(os.path.abspath(path)).relative_to(self.root).as_posix()

    def shown(self, path: Path) -> str:
        """Where a file lies, for people."""
        return f"{self.address}/{key}" if (key := self.key(path)) != "." else self.address

    def _is_elsewhere(self, path: Path) -> bool:
        known = self._ledger().get(self.key(path))
        return known is not None and known.changed_ns is None

    def _is_large(self, key: str) -> bool:
        return bool(_LARGE.fullmatch(key)) if self.has_tables else key not in _FILES

    def _has(self, found: Stored, known: _Known | None) -> bool:
        if known is None or known.tag != found.tag:
            return False
        try:
            status = (self.root / found.key).stat()
        except FileNotFoundError:
            return False
        is_as_known = status.st_size == found.size and known.changed_ns in (None, status.st_mtime_ns)
        return is_as_known and (known.changed_ns is None) == self._is_large(found.key)

    def _copy(self, missing: Iterable[Stored]) -> None:
        copied = []
        for found in missing:
            if self._is_large(found.key):
                self._leave(found.key, found.tag, found.size)
            else:
                copied.append(found)
        if copied:
            size = sum(found.size for found in copied)
            log.debug("workspace: copying %d files, %.1f MB, from %s", len(copied), size / 1e6, self.address)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for found, (tag, status) in zip(copied, pool.map(self._fetch, copied), strict=True):
                    self._note(found.key, _Known(tag, status.st_size, status.st_mtime_ns))

    def _fetch(self, found: Stored) -> tuple[str, os.stat_result]:
        with self._placed(found.key) as temporary:
            return self.objects.get(found.key, temporary), temporary.stat()

    def _leave(self, key: str, tag: str, size: int) -> None:
        self._note(key, _Known(tag, size, None))
        with self._placed(key) as temporary, temporary.open("wb") as file:
            file.truncate(size)

    @contextmanager
    def _placed(self, key: str) -> Iterator[Path]:
        """A temporary path that becomes a file of the folder; no byte of it is this machine's to keep."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def _ledger(self) -> dict[str, _Known]:
        """What is known of every object, also by what other processes of this machine noted."""
        try:
            with self._reading, (self.root / _LEDGER).open("rb") as file:
                file.seek(self._read_to)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read_to += len(line)
                    key, known = json.loads(line)
                    if known is None:
                        self._known.pop(key, None)
                    else:
                        self._known[key] = _Known(*known)
        except FileNotFoundError:
            pass
        return self._known

    def _note(self, key: str, known: _Known | None) -> None:
        with (self.root / _LEDGER).open("ab") as file:
            file.write(json.dumps([key, known]).encode() + b"\n")


def scratch_of(address: str) -> Path:
    """The folder of this user that stands for a store: below PMC15M_SCRATCH, else in the cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    base = Path(os.environ.get("PMC15M_SCRATCH") or Path(cache, "pmc15m"))
    name = re.sub(r"[^\w.-]+", "-", address)[-60:].strip("-.")
    return base.absolute() / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"


_mirrors: dict[str, Mirror] = {}


def standing_for(address: str, root: Path) -> Mirror:
    """The mirror of a store in a folder, which is made and marked as one."""
    root.mkdir(parents=True, exist_ok=True)
    root = root.resolve()
    (root / _ADDRESS).write_text(address, encoding="utf-8")
    mirror = _mirrors[str(root)] = Mirror(root, address)
    return mirror


def join(root: Path) -> None:
    """Know a folder as a mirror, also in another process than the one that began."""
    folder = os.path.abspath(root)
    if folder not in _mirrors and (address := address_of(root)) is not None:
        _mirrors[folder] = Mirror(Path(folder), address)


def address_of(root: Path) -> str | None:
    """The address for which a folder stands; None for one that is a workspace by itself."""
    try:
        return Path(root, _ADDRESS).read_text(encoding="utf-8")
    except OSError:
        return None


def mirror_of(path: Path) -> Mirror | None:
    """The mirror in which a path lies; None for nearly all."""
    if not _mirrors:
        return None
    place = os.path.abspath(path)
    return next((mirror for root, mirror in _mirrors.items() if f"{place}/".startswith(f"{root}/")), None)


def _is_kept(key: str) -> bool:
    """Whether an object is the workspace's."""
    top, _, below = key.partition("/")
    parts = key.split("/")
    is_ours = key in _FILES or (top in _FOLDERS and below != "")
    is_passing = _PASSING.fullmatch(parts[-1]) or any(part.endswith(".tmp") for part in parts)
    return is_ours and not is_passing and not {"", ".", ".."} & set(parts)


def _is_tar(key: str) -> bool:
    return key.startswith("raw/") and key.endswith(".tar")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
