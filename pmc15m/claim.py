"""One writer a share of a workspace in a store, on whatever machine: an object says who it is.

`.writer-i-of-n` is created on the condition that there is none, and rewritten every few seconds, which is its pulse.
One that has been still for long, by the store's clock, is a dead writer's; one of a process of this machine that is no
more, at once. Who takes its place rewrites it on the condition that nobody else has. The names are those of `writer`,
which keeps the writers of one machine apart.
"""

import json
import logging
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pmc15m.errors import UsageError
from pmc15m.objects import Objects, Stored
from pmc15m.writer import Share, holder_of, in_the_way, kernel, myself, name_of

log = logging.getLogger(__name__)

PULSE_S = 15.0
_STILL_S = 120  # without a pulse: the writer is dead


@contextmanager
def one_writer_of(objects: Objects, share: Share, command: str) -> Iterator[None]:
    """Be the only writer of a share of what lies in a store, as `command`. Raises `UsageError` where another one is."""
    key = name_of(share)
    told = json.dumps(json.loads(myself(command)) | {"processes": _processes(), "own": uuid.uuid4().hex}).encode()
    tag = _take(objects, key, told)
    ended = threading.Event()
    pulse = threading.Thread(target=_beat, args=(objects, key, told, tag, ended), daemon=True)
    try:
        for other in in_the_way([found.key for found in objects.listing(at_top=True)], share):
            _refuse_if_alive(objects, other)
            objects.remove(other)
        pulse.start()
        yield
    finally:
        ended.set()
        if pulse.ident is not None:
            pulse.join()
        found = objects.head(key)
        if found is not None and objects.read(key, 0, found.size) == told:
            objects.remove(key)


def _take(objects: Objects, key: str, told: bytes) -> str:
    dead: Stored | None = None
    try:
        return objects.put(key, told, None)
    except FileExistsError:
        dead = _refuse_if_alive(objects, key)
    try:
        return objects.put(key, told, dead.tag if dead is not None else None)
    except FileExistsError:
        raise UsageError(f"the workspace {objects.address} is in use: another command has just begun there") from None


def _refuse_if_alive(objects: Objects, key: str) -> Stored | None:
    """Raise `UsageError` where whoever wrote an object lives; else what is there, None where it is gone."""
    found = objects.head(key)
    if found is None:
        return None
    holder = holder_of(objects.read(key, 0, found.size))
    is_of_here = bool(holder) and holder["kernel"] == kernel() and holder.get("processes") == _processes()
    if is_of_here and not Path("/proc", str(holder["pid"])).exists():
        return found
    if (_now(objects) - found.modified).total_seconds() > _STILL_S:
        return found
    who = "`{command}`, process {pid} on {host}, writes there since {since}".format(**holder) if holder else "a writer"
    place = objects.address
    raise UsageError(
        f"the workspace {place} is in use: {who}; without a sign for {_STILL_S} s it would be taken for dead"
    )


def _now(objects: Objects) -> datetime:
    """The time by the store's clock, which this machine's need not agree with."""
    key = f".clock-{uuid.uuid4().hex}"
    objects.put(key, b"now", None)
    try:
        found = objects.head(key)
    finally:
        objects.remove(key)
    if found is None:
        raise OSError(f"{objects.address} does not keep what is written")
    return found.modified


def _processes() -> int:
    """What tells the processes that this one sees from those of another container on this machine."""
    return os.stat("/proc/self/ns/pid").st_ino


def _beat(objects: Objects, key: str, told: bytes, tag: str, ended: threading.Event) -> None:
    while not ended.wait(PULSE_S):
        try:
            tag = objects.put(key, told, tag)
        except FileExistsError:
            log.error("another writer has taken the place of this one in %s; what it changes stays its own", key)
            return
        except OSError as error:  # the next one may come through
            log.debug("no sign of life could be given: %s", error)
