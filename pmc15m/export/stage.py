"""The `export` stage: plan, shards, summary; each written only where it is missing or stale."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.config import Config, as_dict
from pmc15m.engine.stage import Execution, StageState, run_units
from pmc15m.errors import ExitCode, UsageError
from pmc15m.export.huggingface import write_huggingface
from pmc15m.export.layout import FORMATS, Layout
from pmc15m.export.picture import Picture, PictureError, make_picture
from pmc15m.export.plan import Shard, read_shards, write_plan
from pmc15m.export.recipes import Recipe, load_recipe, run_recipe
from pmc15m.export.summary import write_summary
from pmc15m.export.webdataset import write_webdataset
from pmc15m.pictures.decode import DecodeError
from pmc15m.query import connect
from pmc15m.query.manifests import VIEWS
from pmc15m.workspace import Workspace, atomic, fingerprint, read_fingerprint, write_part

log = logging.getLogger(__name__)
VERSION = 3  # raised with every change of the code that changes what is exported
ASSETS = (VIEWS,)


def export(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Bring the export of `config.export.recipe` up to date. Raises `UsageError` before there are pairs."""
    if config.export.format not in FORMATS:
        raise UsageError(f"unknown export format {config.export.format!r}; use {' or '.join(FORMATS)}")
    if not workspace.shards("pairs"):
        raise UsageError(f"nothing to export in {workspace.root}: no pairs; run `pmc15m curate` first")
    recipe = load_recipe(config.export.recipe)
    layout = Layout.of(workspace, recipe.name, config.export.format)
    made_from = _plan_fingerprint(workspace, config, recipe)
    state = _state(layout, made_from)
    if not state.todo:
        log.info("export: nothing to do")
        return ExitCode.COMPLETE
    with connect(workspace) as connection:
        funnel = run_recipe(connection, recipe)
        if read_fingerprint(layout.plan) != made_from:
            write_plan(connection, recipe.kept, layout.plan, config.export.pairs_per_shard, made_from)
        shards = read_shards(layout.plan)
        log.info("export: recipe %s keeps %d of %d pairs", recipe.name, funnel.kept, funnel.rows_in)
        layout.remove_others(shards)
        failures = _write_shards(workspace, config, execution, layout, made_from, shards)
        if all(_is_current(layout, shard, made_from) for shard in shards):
            write_summary(connection, layout, recipe, funnel, shards, made_from)
    return ExitCode.INCOMPLETE if failures else ExitCode.COMPLETE


def export_state(workspace: Workspace, config: Config) -> StageState:
    """The state of the configured recipe's shards; all empty while nothing was ever exported."""
    recipe = load_recipe(config.export.recipe)
    layout = Layout.of(workspace, recipe.name, config.export.format)
    if not layout.plan.exists():
        return StageState(current=(), stale=(), missing=())
    return _state(layout, _plan_fingerprint(workspace, config, recipe))


def _plan_fingerprint(workspace: Workspace, config: Config, recipe: Recipe) -> str:
    pairs = [read_fingerprint(part) or "" for part in workspace.parts("pairs")]
    digest = hashlib.sha256(recipe.text.encode()).hexdigest()
    return fingerprint("export", VERSION, as_dict(config.export) | {"recipe_sha256": digest}, pairs, ASSETS)


def _state(layout: Layout, made_from: str) -> StageState:
    if read_fingerprint(layout.plan) != made_from:
        found = ("plan",) if layout.plan.exists() else ()
        return StageState(current=(), stale=found, missing=() if found else ("plan",))
    shards = {str(shard): shard for shard in read_shards(layout.plan)}
    current = [name for name, shard in shards.items() if _is_current(layout, shard, made_from)]
    missing = [name for name in shards if name not in current]
    if not layout.is_summarised(made_from):
        missing.append("summary")
    return StageState(current=tuple(current), stale=(), missing=tuple(missing))


def _is_current(layout: Layout, shard: Shard, made_from: str) -> bool:
    return read_fingerprint(layout.rows(shard)) == made_from and layout.data(shard).exists()


def _write_shards(
    workspace: Workspace, config: Config, execution: Execution, layout: Layout, made_from: str, shards: list[Shard]
) -> int:
    mine = [shard for shard in shards if execution.takes(str(shard))]
    todo = [shard for shard in mine if not _is_current(layout, shard, made_from)]
    return run_units("export", _Unit(workspace, config, layout, made_from), todo, execution) if todo else 0


@dataclass(frozen=True, slots=True)
class _Unit:
    """One shard's work, picklable."""

    workspace: Workspace
    config: Config
    layout: Layout
    made_from: str

    def __call__(self, shard: Shard) -> int:
        plan = pq.ParquetFile(self.layout.plan).read_row_group(shard.group)
        outcomes: list[dict[str, Any]] = []
        samples = self._samples(plan, outcomes)
        with atomic(self.layout.data(shard)) as temporary:
            if self.layout.format == "hf":
                write_huggingface(temporary, samples, self.config.export.text)
            else:
                write_webdataset(temporary, samples, self.config.export.text)
        written = pa.Table.from_pylist(outcomes, schema=_OUTCOME)
        for name in written.column_names:
            plan = plan.append_column(name, written[name])
        write_part(self.layout.rows(shard), plan, self.made_from)
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
        # Bytes that are not there fail the shard: `pmc15m verify` and `crawl` mend them, the next export goes on.
        content = self.workspace.read(pair["shard"], pair["offset"], pair["size"])
        wanted = self.config.export
        return make_picture(content, pair["box"], side=wanted.image_side, quality=wanted.jpeg_quality)


_OUTCOME = pa.schema(
    [
        pa.field("export_status", pa.string()),
        pa.field("export_reason", pa.string()),
        pa.field("export_width", pa.int32()),
        pa.field("export_height", pa.int32()),
        pa.field("export_sha256", pa.string()),
    ]
)
