"""The `export` stage: plan, shards, summary; each written only where it is missing or stale."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from pmc15m.checksum import Check, check_file, read_rows
from pmc15m.config import Config, ExportConfig
from pmc15m.engine.stage import Execution, StageState, run_units
from pmc15m.errors import ExitCode, UsageError
from pmc15m.export.huggingface import write_huggingface
from pmc15m.export.layout import FORMATS, Layout, describe
from pmc15m.export.order import Order
from pmc15m.export.picture import Picture, PictureError, make_picture
from pmc15m.export.plan import Shard, read_shards, write_plan
from pmc15m.export.recipes import run_recipe
from pmc15m.export.summary import write_summary
from pmc15m.export.webdataset import write_webdataset
from pmc15m.pictures.decode import DecodeError
from pmc15m.query import connect
from pmc15m.query.connection import read_files
from pmc15m.query.manifests import VIEWS
from pmc15m.workspace import Workspace, atomic, fingerprint, read_facts, read_fingerprint, write_part

log = logging.getLogger(__name__)
VERSION = 4  # raised with every change of the code that changes what is exported
ASSETS = (VIEWS,)


def export(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring the export of `config.export.recipe` up to date. Raises `UsageError` before there are pairs."""
    if config.export.format not in FORMATS:
        raise UsageError(f"unknown export format {config.export.format!r}; use {' or '.join(FORMATS)}")
    if not workspace.shards("pairs"):
        raise UsageError(f"nothing to export in {workspace.root}: no pairs; run `pmc15m curate` first")
    return _export(workspace, Order.of(config.export), execution)


def update_exports(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring every other export of the workspace up to date, as it was ordered.

    INCOMPLETE where one cannot be; what to do is said, and which withdrawn or retracted articles are still in it.
    """
    code = ExitCode.COMPLETE
    for layout in _others(workspace, config):
        try:
            code = max(code, _export(workspace, _order_of(workspace, layout), execution))
        except UsageError as error:
            code = ExitCode.INCOMPLETE
            gone = ", ".join(_gone(workspace, layout)) or "none"
            log.error(
                "export: %s is not brought up to date: %s; export it again with `pmc15m export`, or remove the folder. "
                "Withdrawn or retracted articles in it: %s",
                *(layout.folder.relative_to(workspace.root), error, gone),
            )
    return code


def export_state(workspace: Workspace, config: Config) -> StageState:
    """The state of the configured recipe's shards; all empty while nothing was ever exported."""
    order = Order.of(config.export)
    layout = _layout(workspace, order)
    if not layout.folder.exists():
        return StageState(current=(), stale=(), missing=())
    return _state(layout, _plan_fingerprint(workspace, order))


def other_states(workspace: Workspace, config: Config) -> dict[str, StageState]:
    """The states of all other exports, by the names of their folders; one that cannot be updated is stale."""
    states = {}
    for layout in _others(workspace, config):
        try:
            order = _order_of(workspace, layout)
            state = _state(_layout(workspace, order), _plan_fingerprint(workspace, order))
        except UsageError:
            state = StageState(current=(), stale=("plan",), missing=())
        states[layout.folder.name] = state
    return states


def checks(workspace: Workspace) -> list[Check]:
    """What to re-read of the exports."""
    found = []
    for layout in _layouts(workspace):
        name = layout.folder.relative_to(workspace.root)
        found.append(Check.of_file(f"{name}/{layout.plan.name}", layout.plan))
        found.append(Check(f"{name}/{layout.summary.name}", layout.summary, layout.complaints_of_summary))
        for shard in layout.shards():
            rows = Check.of_file(f"{name}/{shard}", layout.rows(shard))
            found.append(replace(rows, complaints=partial(_complaints, rows, layout, shard)))
    return found


def _complaints(rows: Check, layout: Layout, shard: Shard) -> list[str]:
    return [*rows.complaints(), *layout.complaints_of_data(shard)]


def _layout(workspace: Workspace, order: Order) -> Layout:
    return Layout.of(workspace, order.recipe.name, order.settings.format)


def _layouts(workspace: Workspace) -> list[Layout]:
    """All exports of the workspace, in the order of their names."""
    layouts = (Layout(path, "") for path in sorted((workspace.root / "export").glob("*")))
    found = (layout for layout in layouts if layout.plan.exists() or layout.summary.exists())
    return [replace(layout, format="hf" if (layout.folder / "rows").exists() else "webdataset") for layout in found]


def _others(workspace: Workspace, config: Config) -> list[Layout]:
    configured = _layout(workspace, Order.of(config.export)).folder
    return [layout for layout in _layouts(workspace) if layout.folder != configured]


def _order_of(workspace: Workspace, layout: Layout) -> Order:
    """What was ordered. Raises `UsageError` where nobody knows, or the folder was renamed."""
    noted = read_facts(layout.plan) or layout.read_summary() or {}
    if "order" not in noted:
        raise UsageError("it does not say how it was made")
    order = Order.from_facts(noted["order"])
    if (ordered := _layout(workspace, order).folder) != layout.folder:
        raise UsageError(f"it was made as {ordered.name}")
    return order


def _gone(workspace: Workspace, layout: Layout) -> list[str]:
    """PMCIDs of withdrawn and retracted articles that a plan holds."""
    try:
        with connect(workspace) as connection:
            read_files(connection, [layout.plan]).create_view("planned")
            found = connection.sql(
                "SELECT DISTINCT pmcid FROM planned SEMI JOIN (FROM articles WHERE status = 'removed' OR is_retracted)"
                " USING (pmcid) ORDER BY pmcid"
            )
            return [pmcid for (pmcid,) in found.fetchall()]
    except duckdb.Error:
        return ["unknown, as its plan cannot be read"]


def _export(workspace: Workspace, order: Order, execution: Execution) -> ExitCode:
    layout, recipe = _layout(workspace, order), order.recipe
    made_from = _plan_fingerprint(workspace, order)
    if not _state(layout, made_from).todo:
        log.info("export: nothing to do")
        return ExitCode.COMPLETE
    workspace.check(("pairs", "articles"))  # DuckDB does not look at checksums
    with connect(workspace) as connection:
        funnel = run_recipe(connection, recipe)
        if read_fingerprint(layout.plan) != made_from:
            write_plan(connection, recipe.kept, layout.plan, order.as_facts(), made_from)
        check_file(layout.plan)
        shards = read_shards(layout.plan)
        log.info("export: recipe %s keeps %d of %d pairs", recipe.name, funnel.kept, funnel.rows_in)
        layout.remove_others(shards)
        failures = _write_shards(workspace, order, execution, layout, made_from, shards)
        if all(layout.is_current(shard, made_from) for shard in shards):
            write_summary(connection, layout, recipe, order.as_facts(), funnel, shards, made_from)
    return ExitCode.INCOMPLETE if failures else ExitCode.COMPLETE


def _plan_fingerprint(workspace: Workspace, order: Order) -> str:
    pairs = [read_fingerprint(part) or "" for part in workspace.parts("pairs")]
    return fingerprint("export", VERSION, order.as_facts() | {"recipe_sha256": order.digest}, pairs, ASSETS)


def _state(layout: Layout, made_from: str) -> StageState:
    if read_fingerprint(layout.plan) != made_from:
        found = ("plan",) if layout.plan.exists() else ()
        return StageState(current=(), stale=found, missing=() if found else ("plan",))
    shards = {str(shard): shard for shard in read_shards(layout.plan)}
    current = [name for name, shard in shards.items() if layout.is_current(shard, made_from)]
    missing = [name for name in shards if name not in current]
    if not layout.is_summarised(made_from):
        missing.append("summary")
    return StageState(current=tuple(current), stale=(), missing=tuple(missing))


def _write_shards(
    workspace: Workspace, order: Order, execution: Execution, layout: Layout, made_from: str, shards: list[Shard]
) -> int:
    mine = [shard for shard in shards if execution.takes(str(shard))]
    todo = [shard for shard in mine if not layout.is_current(shard, made_from)]
    return run_units("export", _Unit(workspace, order.settings, layout, made_from), todo, execution) if todo else 0


@dataclass(frozen=True, slots=True)
class _Unit:
    """One shard's work, picklable."""

    workspace: Workspace
    settings: ExportConfig
    layout: Layout
    made_from: str

    def __call__(self, shard: Shard) -> int:
        plan = read_rows(self.layout.plan, groups=[shard.group])
        outcomes: list[dict[str, Any]] = []
        samples = self._samples(plan, outcomes)
        with atomic(self.layout.data(shard)) as temporary:
            if self.layout.format == "hf":
                write_huggingface(temporary, samples, self.settings.text)
            else:
                write_webdataset(temporary, samples, self.settings.text)
        written = pa.Table.from_pylist(outcomes, schema=_OUTCOME)
        for name in written.column_names:
            plan = plan.append_column(name, written[name])
        write_part(self.layout.rows(shard), plan, self.made_from, data=describe(self.layout.data(shard)))
        return len(outcomes)

    def _samples(self, plan: pa.Table, outcomes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Picture]]:
        """The pairs that have a picture; every pair of the plan leaves an outcome."""
        for pair in plan.to_pylist():
            picture = self._picture(pair)
            if isinstance(picture, Picture):
                outcomes.append(
                    {
                        "export_status": "success",
                        "export_width": picture.width,
                        "export_height": picture.height,
                        "export_sha256": hashlib.sha256(picture.content).hexdigest(),
                    }
                )
                yield pair, picture
            else:
                outcomes.append({"export_status": "failed", "export_reason": picture})

    def _picture(self, pair: dict[str, Any]) -> Picture | PictureError | DecodeError:
        # Bytes that are not as they were fetched fail the shard: the next crawl mends them, the next export goes on.
        content = self.workspace.read(pair["shard"], pair["offset"], pair["size"], pair["sha256"])
        return make_picture(content, pair["box"], side=self.settings.image_side, quality=self.settings.jpeg_quality)


_OUTCOME = pa.schema(
    [
        pa.field("export_status", pa.string()),
        pa.field("export_reason", pa.string()),
        pa.field("export_width", pa.int32()),
        pa.field("export_height", pa.int32()),
        pa.field("export_sha256", pa.string()),
    ]
)
