import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmc15m.config import Config
from pmc15m.engine import Failure, Success, map_units
from pmc15m.engine.stage import Execution, Stage, run_stage, stage_state
from pmc15m.errors import ExitCode, UsageError
from pmc15m.workspace import Workspace, write_part


def double(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    raw = pq.read_table(workspace.part("raw", shard))
    if raw["n"][0].as_py() < 0:
        raise ValueError("negative")
    return {"articles": pa.table({"n": [2 * raw["n"][0].as_py()]})}


DOUBLE = Stage(name="double", version=1, reads=("raw",), writes=("articles",), section="parse", run=double)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path)
    for shard, n in (("00000", 1), ("00001", 2), ("00002", 3)):
        write_part(made.part("raw", shard), pa.table({"n": [n]}), f"raw {n}")
    return made


def numbers(workspace: Workspace) -> list[int]:
    return [pq.read_table(part)["n"][0].as_py() for part in workspace.parts("articles")]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stage_maps_every_shard_once(workspace: Workspace, workers: int) -> None:
    assert stage_state(DOUBLE, workspace, Config()).missing == ("00000", "00001", "00002")
    assert run_stage(DOUBLE, workspace, Config(), Execution(workers=workers)) is ExitCode.COMPLETE
    assert numbers(workspace) == [2, 4, 6]
    assert stage_state(DOUBLE, workspace, Config()).todo == ()


def test_what_is_current_is_not_touched(workspace: Workspace) -> None:
    run_stage(DOUBLE, workspace, Config(), Execution())
    before = [os.stat(part).st_mtime_ns for part in workspace.parts("articles")]
    run_stage(DOUBLE, workspace, Config(), Execution())
    assert [os.stat(part).st_mtime_ns for part in workspace.parts("articles")] == before


def test_changed_code_configuration_or_input_makes_parts_stale(workspace: Workspace) -> None:
    run_stage(DOUBLE, workspace, Config(), Execution())
    newer = dataclasses.replace(DOUBLE, version=2)
    assert len(stage_state(newer, workspace, Config()).stale) == 3
    other = dataclasses.replace(Config(), parse=dataclasses.replace(Config().parse, max_xml_bytes=1))
    assert len(stage_state(DOUBLE, workspace, other).stale) == 3
    write_part(workspace.part("raw", "00001"), pa.table({"n": [7]}), "raw 7")
    assert stage_state(DOUBLE, workspace, Config()).stale == ("00001",)
    run_stage(DOUBLE, workspace, Config(), Execution())
    assert numbers(workspace) == [2, 14, 6]


def test_a_shard_that_fails_leaves_the_others_alone(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    write_part(workspace.part("raw", "00001"), pa.table({"n": [-1]}), "raw -1")
    assert run_stage(DOUBLE, workspace, Config(), Execution()) is ExitCode.INCOMPLETE
    assert workspace.shards("articles") == ["00000", "00002"]
    assert "shard 00001 failed: ValueError: negative" in caplog.text


def test_progress_counts_what_is_in_the_shards(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    write_part(workspace.part("raw", "00001"), pa.table({"n": [2, 2, 2]}), "raw 2")
    with caplog.at_level("INFO"):
        run_stage(DOUBLE, workspace, Config(), Execution())
    assert "double: 5 of 5 files" in caplog.text


def test_shares_cover_everything_once(workspace: Workspace) -> None:
    for index in range(4):
        assert all(Execution(shard=(0, 1)).takes(unit) for unit in ("a", "b"))
        run_stage(DOUBLE, workspace, Config(), Execution(shard=(index, 4)))
    assert numbers(workspace) == [2, 4, 6]
    units = [str(n) for n in range(100)]
    taken = [[unit for unit in units if Execution(shard=(index, 3)).takes(unit)] for index in range(3)]
    assert sorted(unit for share in taken for unit in share) == sorted(units)


def test_a_stage_without_input_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to double"):
        run_stage(DOUBLE, Workspace(tmp_path), Config(), Execution())


def die(unit: int) -> int:
    if unit == 1:
        os._exit(9)
    return unit


def test_a_killed_worker_is_a_failure_not_a_hang() -> None:
    results = list(map_units(die, [0, 1, 2, 3], workers=2))
    assert {result.unit for result in results} == {0, 1, 2, 3}
    assert any(isinstance(result, Failure) and result.unit == 1 for result in results)


def test_results_carry_their_unit() -> None:
    assert list(map_units(abs, [-1, -2])) == [Success(-1, 1), Success(-2, 2)]
    with pytest.raises(UsageError, match="unknown engine"):
        map_units(abs, [-1], engine="spark")
