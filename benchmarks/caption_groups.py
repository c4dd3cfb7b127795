"""Groups of captions: how alike those are that fingerprints call near, and what grouping 15,282,336 of them costs.

    python -m benchmarks.caption_groups alike CAPTIONS.jsonl [CAPTIONS.jsonl.gz …]
    python -m benchmarks.pairs_table DIR
    python -m benchmarks.caption_groups cost DIR

`alike` compares every two captions (a line: {"caption": …}) by the share of runs of three words that they have in
common (Jaccard), and counts the pairs at each distance. `cost` writes the parts that `curate` would have made (3 %
equal captions, 3 % fingerprints of another article with up to six bits flipped) to a temporary workspace beside DIR,
and measures a process of its own.
"""

import argparse
import collections
import gzip
import json
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.pairs_table import is_generated
from pmc15m import schema
from pmc15m.config import Config
from pmc15m.curate.captions import simhashes
from pmc15m.curate.groupings import CAPTION_GROUPS
from pmc15m.workspace import Workspace, read_part, write_part

_WORD = re.compile(r"[^\W_]+")
_FARTHEST = 12  # bits that `alike` looks at
_ALIKE = (0.8, 0.6, 0.0)


def alike(paths: list[Path]) -> None:
    captions = sorted({" ".join(_WORD.findall(text.lower())) for path in paths for text in _captions(path)})
    fingerprints = simhashes(captions)
    long = [(text, value) for text, value in zip(captions, fingerprints, strict=True) if value is not None]
    values = np.array([value for _, value in long], np.uint64)
    runs = [{tuple(words[n : n + 3]) for n in range(len(words) - 2)} for words in (text.split() for text, _ in long)]
    counts: dict[int, collections.Counter[float]] = collections.defaultdict(collections.Counter)
    for row in range(len(values) - 1):
        distances = np.bitwise_count(values[row] ^ values[row + 1 :])
        for near in np.flatnonzero(distances <= _FARTHEST).tolist():
            other = row + 1 + near
            share = len(runs[row] & runs[other]) / len(runs[row] | runs[other])
            counts[int(distances[near])][next(least for least in _ALIKE if share >= least)] += 1
    print(f"{len(values):,} captions of eight words and more, {len(values) * (len(values) - 1) // 2:,} pairs")
    print(f"{'distance':>8} {'pairs':>6} " + " ".join(f"{f'share >= {least}':>12}" for least in _ALIKE))
    for distance in sorted(counts):
        found = counts[distance]
        print(f"{distance:8} {found.total():6} " + " ".join(f"{found[least]:12}" for least in _ALIKE))


def _captions(path: Path) -> list[str]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.decode().split("\n")  # a caption may hold what `splitlines` takes for the end of a line
    return [caption for line in lines if line and (caption := json.loads(line)["caption"]) is not None]


def captions_parts(generated: Workspace, workspace: Workspace) -> None:
    """Write the parts of `captions` and `articles` that go with the generated pairs."""
    rng = np.random.default_rng(6)
    first = np.empty(0, np.uint64)
    for shard in generated.shards("pairs"):
        pairs = read_part(
            generated.part("pairs", shard),
            columns=["figure_key", "level", "pmcid", "version", "shard", "n_chars", "caption_hash", "caption_simhash"],
        )
        simhash = pairs["caption_simhash"].to_numpy().copy()
        if len(first):
            near = np.flatnonzero(rng.random(len(simhash)) < 0.03)
            simhash[near] = first[rng.integers(0, len(first), len(near))]
            for _ in range(6):
                flips = np.uint64(1) << rng.integers(0, 64, len(near), dtype=np.uint64)
                simhash[near] ^= np.where(rng.random(len(near)) < 0.5, flips, np.uint64(0))
        else:
            first = simhash
        columns = {"key": pairs["figure_key"], "caption_simhash": simhash}
        columns |= {name: pairs[name] for name in ("level", "pmcid", "version", "shard", "n_chars", "caption_hash")}
        starts = pc.equal(pc.utf8_slice_codeunits(pairs["figure_key"], -5), "_f001")
        articles = {"pmcid": pc.unique(pairs["pmcid"].filter(starts))}  # an article may span two parts, of pairs only
        days = rng.integers(10_000, 20_000, len(articles["pmcid"])).astype("datetime64[D]")
        articles |= {"version": np.ones(len(days), np.int32), "pub_date": days, "shard": pa.repeat(shard, len(days))}
        for table, found in (("captions", columns), ("articles", articles)):
            write_part(workspace.part(table, shard), _filled(found, schema.TABLES[table]), "made up")


def _filled(columns: dict[str, object], table: pa.Schema) -> pa.Table:
    rows = len(next(iter(columns.values())))  # type: ignore[arg-type]
    missing = {field.name: pa.nulls(rows, field.type) for field in table if field.name not in columns}
    return pa.table({**columns, **missing}).select(table.names).cast(table)


def measure(workspace: Workspace) -> dict[str, float]:
    """CPU s, peak MiB and captions in groups, of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = CAPTION_GROUPS.rows(workspace, Config())
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rows = sum(table.num_rows for table in found.values())
    return {"cpu_s": cpu, "peak_mib": after.ru_maxrss / 1024, "before_mib": before.ru_maxrss / 1024, "rows": rows}


def cost(generated: Workspace) -> None:
    with tempfile.TemporaryDirectory(prefix="caption_groups.", dir=generated.root.resolve().parent) as folder:
        captions_parts(generated, Workspace(Path(folder)))
        command = [sys.executable, "-m", "benchmarks.caption_groups", "cost", folder, "--child"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"{found['cpu_s']:.1f} CPU s, peak {found['peak_mib']:.0f} MiB (before: {found['before_mib']:.0f}), "
        f"{found['rows']:,} captions in groups"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("alike", "cost"))
    parser.add_argument("paths", type=Path, nargs="+", help="files of captions; or one workspace of `pairs_table`")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.what == "alike":
        alike(arguments.paths)
        return
    workspace = Workspace(arguments.paths[0])
    if arguments.child:
        print(json.dumps(measure(workspace)))
    elif is_generated(workspace):
        cost(workspace)
    else:
        parser.exit(2, f"the pairs in {workspace.root} are not those that `benchmarks.pairs_table` makes\n")


if __name__ == "__main__":
    main()
