"""Runs a function over units: in this process, in a pool of processes, or on a Ray cluster.

The contract is the same for every engine: the function is a picklable top-level function of one unit, it writes its
own output atomically and returns something small. Order of completion is free; nothing about the output may depend
on it. A unit that raises is reported as a `Failure` and the others go on.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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


def map_units(
    function: Callable[[Unit], Any], units: Sequence[Unit], *, engine: str = "local", workers: int = 1
) -> Iterator[Success[Unit] | Failure[Unit]]:
    """Apply `function` to every unit; results in order of completion. Raises `UsageError` for an unknown engine."""
    if engine == "local":
        from pmc15m.engine.local import map_local

        return map_local(function, units, workers)
    if engine == "ray":
        from pmc15m.engine.ray import map_ray

        return map_ray(function, units, workers)
    raise UsageError(f"unknown engine {engine!r}; use local or ray")


def failure(unit: Unit, error: BaseException) -> Failure[Unit]:
    """The report of a unit that raised."""
    return Failure(unit, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))
