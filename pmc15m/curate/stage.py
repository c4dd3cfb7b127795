"""The `curate` stage: captions of each shard, groups of duplicates over all shards, then pairs of each shard."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pmc15m import schema
from pmc15m.checksum import Check
from pmc15m.config import Config, CurateConfig
from pmc15m.curate.against import benchmark_digest, read_benchmark
from pmc15m.curate.caption_groups import find_caption_groups, shared_captions
from pmc15m.curate.captions import define_is_boilerplate, define_normalised, define_text_of, simhashes
from pmc15m.curate.duplicates import find_duplicates
from pmc15m.curate.language import guess_language
from pmc15m.curate.modalities import define_modalities_of
from pmc15m.curate.splits import define_split_of
from pmc15m.engine.stage import Execution, Stage, StageState, expected_fingerprint, run_stage, stage_state
from pmc15m.errors import ExitCode, UsageError
from pmc15m.query.connection import read_files
from pmc15m.workspace import (
    Workspace,
    atomic,
    digest_of,
    fingerprint,
    in_order,
    note_path,
    read_digest,
    read_fingerprint,
    read_part,
    write_part,
)

log = logging.getLogger(__name__)

_THINGS = ("figures", "images", "pixels", "panels")
_INPUTS = ("articles", *_THINGS)
_MEMORY = "1400MB"  # of DuckDB's buffers; what is larger goes through files in the workspace
_TEXTS, _CAPTIONS, _PAIRS = (Path(__file__).with_name(f"{name}.sql") for name in ("texts", "captions", "pairs"))


def captions_of_shard(workspace: Workspace, shard: str, _: Config) -> Mapping[str, pa.Table]:
    """What the texts of one shard say of themselves, figures before panels."""
    with _shard_tables(workspace, shard, _THINGS) as connection:
        define_normalised(connection)
        define_is_boilerplate(connection)
        define_modalities_of(connection)
        captions = connection.sql(_CAPTIONS.read_text(encoding="utf-8")).to_arrow_table()
    texts = captions["text"].to_pylist()
    read = {
        "caption_simhash": pa.array(simhashes(texts), pa.uint64()),
        "language_guess": pa.array([guess_language(text) for text in texts], pa.string()),
    }
    for name, column in read.items():
        captions = captions.append_column(name, column)
    return {"captions": captions.select(schema.CAPTIONS.names).cast(schema.CAPTIONS)}


def pairs_of_shard(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    """The pairs of one shard, figures before panels."""
    with _shard_tables(workspace, shard, PAIRS.reads) as connection:
        define_split_of(connection, config.curate.val_share, config.curate.test_share)
        pairs = connection.sql(_PAIRS.read_text(encoding="utf-8")).to_arrow_table()
    return {"pairs": pairs.select(schema.PAIRS.names).cast(schema.PAIRS)}


def _shard_tables(workspace: Workspace, shard: str, tables: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    """A connection with the tables of one shard, and the views of `texts.sql`."""
    connection = duckdb.connect(config={"threads": 1})
    for table in tables:
        connection.register(table, read_part(workspace.part(table, shard)))
    define_text_of(connection)
    connection.execute(_TEXTS.read_text(encoding="utf-8"))
    return connection


CAPTIONS = Stage(
    name="captions",
    version=5,
    reads=_THINGS,
    writes=("captions",),
    section=None,
    run=captions_of_shard,
    assets=(_TEXTS, _CAPTIONS),
)
PAIRS = Stage(
    name="curate",
    version=4,
    reads=(*_INPUTS, "captions", "duplicates", "caption_groups"),
    writes=("pairs",),
    section="curate",
    run=pairs_of_shard,
    assets=(_TEXTS, _PAIRS),
)


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
        workspace.check(self.reads)  # DuckDB does not look at checksums
        spill = workspace.root / ".curate.tmp"
        with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(spill)}) as connection:
            shards = self.shards(workspace)
            for table in self.reads:
                read_files(connection, [workspace.part(table, shard) for shard in shards]).create_view(table)
            return self.find(connection, config)


DUPLICATES = Grouping(
    table="duplicates",
    version=4,
    reads=(*_INPUTS, "captions"),
    settings=lambda curate: {
        "near_distance": curate.near_distance,
        "near_caption_distance": curate.near_caption_distance,
        "against": benchmark_digest(curate.against),
    },
    find=lambda connection, config: find_duplicates(
        connection,
        config.curate.near_distance,
        read_benchmark(config.curate.against),
        shared_captions(connection, config.curate.near_caption_distance),
    ),
)
CAPTION_GROUPS = Grouping(
    table="caption_groups",
    version=2,
    reads=("articles", "captions"),
    settings=lambda curate: {"near_caption_distance": curate.near_caption_distance},
    find=lambda connection, config: find_caption_groups(connection, config.curate.near_caption_distance),
)
_GROUPINGS = (DUPLICATES, CAPTION_GROUPS)


def curate(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring captions, groups and pairs up to date. Raises `UsageError` when the stages before have not been run.

    The processes of an array job each make the captions of their own shards. Groups need those of all: they are made,
    and by every process for its own shards, when the same command runs again after the last one is done.
    """
    if not workspace.shards("panels"):
        raise UsageError(f"nothing to curate in {workspace.root}: no panels parts; run `pmc15m split` first")
    captioned = run_stage(CAPTIONS, workspace, config, execution)
    # What cannot be captioned, as its `split` failed, is not waited for; what failed here is in the exit code.
    if any(
        expected_fingerprint(CAPTIONS, workspace, config, shard) and not execution.takes(shard)
        for shard in stage_state(CAPTIONS, workspace, config).todo
    ):
        log.warning("curate: other shards have no captions yet; run the same command again when all processes are done")
        return ExitCode.INCOMPLETE
    for grouping in _GROUPINGS:
        _regroup(grouping, workspace, config, execution)
    return max(captioned, run_stage(PAIRS, workspace, config, execution))


def _regroup(grouping: Grouping, workspace: Workspace, config: Config, execution: Execution) -> None:
    """Bring the parts that fall to this process up to date."""
    if todo := [shard for shard in in_order(grouping.stale(workspace, config)) if execution.takes(shard)]:
        log.info("curate: looking for %s", grouping.table.replace("_", " "))
        grouping.make(workspace, config, todo)


def checks(workspace: Workspace) -> list[Check]:
    """What to re-read of what is noted of the tables of groups."""
    return [check for grouping in _GROUPINGS if (check := grouping.check(workspace)) is not None]


def curate_state(workspace: Workspace, config: Config) -> StageState:
    """Compare every shard's captions, groups and pairs with what they should be."""
    pairs = stage_state(PAIRS, workspace, config)
    old = set(stage_state(CAPTIONS, workspace, config).todo)
    for grouping in _GROUPINGS:
        old |= grouping.stale(workspace, config)
    old &= set(pairs.current)
    return StageState(
        current=tuple(shard for shard in pairs.current if shard not in old),
        stale=tuple(in_order({*pairs.stale, *old})),
        missing=pairs.missing,
    )
