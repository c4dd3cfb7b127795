"""The pool of processes: what a death costs, what is heard of a unit, and that a signal ends all of it."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmc15m.engine import Failure, Success, map_units

ROOT = Path(__file__).parents[2]


def die(unit: int) -> int:
    if unit == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return unit


def die_once(marker: str) -> str:
    path = Path(marker)
    if path.name == "mortal" and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def complain(unit: int) -> None:
    logging.getLogger("pmc15m.test").error("unit %d is odd", unit)
    if unit == 3:
        raise RecursionError("deep")


def test_a_killed_worker_costs_its_own_unit_alone() -> None:
    results = list(map_units(die, range(40), workers=3))
    assert sorted(result.unit for result in results if isinstance(result, Success)) == [*range(7), *range(8, 40)]
    (failed,) = (result for result in results if isinstance(result, Failure))
    assert (failed.unit, "SIGKILL" in failed.error, results[-1]) == (7, True, failed)


def test_what_was_killed_is_tried_again_last(tmp_path: Path) -> None:
    units = [str(tmp_path / name) for name in ("mortal", "b", "c", "d")]
    values = [result.value for result in map_units(die_once, units, workers=2) if isinstance(result, Success)]
    assert (values[-1], sorted(values)) == ("mortal", ["b", "c", "d", "mortal"])


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_unit_logs_is_heard(workers: int, caplog: pytest.LogCaptureFixture) -> None:
    assert len(list(map_units(complain, [1, 2, 3], workers=workers))) == 3
    assert sorted(record.getMessage() for record in caplog.records) == [f"unit {unit} is odd" for unit in (1, 2, 3)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [False, True])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("unit", ["idle", "deaf"])
def test_a_signal_ends_all_workers(number: signal.Signals, to_all: bool, times: int, unit: str) -> None:
    command = [sys.executable, "-m", "tests.engine.endless", unit]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **piped, text=True, cwd=ROOT, start_new_session=True) as running:
        assert running.stdout
        try:
            assert [running.stdout.readline() for _ in range(2)] == [f"{unit}\n"] * 2
            for _ in range(times):
                (os.killpg if to_all else os.kill)(running.pid, number)
            said, complained = running.communicate(timeout=60)  # until the last worker has closed its end
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    assert (running.returncode, said) == (130, "")
    assert complained in ("", "pmc15m: interrupted; the same command goes on where this one stopped\n")
    assert times > 1 or complained
