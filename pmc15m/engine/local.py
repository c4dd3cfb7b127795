"""One machine: this process, or a pool of processes.

Workers are started afresh (`spawn`): a fork of a process with Arrow's or DuckDB's threads can deadlock. Each has one
unit at a time, and a pipe of its own, so that one that is killed, most often for want of memory, costs that unit alone.
Such a unit is tried again when the others are done and all memory is free.
"""

import contextlib
import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic

from pmc15m.engine import Answer, Errand, Outcome, Unit, apply, failure, received

log = logging.getLogger(__name__)

_SPAWN = multiprocessing.get_context("spawn")
_EPITAPH = "its process {}, twice; most often there is too little memory"
_GRACE_S = 2.0  # in which a worker that is told to end may remove what it has begun to write


class WorkerDied(Exception):
    """The process of a unit ended before the unit did."""


def map_local(function: Callable[[Unit], Any], units: Sequence[Unit], workers: int) -> Generator[Outcome[Unit]]:
    """See `engine.map_units`."""
    if workers <= 1:
        return (apply(function, unit) for unit in units)
    return _in_pool(Errand(function), units, min(workers, len(units)))


def _in_pool(errand: Errand[Unit], units: Sequence[Unit], size: int) -> Generator[Outcome[Unit]]:
    waiting, killed = deque(units), list[Unit]()
    busy: list[_Worker[Unit]] = []
    idle: list[_Worker[Unit]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < size:
                busy.append(_Worker.at_work(errand, waiting.popleft(), idle))
            ready = wait([worker.pipe for worker in busy])
            for worker in [worker for worker in busy if worker.pipe in ready]:
                answer = worker.answer()
                busy.remove(worker)
                if answer is None:
                    _end([worker])
                    log.warning("the process of %s %s; it is tried again last, alone", worker.unit, worker.epitaph)
                    killed.append(worker.unit)
                else:
                    idle.append(worker)
                    yield received(answer)
        _end(idle)
        idle.clear()
        for unit in killed:
            busy.append(_Worker.at_work(errand, unit, idle))
            answer = busy[0].answer()
            _end(busy)
            yield received(answer) if answer else failure(unit, WorkerDied(_EPITAPH.format(busy[0].epitaph)))
            busy.clear()
    finally:
        _end(busy + idle)


class Process:
    """A process that runs `target(pipe, *arguments)`, and this end of the pipe."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
        # A terminal's Ctrl-C goes to all; it is this process that ends the others. The mask is inherited; the tracker,
        # which is started with the first process, would lift it.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def terminate(self) -> None:
        """Tell it to end."""
        self._process.terminate()

    def end(self, grace_s: float = _GRACE_S) -> None:
        """End it, whatever it does."""
        self._process.terminate()
        self._process.join(grace_s)
        self._process.kill()
        self._process.join(_GRACE_S)
        self.pipe.close()

    @property
    def epitaph(self) -> str:
        """How it ended."""
        self._process.join(_GRACE_S)
        code = self._process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class _Worker(Process, Generic[Unit]):
    """A process with a unit to do."""

    unit: Unit

    @classmethod
    def at_work(cls, errand: Errand[Unit], unit: Unit, idle: "list[_Worker[Unit]]") -> "_Worker[Unit]":
        """An idle worker, or a new one, that has begun with a unit."""
        worker = idle.pop() if idle else cls(_work, errand)
        worker.unit = unit
        with contextlib.suppress(OSError):  # it is dead; that is seen where its answer is read
            worker.pipe.send(unit)
        return worker

    def answer(self) -> Answer[Unit] | None:
        """What became of the unit; None if the process died over it."""
        try:
            answer: Answer[Unit] = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return answer


def _end(workers: Collection[Process]) -> None:
    """End processes, all in the same time."""
    end = time.monotonic() + _GRACE_S
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.end(max(0.0, end - time.monotonic()))


def _work(pipe: Connection, errand: Errand[Unit]) -> None:
    """What a worker does: unit after unit, until nobody asks for another."""
    signal.signal(signal.SIGTERM, leave)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(errand(pipe.recv()))


def leave(number: int, frame: object) -> None:
    """A handler: the process ends in order."""
    signal.signal(number, signal.SIG_IGN)  # a second one would be told as an error at exit
    raise SystemExit
