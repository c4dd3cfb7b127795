"""How much is written again when a few articles change, and whether it is what a fresh build writes.

python -m benchmarks.living WORKSPACE [--articles 1] [--formats webdataset,hf,interleaved] [--pairs-per-shard 3]
python -m benchmarks.living WORKSPACE --copies 33 --articles-per-shard 4 --articles 2 --formats webdataset

A copy of a finished workspace (`make demo` leaves one) is curated and exported; then some of its articles change, as
`parse` would write it: every second one is retracted, the others get another caption; and it is curated and exported
again. What counts as written again is a file with another time of change. With `--copies`, the workspace is spread over
so many times the articles, under ids of their own, with pictures that are no duplicates.
"""

import argparse
import hashlib
import itertools
import logging
import random
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from pmc15m import footers
from pmc15m.config import Config, load_config
from pmc15m.curate.stage import curate
from pmc15m.engine.stage import Execution
from pmc15m.export.stage import export
from pmc15m.schema import TABLES
from pmc15m.workspace import Workspace, read_fingerprint, read_part, rows_to_table, shard_name, write_part

_TABLES = ("captions", "duplicates", "caption_groups", "pairs")
_ID = {
    "articles": "pmcid",
    "figures": "figure_key",
    "images": "image_key",
    "pixels": "image_key",
    "panels": "panel_key",
}
_READ = tuple(_ID)
_PASSING = {"CHANGES", footers.NAME}  # stems: what tells of the update itself, and what commands remember


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--articles", type=int, default=1, help="that change")
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--articles-per-shard", type=int, default=20, help="of copies")
    parser.add_argument("--formats", default="webdataset,hf,interleaved")
    parser.add_argument("--pairs-per-shard", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Workspace(Path(scratch, "data"))
        if options.copies:
            _spread(Workspace(options.workspace), workspace, options.copies, options.articles_per_shard)
        else:
            left_out = shutil.ignore_patterns("export", "report", "pmc")
            shutil.copytree(options.workspace, workspace.root, ignore=left_out)
        told = [f"export.pairs_per_shard={options.pairs_per_shard}"]
        kinds = {kind: _config(kind, told) for kind in options.formats.split(",")}
        _make(workspace, kinds)
        before = {path: path.stat().st_mtime_ns for path in _files(workspace.root)}
        print("changed:", *_change(workspace, options.articles))
        _make(workspace, kinds)
        for table in _TABLES:
            _tell(table, (workspace.root / table).glob("*.parquet"), before)
        for kind in kinds:
            _tell(f"export {kind}", _files(workspace.root / "export" / kind), before)
        made = [workspace.root / name for name in (*_TABLES, "export")]
        updated = {folder: _digests(folder) for folder in made}
        for folder in made:
            shutil.rmtree(folder)
        _make(workspace, kinds)
        differing = 0
        for folder in made:
            fresh = _digests(folder)
            unequal = {
                name for name in updated[folder].keys() | fresh.keys() if updated[folder].get(name) != fresh.get(name)
            }
            print(f"{folder.name}: {len(unequal)} of {len(fresh)} files differ from a fresh build")
            differing += len(unequal)
    return 1 if differing else 0


def _spread(source: Workspace, workspace: Workspace, copies: int, articles_per_shard: int) -> None:
    """Fill a workspace with copies of the articles of the first shard of another one, up to what `curate` reads."""
    first = source.shards()[0]
    tables = {table: read_part(source.part(table, first)).to_pylist() for table in _READ}
    known = [row["pmcid"] for row in tables["articles"]]
    chance, shards = random.Random(1), itertools.count()
    for copy in range(copies):
        for low in range(0, len(known), articles_per_shard):
            shard, some = shard_name(next(shards)), set(known[low : low + articles_per_shard])
            (workspace.root / "raw").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.part("raw", first), workspace.part("raw", shard))
            with workspace.tar(shard).open("wb") as tar:
                for table in _READ:
                    rows = [dict(row) for row in tables[table] if row[_ID[table]].partition("_")[0] in some]
                    for row in rows:
                        _make_own(row, copy, chance)
                        if table == "images" and row["offset"] is not None:
                            content = source.read(first, row["offset"], row["size"], row["sha256"]) + b"%d" % copy
                            row |= {"shard": shard, "offset": tar.tell(), "size": tar.write(content)}
                            row["sha256"] = hashlib.sha256(content).hexdigest()
                    write_part(workspace.part(table, shard), rows_to_table(rows, TABLES[table]), f"copy {copy}")


def _make_own(row: dict[str, Any], copy: int, chance: random.Random) -> None:
    """Give a row an id of its own, hashes, and a caption of the same length that is nearly no other's."""
    if row.get("caption"):
        ending = "".join(ascii_lowercase[digit] for digit in divmod(copy, len(ascii_lowercase)))
        row["caption"] = re.sub(r"\w\w\b", ending, row["caption"])
    for name in row.keys() & {"pmcid", *_ID.values()}:
        row[name] = row[name].replace("PMC", f"PMC{copy + 1}", 1)
    for name in row.keys() & {"phash", "pixel_sha256"}:
        if row[name] is not None:
            row[name] = chance.getrandbits(64) if name == "phash" else f"{chance.getrandbits(256):064x}"


def _config(kind: str, told: list[str]) -> Config:
    named = [f"export.format={kind}", f"export.name={kind}", "export.recipe="]
    return load_config(None, ["curate.val_share=0.1", "curate.test_share=0.1", *named, *told])


def _make(workspace: Workspace, kinds: dict[str, Config]) -> None:
    started = time.process_time()
    for kind, config in kinds.items():
        curate(workspace, config, Execution())
        export(workspace, config, Execution())
        print(f"made up to {kind}: {time.process_time() - started:.1f} CPU s", flush=True)


def _change(workspace: Workspace, count: int) -> list[str]:
    """Retract articles with pairs, dealt over the shards, or give their figures other captions; their PMCIDs."""
    shards = workspace.shards("pairs")
    found: list[str] = []
    for number in range(count):
        shard = shards[number * len(shards) // count]
        with_pairs = sorted(set(read_part(workspace.part("pairs", shard), ["pmcid"])["pmcid"].to_pylist()) - set(found))
        found.append(with_pairs[0])
        path = workspace.part("figures" if number % 2 else "articles", shard)
        rows = read_part(path).to_pylist()
        for row in (row for row in rows if row["pmcid"] == with_pairs[0]):
            row |= {"caption": f"{row['caption']} Revised."} if number % 2 else {"is_retracted": True}
        write_part(path, rows_to_table(rows, TABLES[path.parent.name]), read_fingerprint(path) or "")
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
        if path.stem not in _PASSING
    }


if __name__ == "__main__":
    raise SystemExit(main())
