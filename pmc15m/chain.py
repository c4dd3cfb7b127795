"""The chain from a source to a report: its steps in order, how all of them are run, and what of each is done.

The steps stand here once: the command line makes a sub-command of each, `run` runs them, `status` asks them. Their
modules are loaded by the one that needs them, so that `pmc15m --help` answers at once.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pmc15m.config import Config
from pmc15m.errors import DamageError, ExitCode
from pmc15m.objects import is_address

if TYPE_CHECKING:
    from pmc15m.engine.stage import Execution, Stage, StageState
    from pmc15m.workspace import Workspace

log = logging.getLogger(__name__)

_MENDING = 3  # times that a run begins again; what mends one file may be the first to read another

Run = Callable[["Workspace", Config, "Execution"], ExitCode]


@dataclass(frozen=True, slots=True)
class Work:
    """What a step does, and how it tells what of its parts is done; None where it has none.

    `rest` is what `run` does besides: of the exports, those that are not configured now.
    """

    run: Run
    state: Callable[[Workspace, Config], StageState] | None = None
    rest: Run | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step, named as its sub-command."""

    name: str
    summary: str
    load: Callable[[], Work]
    fetches: bool = False  # asks the source
    joins: bool = False  # looks at all shards at once: waits until every process of an array job has done its share


def _index() -> Work:
    def run(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
        from pmc15m.crawl.catalog import index

        return index(workspace, config, accept_removals=execution.accept_removals)

    return Work(run)


def _crawl() -> Work:
    def run(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
        from pmc15m.crawl.crawler import crawl

        return crawl(workspace, config, execution)

    return Work(run)


def _parse() -> Work:
    from pmc15m.stages import PARSE

    return _mapping(PARSE)


def _split() -> Work:
    from pmc15m.stages import SPLIT

    return _mapping(SPLIT)


def _mapping(stage: Stage) -> Work:
    from pmc15m.engine.stage import run_stage, stage_state

    return Work(lambda *context: run_stage(stage, *context), lambda *where: stage_state(stage, *where))


def _curate() -> Work:
    from pmc15m.curate.groupings import curate_state

    def run(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
        from pmc15m.curate.stage import curate

        return curate(workspace, config, execution)

    return Work(run, curate_state)


def _export() -> Work:
    from pmc15m.export.state import export_state

    def run(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
        from pmc15m.export.stage import export

        return export(workspace, config, execution)

    def rest(workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
        from pmc15m.export.stage import update_exports

        return update_exports(workspace, config, execution)

    return Work(run, export_state, rest)


def _report() -> Work:
    def run(workspace: Workspace, config: Config, _: Execution) -> ExitCode:
        from pmc15m.query.report import report

        report(workspace, config)
        return ExitCode.COMPLETE

    return Work(run)


STEPS = (
    Step("index", "read the source's inventory into the catalog", _index, fetches=True),
    Step("crawl", "fetch the selected articles into raw shards, verified", _crawl, fetches=True),
    Step("parse", "raw shards to articles, figures and images", _parse),
    Step("split", "images to pixels and panels with sub-captions", _split),
    Step("curate", "duplicates, splits and pairs", _curate, joins=True),
    Step("export", "pairs to training shards", _export, joins=True),
    Step("report", "one self-contained HTML page: funnel, plots, drop reasons, gallery", _report, joins=True),
)


def run(workspace: Workspace, config: Config, execution: Execution, *, base_url: str | None = None) -> ExitCode:
    """Bring a workspace up to date with a source, each step doing only what is left; the worst of their exit codes.

    A step that leaves something undone (an article that could not be fetched) does not keep the next ones from
    working on what is there. Where one meets a damaged file, the steps are gone through again, which mends it.
    `base_url` stands in for `config.source` where that has a passing address only. The configuration is kept once
    the source has been listed.
    """
    from pmc15m.saved import save_config

    workspace.create()
    fetching = dataclasses.replace(config, source=base_url or config.source)
    is_alone = execution.processes == 1

    def run_steps() -> ExitCode:
        code = ExitCode.COMPLETE
        for step in STEPS:
            if code is ExitCode.INCOMPLETE and not step.fetches and not workspace.shards():
                log.warning("run: no shard is finished yet, so there is nothing to %s", step.name)
                break
            if step.name == "report":  # which is made again for whatever is written after it
                workspace.keep_footers()
            work = step.load()
            for run in (work.run, work.rest) if is_alone or not step.joins else ():
                if run is not None:
                    given = fetching if step.fetches else config
                    code = max(code, run_step(step.name, run, workspace, given, execution))
            if step.name == "index" and code is ExitCode.COMPLETE:
                save_config(workspace, config)
        return code

    code = run_steps()
    for _ in range(_MENDING):
        if workspace.notes():
            log.info("run: once more, for what was found damaged on the way")
            code = run_steps()
    if not is_alone:
        log.info("run: a share of the shards is done; when all are, `pmc15m run` without --shard finishes")
    return code


def run_step(name: str, run: Run, workspace: Workspace, config: Config, execution: Execution) -> ExitCode:
    """Do what a step does. A damaged file that it meets is noted for the next run, and leaves it INCOMPLETE."""
    from pmc15m.workspace import note_damage, note_duration

    started = time.monotonic()
    code = ExitCode.INCOMPLETE
    try:
        code = run(workspace, config, execution)
    except DamageError as error:
        note_damage(error.path)
        log.error("%s", error)
    except KeyboardInterrupt:
        note_duration(workspace, name, time.monotonic() - started)
        raise
    note_duration(workspace, name, time.monotonic() - started)
    return code


def run_demo(workspace: Workspace, config: Config, execution: Execution, *, articles: int, seed: int) -> ExitCode:
    """Generate a miniature PMC below the workspace, serve it on loopback, and `run` against that."""
    from pmc15m.demo import generate, serve
    from pmc15m.query.ask import sql
    from pmc15m.workspace import shown

    workspace.create()
    bucket = workspace.root / "pmc"
    log.info("demo: a miniature PMC of %d articles in %s", articles, bucket)
    generate(bucket, seed=seed, articles=articles)
    held_out = min(0.1, 6 / articles)  # six articles show what a split is; what more there are teaches
    config = dataclasses.replace(
        config,
        source=str(bucket.absolute()),
        crawl=dataclasses.replace(config.crawl, articles_per_shard=20),
        curate=dataclasses.replace(config.curate, val_share=held_out, test_share=held_out),
    )
    with serve(bucket) as server:
        code = run(workspace, config, execution, base_url=server.url)
    sql(workspace, "SELECT thing, step, rows_in, rows_out FROM funnel ORDER BY position")
    print(f"\nwhat was lost and why, plots, and a gallery: {shown(workspace.root / 'report' / 'index.html')}")
    # The miniature PMC holds articles that cannot be had, on purpose: being told so is the demo's success.
    return ExitCode.COMPLETE if code is ExitCode.INCOMPLETE else code


def summary(workspace: Workspace) -> dict[str, object]:
    """What a workspace holds and where: rows by table, splits, exports, the report."""
    from pmc15m.checksum import read_metadata
    from pmc15m.query import connect
    from pmc15m.workspace import shown

    tables = ("articles", "figures", "panels", "pairs")
    held: dict[str, object] = {
        table: sum(read_metadata(path).num_rows for path in workspace.parts(table)) for table in tables
    }
    with connect(workspace, query="pairs") as connection:
        held["splits"] = dict(connection.sql("SELECT split, count(*) FROM pairs GROUP BY ALL ORDER BY ALL").fetchall())
    held["exports"] = [shown(path.parent) for path in sorted(workspace.root.glob("export/*/export.json"))]
    held["report"] = shown(workspace.root / "report" / "index.html")
    return held


def say_summary(workspace: Workspace, held: dict[str, object]) -> None:
    """Say at the end of a run what came out, where it is, and what to do next."""
    counts = ", ".join(f"{held[table]:,} {table}" for table in ("articles", "figures", "panels", "pairs"))
    log.info("run: %s", counts, extra={"facts": held})
    splits = held["splits"]
    if isinstance(splits, dict) and splits and len(splits) < 3:
        log.info(
            "run: all pairs are in %s: shares as of PMC-15M leave nothing else of so few articles; "
            "--set curate.val_share=0.05 --set curate.test_share=0.1",
            " and ".join(splits),
        )
    exports = held["exports"]
    if isinstance(exports, list) and exports:
        there = f"train with `python -m train run {exports[0]}`"
        next_step = "copy it to where the training runs" if is_address(exports[0]) else there
        log.info("run: exported to %s; %s", " and ".join(exports), next_step)
    log.info("run: report in %s; look at it with `pmc15m browse --workspace %s`", held["report"], workspace)


def show_status(
    workspace: Workspace, config: Config, *, as_json: bool = False, shares: int = 0
) -> tuple[str, ExitCode]:
    """What is complete, stale, missing or failed, from the local state alone, as text or JSON.

    With `shares`, of an array job of so many also whose work is not done. INCOMPLETE while anything is stale, missing
    or failed.
    """
    from pmc15m.crawl.status import status, unfinished
    from pmc15m.engine.stage import share_of
    from pmc15m.export.state import other_states
    from pmc15m.footers import one_moment

    workspace.require_data()
    with one_moment():
        crawled = status(workspace)
        states = {step.name: state(workspace, config) for step in STEPS if (state := step.load().state)}
        others = other_states(workspace, config)
        left = {"crawl": unfinished(workspace)} if shares else {}
    left |= {name: list(state.todo) for name, state in states.items() if shares and name != "export"}
    undone = {name: sorted({share_of(shard, shares) for shard in shards}) for name, shards in left.items()}
    complete = not crawled["todo"] and not any(state.todo for state in (*states.values(), *others.values()))
    code = ExitCode.COMPLETE if complete else ExitCode.INCOMPLETE
    counted = {name: state.counts for name, state in states.items()}
    exported = {name: state.counts for name, state in others.items()}
    if as_json:
        found = {"crawl": crawled, "stages": counted, "other_exports": exported, "complete": complete}
        return json.dumps(found | ({"shares": undone} if shares else {}), default=str), code
    lines = [f"{'crawl':8} " + ", ".join(f"{key} {value}" for key, value in crawled.items() if value)]
    named = {f"{name:8}": counts for name, counts in counted.items()}
    named |= {f"{'export':8} {name}:": counts for name, counts in exported.items()}
    for name, counts in named.items():
        lines.append(f"{name} " + (", ".join(f"{value} {key}" for key, value in counts.items() if value) or "-"))
    if shares:
        told = ", ".join(f"{name} {_ranges(numbers)}" for name, numbers in undone.items())
        lines.append(f"{'shares':8} of {shares}, not done: {told}")
    lines.append("complete" if complete else "incomplete: `pmc15m run` goes on")
    return "\n".join(lines), code


def _ranges(numbers: list[int]) -> str:
    """Numbers in order as `sbatch --array` takes them: 3,5-9."""
    place = itertools.count()
    runs = [list(run) for _, run in itertools.groupby(numbers, lambda number: number - next(place))]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs) or "-"
