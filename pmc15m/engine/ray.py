"""A Ray cluster, joined by RAY_ADDRESS or started on this machine. Needs the extra: pip install 'pmc15m[ray]'.

Ray repeats a task whose worker was killed, not one that raised (measured, Ray 2.60); both end as a `Failure` here.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pmc15m.engine import Failure, Success, Unit, failure
from pmc15m.errors import UsageError


def map_ray(
    function: Callable[[Unit], Any], units: Sequence[Unit], workers: int
) -> Iterator[Success[Unit] | Failure[Unit]]:
    """See `engine.map_units`; `workers` is the number of CPUs of a cluster started here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray needs Ray: pip install 'pmc15m[ray]'") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        ray.init(address=address, num_cpus=None if address else workers, include_dashboard=False, log_to_driver=False)
    return _stream(ray, function, units)


def _stream(
    ray: Any, function: Callable[[Unit], Any], units: Sequence[Unit]
) -> Iterator[Success[Unit] | Failure[Unit]]:
    # A stage is an instance that can be called, and Ray takes functions only.
    task, work = ray.remote(_call), ray.put(function)
    window = 4 * max(1, int(ray.cluster_resources().get("CPU", 1)))  # bounded: never all units in the object store
    waiting = iter(units)
    running: dict[Any, Unit] = {}
    while True:
        while len(running) < window and (unit := next(waiting, None)) is not None:
            running[task.remote(work, unit)] = unit
        if not running:
            return
        done, _ = ray.wait(list(running), num_returns=1)
        for reference in done:
            unit = running.pop(reference)
            try:
                yield Success(unit, ray.get(reference))
            except Exception as error:
                yield failure(unit, error)


def _call(work: Callable[[Unit], Any], unit: Unit) -> Any:
    return work(unit)
