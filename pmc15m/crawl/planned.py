"""What is planned: the files of `plan`, read. Apart from it, so that `status` loads nothing that fetches or selects."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmc15m.checksum import read_metadata, read_rows
from pmc15m.errors import DamageError
from pmc15m.sources.model import Wanted
from pmc15m.workspace import (
    Workspace,
    copy_of,
    in_order,
    read_facts,
    read_fingerprint,
    restore,
    shard_name,
    shard_number,
)

log = logging.getLogger(__name__)

FOLDER = "raw/plan"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """One file of the plan."""

    path: Path
    first: int
    last: int  # the highest shard
    selection: str
    extras: tuple[str, ...]  # what its shards hold beside the figures' pictures

    @property
    def shards(self) -> Iterator[str]:
        """Names of its shards, in order."""
        return (shard_name(number) for number in range(self.first, self.last + 1))


def read_plan(workspace: Workspace) -> list[PlanFile]:
    """All files of the plan that can be read, in order; the copy of one that is damaged."""
    readable = (
        next((kept for kept in (path, copy_of(path)) if read_fingerprint(kept) is not None), None)
        for path in plan_paths(workspace)
    )
    return [_read_plan_file(path) for path in readable if path is not None]


def damaged_plan(workspace: Workspace) -> list[Path]:
    """The files of the plan that are missing, noted as damaged, or seen to be."""
    return [path for path in plan_paths(workspace) if read_fingerprint(path) is None]


def restore_plan(workspace: Workspace) -> None:
    """Make damaged files of the plan whole again. What was in one of which both copies are damaged is planned anew."""
    for path in plan_paths(workspace):
        if not restore(path):
            log.warning("crawl: %s cannot be read and is planned anew", path)


def plan_paths(workspace: Workspace) -> list[Path]:
    """Where the files of the plan lie, or should, in order."""
    names = {*workspace.shards(FOLDER), *workspace.shards(FOLDER, copy_of(Path("x")).suffix)}
    return [workspace.part(FOLDER, name) for name in in_order(names)]


def read_articles(plan_file: PlanFile, shard: str) -> list[Wanted]:
    """The article versions of a shard, in order."""
    import pyarrow.compute as pc  # here, for `status` answers before it is loaded

    number, metadata = shard_number(shard), read_metadata(plan_file.path)
    column = (metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups))
    groups = [group for group, shards in enumerate(column) if shards.min <= number <= shards.max]
    rows = read_rows(plan_file.path, groups=groups).filter(pc.field("shard") == number).to_pylist()
    return [
        Wanted(
            pmcid=row["pmcid"],
            version=row["version"],
            change_token=row["change_token"],
            locator=row["locator"],
            row=row,
        )
        for row in rows
    ]


def count_articles(shards: Sequence[tuple[str, PlanFile]]) -> int:
    """How many article versions some shards are planned with."""
    by_file: dict[Path, list[int]] = {}
    for shard, file in shards:
        by_file.setdefault(file.path, []).append(shard_number(shard))
    return sum(
        int(np.isin(read_rows(path, ["shard"])["shard"].to_numpy(), numbers).sum()) for path, numbers in by_file.items()
    )


def _read_plan_file(path: Path) -> PlanFile:
    facts, metadata = read_facts(path), read_metadata(path)
    if facts is None:
        raise DamageError(path, "is damaged")
    last = metadata.row_group(metadata.num_row_groups - 1).column(0).statistics.max
    return PlanFile(path, shard_number(path.stem), int(last), facts["fingerprint"], tuple(facts["extras"]))
