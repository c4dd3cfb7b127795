"""A Ray cluster, joined by RAY_ADDRESS or started on this machine. Needs the extra: pip install 'pmc15m[ray]'.

Ray repeats a task whose worker was killed or whose machine is gone, not one that raised (measured, Ray 2.60); both end
as a `Failure` here.

Ray's client puts handlers of its own in place of ours, in C too, and holds Python back for seconds when it starts and
ends. So it has a process of its own, out of reach of a terminal's Ctrl-C, which serves all stages of a command and ends
with it, together with what it started.
"""

import logging
import os
import secrets
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

from pmc15m.engine import Answer, Errand, Outcome, Unit, failure, received
from pmc15m.engine.local import Process, leave
from pmc15m.errors import UsageError

_MEMORY = 1 << 30  # bytes that a unit is promised: as many as README says of a process
_PULSE_S = 1.0  # in which the client sees that the command was killed
_clients: list[Process] = []  # the one that runs, if any


def map_ray(function: Callable[[Unit], Any], units: Sequence[Unit], workers: int) -> Generator[Outcome[Unit]]:
    """See `engine.map_units`; `workers` is the number of CPUs of a cluster started here."""
    if find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'pmc15m[ray]'")
    return _through_client(Errand(function), units, workers)


def _through_client(errand: Errand[Unit], units: Sequence[Unit], workers: int) -> Generator[Outcome[Unit]]:
    client = _clients.pop() if _clients else Process(_serve, workers)
    try:
        client.pipe.send((errand, list(units)))
        while (answer := client.pipe.recv()) is not None:
            if isinstance(answer, Exception):
                raise UsageError(f"no Ray cluster: {answer}")
            yield received(answer)
        _clients.append(client)
    except (EOFError, BrokenPipeError):
        raise UsageError(f"the Ray cluster is lost: its client {client.epitaph}") from None
    finally:
        if client not in _clients:
            client.end()
            with suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)  # what Ray left behind


def _serve(pipe: Connection, workers: int) -> None:
    """What the client's process does: batch of units after batch, until nobody asks for another."""
    os.setsid()
    signal.signal(signal.SIGTERM, leave)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where Ray tells what becomes of its nodes
    import ray

    try:
        _start(ray, workers)
        while True:
            errand, units = pipe.recv()
            for answer in _answers(ray, errand, units, pipe):
                pipe.send(answer)
            pipe.send(None)
    except (EOFError, BrokenPipeError):
        pass
    except Exception as error:
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))
    finally:
        ray.shutdown()


def _start(ray: Any, workers: int) -> None:
    address = os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # else 15: beside anything else they get next to nothing
    if address is None and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
    ray.init(address=address, num_cpus=None if address else workers, **quiet)
    signal.signal(signal.SIGTERM, leave)  # Ray has put its own there


def _answers(ray: Any, errand: Errand[Unit], units: Sequence[Unit], pipe: Connection) -> Generator[Answer[Unit]]:
    # An errand is an instance that can be called, and Ray takes functions only.
    # One that asks for more memory than the last node that lives has would wait for ever.
    least = min(int(node["Resources"].get("memory", 0)) for node in ray.nodes() if node["Alive"])
    task, work = ray.remote(_call).options(memory=min(_MEMORY, least)), ray.put(errand)
    window = 4 * max(1, int(ray.cluster_resources().get("CPU", 1)))  # bounded: never all units in the object store
    waiting = iter(units)
    running: dict[Any, Unit] = {}
    while True:
        while len(running) < window and (unit := next(waiting, None)) is not None:
            running[task.remote(work, unit)] = unit
        if not running:
            return
        done, _ = ray.wait(list(running), num_returns=1, timeout=_PULSE_S)
        if pipe.poll():  # it is closed: nobody asks for anything meanwhile
            raise EOFError
        for reference in done:
            unit = running.pop(reference)
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                yield failure(unit, error), []


def _call(errand: Errand[Unit], unit: Unit) -> Answer[Unit]:
    return errand(unit)
