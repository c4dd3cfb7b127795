"""Whether exports are what they should be; apart from the code that writes them, so that `status` loads little."""

from dataclasses import replace
from functools import partial
from typing import Any

from pmc15m.checksum import Check
from pmc15m.config import Config
from pmc15m.engine.stage import StageState
from pmc15m.errors import UsageError
from pmc15m.export.layout import Layout
from pmc15m.export.order import Order
from pmc15m.export.shards import Shard
from pmc15m.footers import one_moment
from pmc15m.manifests import VIEWS
from pmc15m.workspace import Workspace, copy_of, fingerprint, read_digest, read_facts, read_fingerprint

VERSION = 11  # raised with every change of the code that changes what is exported
ASSETS = (VIEWS,)
READS = ("pairs", "articles", "figures", "images")  # tables of the workspace that an export's samples come from


def export_state(workspace: Workspace, config: Config) -> StageState:
    """The state of the configured recipe's shards; all empty while nothing was ever exported."""
    order = Order.of(config.export)
    layout = layout_of(workspace, order)
    if not layout.folder.exists():
        return StageState(current=(), stale=(), missing=())
    return state_of(layout, plan_fingerprint(workspace, order))


def other_states(workspace: Workspace, config: Config) -> dict[str, StageState]:
    """The states of all other exports, by the names of their folders; one that cannot be updated is stale."""
    states = {}
    for layout in others(workspace, config):
        try:
            order = order_of(workspace, layout)
            state = state_of(layout_of(workspace, order), plan_fingerprint(workspace, order))
        except UsageError:
            state = StageState(current=(), stale=("plan",), missing=())
        states[layout.folder.name] = state
    return states


def checks(workspace: Workspace) -> list[Check]:
    """What to re-read of the exports."""
    found = []
    for layout in layouts(workspace):
        name = layout.folder.relative_to(workspace.root)
        found.append(Check.of_file(f"{name}/{layout.plan.name}", layout.plan))
        found.append(Check.of_file(f"{name}/{layout.changes.name}", layout.changes, copy_of(layout.changes)))
        found.append(Check(f"{name}/{layout.summary.name}", layout.summary, layout.complaints_of_summary))
        for shard in layout.shards():
            rows = Check.of_file(f"{name}/{shard}", layout.rows(shard))
            found.append(replace(rows, complaints=partial(_complaints, rows, layout, shard)))
    return found


def _complaints(rows: Check, layout: Layout, shard: Shard) -> list[str]:
    return [*rows.complaints(), *layout.complaints_of_data(shard)]


def layout_of(workspace: Workspace, order: Order) -> Layout:
    return Layout.of(workspace, order.name, order.settings.format, order.settings.out)


def layouts(workspace: Workspace) -> list[Layout]:
    """All exports of the workspace, in the order of their names."""
    found = (Layout(path, "webdataset") for path in sorted((workspace.root / "export").glob("*")))
    layouts = (layout for layout in found if layout.plan.exists() or layout.summary.exists())
    return [replace(layout, format=_noted(layout).get("order", {}).get("format", layout.format)) for layout in layouts]


def _noted(layout: Layout) -> dict[str, Any]:
    """What a plan tells beside its pairs, or, where it cannot be read, the summary."""
    return read_facts(layout.plan) or layout.read_summary() or {}


def others(workspace: Workspace, config: Config) -> list[Layout]:
    configured = layout_of(workspace, Order.of(config.export)).folder
    return [layout for layout in layouts(workspace) if layout.folder != configured]


def order_of(workspace: Workspace, layout: Layout) -> Order:
    """What was ordered. Raises `UsageError` where nobody knows, or the folder was renamed."""
    noted = _noted(layout)
    if "order" not in noted:
        raise UsageError("it does not say how it was made")
    order = Order.from_facts(noted["order"], layout.asked)
    if (ordered := layout_of(workspace, order).folder) != layout.folder:
        raise UsageError(f"it was made as {ordered.name}")
    return order


@one_moment()
def plan_fingerprint(workspace: Workspace, order: Order) -> str:
    rows = [read_digest(part) or "" for table in READS for part in workspace.parts(table)]
    return fingerprint("export", VERSION, order.as_facts() | {"recipe_sha256": order.digest}, rows, ASSETS)


def state_of(layout: Layout, made_from: str) -> StageState:
    if read_fingerprint(layout.plan) != made_from:
        found = ("plan",) if layout.plan.exists() else ()
        return StageState(current=(), stale=found, missing=() if found else ("plan",))
    shards = {str(shard): shard for shard in layout.shards()}
    current = [name for name, shard in shards.items() if layout.is_current(shard)]
    missing = [name for name in shards if name not in current]
    if not layout.is_summarised(made_from):
        missing.append("summary")
    return StageState(current=tuple(current), stale=(), missing=tuple(missing))
