"""The `curate` stage: captions of each shard, groups of duplicates over all shards, then pairs of each shard."""

import logging
from collections.abc import Mapping

import duckdb
import pyarrow as pa

from pmc15m import schema
from pmc15m.config import Config
from pmc15m.curate.captions import define_is_boilerplate, define_normalised, define_text_of, simhashes
from pmc15m.curate.groupings import GROUPINGS, Grouping, is_curated
from pmc15m.curate.language import guess_language
from pmc15m.curate.modalities import define_modalities_of
from pmc15m.curate.splits import define_split_of
from pmc15m.engine.stage import Execution, expected_fingerprint, run_stage, stage_state
from pmc15m.errors import ExitCode, UsageError
from pmc15m.stages import CAPTIONS, CAPTIONS_SQL, PAIRS, PAIRS_SQL, TEXTS_SQL
from pmc15m.workspace import Workspace, in_order, read_part

log = logging.getLogger(__name__)


def captions_of_shard(workspace: Workspace, shard: str, _: Config) -> Mapping[str, pa.Table]:
    """What the texts of one shard say of themselves, figures before panels."""
    with _shard_tables(workspace, shard, CAPTIONS.reads) as connection:
        define_normalised(connection)
        define_is_boilerplate(connection)
        define_modalities_of(connection)
        captions = connection.sql(CAPTIONS_SQL.read_text(encoding="utf-8")).to_arrow_table()
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
        pairs = connection.sql(PAIRS_SQL.read_text(encoding="utf-8")).to_arrow_table()
    return {"pairs": pairs.select(schema.PAIRS.names).cast(schema.PAIRS)}


def _shard_tables(workspace: Workspace, shard: str, tables: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    """A connection with the tables of one shard, and the views of `texts.sql`."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    for table in tables:
        connection.register(table, read_part(workspace.part(table, shard)))
    define_text_of(connection)
    connection.execute(TEXTS_SQL.read_text(encoding="utf-8"))
    return connection


def curate(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring captions, groups and pairs up to date. Raises `UsageError` when the stages before have not been run.

    The processes of an array job each make the captions of their own shards. Groups need those of all: they are made,
    and by every process for its own shards, when the same command runs again after the last one is done.
    """
    if not workspace.shards("panels"):
        raise UsageError(f"nothing to curate in {workspace}: no panels parts; run `pmc15m split` first")
    if is_curated(workspace, config):
        log.info("curate: nothing to do")
        return ExitCode.COMPLETE
    captioned = run_stage(CAPTIONS, workspace, config, execution)
    # What cannot be captioned, as its `split` failed, is not waited for; what failed here is in the exit code.
    if any(
        expected_fingerprint(CAPTIONS, workspace, config, shard) and not execution.takes(shard)
        for shard in stage_state(CAPTIONS, workspace, config).todo
    ):
        log.warning("curate: other shards have no captions yet; run the same command again when all processes are done")
        return ExitCode.INCOMPLETE
    for grouping in GROUPINGS:
        _regroup(grouping, workspace, config, execution)
    return max(captioned, run_stage(PAIRS, workspace, config, execution))


def _regroup(grouping: Grouping, workspace: Workspace, config: Config, execution: Execution) -> None:
    """Bring the parts that fall to this process up to date."""
    if todo := [shard for shard in in_order(grouping.stale(workspace, config)) if execution.takes(shard)]:
        log.info("curate: looking for %s", grouping.table.replace("_", " "))
        grouping.make(workspace, config, todo)
