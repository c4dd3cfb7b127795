"""Indexing and planning all of PMC: time, memory, disk.

    python -m benchmarks.index [--articles 8200000] [--keep FOLDER]

Generates a bucket folder with an inventory of that many rows in five shards and a PMC-ids.csv.gz, then runs `index`
into a new workspace, `index` again after an update (0.1 % changed, added and removed), and the plan of a crawl of
everything. Each step is a process of its own, so that its peak memory is its own.
"""

import argparse
import gzip
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pmc15m.config import Config, SelectConfig
from pmc15m.crawl.catalog import index
from pmc15m.crawl.ledger import read_ledger
from pmc15m.crawl.plan import extend_plan
from pmc15m.crawl.planned import read_plan
from pmc15m.crawl.select import read_condition
from pmc15m.sources.inventory import PREFIX
from pmc15m.workspace import Workspace

SHARDS = 5
STEPS = ("index", "index again", "index an update", "plan everything", "plan 2 % by year")


def write_inventory(root: Path, articles: int, *, is_update: bool) -> None:
    """One day's inventory of `articles` versions; an update changes, adds and removes one in a thousand each."""
    day = "2026-10-02T01-00Z" if is_update else "2026-10-01T01-00Z"
    (root / PREFIX / "data").mkdir(parents=True, exist_ok=True)
    files = []
    for shard in range(SHARDS):
        key = f"{PREFIX}data/{day[:10]}-{shard}.csv.gz"
        with gzip.open(root / key, "wt", compresslevel=1, encoding="ascii") as out:
            for number in range(shard, articles, SHARDS):
                change = is_update and number % 1000
                if is_update and change == 7:
                    continue
                pmcid = 10_000_000 - number if is_update and change == 3 and number > 9_000_000 else 1_000_000 + number
                etag = hashlib.md5(b"%d %d" % (pmcid, is_update and change == 5)).hexdigest()
                out.write(f'"pmc-oa-opendata","metadata/PMC{pmcid}.1.json","2026-01-08T11:47:59.000Z","{etag}"\n')
        data = (root / key).read_bytes()
        files.append({"key": key, "size": len(data), "MD5checksum": hashlib.md5(data).hexdigest()})
    manifest = {"fileFormat": "CSV", "fileSchema": "Bucket, Key, LastModifiedDate, ETag", "files": files}
    folder = root / PREFIX / day
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.checksum").write_text(hashlib.md5(text).hexdigest() + "\n", encoding="ascii")


def write_identifiers(root: Path, articles: int) -> None:
    """PMC-ids.csv.gz for the same articles and half as many that are not in the bucket."""
    header = "Journal Title,ISSN,eISSN,Year,Volume,Issue,Page,DOI,PMCID,PMID,Manuscript Id,Release Date\n"
    with gzip.open(root / "PMC-ids.csv.gz", "wt", compresslevel=1, encoding="ascii") as out:
        out.write(header)
        for number in range(articles + articles // 2):
            journal = f"J Things {number % 4001}" + (", Ser B" if number % 10_000 == 1 else "")
            year = 1990 + number % 37
            pmcid = f"PMC{1_000_000 + number}"
            out.write(f"{journal},1234-5678,8765-4321,{year},1,2,3,10.1000/t.{number},{pmcid},{number},,live\n")


def run_step(step: str, root: Path, workspace: Workspace, scratch: Path) -> str:
    """Do one step; what it made, in words."""
    config = Config(source=str(root))
    if step.startswith("index"):
        index(workspace, config)
        return f"catalog of {workspace.catalog.stat().st_size / 1e6:.0f} MB"
    if step == "plan 2 % by year":
        config = Config(source=str(root), select=SelectConfig(where="year = 2015 AND licence_group = 'commercial'"))
    extend_plan(workspace, config, read_condition(config.select.where), read_ledger(workspace), scratch)
    file = read_plan(workspace)[-1]
    return f"{file.last - file.first + 1} shards, plan of {file.path.stat().st_size / 1e6:.0f} MB"


def main() -> None:
    """Generate, run each step in a process, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=8_200_000)
    parser.add_argument("--keep", type=Path, help="folder for bucket and workspace; default: a temporary one")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        started = time.perf_counter()
        made = run_step(options.step, options.keep / "bucket", Workspace(options.keep / "workspace"), options.keep)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu, wall = usage.ru_utime + usage.ru_stime, time.perf_counter() - started
        print(
            f"{options.step:18} {wall:7.1f} s  {cpu:7.1f} CPU s  {usage.ru_maxrss / 1024:6.0f} MiB  {made}", flush=True
        )
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        bucket = folder / "bucket"
        if not bucket.exists():
            write_inventory(bucket, options.articles, is_update=False)
            write_identifiers(bucket, options.articles)
        print(f"{options.articles:,} article versions")
        for step in STEPS:
            if step == "index an update":
                write_inventory(bucket, options.articles, is_update=True)
            command = [sys.executable, "-m", "benchmarks.index", "--keep", str(folder), "--step", step]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
