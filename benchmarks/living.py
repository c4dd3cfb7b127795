"""How much is written again when a few articles change, and whether it is what a fresh build writes.

python -m benchmarks.living WORKSPACE [--articles 1] [--formats webdataset,hf,interleaved] [--pairs-per-shard 3]

A copy of a finished workspace (`make demo` leaves one) is curated and exported; then some of its articles are retracted
in the table `articles`, as `parse` would write it, and it is curated and exported again. What counts as written again
is a file with another time of change.
"""

import argparse
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from pmc15m.config import Config, load_config
from pmc15m.curate.stage import curate
from pmc15m.engine.stage import Execution
from pmc15m.export.stage import export
from pmc15m.workspace import Workspace, read_fingerprint, read_part, write_part

_TABLES = ("captions", "duplicates", "caption_groups", "pairs")
_HISTORY = "CHANGES"  # the stem of what tells of the update itself


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--articles", type=int, default=1, help="that change")
    parser.add_argument("--formats", default="webdataset,hf,interleaved")
    parser.add_argument("--pairs-per-shard", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        left_out = shutil.ignore_patterns("export", "report", "pmc")
        workspace = Workspace(shutil.copytree(options.workspace, Path(scratch, "data"), ignore=left_out))
        kinds = {kind: _config(kind, options.pairs_per_shard) for kind in options.formats.split(",")}
        _make(workspace, kinds)
        before = {path: path.stat().st_mtime_ns for path in _files(workspace.root)}
        retracted = _retract(workspace, options.articles)
        print("retracted:", *retracted)
        _make(workspace, kinds)
        for table in _TABLES:
            _tell(table, (workspace.root / table).glob("*.parquet"), before)
        differing = 0
        for kind, config in kinds.items():
            folder = workspace.root / "export" / kind
            _tell(f"export {kind}", _files(folder), before)
            updated = _digests(folder)
            shutil.rmtree(folder)
            export(workspace, config, Execution())
            fresh = _digests(folder)
            unequal = {name for name in updated.keys() | fresh.keys() if updated.get(name) != fresh.get(name)}
            print(f"export {kind}: {len(unequal)} of {len(fresh)} files differ from a fresh export")
            differing += len(unequal)
    return 1 if differing else 0


def _config(kind: str, pairs_per_shard: int) -> Config:
    told = [f"export.format={kind}", f"export.name={kind}", f"export.pairs_per_shard={pairs_per_shard}"]
    return load_config(None, ["curate.val_share=0.1", "curate.test_share=0.1", "export.recipe=", *told])


def _make(workspace: Workspace, kinds: dict[str, Config]) -> None:
    started = time.process_time()
    for kind, config in kinds.items():
        curate(workspace, config, Execution())
        export(workspace, config, Execution())
        print(f"made up to {kind}: {time.process_time() - started:.1f} CPU s", flush=True)


def _retract(workspace: Workspace, count: int) -> list[str]:
    """Mark articles with pairs as retracted, dealt over the shards; their PMCIDs."""
    shards = workspace.shards("pairs")
    found: list[str] = []
    for number in range(count):
        shard = shards[number * len(shards) // count]
        with_pairs = sorted(set(read_part(workspace.part("pairs", shard), ["pmcid"])["pmcid"].to_pylist()) - set(found))
        path = workspace.part("articles", shard)
        articles = read_part(path)
        found.append(with_pairs[0])
        told = [row | {"is_retracted": row["is_retracted"] or row["pmcid"] in found} for row in articles.to_pylist()]
        write_part(path, pa.Table.from_pylist(told, schema=articles.schema), read_fingerprint(path) or "")
    return found


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
        if path.stem != _HISTORY
    }


if __name__ == "__main__":
    raise SystemExit(main())
