"""The Ray engine does what the local one does."""

import os
import signal
from pathlib import Path

import pytest

from pmc15m.config import Config
from pmc15m.engine import Failure, Success, map_units
from pmc15m.engine.stage import Execution, run_stage
from pmc15m.errors import ExitCode
from pmc15m.stages import PARSE
from pmc15m.workspace import Workspace
from tests.engine.signalled import check_signals
from tests.stages.rawshard import Made, write_raw_shard

pytest.importorskip("ray", reason="Ray has no wheel for this platform: pip install 'pmc15m[ray]'")
pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]


def square(unit: int) -> int:
    if unit == 3:
        raise ValueError("three")
    return unit * unit


def test_every_unit_is_reported_once() -> None:
    results = sorted(map_units(square, [1, 2, 3, 4], engine="ray", workers=2), key=lambda result: result.unit)
    assert [result for result in results if isinstance(result, Success)] == [
        Success(1, 1),
        Success(2, 4),
        Success(4, 16),
    ]
    (failed,) = (result for result in results if isinstance(result, Failure))
    assert failed.unit == 3
    assert "ValueError" in failed.error


def promised(_: int) -> float:
    import ray

    return ray.get_runtime_context().get_assigned_resources()["memory"]


def test_a_unit_is_promised_the_memory_that_a_process_may_need() -> None:
    assert [result.value for result in map_units(promised, [1], engine="ray", workers=2)] == [1 << 30]


def die_once(marker: str) -> bool:
    """Kills its worker the first time."""
    if not os.path.exists(marker):
        open(marker, "w").close()
        os._exit(9)
    return True


def test_a_killed_worker_is_tried_again(tmp_path: object) -> None:
    marker = f"{tmp_path}/died"
    assert list(map_units(die_once, [marker], engine="ray", workers=2)) == [Success(marker, True)]


def test_a_stage_writes_the_parts_that_it_writes_locally(tmp_path: Path) -> None:
    written = {}
    for engine in ("local", "ray"):
        workspace = Workspace(tmp_path / engine)
        for shard in ("00000", "00001"):
            write_raw_shard(workspace, shard, [Made(f"PMC{shard}", b"<article><body/></article>")])
        assert run_stage(PARSE, workspace, Config(), Execution(engine=engine, workers=2)) is ExitCode.COMPLETE
        written[engine] = [path.read_bytes() for table in PARSE.writes for path in workspace.parts(table)]
    assert written["ray"] == written["local"]
    assert len(written["ray"]) == 6


@pytest.mark.parametrize(
    ("number", "to_all", "times", "unit"),
    [(signal.SIGINT, True, 1, "idle"), (signal.SIGTERM, False, 2, "deaf"), (signal.SIGTERM, True, 1, "deaf")],
)
def test_a_signal_ends_all_of_it(number: signal.Signals, to_all: bool, times: int, unit: str, tmp_path: Path) -> None:
    check_signals(tmp_path, "ray", 2, unit, number, times, to_all=to_all)
