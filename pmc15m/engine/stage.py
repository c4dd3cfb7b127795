"""A stage maps parts to parts, one raw shard at a time, and does only what is missing or stale."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from pmc15m.checksum import read_metadata
from pmc15m.config import Config, as_dict
from pmc15m.engine import Failure, Unit, map_units
from pmc15m.engine.progress import Progress
from pmc15m.errors import DamageError, ExitCode, UsageError
from pmc15m.footers import one_moment
from pmc15m.workspace import (
    Workspace,
    check_columns,
    fingerprint,
    in_order,
    note_damage,
    read_digest,
    read_fingerprint,
    write_part,
)

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

FAULT = "fault"  # the reason of a row on which this program failed; what happened is in the log
_NOUNS = {"raw": "file", "articles": "article", "figures": "figure", "images": "picture"}  # what a row is, for people
_FAULTS = "+"  # before the digest of such rows in a part's fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a stage reads, what it writes and on what its output depends.

    `version` is raised with every change of the code that changes the output, which makes the parts stale
    (`tests/chain/test_freshness.py` says when). A change of an asset does so by itself.
    """

    name: str
    version: int
    reads: tuple[str, ...]  # tables whose part of the same shard is read; `raw` is the index of the tar
    writes: tuple[str, ...]  # tables whose part is written; the last one written marks completeness
    section: str | None  # of the configuration; None: the output depends on none
    run: Callable[[Workspace, str, Config], Mapping[str, pa.Table]]  # pure but for reading the shard
    assets: tuple[Path, ...] = ()  # networks, fitted weights, SQL: their bytes are part of every fingerprint


def share_of(unit: str, count: int) -> int:
    """Which of `count` processes a unit falls to."""
    return int.from_bytes(hashlib.sha256(unit.encode()).digest()[:8]) % count


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How units are run; without influence on what they write."""

    engine: str = "local"
    workers: int = 1
    shard: tuple[int, int] = (0, 1)  # i/n: this process takes the units whose hash is i modulo n
    retry_failed: bool = False  # take just what failed before
    accept_removals: bool = False  # whatever the source lists no more

    @property
    def processes(self) -> int:
        """How many processes share the work, this one included."""
        return self.shard[1]

    def takes(self, unit: str) -> bool:
        """Whether a unit falls to this process."""
        index, count = self.shard
        return share_of(unit, count) == index


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """What of a stage is done, by shard."""

    current: tuple[str, ...]
    stale: tuple[str, ...]
    missing: tuple[str, ...]
    faulty: tuple[str, ...] = ()  # the current ones that have rows with the reason FAULT

    @property
    def todo(self) -> tuple[str, ...]:
        return tuple(in_order(self.stale + self.missing))

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, for `status`."""
        counts = {"current": len(self.current), "stale": len(self.stale), "missing": len(self.missing)}
        return counts | {"faulty": len(self.faulty)}


def expected_fingerprint(stage: Stage, workspace: Workspace, config: Config, shard: str) -> str | None:
    """What the stage's parts of a shard should carry today; None while an input is not there."""
    # The fingerprint of an index is a digest of its rows by itself.
    read = {"raw": read_fingerprint}
    inputs = [read.get(table, read_digest)(workspace.part(table, shard)) for table in stage.reads]
    known = [value for value in inputs if value is not None]
    if len(known) < len(inputs):
        return None
    wanted = as_dict(getattr(config, stage.section)) if stage.section else {}
    return fingerprint(stage.name, stage.version, wanted, known, stage.assets)


@one_moment()
def stage_state(stage: Stage, workspace: Workspace, config: Config) -> StageState:
    """Compare every shard's parts with what they should be."""
    current, stale, missing, faulty = [], [], [], []
    for shard in workspace.shards():
        expected = expected_fingerprint(stage, workspace, config, shard)
        found = {read_fingerprint(workspace.part(table, shard)) for table in stage.writes}
        made_from = next(iter(found)) if len(found) == 1 else None
        if made_from is not None and made_from.partition(_FAULTS)[0] == expected:
            current.append(shard)
            if made_from != expected:
                faulty.append(shard)
        elif None in found:
            missing.append(shard)
        else:
            stale.append(shard)
    return StageState(current=tuple(current), stale=tuple(stale), missing=tuple(missing), faulty=tuple(faulty))


def run_stage(stage: Stage, workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring the stage's parts up to date, or make those again that have faults.

    Raises `UsageError` when the stage before has not been run.
    """
    if not workspace.shards(stage.reads[0]):
        raise UsageError(f"nothing to {stage.name} in {workspace}: no {stage.reads[0]} parts; `pmc15m run` makes them")
    state = stage_state(stage, workspace, config)
    todo = [shard for shard in (state.faulty if execution.retry_failed else state.todo) if execution.takes(shard)]
    failures = 0
    if todo:
        sizes = {shard: _rows(workspace.part(stage.reads[0], shard)) for shard in todo}
        work = _Unit(stage, workspace, config)
        failures = run_units(stage.name, work, todo, execution, sizes, _NOUNS[stage.reads[0]])
    else:
        log.info("%s: nothing to do", stage.name)
    faulty = [shard for shard in {*state.faulty, *todo} if _has_faults(workspace.part(stage.writes[-1], shard))]
    if faulty:
        log.warning(
            "%s: %d shards have rows with the reason %s; `pmc15m %s --retry-failed` takes just those",
            *(stage.name, len(faulty), FAULT, stage.name),
        )
    return ExitCode.INCOMPLETE if failures or faulty else ExitCode.COMPLETE


def _rows(part: Path) -> int:
    """How many rows a part has; none where that cannot be read, of which its own unit will complain."""
    try:
        return int(read_metadata(part).num_rows)
    except (OSError, DamageError):
        return 0


def _has_faults(part: Path) -> bool:
    return _FAULTS in (read_fingerprint(part) or "")


def _faults(tables: Mapping[str, pa.Table]) -> str:
    """What is added to a fingerprint: which rows have the reason FAULT."""
    reasons = {name: table["reason"].to_pylist() for name, table in tables.items() if "reason" in table.column_names}
    places = [(name, place) for name, told in reasons.items() for place, reason in enumerate(told) if reason == FAULT]
    return _FAULTS + hashlib.sha256(repr(places).encode()).hexdigest()[:8] if places else ""


def run_units(
    name: str,
    work: Callable[[Unit], Any],
    todo: Sequence[Unit],
    execution: Execution,
    sizes: Mapping[Unit, int] | None = None,
    noun: str = "shard",
) -> int:
    """Run `work` over the units with progress; a unit that fails is logged and counted. The number of failures.

    Progress counts units, or with `sizes` what is in them, called `noun`. A damaged file that a unit meets is noted, so
    that the next run mends it.
    """
    failures = 0
    results = map_units(_Noting(work), todo, engine=execution.engine, workers=execution.workers)
    with closing(results), Progress(name, total=sum(sizes.values()) if sizes else len(todo), unit=noun) as progress:
        for result in results:
            if isinstance(result, Failure):
                failures += 1
                log.error("%s: shard %s failed: %s", name, result.unit, result.error)
                log.debug("%s", result.trace)
            progress.advance(sizes[result.unit] if sizes else 1, failures=failures)
    return failures


@dataclass(frozen=True, slots=True)
class _Noting(Generic[Unit]):
    """Work that leaves a note of a damaged file that it meets, picklable."""

    work: Callable[[Unit], Any]

    def __call__(self, unit: Unit) -> Any:
        try:
            return self.work(unit)
        except DamageError as error:
            note_damage(error.path)
            raise


@dataclass(frozen=True, slots=True)
class _Unit:
    """One shard's work, picklable."""

    stage: Stage
    workspace: Workspace
    config: Config

    def __call__(self, shard: str) -> dict[str, Any]:
        made_from = expected_fingerprint(self.stage, self.workspace, self.config, shard)
        if made_from is None:
            raise UsageError(f"the {' and '.join(self.stage.reads)} parts of shard {shard} are not complete")
        for table in self.stage.reads:
            check_columns(self.workspace.part(table, shard), table)
        tables = self.stage.run(self.workspace, shard, self.config)
        made_from += _faults(tables)
        for table in self.stage.writes:
            write_part(self.workspace.part(table, shard), tables[table], made_from)
        return {table: tables[table].num_rows for table in self.stage.writes}
