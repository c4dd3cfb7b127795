"""One writer a share: the second command that would write into a workspace is refused, and told of the first.

A writer holds `.writer-i-of-n` in the workspace, locked (`flock`), with a line of JSON that says who it is; alone it is
share 0 of 1. The kernel frees the lock with the process, so a killed one is in nobody's way. Where a file system does
not carry locks from one machine to another (some NFS, Lustre and BeeGFS mounts), a writer is known by its pulse: it
touches its file every few seconds, and a file of another machine that lies still is a dead one's. `filelock` would
bring the lock alone: neither who holds it, nor shares, nor the pulse.
"""

import fcntl
import json
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pmc15m.errors import UsageError
from pmc15m.workspace import Workspace

PULSE_S = 5.0
_STILL = 4  # pulses without a touch: the writer is dead
_FACTS = {"command", "host", "kernel", "pid", "since"}
_NAME = re.compile(r"\.writer-([0-9]+)-of-([0-9]+)")

Share = tuple[int, int]


@contextmanager
def one_writer(workspace: Workspace, share: Share, command: str) -> Iterator[None]:
    """Be the only writer of a share of a workspace, as `command`. Raises `UsageError` where another one is.

    Shares i/n exclude each other by i, and every other n: those divide the work otherwise. Who is alone removes what
    killed processes left.
    """
    root = workspace.root
    path = root / name_of(share)
    file = _locked(path)
    ended = threading.Event()
    pulse = threading.Thread(target=_beat, args=(file, ended), daemon=True)
    try:
        for other in (root / name for name in in_the_way((path.name for path in root.glob(".writer-*")), share)):
            dead = _locked(other)
            other.unlink(missing_ok=True)
            os.close(dead)
        os.pwrite(file, myself(command), 0)
        pulse.start()
        if share[1] == 1:
            workspace.remove_leftovers()
        yield
    finally:
        ended.set()
        if pulse.ident is not None:
            pulse.join()
        path.unlink(missing_ok=True)
        os.close(file)


def name_of(share: Share) -> str:
    """The name of the file by which a share is held."""
    return ".writer-{}-of-{}".format(*share)


def in_the_way(names: Iterable[str], share: Share) -> list[str]:
    """Which files of some names hold shares that exclude a share."""
    found = []
    for name in sorted(names):
        if match := _NAME.fullmatch(name):
            index, count = int(match[1]), int(match[2])
            if (index, count) != share and (count != share[1] or count == 1):
                found.append(name)
    return found


def myself(command: str) -> bytes:
    """What a writer says of itself."""
    facts = {"command": command, "host": socket.gethostname(), "kernel": kernel(), "pid": os.getpid()}
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return json.dumps(facts | {"since": since}).encode()


def _locked(path: Path) -> int:
    """A descriptor of the file, locked and emptied. Raises `UsageError` where a living writer has it."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise UsageError(
                f"cannot write the workspace {path.parent}: {error.strerror}; choose another with --workspace DIR"
            ) from None
        try:
            holder = holder_of(os.pread(file, 4096, 0))
            is_locked = _lock(file)
            if is_locked is False or _lives(path, holder, is_locked=is_locked is True):
                raise UsageError(_refusal(path, holder))
            if _is_same(file, path):  # else its holder has ended, and removed it, since we opened it
                os.ftruncate(file, 0)
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> bool | None:
    """Whether the lock is ours now; None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _lives(path: Path, holder: dict[str, Any], *, is_locked: bool) -> bool:
    """Whether whoever wrote `holder` into the file, which nobody keeps locked as far as this machine sees, is alive."""
    if not holder:
        return False
    if holder["kernel"] == kernel():
        return not is_locked and Path("/proc", str(holder["pid"])).exists()
    touched = _touched(path)
    if _now(path.parent) - touched > _STILL * PULSE_S * 1e9:
        return False
    for _ in range(_STILL):
        time.sleep(PULSE_S)
        if _touched(path) != touched:
            return True
    return False


def _now(folder: Path) -> int:
    """The time of whoever keeps the files, which another machine's clock need not agree with."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        return os.fstat(probe.fileno()).st_mtime_ns


def _touched(path: Path) -> int:
    """When a file was touched; opened, as a network file system asks its server again only then."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return 0


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def holder_of(told: bytes) -> dict[str, Any]:
    """What a writer said of itself; nothing where that cannot be read."""
    try:
        holder: dict[str, Any] = json.loads(told)
        return holder if isinstance(holder, dict) and holder.keys() >= _FACTS else {}
    except ValueError:  # it has just begun, or was killed as it began
        return {}


def _refusal(path: Path, holder: dict[str, Any]) -> str:
    who = "another command has just begun to write there"
    if holder:
        who = "`{command}`, process {pid} on {host}, writes there since {since}".format(**holder)
    return f"the workspace {path.parent} is in use: {who}"


def kernel() -> str:
    """What tells one running system from all others, also from itself before it was started again."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _beat(file: int, ended: threading.Event) -> None:
    while not ended.wait(PULSE_S):
        os.utime(file)
