"""The pool of processes: what a death costs, what is heard of a unit, and that a signal ends all of it."""

import logging
import os
import signal
from pathlib import Path

import pytest

from pmc15m.engine import Failure, Success, map_units
from tests.engine.signalled import check_signals


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


def test_what_was_killed_is_tried_again_last(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    units = [str(tmp_path / name) for name in ("mortal", "b", "c", "d")]
    values = [result.value for result in map_units(die_once, units, workers=2) if isinstance(result, Success)]
    assert (values[-1], sorted(values)) == ("mortal", ["b", "c", "d", "mortal"])
    assert [record.getMessage() for record in caplog.records] == [
        f"the process of {units[0]} was killed by SIGKILL; it is tried again last, alone"
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_unit_logs_is_heard(workers: int, caplog: pytest.LogCaptureFixture) -> None:
    assert len(list(map_units(complain, [1, 2, 3], workers=workers))) == 3
    assert sorted(record.getMessage() for record in caplog.records) == [f"unit {unit} is odd" for unit in (1, 2, 3)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [False, True])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("unit", ["idle", "deaf"])
def test_a_signal_ends_all_workers(number: signal.Signals, to_all: bool, times: int, unit: str, tmp_path: Path) -> None:
    check_signals(tmp_path, "local", 2, unit, number, times, to_all=to_all)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_runs_outside_python(number: signal.Signals, tmp_path: Path) -> None:
    check_signals(tmp_path, "local", 1, "busy", number, 1, to_all=False)
