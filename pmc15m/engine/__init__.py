"""Runs a function over units: in this process, in a pool of processes, or on a Ray cluster.

The contract is the same for every engine: the function is a picklable top-level function of one unit, it writes its
own output atomically and returns something small. Order of completion is free; nothing about the output may depend
on it. A unit that raises, or whose process dies, is reported as a `Failure` and the others go on. What a unit logs is
logged here.
"""

import logging
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from logging.handlers import QueueHandler
from typing import Any, Generic, TypeAlias, TypeVar

from pmc15m.errors import UsageError

Unit = TypeVar("Unit")


@dataclass(frozen=True, slots=True)
class Success(Generic[Unit]):
    """A unit that was done, and what its function returned."""

    unit: Unit
    value: Any


@dataclass(frozen=True, slots=True)
class Failure(Generic[Unit]):
    """A unit that raised or whose worker died."""

    unit: Unit
    error: str  # "TypeName: message"
    trace: str


Outcome: TypeAlias = Success[Unit] | Failure[Unit]


def map_units(
    function: Callable[[Unit], Any], units: Sequence[Unit], *, engine: str = "local", workers: int = 1
) -> Generator[Outcome[Unit]]:
    """Apply `function` to every unit; results in order of completion. Closed, it ends the units that are running.

    Raises `UsageError` for an unknown engine.
    """
    if engine == "local":
        from pmc15m.engine.local import map_local

        return map_local(function, units, workers)
    if engine == "ray":
        from pmc15m.engine.ray import map_ray

        return map_ray(function, units, workers)
    raise UsageError(f"unknown engine {engine!r}; use local or ray")


def apply(function: Callable[[Unit], Any], unit: Unit) -> Outcome[Unit]:
    """The outcome of one unit, here and now."""
    try:
        return Success(unit, function(unit))
    except Exception as error:
        return failure(unit, error)


def failure(unit: Unit, error: BaseException) -> Failure[Unit]:
    """The report of a unit that raised."""
    return Failure(unit, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


Answer: TypeAlias = tuple[Outcome[Unit], list[logging.LogRecord]]


class Errand(Generic[Unit]):
    """A function as another process applies it: the outcome, with what was logged meanwhile (`received`)."""

    def __init__(self, function: Callable[[Unit], Any]) -> None:
        self._function = function
        self._level = _LOGGER.getEffectiveLevel()

    def __call__(self, unit: Unit) -> Answer[Unit]:
        kept = _Kept()
        _LOGGER.setLevel(self._level)
        _LOGGER.addHandler(kept)
        try:
            return apply(self._function, unit), kept.records
        finally:
            _LOGGER.removeHandler(kept)


def received(answer: Answer[Unit]) -> Outcome[Unit]:
    """The outcome of an errand, once its log is written."""
    outcome, records = answer
    for record in records:
        logging.getLogger(record.name).handle(record)
    return outcome


_LOGGER = logging.getLogger("pmc15m")


class _Kept(QueueHandler):
    """Keeps records as they can be sent: formatted, without what cannot be pickled."""

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []
        super().__init__(self.records)  # type: ignore[arg-type]

    def enqueue(self, record: logging.LogRecord) -> None:
        self.records.append(record)
