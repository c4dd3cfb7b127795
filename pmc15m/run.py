"""The whole chain: index → crawl → parse → split → curate → export → report, each step doing only what is left."""

import dataclasses
import logging
from collections.abc import Callable

from pmc15m.config import Config, to_toml
from pmc15m.errors import ExitCode
from pmc15m.stage import Execution, run_stage
from pmc15m.workspace import Workspace, atomic

log = logging.getLogger(__name__)


def run(workspace: Workspace, config: Config, execution: Execution, *, base_url: str | None = None) -> ExitCode:
    """Bring a workspace up to date with a source; the worst exit code of the steps.

    A step that leaves something undone (an article that could not be fetched) does not keep the next ones from
    working on what is there. `base_url` stands in for `config.source` where that has a passing address only.
    """
    from pmc15m.crawl import crawl, index
    from pmc15m.curate import curate
    from pmc15m.export import export
    from pmc15m.parse import PARSE
    from pmc15m.query import report
    from pmc15m.split import SPLIT

    def make_report() -> ExitCode:
        report(workspace, config)
        return ExitCode.COMPLETE

    workspace.create()
    save_config(workspace, config)
    fetching = dataclasses.replace(config, source=base_url or config.source)
    steps: list[Callable[[], ExitCode]] = [
        lambda: index(workspace, fetching),
        lambda: crawl(workspace, fetching, execution),
        lambda: run_stage(PARSE, workspace, config, execution),
        lambda: run_stage(SPLIT, workspace, config, execution),
    ]
    # What looks at all shards at once waits until every process of an array job has done its share.
    if execution.shard[1] == 1:
        steps += [
            lambda: curate(workspace, config, execution),
            lambda: export(workspace, config, execution),
            make_report,
        ]
    else:
        log.info("run: a share of the shards is done; when all are, `pmc15m run` without --shard finishes")
    return max(step() for step in steps)


def run_demo(workspace: Workspace, config: Config, execution: Execution, *, articles: int, seed: int) -> ExitCode:
    """Generate a miniature PMC below the workspace, serve it on loopback, and `run` against that."""
    from pmc15m.demo import generate, serve
    from pmc15m.query import sql

    workspace.create()
    bucket = workspace.root / "pmc"
    log.info("demo: a miniature PMC of %d articles in %s", articles, bucket)
    generate(bucket, seed=seed, articles=articles)
    config = dataclasses.replace(
        config,
        source=str(bucket),
        crawl=dataclasses.replace(config.crawl, articles_per_shard=20),
        curate=dataclasses.replace(config.curate, val_share=0.1, test_share=0.1),
    )
    with serve(bucket) as server:
        code = run(workspace, config, execution, base_url=server.url)
    sql(workspace, "SELECT thing, step, rows_in, rows_out FROM funnel ORDER BY position")
    print(f"\nwhat was lost and why, plots, and a gallery: {workspace.root / 'report' / 'index.html'}")
    # The miniature PMC holds articles that cannot be had, on purpose: being told so is the demo's success.
    return ExitCode.COMPLETE if code is ExitCode.INCOMPLETE else code


def save_config(workspace: Workspace, config: Config) -> None:
    """Keep the effective configuration beside the data."""
    path = workspace.root / "config.toml"
    text = to_toml(config)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
