"""A Ray cluster, joined by RAY_ADDRESS or started on this machine. Needs the extra: pip install 'pmc15m[ray]'.

Ray repeats a task whose worker was killed, not one that raised (measured, Ray 2.60); both end as a `Failure` here.
"""

import os
import signal
from collections.abc import Callable, Generator, Sequence
from typing import Any

from pmc15m.engine import Answer, Errand, Outcome, Unit, failure, received
from pmc15m.errors import UsageError


def map_ray(function: Callable[[Unit], Any], units: Sequence[Unit], workers: int) -> Generator[Outcome[Unit]]:
    """See `engine.map_units`; `workers` is the number of CPUs of a cluster started here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray needs Ray: pip install 'pmc15m[ray]'") from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS")
        handler = signal.getsignal(signal.SIGTERM)
        cpus = None if address else workers
        try:
            ray.init(address=address, num_cpus=cpus, include_dashboard=False, log_to_driver=False)
        except SystemExit:  # Ray's own handler of SIGTERM, put there meanwhile
            raise KeyboardInterrupt from None
        finally:
            signal.signal(signal.SIGTERM, handler)
    return _stream(ray, Errand(function), units)


def _stream(ray: Any, errand: Errand[Unit], units: Sequence[Unit]) -> Generator[Outcome[Unit]]:
    # An errand is an instance that can be called, and Ray takes functions only.
    task, work = ray.remote(_call), ray.put(errand)
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
                answer = ray.get(reference)
            except ray.exceptions.RayError as error:
                yield failure(unit, error)
            else:
                yield received(answer)


def _call(errand: Errand[Unit], unit: Unit) -> Answer[Unit]:
    return errand(unit)
