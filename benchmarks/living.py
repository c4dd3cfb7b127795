"""How much is written again when one article in a hundred changes, and whether it is what a fresh build writes.

python -m benchmarks.living --articles 400 [--share .01] [--formats webdataset,hf,interleaved]

A miniature PMC is served on loopback and run; then a share of its articles is withdrawn or retracted, half and half,
and it is run again. What counts as written again is a file with another time of change.
"""

import argparse
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pmc15m.chain import STEPS
from pmc15m.config import Config, load_config
from pmc15m.demo import Bucket, generate, serve
from pmc15m.demo.layout import add_inventory, edit_metadata, withdraw
from pmc15m.engine.stage import Execution
from pmc15m.export import export
from pmc15m.workspace import Workspace

_TABLES = ("captions", "duplicates", "caption_groups", "pairs")
_HISTORY = "CHANGES.parquet"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument("--share", type=float, default=0.01, help="of the articles that change")
    parser.add_argument("--formats", default="webdataset,hf,interleaved")
    parser.add_argument("--articles-per-shard", type=int, default=5)
    parser.add_argument("--pairs-per-shard", type=int, default=4)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        generate(root / "pmc", articles=options.articles)
        workspace = Workspace(root / "data")
        workspace.create()
        kinds = options.formats.split(",")
        with serve(root / "pmc") as server:
            _run(workspace, server.url, kinds, options)
            changed = _change(server.bucket, max(1, round(options.share * options.articles)))
        before = {path: path.stat().st_mtime_ns for path in _files(workspace.root)}
        started = time.process_time()
        with serve(changed) as server:
            _run(workspace, server.url, kinds, options)
        print(f"update: {time.process_time() - started:.1f} CPU s")
        for table in _TABLES:
            _tell(table, (workspace.root / table).glob("*.parquet"), before)
        differing = 0
        for kind in kinds:
            folder = workspace.root / "export" / kind
            _tell(f"export {kind}", _files(folder), before)
            _tell(f"export {kind}, training shards", _files(folder / "data"), before)
            updated = _digests(folder)
            shutil.rmtree(folder)
            export(workspace, _config("", kind, options), Execution())
            fresh = _digests(folder)
            unequal = {name for name in updated.keys() | fresh.keys() if updated.get(name) != fresh.get(name)}
            print(f"export {kind}: {len(unequal)} of {len(fresh)} files differ from a fresh export")
            differing += len(unequal)
    return 1 if differing else 0


def _config(source: str, kind: str, options: argparse.Namespace) -> Config:
    settings = [
        f"crawl.articles_per_shard={options.articles_per_shard}",
        f"export.pairs_per_shard={options.pairs_per_shard}",
        *("curate.val_share=0.05", "curate.test_share=0.05", "split.separator=gutters", "export.recipe="),
        *(f"export.format={kind}", f"export.name={kind}"),
    ]
    return load_config(None, settings + ([f"source={source}"] if source else []))


def _run(workspace: Workspace, source: str, kinds: list[str], options: argparse.Namespace) -> None:
    for step in STEPS[:5]:
        step.load().run(workspace, _config(source, kinds[0], options), Execution())
    for kind in kinds:
        export(workspace, _config(source, kind, options), Execution())


def _change(bucket: Bucket, count: int) -> Bucket:
    later = Bucket()
    for key in bucket.keys(""):
        later.put(key, bucket[key].body, bucket[key].last_modified)
    versions = [key.removeprefix("metadata/").removesuffix(".json") for key in bucket.keys("metadata/")]
    for number, version in enumerate(versions[:: max(1, len(versions) // count)][:count]):
        if number % 2:
            edit_metadata(later, version, is_retracted=True)
        else:
            withdraw(later, version)
    add_inventory(later, datetime(2026, 10, 9, 1, 0, tzinfo=UTC))
    return later


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _tell(name: str, paths: Iterable[Path], before: dict[Path, int]) -> None:
    sizes = {path: path.stat().st_size for path in paths}
    again = [path for path in sizes if before.get(path) != path.stat().st_mtime_ns]
    written, total = sum(sizes[path] for path in again), sum(sizes.values())
    print(f"{name}: {written:,} of {total:,} bytes, {written / total:.2%}; {len(again)} of {len(sizes)} files")


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _files(folder)
        if path.name != _HISTORY
    }


if __name__ == "__main__":
    raise SystemExit(main())
