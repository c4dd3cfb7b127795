"""The `curate` stage: duplicate groups over all shards at once, then the pairs of each shard."""

import logging
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m import schema
from pmc15m.config import Config
from pmc15m.curate.benchmark import benchmark_digest, read_benchmark
from pmc15m.curate.captions import define_is_boilerplate, define_normalised, simhashes
from pmc15m.curate.duplicates import find_duplicates
from pmc15m.curate.language import guess_language
from pmc15m.curate.splits import define_split_of
from pmc15m.errors import ExitCode, UsageError
from pmc15m.stage import Execution, Stage, StageState, run_stage, stage_state
from pmc15m.workspace import Workspace, fingerprint, read_fingerprint, write_part

log = logging.getLogger(__name__)

_INPUTS = ("articles", "figures", "images", "pixels", "panels")
_DUPLICATES_VERSION = 2
_MEMORY = "1400MB"  # of DuckDB's buffers; what is larger goes through files in the workspace
_PAIRS = Path(__file__).with_name("pairs.sql").read_text(encoding="utf-8")


def pairs_of_shard(workspace: Workspace, shard: str, config: Config) -> Mapping[str, pa.Table]:
    """The pairs of one shard, figures before panels."""
    with duckdb.connect(config={"threads": 1}) as connection:
        for table in (*_INPUTS, "duplicates"):
            connection.register(table, pq.read_table(workspace.part(table, shard)))
        define_split_of(connection, config.curate.val_share, config.curate.test_share)
        define_normalised(connection)
        define_is_boilerplate(connection)
        pairs = connection.sql(_PAIRS).to_arrow_table()
    texts = pairs["text"].to_pylist()
    read = {
        "caption_simhash": pa.array(simhashes(texts), pa.uint64()),
        "language_guess": pa.array([guess_language(text) for text in texts], pa.string()),
    }
    for name, column in read.items():
        pairs = pairs.append_column(name, column)
    return {"pairs": pairs.select(schema.PAIRS.names).cast(schema.PAIRS)}


PAIRS = Stage(
    name="curate",
    version=1,
    reads=(*_INPUTS, "duplicates"),
    writes=("pairs",),
    section="curate",
    run=pairs_of_shard,
)


def curate(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring duplicates and pairs up to date. Raises `UsageError` when the stages before have not been run.

    Duplicates know no shards: a new shard can change every group, so all parts are made again, and by every process
    of an array job (each writes its own share).
    """
    if not workspace.shards("panels"):
        raise UsageError(f"nothing to curate in {workspace.root}: no panels parts; run `pmc15m split` first")
    made_from = _duplicates_fingerprint(workspace, config)
    todo = [shard for shard in _complete_shards(workspace) if execution.takes(shard)]
    if any(read_fingerprint(workspace.part("duplicates", shard)) != made_from for shard in todo):
        log.info("curate: looking for duplicates")
        found = _duplicates(workspace, config)
        for shard in todo:
            rows = found.get(shard, schema.DUPLICATES.empty_table())
            write_part(workspace.part("duplicates", shard), rows, made_from)
    return run_stage(PAIRS, workspace, config, execution)


def curate_state(workspace: Workspace, config: Config) -> StageState:
    """Compare every shard's duplicates and pairs with what they should be."""
    made_from = _duplicates_fingerprint(workspace, config)
    pairs = stage_state(PAIRS, workspace, config)
    old = {s for s in pairs.current if read_fingerprint(workspace.part("duplicates", s)) != made_from}
    return StageState(
        current=tuple(shard for shard in pairs.current if shard not in old),
        stale=tuple(sorted({*pairs.stale, *old})),
        missing=pairs.missing,
    )


def _complete_shards(workspace: Workspace) -> list[str]:
    """Shards that have every input."""
    return sorted(set.intersection(*(set(workspace.shards(table)) for table in _INPUTS)))


def _duplicates_fingerprint(workspace: Workspace, config: Config) -> str:
    inputs = [
        f"{shard}/{table} {read_fingerprint(workspace.part(table, shard))}"
        for shard in _complete_shards(workspace)
        for table in _INPUTS
    ]
    wanted = {"near_distance": config.curate.near_distance, "against": benchmark_digest(config.curate.against)}
    return fingerprint("duplicates", _DUPLICATES_VERSION, wanted, inputs)


def _duplicates(workspace: Workspace, config: Config) -> Mapping[str, pa.Table]:
    benchmark = read_benchmark(config.curate.against, config.split.max_pixels)
    spill = workspace.root / ".curate.tmp"
    with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(spill)}) as connection:
        shards = _complete_shards(workspace)
        for table in _INPUTS:
            paths = [str(workspace.part(table, shard)) for shard in shards]
            connection.read_parquet(paths).create_view(table)
        return find_duplicates(connection, config.curate.near_distance, benchmark)
