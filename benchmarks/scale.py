"""Commands with nothing to do, on a workspace as large as that of all of PMC: 16,400 finished shards, 8.2 M articles.

    python -m benchmarks.scale DIR [--shards 16400] [--only status,crawl]

DIR is made if it is not there: raw indexes of 500 articles and 3,500 rows a shard with ids of their own, a catalog and
a plan of all of them, and of every other table one small real part, hard-linked for every shard; fingerprints are those
of a finished workspace, the tars are holes, the export is of no pair, and the page is empty. Each command runs in a
process of its own, once to find out what it can remember and once more; CPU is user + system time of the second, peak
its memory.
"""

import argparse
import multiprocessing
import os
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pmc15m import schema
from pmc15m.chain import run
from pmc15m.config import Config, load_config, to_toml
from pmc15m.crawl.catalog import VERSION, scratch_folder
from pmc15m.crawl.crawler import crawl
from pmc15m.crawl.ledger import read_ledger
from pmc15m.crawl.plan import extend_plan, selection_of
from pmc15m.crawl.select import read_condition
from pmc15m.crawl.shard import write_index
from pmc15m.curate.groupings import CAPTION_GROUPS, DUPLICATES
from pmc15m.demo import generate, serve
from pmc15m.engine.stage import Execution, expected_fingerprint
from pmc15m.export.stage import export
from pmc15m.query import report
from pmc15m.saved import save_config, told_config
from pmc15m.sources import open_source
from pmc15m.stages import CAPTIONS, PAIRS, PARSE, SPLIT
from pmc15m.workspace import (
    Workspace,
    fingerprint,
    keep_twice,
    part_writer,
    read_facts,
    read_fingerprint,
    read_part,
    shard_name,
    write_part,
)

SHARDS = 16_400
_ARTICLES, _OBJECTS = 500, 6  # articles of a shard; objects of an article
_FIRST = 1_000_000  # the number of the first PMCID
_SMALL = (
    "crawl.min_free_bytes=0",
    "network.requests_per_s=0",
    "curate.val_share=0.1",
    "curate.test_share=0.1",
    'export.where="false"',
)

COMMANDS = {
    "run": ["run"],
    "status": ["status"],
    "crawl": ["crawl"],
    "parse": ["parse"],
    "split": ["split"],
    "curate": ["curate"],
    "sql": ["sql", "SELECT 1"],
    "count": ["sql", "SELECT count(*) FROM pairs"],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--shards", type=int, default=SHARDS)
    parser.add_argument("--only", default=",".join(COMMANDS), help="default: %(default)s")
    options = parser.parse_args()
    small, whole = options.directory / "small", options.directory / f"shards-{options.shards}"
    if not (
        whole / "config.toml"
    ).exists():  # in a process of its own: what this one has had, its children seem to need
        making = multiprocessing.get_context("spawn").Process(target=simulate, args=(small, whole, options.shards))
        making.start()
        making.join()
    for name in options.only.split(","):
        for is_told in (False, True):
            told = measured([*COMMANDS[name], "--workspace", str(whole), "--workers", "1"])
            if is_told:
                print(f"{name:8} {told}", flush=True)


def measured(arguments: list[str]) -> str:
    """What a command of `pmc15m` costs, and how it ends."""
    started = time.monotonic()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "pmc15m.cli", *arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, place, os.devnull, os.O_WRONLY, 0) for place in (1, 2)],
    )
    _, status, usage = os.wait4(process, 0)
    wall, cpu, code = time.monotonic() - started, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)
    return f"{cpu:7.2f} CPU s, {usage.ru_maxrss / 1024:5.0f} MiB, {wall:6.1f} s, exit code {code}"


def simulate(small: Path, whole: Path, shards: int) -> None:
    """Make the workspace `whole` of copies of what `small` holds, which is made where it is not there."""
    config = load_config(None, [*_SMALL, f"source={(small / 'pmc').absolute()}"])
    real, workspace = Workspace(small / "data"), Workspace(whole)
    if not real.shards("pairs"):
        generate(small / "pmc", articles=60, figure_px=240)
        with serve(small / "pmc") as server:
            run(real, config, Execution(), base_url=server.url)
    workspace.create()
    _write_catalog(workspace, config, shards)
    with scratch_folder(workspace) as scratch:
        extend_plan(workspace, config, read_condition(""), read_ledger(workspace), scratch)
    (whole / "raw" / "selection").write_text(f"{selection_of(config)}\n", encoding="ascii")
    _write_raw(workspace, real, shards)
    for stage in (PARSE, SPLIT, CAPTIONS):
        _spread(workspace, real, stage.writes, expected_fingerprint(stage, workspace, config, shard_name(0)), shards)
    for grouping in (DUPLICATES, CAPTION_GROUPS):
        rows = read_fingerprint(real.part(grouping.table, shard_name(0))) or ""
        _spread(workspace, real, (grouping.table,), rows, shards)
        parts = {shard_name(number): rows for number in range(shards)}
        grouping.note(workspace, grouping.fingerprint(workspace, config), parts)
    _spread(workspace, real, PAIRS.writes, expected_fingerprint(PAIRS, workspace, config, shard_name(0)), shards)
    save_config(workspace, config)
    for step in (crawl, export):
        step(workspace, config, Execution())
    workspace.keep_footers()
    told = {"configuration": to_toml(told_config(workspace, config))}
    (whole / "report").mkdir()
    page = fingerprint("report", report.VERSION, told, [], report.ASSETS)
    (whole / "report" / "index.html").write_text(page, encoding="ascii")


def _write_catalog(workspace: Workspace, config: Config, shards: int) -> None:
    with scratch_folder(workspace) as scratch, closing(open_source(config, scratch)) as source:
        made_from = fingerprint("index", VERSION, {}, [source.name, source.snapshot(), config.select.pmc_ids])
    with part_writer(workspace.catalog, schema.CATALOG, made_from, {"day": None}) as writer:
        for low in range(0, shards * _ARTICLES, 65_536):
            numbers = np.arange(low, min(low + 65_536, shards * _ARTICLES))
            known = {
                "pmcid": pa.array(np.char.add("PMC", (_FIRST + numbers).astype(str))),
                "version": pa.array(np.ones(len(numbers), np.int32)),
                "change_token": pa.array([f"{number % _ARTICLES:032x}" for number in numbers]),
                "state": pa.array(["listed"] * len(numbers)),
            }
            missing = pa.nulls(len(numbers))
            columns = [known.get(field.name, missing).cast(field.type) for field in schema.CATALOG]
            writer.write_table(pa.table(columns, schema=schema.CATALOG))
    keep_twice(workspace.catalog)


def _write_raw(workspace: Workspace, real: Workspace, shards: int) -> None:
    rows = read_part(real.part("raw", shard_name(0))).replace_schema_metadata(None)
    is_article = pc.equal(rows["role"], "article")
    heads, objects = rows.filter(is_article), rows.filter(pc.invert(is_article))
    heads = heads.take(pa.array(np.arange(_ARTICLES) % heads.num_rows))
    heads = _with(heads, "status", ["complete"] * _ARTICLES)
    heads = _with(heads, "change_token", [f"{number:032x}" for number in range(_ARTICLES)])
    objects = objects.take(pa.array(np.arange(_ARTICLES * _OBJECTS) % objects.num_rows))
    who = np.concatenate([np.arange(_ARTICLES), np.repeat(np.arange(_ARTICLES), _OBJECTS)])
    order = np.argsort(who, kind="stable")
    table, who = pa.concat_tables([heads, objects]).take(pa.array(order)).combine_chunks(), who[order]
    table = _with(table, "version", np.ones(len(who), np.int32))
    write_index(workspace, shard_name(0), table)  # for its facts, which all get
    facts = read_facts(workspace.part("raw", shard_name(0))) or {}
    others = {
        name: facts[name] for name in facts.keys() - {"fingerprint", "schema_version", "body_sha256", "footer_sha256"}
    }
    for number in range(shards):
        numbers = (_FIRST + number * _ARTICLES + who).astype(str)
        named = _with(table, "pmcid", np.char.add("PMC", numbers))
        write_part(workspace.part("raw", shard_name(number)), named, facts["fingerprint"], **others)
        tar = workspace.tar(shard_name(number))
        tar.touch()
        os.truncate(tar, facts["tar_size"])


def _with(table: pa.Table, name: str, values: object) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values).cast(table.schema.field(name).type))


def _spread(workspace: Workspace, real: Workspace, tables: tuple[str, ...], made_from: str | None, shards: int) -> None:
    """Give every shard the part of the first one."""
    assert made_from is not None
    for table in tables:
        first = workspace.part(table, shard_name(0))
        write_part(first, read_part(real.part(table, shard_name(0))).replace_schema_metadata(None), made_from)
        for number in range(1, shards):
            os.link(first, workspace.part(table, shard_name(number)))


if __name__ == "__main__":
    main()
