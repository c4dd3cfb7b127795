"""That a workspace can tell its stale parts: no stage gives other answers under its old version.

`freshness.json` holds, for every stage, its version and a digest of what it makes of the miniature PMC and of the
files that its answer depends on (networks, weights, SQL). Where a digest changes and the version does not, workspaces
that people have would stay "complete" with the old answers in them.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.crawl import catalog
from pmc15m.curate.groupings import CAPTION_GROUPS, DUPLICATES
from pmc15m.export import state as export
from pmc15m.manifests import ALL_TABLES
from pmc15m.query.report import ASSETS as REPORT_ASSETS
from pmc15m.query.report import VERSION as REPORT_VERSION
from pmc15m.stages import CAPTIONS, PAIRS, PARSE, SPLIT

COMMITTED = Path(__file__).with_name("freshness.json")

# In the order of the flow: a stage, the constant to raise, the files it reads, and its tables.
STAGES = {
    "index": ("crawl.catalog.VERSION", catalog.VERSION, (), ("catalog",)),
    "parse": ("stages.PARSE.version", PARSE.version, PARSE.assets, PARSE.writes),
    "split": ("stages.SPLIT.version", SPLIT.version, SPLIT.assets, SPLIT.writes),
    "captions": ("stages.CAPTIONS.version", CAPTIONS.version, CAPTIONS.assets, CAPTIONS.writes),
    "duplicates": ("curate.groupings.DUPLICATES.version", DUPLICATES.version, (), ("duplicates",)),
    "caption_groups": ("curate.groupings.CAPTION_GROUPS.version", CAPTION_GROUPS.version, (), ("caption_groups",)),
    "curate": ("stages.PAIRS.version", PAIRS.version, PAIRS.assets, PAIRS.writes),
    "export": ("export.state.VERSION", export.VERSION, export.ASSETS, ("export",)),
    "report": ("query.report.VERSION", REPORT_VERSION, REPORT_ASSETS, ("report",)),
}

# What another processor, codec or hour may change though the stage did not: hashes of pixels and of encoded pictures,
# where and when these lie. Numbers with a decimal point are left out by their type.
PASSING = {
    *("phash", "pixel_sha256", "md5", "sha256", "export_sha256", "export_span", "distance", "offset"),
    *("size", "change_token", "last_modified"),
}


def test_another_answer_has_another_version(demo: Path) -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    made = {
        name: [version, digest(demo / "data" / "demo", assets, tables)]
        for name, (_, version, assets, tables) in STAGES.items()
    }
    changed = [name for name in STAGES if made[name] != committed.get(name)]
    if not changed:
        return
    first, (constant, version, _, _) = changed[0], STAGES[changed[0]]  # those after it may only follow from it
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(what)}" for name, what in made.items())
    advice = f"write this into {COMMITTED.name}:\n{{\n{lines}\n}}"
    if version == committed.get(first, [None])[0]:
        advice = f"raise pmc15m.{constant}, which is {version}; then {advice}"
    raise AssertionError(f"what `{first}` makes has changed: {advice}")


def test_no_column_is_null_throughout(demo: Path) -> None:
    empty = {
        f"{name}.{field.name}"
        for name in ALL_TABLES
        for table in [pa.concat_tables(map(read, sorted((demo / "data" / "demo" / name).glob("*.parquet"))))]
        for field in table.schema
        if table[field.name].null_count == table.num_rows
    }
    assert empty == {
        # What the service's inventory does not list, and the metadata of an article tells only when it is fetched.
        *("catalog.licence_code", "catalog.licence_group", "catalog.is_pmc_openaccess"),
        *("catalog.is_manuscript", "catalog.is_historical_ocr", "catalog.is_retracted"),
        "duplicates.benchmark_distance",  # no benchmark is named
    }


def digest(root: Path, assets: Iterable[Path], tables: Iterable[str]) -> str:
    """16 hex digits of the bytes of `assets` and the rows of `tables`, whatever shard they are in."""
    sha = hashlib.sha256()
    for asset in assets:
        sha.update(asset.read_bytes())
    for table in tables:
        sha.update(table.encode())
        for line in lines(root, table):
            sha.update(line.encode() + b"\n")
    return sha.hexdigest()[:16]


def lines(root: Path, table: str) -> list[str]:
    """A table's rows as text; of an export also what each sample says, of the report its words."""
    if table == "report":
        page = (root / "report" / "index.html").read_text(encoding="utf-8")
        page = page.replace(root.name, "").partition("<body")[2]
        return [re.sub(r"data:image[^\"]*|http://[^\s<]*|[\d.,%]+", "#", page)]
    folder = root / table
    paths = sorted(folder.rglob("*.parquet"))
    rows = [json.dumps(row, default=str, sort_keys=True) for path in paths for row in plain(read(path))]
    return rows + [text for path in sorted((*folder.rglob("*.csv"), *folder.rglob("*.tar"))) for text in texts(path)]


def texts(path: Path) -> list[str]:
    """A file's text; of a tar the names of its members, and the text of those that are no pictures."""
    if path.suffix != ".tar":
        return [path.read_text(encoding="utf-8")]
    with tarfile.open(path) as tar:
        return [
            member.name + (tar.extractfile(member).read().decode() if member.name.endswith(("txt", "json")) else "")  # type: ignore[union-attr]
            for member in tar
        ]


def plain(table: pa.Table) -> list[Mapping[str, object]]:
    """The rows without what may change in passing."""
    kept = [f.name for f in table.schema if f.name not in PASSING and not pa.types.is_floating(f.type)]
    rows: list[Mapping[str, object]] = table.select(kept).to_pylist()
    return rows


def read(path: Path) -> pa.Table:
    return pq.ParquetFile(path).read()
