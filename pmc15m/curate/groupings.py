"""The tables of groups, declared apart from the code that finds them, and whether they are what they should be.

Groups join all shards, so they are no stage of `pmc15m.stages`. `status` compares fingerprints alone: what is here
loads no DuckDB.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pmc15m import schema
from pmc15m.checksum import Check
from pmc15m.config import Config, CurateConfig
from pmc15m.curate.against import benchmark_digest, read_benchmark
from pmc15m.engine.stage import StageState, stage_state
from pmc15m.footers import one_moment
from pmc15m.stages import CAPTIONS, PAIRS
from pmc15m.workspace import (
    Workspace,
    atomic,
    digest_of,
    fingerprint,
    in_order,
    note_path,
    read_digest,
    read_fingerprint,
    write_part,
)

if TYPE_CHECKING:
    import duckdb

_MEMORY = "1400MB"  # of DuckDB's buffers; what is larger goes through files in the workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """A table of duplicates. It knows no shards: a new shard can change every group, so all rows are found again.

    A part is written where its rows have changed, and its fingerprint is their digest. What all parts were made from
    stands in `<table>/.made_from`, with the fingerprint of each.
    """

    table: str
    version: int  # raised with every change of the code that changes the groups
    reads: tuple[str, ...]
    settings: Callable[[CurateConfig], Mapping[str, Any]]  # what the groups depend on
    find: Callable[[duckdb.DuckDBPyConnection, Config], Mapping[str, pa.Table]]  # rows by shard

    def fingerprint(self, workspace: Workspace, config: Config) -> str:
        """What the table depends on today."""
        inputs = [
            f"{shard}/{table} {read_digest(workspace.part(table, shard))}"
            for shard in self.shards(workspace)
            for table in self.reads
        ]
        return fingerprint(self.table, self.version, self.settings(config.curate), inputs)

    def stale(self, workspace: Workspace, config: Config) -> set[str]:
        """The shards whose part is not what it should be today."""
        shards, known = self.shards(workspace), self._read_note(workspace)
        if known.get("made_from") != self.fingerprint(workspace, config):
            return set(shards)
        wanted = known["parts"]
        return {shard for shard in shards if read_fingerprint(workspace.part(self.table, shard)) != wanted.get(shard)}

    def make(self, workspace: Workspace, config: Config, shards: Iterable[str]) -> None:
        """Write the parts of some shards, where their rows are not those that are there."""
        made_from, found = self.fingerprint(workspace, config), self.rows(workspace, config)
        empty = schema.TABLES[self.table].empty_table()
        parts = {shard: digest_of(found.get(shard, empty))[:32] for shard in self.shards(workspace)}
        self.note(workspace, made_from, parts)
        for shard in shards:
            path = workspace.part(self.table, shard)
            if read_fingerprint(path) != parts[shard]:
                write_part(path, found.get(shard, empty), parts[shard])

    def note(self, workspace: Workspace, made_from: str, parts: Mapping[str, str]) -> None:
        """Note what the table is made from, and the fingerprint that each shard's part has then."""
        text = json.dumps({"made_from": made_from, "parts": parts}, indent=0)
        with atomic(self._note(workspace)) as temporary:
            temporary.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n", encoding="ascii")
        note_path(self._note(workspace)).unlink(missing_ok=True)

    def check(self, workspace: Workspace) -> Check | None:
        """The check of what was noted; None where nothing was."""
        path = self._note(workspace)
        if not path.exists():
            return None
        told = "has other bytes than were written"
        return Check(f"{self.table}/{path.name}", path, lambda: [] if self._read_note(workspace) else [told])

    def _note(self, workspace: Workspace) -> Path:
        return workspace.root / self.table / ".made_from"

    def _read_note(self, workspace: Workspace) -> dict[str, Any]:
        """What was noted; nothing where it is missing or damaged."""
        try:
            digest, _, text = self._note(workspace).read_text(encoding="ascii").partition("\n")
        except (OSError, ValueError):
            return {}
        text = text.removesuffix("\n")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return {}
        known: dict[str, Any] = json.loads(text)
        return known

    def shards(self, workspace: Workspace) -> list[str]:
        """Shards that have every input."""
        return in_order(set.intersection(*(set(workspace.shards(table)) for table in self.reads)))

    def rows(self, workspace: Workspace, config: Config) -> Mapping[str, pa.Table]:
        """The table, by shard; shards without duplicates are not in it."""
        import duckdb

        from pmc15m.query.connection import read_files

        workspace.check(self.reads)  # DuckDB does not look at checksums
        spill = workspace.root / ".curate.tmp"
        with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(spill)}) as connection:
            connection.execute("SET enable_progress_bar = false")
            shards = self.shards(workspace)
            for table in self.reads:
                read_files(connection, [workspace.part(table, shard) for shard in shards]).create_view(table)
            return self.find(connection, config)


def _duplicates(connection: duckdb.DuckDBPyConnection, config: Config) -> Mapping[str, pa.Table]:
    from pmc15m.curate.caption_groups import shared_captions
    from pmc15m.curate.duplicates import find_duplicates

    benchmark = read_benchmark(config.curate.against)
    shared = shared_captions(connection, config.curate.near_caption_distance)
    return find_duplicates(connection, config.curate.near_distance, benchmark, shared)


def _caption_groups(connection: duckdb.DuckDBPyConnection, config: Config) -> Mapping[str, pa.Table]:
    from pmc15m.curate.caption_groups import find_caption_groups

    return find_caption_groups(connection, config.curate.near_caption_distance)


DUPLICATES = Grouping(
    table="duplicates",
    version=5,
    reads=("articles", *CAPTIONS.reads, "captions"),
    settings=lambda curate: {
        "near_distance": curate.near_distance,
        "near_caption_distance": curate.near_caption_distance,
        "against": benchmark_digest(curate.against),
    },
    find=_duplicates,
)
CAPTION_GROUPS = Grouping(
    table="caption_groups",
    version=2,
    reads=("articles", "captions"),
    settings=lambda curate: {"near_caption_distance": curate.near_caption_distance},
    find=_caption_groups,
)
GROUPINGS = (DUPLICATES, CAPTION_GROUPS)


@one_moment()
def is_curated(workspace: Workspace, config: Config) -> bool:
    """Whether nothing is to be done, nor was left undone."""
    states = [stage_state(stage, workspace, config) for stage in (CAPTIONS, PAIRS)]
    if any(state.todo or state.faulty for state in states):
        return False
    return not any(grouping.stale(workspace, config) for grouping in GROUPINGS)


def checks(workspace: Workspace) -> list[Check]:
    """What to re-read of what is noted of the tables of groups."""
    return [check for grouping in GROUPINGS if (check := grouping.check(workspace)) is not None]


@one_moment()
def curate_state(workspace: Workspace, config: Config) -> StageState:
    """Compare every shard's captions, groups and pairs with what they should be."""
    pairs = stage_state(PAIRS, workspace, config)
    old = set(stage_state(CAPTIONS, workspace, config).todo)
    for grouping in GROUPINGS:
        old |= grouping.stale(workspace, config)
    old &= set(pairs.current)
    return StageState(
        current=tuple(shard for shard in pairs.current if shard not in old),
        stale=tuple(in_order({*pairs.stale, *old})),
        missing=pairs.missing,
    )
