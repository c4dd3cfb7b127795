"""The `export` stage: plan, shards, summary; each written only where it is missing or stale."""

import csv
import hashlib
import logging
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.checksum import stamp
from pmc15m.config import Config
from pmc15m.engine.stage import Execution, run_units
from pmc15m.errors import ExitCode, UsageError
from pmc15m.export.asked import find_asked
from pmc15m.export.columns import PLAN, POINTER, chosen
from pmc15m.export.funnel import run_recipe
from pmc15m.export.layout import Layout
from pmc15m.export.order import Order
from pmc15m.export.plan import write_plan
from pmc15m.export.shards import Shard, read_shards
from pmc15m.export.state import READS, VERSION, layout_of, order_of, others, plan_fingerprint, state_of
from pmc15m.export.summary import write_summary
from pmc15m.export.unit import WriteShard
from pmc15m.query import connect
from pmc15m.query.connection import read_files
from pmc15m.query.harmless import harmless
from pmc15m.workspace import Workspace, atomic, fingerprint, read_fingerprint, sealed, shown

log = logging.getLogger(__name__)
_OF_SELECTION = {  # settings that say which pairs, and how many a shard, not what becomes of them
    *("recipe", "recipe_text", "where", "level", "pairs", "name", "out", "pairs_per_shard"),
}
_PLANNED = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}  # read once and removed
_TOLD = 20  # listed figures that were not found; the rest is in a file


def export(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring the export of `config.export.recipe` up to date. Raises `UsageError` before there are pairs."""
    if not workspace.shards("pairs"):
        raise UsageError(f"nothing to export in {workspace}: no pairs; run `pmc15m curate` first")
    order = Order.of(config.export)
    if order.settings.out:
        layout_of(workspace, order).refuse_to_mix(workspace)
    return _export(workspace, order, execution, tell_missing=True)


def update_exports(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring every other export of the workspace up to date, as it was ordered.

    INCOMPLETE where one cannot be; what to do is said, and which withdrawn or retracted articles are still in it.
    """
    code = ExitCode.COMPLETE
    for layout in others(workspace, config):
        try:
            code = max(code, _export(workspace, order_of(workspace, layout), execution))
        except UsageError as error:
            code = ExitCode.INCOMPLETE
            gone = ", ".join(_gone(workspace, layout)) or "none"
            log.error(
                "export: %s is not brought up to date: %s; export it again with `pmc15m export`, or remove the folder. "
                "Withdrawn or retracted articles in it: %s",
                *(layout.folder.relative_to(workspace.root), error, gone),
            )
    return code


def _gone(workspace: Workspace, layout: Layout) -> list[str]:
    """PMCIDs of withdrawn and retracted articles that an export holds."""
    rows = [layout.rows(shard) for shard in layout.shards() if layout.rows(shard).exists()]
    if not rows:
        return []
    try:
        with connect(workspace) as connection:
            read_files(connection, rows).create_view("planned")
            found = connection.sql(
                "SELECT DISTINCT pmcid FROM planned SEMI JOIN (FROM articles WHERE status = 'removed' OR is_retracted)"
                " USING (pmcid) ORDER BY pmcid"
            )
            return [pmcid for (pmcid,) in found.fetchall()]
    except duckdb.Error:
        return ["unknown, as its side tables cannot be read"]


def _export(workspace: Workspace, order: Order, execution: Execution, *, tell_missing: bool = False) -> ExitCode:
    layout, recipe = layout_of(workspace, order), order.steps
    columns = chosen(order.settings.columns)
    made_from = plan_fingerprint(workspace, order)
    is_current = not state_of(layout, made_from).todo
    if is_current and not (order.asked and tell_missing):
        log.info("export: nothing to do")
        return ExitCode.COMPLETE
    workspace.check(READS)  # DuckDB does not look at checksums
    with connect(workspace, also=[layout.folder]) as connection:
        missing = _find_asked(connection, order, layout) if order.asked else 0
        if is_current:
            return ExitCode.INCOMPLETE if missing else ExitCode.COMPLETE
        funnel = run_recipe(connection, recipe)
        if read_fingerprint(layout.plan) != made_from or not all(map(layout.is_ready, read_shards(layout.plan))):
            plan_shard = partial(_plan_shard, layout, order, made_from)
            write_plan(workspace, connection, recipe.kept, layout.plan, order.as_facts(), made_from, plan_shard)
        shards = read_shards(layout.plan)
        for step in funnel.steps:
            log.info("export: %-20s removes %9d, leaves %9d", step.name, step.removed, step.left)
        log.info(
            "export: %s keeps %d of %d pairs, in %s", order.name, funnel.kept, funnel.rows_in, shown(layout.folder)
        )
        layout.remove_others(shards)
        failures = _write_shards(workspace, order, execution, layout, shards)
        if all(map(layout.is_current, shards)):
            write_summary(connection, layout, order, columns, funnel, shards, made_from)
    return ExitCode.INCOMPLETE if failures or (missing and tell_missing) else ExitCode.COMPLETE


def _find_asked(connection: duckdb.DuckDBPyConnection, order: Order, layout: Layout) -> int:
    """Find the listed figures, keep the list, and say which were not found, and why. The number of these."""
    found = find_asked(connection, order.asked, order.settings.level)
    with atomic(layout.asked) as temporary:
        temporary.write_text(order.asked, encoding="utf-8")
    with (
        atomic(layout.folder / "not_found.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file).writerows([("asked", "reason"), *found.missing])
    log.info("export: %s", found)
    for words, reason in found.missing[:_TOLD]:
        log.warning("export: not found: %s: %s", harmless(words), reason)
    if len(found.missing) > _TOLD:
        log.warning("export: … all %d are in %s", len(found.missing), shown(layout.folder / "not_found.csv"))
    return len(found.missing)


def _plan_shard(
    layout: Layout, order: Order, made_from: str, split: str, name: str, count: int, pairs: pa.Table
) -> Shard:
    """A shard with the fingerprint of its pairs; they are written down where it has to be written."""
    settings = {key: value for key, value in order.as_facts().items() if key not in _OF_SELECTION}
    if order.settings.text == "template":
        settings["template"] = order.recipe.template
    packed = pa.BufferOutputStream()
    rows = pairs.select([*(column for column in PLAN.names if column not in POINTER), *POINTER])
    with pq.ParquetWriter(packed, rows.schema.remove_metadata(), **_PLANNED) as writer:
        writer.write_table(rows)
        stamp(writer, made_from, {})
    content = packed.getvalue()
    # Articles are read from where they lie; where a picture lies does not matter, what it holds does.
    ignored = 0 if order.settings.format == "interleaved" else len(POINTER)
    shard = Shard(split, name, count, fingerprint("export", VERSION, settings, [_digest(content, ignored)]))
    if not layout.is_current(shard):
        with sealed(layout.planned(shard)) as temporary:
            temporary.write_bytes(content)
    return shard


def _digest(content: pa.Buffer, ignored: int) -> str:
    """The sha256 of the rows of a Parquet file, but for its last columns."""
    facts, digest = pq.read_metadata(pa.BufferReader(content)), hashlib.sha256()
    for group in map(facts.row_group, range(facts.num_row_groups)):
        last = group.column(group.num_columns - ignored - 1)
        end = last.data_page_offset + last.total_compressed_size
        digest.update(memoryview(content)[group.column(0).data_page_offset : end])
    return digest.hexdigest()


def _write_shards(workspace: Workspace, order: Order, execution: Execution, layout: Layout, shards: list[Shard]) -> int:
    mine = [shard for shard in shards if execution.takes(str(shard))]
    todo = [shard for shard in mine if not layout.is_current(shard)]
    return run_units("export", WriteShard(workspace, order, layout), todo, execution) if todo else 0
