"""One machine: this process, or a pool of processes.

The pool starts its workers afresh (`spawn`): a fork of a process with Arrow's or DuckDB's threads can deadlock.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pmc15m.engine import Failure, Success, Unit, failure


def map_local(
    function: Callable[[Unit], Any], units: Sequence[Unit], workers: int
) -> Iterator[Success[Unit] | Failure[Unit]]:
    """See `engine.map_units`."""
    if workers <= 1 or len(units) <= 1:
        return _in_process(function, units)
    return _in_pool(function, units, min(workers, len(units)))


def _in_process(function: Callable[[Unit], Any], units: Sequence[Unit]) -> Iterator[Success[Unit] | Failure[Unit]]:
    for unit in units:
        try:
            yield Success(unit, function(unit))
        except Exception as error:
            yield failure(unit, error)


def _in_pool(
    function: Callable[[Unit], Any], units: Sequence[Unit], workers: int
) -> Iterator[Success[Unit] | Failure[Unit]]:
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = iter(units)
        running: dict[Future[Any], Unit] = {}
        broken: BrokenProcessPool | None = None
        while True:
            # Two units a worker in flight keep all busy without queueing the whole run.
            while broken is None and len(running) < 2 * workers and (unit := next(waiting, None)) is not None:
                try:
                    running[pool.submit(function, unit)] = unit
                except BrokenProcessPool as error:
                    broken = error
                    yield failure(unit, error)
            if not running:
                break
            try:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            for future in done:
                unit = running.pop(future)
                raised = future.exception()
                if isinstance(raised, BrokenProcessPool):
                    broken = raised
                yield Success(unit, future.result()) if raised is None else failure(unit, raised)
        if broken is not None:  # a worker was killed, most likely for memory: the rest is left to the next run
            for unit in waiting:
                yield failure(unit, broken)
