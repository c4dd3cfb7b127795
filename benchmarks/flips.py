"""Flip bits all over a workspace: is each refused by its readers, found by `verify`, mended by the next `run`?

python -m benchmarks.flips --flips 540 [--articles 30] [--seed 0]

A miniature PMC goes through the chain, with two exports. Round by round, one bit is flipped in every file (of what is
kept twice, in one copy): first in one file at a time, for readers and `verify`, then in all of them, for `run`. Exit
code 1 if any was read as another value, not found, or not mended to the byte.
"""

import argparse
import hashlib
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from pmc15m.chain import run
from pmc15m.checksum import read_rows
from pmc15m.config import load_config
from pmc15m.demo import generate, serve
from pmc15m.engine.stage import Execution
from pmc15m.errors import DamageError, ExitCode
from pmc15m.export.layout import HIDDEN
from pmc15m.export.stage import export
from pmc15m.verify import checks, verify
from pmc15m.workspace import Workspace, copy_of, read_part

_SETTINGS = (
    *("crawl.articles_per_shard=10", "network.requests_per_s=0", "export.pairs_per_shard=40"),
    *("curate.val_share=0.1", "curate.test_share=0.1"),
)
_OURS = {".parquet", ".tar", ".copy", ".csv", ".json", ".md"}  # not what `run` writes anew and nobody computes with
_FEW = ("pmcid", "version", "role", "change_token", "status", "reason")  # columns that the crawl reads of an index


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=540)
    parser.add_argument("--articles", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.getLogger("pmc15m").setLevel(logging.CRITICAL)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch, "pmc"), articles=options.articles)
        with serve(Path(scratch, "pmc")) as server:
            counts = _flip(Workspace(Path(scratch, "workspace")), server.url, options.flips, chance)
    return int(any(count for name, count in counts.items() if name.startswith("BAD")))


def _flip(workspace: Workspace, source: str, flips: int, chance: random.Random) -> Counter[str]:
    config = load_config(None, [*_SETTINGS, f"source={source}"])
    run(workspace, config, Execution())
    export(workspace, load_config(None, [*_SETTINGS, "export.format=hf"]), Execution())
    whole, counts = _digests(workspace), Counter[str]()
    few = {path: read_rows(path, _FEW) for path in workspace.parts("raw")}
    while counts["flips"] < flips:
        spared = {pair[chance.random() < 0.5] for path in whole for pair in [(path, _other(path))] if pair[1] in whole}
        paths = [path for path in whole if path not in spared]
        chance.shuffle(paths)
        places = [(path, chance.randrange(8 * path.stat().st_size)) for path in paths[: flips - counts["flips"]]]
        for path, bit in places:
            with _flipped(path, bit):
                counts["flips"] += 1
                counts[_read(workspace, path)] += 1
                if path in few:
                    counts[_read_few(path, few[path])] += 1
                if not any(check.complaints() for check in checks(workspace)):
                    counts["BAD not found"] += 1
                    print("not found", path, bit)
        for path, bit in places:
            _turn(path, bit)
        verify(workspace)
        run(workspace, config, Execution())
        now = _digests(workspace)
        for path in whole.keys() | now.keys():
            if now.get(path) != whole.get(path):
                counts["BAD not mended"] += 1
                print("not mended", path)
        counts["BAD verify complains"] += verify(workspace) is not ExitCode.COMPLETE
        print(dict(counts), flush=True)
    return counts


def _other(path: Path) -> Path:
    """Where else stands what a file tells that cannot be made again: its copy, or the order of an export."""
    return path.parent / HIDDEN / "plan.parquet" if path.name == "export.json" else copy_of(path)


def _read(workspace: Workspace, path: Path) -> str:
    """What readers say to a flipped bit."""
    try:
        if path.suffix == ".tar" and path.parent.name == "raw":
            for row in read_part(path.with_suffix(".parquet")).to_pylist():
                if row["member"] is not None:
                    workspace.read(path.stem, row["offset"], row["size"], row["sha256"])
            return "outside the objects of a tar"
        if path.suffix in {".parquet", ".copy"} and path.parent.name != "data":
            read_part(path)
            return "BAD read"
    except DamageError:
        return "refused"
    return "read by others"


def _read_few(path: Path, whole: pa.Table) -> str:
    """What somebody says who reads a few columns, and looks at the footer and at their pages only."""
    try:
        return "elsewhere than in the few columns" if read_rows(path, _FEW).equals(whole) else "BAD few columns read"
    except DamageError:
        return "few columns refused"


@contextmanager
def _flipped(path: Path, bit: int) -> Iterator[None]:
    _turn(path, bit)
    try:
        yield
    finally:
        _turn(path, bit)


def _turn(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0] ^ 1 << bit % 8
        file.seek(bit // 8)
        file.write(bytes([byte]))


def _digests(workspace: Workspace) -> dict[Path, str]:
    paths = (path for path in sorted(workspace.root.rglob("*")) if path.suffix in _OURS)
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


if __name__ == "__main__":
    sys.exit(main())
